/* cmd/last.h - the end of process 1: with it every driver and every mount of its PID namespace is gone, whatever is not in S3 yet. */

#ifndef CMD_LAST_H
#define CMD_LAST_H

#include "cmd/options.h"
#include "ctl/run.h"
#include "ctl/wire.h"

/* Says so, where this is process 1, of the mounts in R, the answer of the last `down`: none of them stays, and where its files lie. */
void last_explain(struct report *r);

/*
 * Where this is process 1: takes the keys out of the drivers' config, which nobody can use any more. SUPERVISOR: its pid; one of another namespace
 * lives on, and keeps them.
 */
void last_forget(const struct run *run, const struct options *o, long supervisor);

#endif
