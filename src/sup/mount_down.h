/* sup/mount_down.h - the steps by which a mount goes down. */

#ifndef SUP_MOUNT_DOWN_H
#define SUP_MOUNT_DOWN_H

#include "sup/step.h"

/* ---- when a state is entered ---- */
step enter_stop, enter_left, enter_clear;

/* ---- on an event ---- */

/* It is no longer wanted. */
step step_unwant;	  /* and goes on to where it can begin to go down, or goes down already */
step step_unwant_proven;  /* and is being proven: that comes to its end first */
step step_unwant_up;	  /* and stands */
step step_unwant_stopped; /* and nothing of it runs just now */
step step_unwant_ended;	  /* and has ended: what stands, or waits in its cache, is tried once more */
step step_abandon;	  /* and goes down already: what it has not sent stays in the cache */
step step_restart;	  /* it is wanted again, too late to stop what takes it down: it comes up after that */

/* Ends whatever there is of it, at once; the reason stands in m->error. */
step step_give_up;

/* Has all of it ended? And when it does not: harder. */
step step_stop_look, step_escalate;

step step_left_seen, step_clear, step_cleared;

#endif
