/* cmd/down.h - what `down` does, for the commands that end with it. */

#ifndef CMD_DOWN_H
#define CMD_DOWN_H

#include "cmd/options.h"

/*
 * Flushes and unmounts all within O's timeout and tells how that went, in the name of COMMAND; BRIEF: not where all is well. Returns the exit
 * code.
 */
int down_run(const char *command, const struct options *o, bool brief);

#endif
