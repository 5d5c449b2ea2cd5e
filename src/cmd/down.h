/* cmd/down.h - what `down` does, for the commands that end with it. */

#ifndef CMD_DOWN_H
#define CMD_DOWN_H

#include "cmd/options.h"

/*
 * Flushes and unmounts everything within O's timeout and reports the outcome, in the name of COMMAND; BRIEF: only if something
 * went wrong. Returns the exit code.
 */
int down_run(const char *command, const struct options *o, bool brief);

#endif
