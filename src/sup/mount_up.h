/* sup/mount_up.h - the steps by which a mount comes up, and is looked after while it is. */

#ifndef SUP_MOUNT_UP_H
#define SUP_MOUNT_UP_H

#include "sup/step.h"

/* ---- when a state is entered ---- */
step enter_launch, enter_prove, enter_up, enter_unhealthy, enter_renew;

/* ---- on an event ---- */

/* It is wanted from now on: what was before does not count. */
step step_begin;

/* It is wanted, on its way up, or down and not yet unmounted: it is proven again. */
step step_want, step_keep;

/* Its driver is started (again). */
step step_launch;
step step_launched, step_launch_failed, step_never_shown;

/* It is proven (again). */
step step_prove;
step step_proven, step_not_proven, step_proof_late;

/* It is wanted, and was unhealthy: a driver that hangs is replaced. */
step step_replace_hung;

step step_renew, step_renewed, step_not_renewed;

/* What comes from outside. */
step step_died, step_vanished, step_covered;

#endif
