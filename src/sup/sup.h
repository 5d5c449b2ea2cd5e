/*
 * sup/sup.h - the supervisor: one resident process a sandbox, which owns the drivers, restarts one that died, and answers on the control
 * socket. One poll loop; each mount is a state machine (sup/mount.h), each request a job (sup/job.h).
 */

#ifndef SUP_SUP_H
#define SUP_SUP_H

#include "sup/run.h"

/*
 * Forks the supervisor of RUN into the background, in a session of its own, with none of the caller's descriptors but LISTENER (a
 * listening Unix socket). It ends when nothing is left to look after. Returns 0 in the caller, or -1 with *E set.
 */
int sup_spawn(const struct run *run, int listener, struct err *e);

#endif
