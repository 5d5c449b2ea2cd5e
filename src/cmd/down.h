/* cmd/down.h - what `down` does, for the commands that end with it. */

#ifndef CMD_DOWN_H
#define CMD_DOWN_H

#include "cmd/options.h"

/* What `run` takes down. */
struct down_scope {
	const char *const *targets; /* of these mounts alone; COUNT 0: all */
	size_t count;
	bool keep; /* nothing: flushes */
};

/*
 * Flushes and unmounts, within O's timeout, and reports the outcome in the name of `run`, only if something went wrong. Returns
 * the exit code.
 */
int down_run(const struct options *o, const struct down_scope *scope);

#endif
