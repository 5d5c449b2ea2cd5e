/* sup/mount_prove.h - the steps by which it is proven that a mount is up, and what follows where it is not. */

#ifndef SUP_MOUNT_PROVE_H
#define SUP_MOUNT_PROVE_H

#include "sup/step.h"

step enter_prove;

/* It is proven (again). */
step step_prove;
step step_proven, step_not_proven, step_proof_late;

/* It is wanted, and was unhealthy: a driver that hangs is replaced. */
step step_replace_hung;

#endif
