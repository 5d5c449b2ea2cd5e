/* cmd/proxy_env.h - the variables that name a proxy, from the command's environment or its --env-file to where the credentials are. */

#ifndef CMD_PROXY_ENV_H
#define CMD_PROXY_ENV_H

#include "plan/plan.h"
#include "s3/endpoint.h"

/*
 * Sets the proxy and NO_PROXY in the credentials of P, for ENDPOINT: what is given by a file wins over the environment. Returns 0, or -1 with
 * CODE_USAGE, naming the variable: it cannot be read, and a mount of P would go by it.
 */
int proxy_env_take(struct plan *p, const struct s3_endpoint *endpoint, struct err *e);

/* Every variable that names a proxy or goes around it, NULL behind the last. */
extern const char *const proxy_env_names[];

#endif
