/* cmd/up.h - what `up` does, for the commands that begin with it. */

#ifndef CMD_UP_H
#define CMD_UP_H

#include "base/arena.h"
#include "cmd/options.h"

#define UP_TIMEOUT_S 30 /* a sandbox's SDK gives a command 60 s */

/* Who was asked for what. All zero: nobody yet. */
struct up_asked {
	struct arena mem;
	long supervisor;      /* its pid; 0: not known */
	const char **targets; /* of the plan */
	size_t target_count;
};

/*
 * Mounts what O and the environment name and reports the outcome, in the name of COMMAND; BRIEF: in one line if all went well.
 * *ASKED, whose MEM is to be freed, is filled as far as it came. Returns the exit code.
 */
int up_run(const char *command, const struct options *o, bool brief, struct up_asked *asked);

#endif
