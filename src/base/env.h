/*
 * base/env.h - the variables: those of the process, and those that --env-file and --env-fd gave, which win.
 *
 * What was given never enters the process's environment, so that no child has it. It is kept until env_wipe().
 */

#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/err.h"
#include "base/span.h"

/* As getenv(3), but what is empty counts as absent: what was given empty hides the process's own. */
const char *env(const char *name);

/* The same of what was given alone. */
const char *env_given(const char *name);

/* Gives NAME its VALUE (neither holds a NUL), in place of an earlier one. Returns 0 or -1 with CODE_FAULT (no memory). */
int env_set(struct span name, struct span value, struct err *e);

/* Forgets what was given, its bytes overwritten, but for the few settings that this program asks for later: none is a secret. */
void env_wipe(void);

/* Puts all that was given into the process's environment: for a child that shall have it. Returns 0 or -1 (no memory). */
int env_export(void);

#endif
