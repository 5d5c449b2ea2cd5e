/* sup/check.h - the credential check beside the mounting, in a child: it holds the TLS state and the keys, and they end with it. */

#ifndef SUP_CHECK_H
#define SUP_CHECK_H

#include "base/task.h"
#include "ctl/wire.h"

/* ARG is a struct request: asks S3 for each of its mounts, within three quarters of its timeout_ms, and writes a struct verdict each. */
task_fn check_child;

/* Reads what is there from the child into HAVE. 0: it has ended; 1: more may come. */
int check_read(struct task *t, struct buf *have);

/* Verdict number I of HAVE; where the child did not come so far, one that says so (never "ok"). */
struct verdict check_verdict(const struct buf *have, size_t i);

/* A verdict other than "ok" as an error of WHAT was tried. */
void check_error(struct err *e, const char *what, const struct verdict *v);

#endif
