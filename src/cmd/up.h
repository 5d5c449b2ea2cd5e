/* cmd/up.h - what `up` does, for the commands that begin with it. */

#ifndef CMD_UP_H
#define CMD_UP_H

#include "cmd/options.h"

#define UP_TIMEOUT_S 30 /* a sandbox's SDK gives a command 60 s */

/*
 * Mounts what O and the environment name and reports the outcome, in the name of COMMAND; BRIEF: in one line if all went well.
 * Returns the exit code.
 */
int up_run(const char *command, const struct options *o, bool brief);

#endif
