/* sup/step.h - what all steps of the state machine share: the child that a mount has asked, its driver, its error. Internal to it. */

#ifndef SUP_STEP_H
#define SUP_STEP_H

#include "sup/mount.h"

/* One step, on an event or when a state is entered. T is the mount table as it is now, NULL where it cannot be read. */
typedef void step(struct mount *m, const struct mnt_table *t);

/* It stays in its state, until EVENT_TIME at DEADLINE (NEVER). */
void mount_wait(struct mount *m, int64_t deadline);

/* Starts FN(M) in a child, with EVENT_TIME after TIMEOUT_MS. False: it could not; the error is set. */
bool mount_start_task(struct mount *m, task_fn *fn, int timeout_ms);

/*
 * Ends the child that it asked, as each change of state does; its answer stays. One that becomes the driver is let go: its end is reported by SIGCHLD.
 */
void mount_end_task(struct mount *m);

/* To the driver and what it started. */
void mount_signal_driver(const struct mount *m, int sig);

#endif
