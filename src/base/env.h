/* base/env.h - the environment. */

#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdlib.h>

/* As getenv(3), but what is empty counts as absent. */
static inline const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

#endif
