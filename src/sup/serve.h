/*
 * sup/serve.h - a supervisor: one resident process a sandbox, which owns the drivers, restarts one that died, and answers on the control socket.
 */

#ifndef SUP_SERVE_H
#define SUP_SERVE_H

#include "ctl/run.h"
#include "ctl/wire.h"

/*
 * Forks the supervisor of RUN into the background, in a session of its own, with none of the caller's descriptors but LISTENER (and serve_news_to()'s). It ends when
 * nothing is left to look after. Its copy of SECRETS is wiped. Returns 0 in the caller, or -1 with *E set.
 */
int serve_spawn(const struct run *run, int listener, struct creds *secrets, struct err *e);

/*
 * Supervisors that this process starts from now on write what becomes of their drivers to FD, a pipe, too: a line when one has died, or is
 * given up, and when its mount is up again. Its end: the supervisor has ended.
 */
void serve_news_to(int fd);

/*
 * Is the supervisor of RUN, in this process, until SIGTERM or SIGINT: then it flushes and unmounts for at most STOP_MS, and returns CODE_OK, or
 * CODE_PENDING where files are not in S3 yet (their drivers run on). What it does goes to stderr too. FIRST is an `up` that it begins with, or
 * NULL; its credentials are wiped. *CACHE is where the last mounts have had their caches, "" where there were none.
 */
int serve_here(const struct run *run, int listener, struct request *first, int stop_ms, const char **cache);

#endif
