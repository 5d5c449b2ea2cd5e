#include "sup/mount_nest.h"

#include "base/clock.h"
#include "sup/mount_down.h"
#include "sup/mount_drain.h"
#include "sup/mount_up.h"
#include "sup/nest.h"
#include "sup/states.h"

#include <signal.h>

#define GO_MS \
	5000 /* for its uploads, where what it lies in is away and nobody has said how long; the next driver goes on with them */

void enter_wait(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	m->error.code = CODE_OK;
}

void step_ready(struct mount *m, const struct mnt_table *t)
{
	/* What has waited by itself is given its time from now on; what was asked for has its own. */
	if (mount_wanted(m) && clock_ms() >= m->give_up)
		m->give_up = clock_ms() + MOUNT_START_MS;
	mount_enter(m, MOUNT_LAUNCH, t);
}

void step_outer_failed(struct mount *m, const struct mnt_table *t)
{
	const struct mount *o = nest_outer(m);
	bool over = o->state == MOUNT_FAILED || o->state == MOUNT_DOWN;
	struct err e;

	if (!mount_wanted(m)) {
		/* Only a driver could upload what it has left, and none can be started there. */
		m->give_up = clock_ms();
		mount_enter(m, MOUNT_STOP, t);
		return;
	}
	err_set(&e, o->error.code == CODE_OK ? CODE_MOUNT : o->error.code, "mount %s: it lies in %s, which is not up",
		m->spec.target, o->spec.target);
	err_hint(&e,
		over ? "what is wrong with %s is reported there; s3mounts up mounts both" :
		       "what is wrong with %s is reported there; this one is mounted as soon as that is up",
		o->spec.target);
	mount_set_error(m, &e);
	if (!over)
		return;
	m->goal = GOAL_ABORT;
	mount_enter(m, MOUNT_STOP, t);
}

void step_wait_again(struct mount *m, const struct mnt_table *t)
{
	step_want(m, t);
	mount_enter(m, MOUNT_WAIT, t);
}

void step_unwant_waiting(struct mount *m, const struct mnt_table *t)
{
	step_unwant_proven(m, t);
	/* One that stands, by an earlier supervisor, is taken over first. */
	if (t && mount_seen(m, t) == EVENT_GONE)
		mount_enter(m, MOUNT_STOP, t);
}

void step_outer_goes(struct mount *m, const struct mnt_table *t)
{
	bool lost = nest_lost(m, t), empty = m->state == MOUNT_LAUNCH || m->state == MOUNT_START;
	const struct mount *o = nest_outer(m);

	/* One that has been up is started again as after any other fault. */
	if (mount_wanted(m) && !m->proven)
		m->goal = GOAL_REPLACE;
	m->why = "what it lies in was away: mounted in it again";
	m->tries = 0;
	m->down_failed = false;
	m->upload_now = true;
	m->replace_hung = false;
	if (mount_wanted(m))
		m->give_up = !lost && o->give_up > clock_ms() ? o->give_up : clock_ms() + GO_MS;
	if (empty) {
		mount_signal_driver(m, SIGKILL);
		mount_enter(m, MOUNT_STOP, t);
	} else {
		step_drain(m, t);
	}
}

void step_inner_in_the_way(struct mount *m, const struct mnt_table *t)
{
	const struct mount *inner = nest_standing(m, t);
	struct err e;

	err_set(&e, inner->error.code == CODE_OK ? CODE_MOUNT : inner->error.code,
		"mount %s: it would cover %s, which is mounted in that folder", m->spec.target, inner->spec.target);
	err_hint(&e, "why that one could not go down is reported there; this one is mounted when that has gone");
	mount_set_error(m, &e);
}

void step_inner_stays(struct mount *m, const struct mnt_table *t)
{
	const struct mount *inner = nest_holder(m, t);
	struct err e;

	err_set(&e, inner->error.code == CODE_OK ? CODE_MOUNT : inner->error.code,
		"unmount %s: it stays mounted: %s stands in it", m->spec.target, inner->spec.target);
	err_hint(&e, "why that one could not go down is reported there");
	mount_set_error(m, &e);
	mount_stay_up(m, t);
}
