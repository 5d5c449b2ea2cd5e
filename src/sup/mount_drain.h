/* sup/mount_drain.h - the steps by which the files of a mount are waited for, and it is unmounted. */

#ifndef SUP_MOUNT_DRAIN_H
#define SUP_MOUNT_DRAIN_H

#include "sup/step.h"

/* ---- when a state is entered ---- */
step enter_drain, enter_detach;

/* ---- on an event ---- */

/* Its files are waited for, and what stands in it; then it is unmounted. */
step step_drain;
step step_drain_again, step_drain_seen;

step step_detached, step_busy, step_detach_failed;

/* It could not go down, for the reason in m->error: it stays, and stays looked after. That it is up has to be proven again. */
step mount_stay_up;

/* No driver will upload what it has: there is nothing to wait for. */
bool mount_only_quarantined(const struct mount *m);

/* Sets its error: what is not in S3, and WHERE that is now. */
void mount_not_sent(struct mount *m, const char *where);

#endif
