/*
 * base/env.h - variables: those of the process, and those given by --env-file and --env-fd, which win.
 *
 * The given ones never enter the process's environment, so no child has them. They are kept until env_wipe().
 */

#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/err.h"
#include "base/span.h"

/* As getenv(3), but an empty value counts as absent: one that was given empty hides the process's own. */
const char *env(const char *name);

/* The same among the given ones alone. */
const char *env_given(const char *name);

/* Is NAME set, to an empty value? */
bool env_is_empty(const char *name);

/*
 * Sets NAME to VALUE among the given ones (neither holds a NUL), replacing an earlier one. Returns 0 or -1 with CODE_FAULT (out
 * of memory).
 */
int env_set(struct span name, struct span value, struct err *e);

/*
 * Forgets the given ones and overwrites their bytes, except for the few settings that this program reads later: none of those
 * is a secret.
 */
void env_wipe(void);

/*
 * Puts all given ones into the process's environment, for a child that is meant to have them. Returns 0 or -1 (out of memory).
 */
int env_export(void);

#endif
