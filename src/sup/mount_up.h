/* sup/mount_up.h - the steps of a mount that is up, or is to stay: new keys, and what comes from outside. */

#ifndef SUP_MOUNT_UP_H
#define SUP_MOUNT_UP_H

#include "sup/step.h"

/* ---- when a state is entered ---- */
step enter_up, enter_unhealthy, enter_renew;

/* ---- on an event ---- */

/* It is wanted, on its way up, or down and not yet unmounted: it is proven again. */
step step_want, step_keep;

step step_renew, step_renewed, step_not_renewed;

/* What comes from outside. */
step step_died, step_vanished, step_covered;

/* What came from outside (a driver that died, a mount that went), in E; then what stands of it goes. */
void mount_fail(struct mount *m, const struct mnt_table *t, const struct err *e);

#endif
