/* sup/mount_launch.h - the steps by which a driver is started, and its mount shows. */

#ifndef SUP_MOUNT_LAUNCH_H
#define SUP_MOUNT_LAUNCH_H

#include "sup/step.h"

step enter_launch;

/* It is wanted from now on: what was before does not count. */
step step_begin;

/* Its driver is started (again). */
step step_launch;
step step_launched, step_launch_failed, step_never_shown;

#endif
