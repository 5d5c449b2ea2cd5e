/* sup/mount_nest.h - the steps of a mount that lies in another one, or in which another one lies (sup/nest.h). */

#ifndef SUP_MOUNT_NEST_H
#define SUP_MOUNT_NEST_H

#include "sup/step.h"

step enter_wait;

/* It waits to be launched: nothing is in its way any more; what it lies in will not come up, or not soon. */
step step_ready, step_outer_failed;

/* It waits, and is wanted again; is not wanted any more; would cover what lies in it and could not go down. */
step step_wait_again, step_unwant_waiting, step_inner_in_the_way;

/* What it lies in goes, or has gone: it goes first, and comes back. */
step step_outer_goes;

/* It would go down, and what lies in it could not: it stays. */
step step_inner_stays;

#endif
