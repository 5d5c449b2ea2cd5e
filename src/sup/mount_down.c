#include "sup/mount_down.h"

#include "base/clock.h"
#include "base/log.h"
#include "mnt/layer.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/look.h"
#include "sup/mount_drain.h"
#include "sup/nest.h"
#include "sup/pidfile.h"
#include "sup/reason.h"
#include "sup/states.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CLEAR_MS 5000
#define NEST_LOOK_MS 50	  /* what lies in it, or what it lies in, is looked at again */
#define STOP_STEP_MS 1500 /* a driver ends by itself when its mount is gone; then it is made to */
#define STOP_STAGES 3	  /* asked, killed, given up */
#define TRIES_MAX 8
#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 30000

static step settle_stopped;

/* What lies in it has something to do first; or it lies in one that is being ended itself, and is detached with that. */
static bool waits_for_others(const struct mount *m, const struct mnt_table *t)
{
	return (!mount_running(m) && nest_working(m)) || nest_goes_along(m, t);
}

void enter_stop(struct mount *m, const struct mnt_table *t)
{
	mount_wait(m, clock_ms() + STOP_STEP_MS);
	step_stop_look(m, t);
}

void step_stop_look(struct mount *m, const struct mnt_table *t)
{
	enum mount_event seen = t ? mount_seen(m, t) : EVENT_SHOWN;

	if (mount_running(m))
		return;
	if (seen == EVENT_GONE)
		settle_stopped(m, t);
	else if (waits_for_others(m, t))
		mount_wait(m, clock_ms() + NEST_LOOK_MS);
	else if (seen == EVENT_SHOWN && m->stop_stage <= STOP_STAGES)
		mount_enter(m, MOUNT_DETACH, t);
}

void step_escalate(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	if (t && mount_seen(m, t) == EVENT_SHOWN && waits_for_others(m, t)) {
		mount_wait(m, clock_ms() + NEST_LOOK_MS);
		return;
	}
	m->stop_stage++;
	mount_signal_driver(m, m->stop_stage == 1 ? m->driver->stop_signal : SIGKILL);
	if (m->stop_stage <= STOP_STAGES) {
		mount_wait(m, clock_ms() + STOP_STEP_MS);
		step_stop_look(m, t);
		return;
	}
	if (m->pid) {
		err_set(&e, CODE_MOUNT, "unmount %s: its driver (pid %ld) cannot be ended", m->spec.target, (long)m->pid);
		err_hint(&e, "look at /proc/%ld/stack", (long)m->pid);
	} else {
		err_set(&e, CODE_MOUNT, "unmount %s: it does not leave the mount table", m->spec.target);
		err_hint(&e, "look at what is mounted over it, or above it (findmnt)");
	}
	mount_set_error(m, &e);
	mount_enter(m, MOUNT_FAILED, t);
}

/* Ends whatever there is of it, at once; the reason stands in m->error. */
void step_give_up(struct mount *m, const struct mnt_table *t)
{
	bool launched = m->state != MOUNT_LAUNCH;

	m->goal = GOAL_ABORT;
	/* Before it is mounted it has nothing to lose, and must not mount any more. */
	mount_signal_driver(m, !launched || m->state == MOUNT_START ? SIGKILL : m->driver->stop_signal);
	m->stop_stage = 1;
	/* What stands before we have launched anything is an earlier supervisor's, and not ours to take down. */
	mount_enter(m, launched && t && mount_seen(m, t) == EVENT_SHOWN ? MOUNT_DETACH : MOUNT_STOP, t);
}

static void back_off(struct mount *m, const struct mnt_table *t)
{
	int64_t wait = 0;

	m->restarts++;
	for (int i = 1; i < m->tries; i++)
		wait = wait ? wait * 2 : BACKOFF_FIRST_MS;
	wait = wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
	if (wait)
		log_news("%s: started again in %lld ms", m->error.text, (long long)wait);
	else
		log_news("%s: started again", m->error.text);
	if (!m->failed_at)
		m->failed_at = clock_ms();
	mount_enter(m, MOUNT_BACKOFF, t);
	mount_wait(m, clock_ms() + wait);
}

/* What was before does not count. */
static void launch_anew(struct mount *m, const struct mnt_table *t)
{
	m->proven = false;
	m->up_since = 0;
	m->tries = 0;
	mount_enter(m, MOUNT_WAIT, t);
}

/* The driver has ended and the table is clear: what next? */
static void settle_stopped(struct mount *m, const struct mnt_table *t)
{
	m->group = 0;
	pidfile_remove(m);
	if (m->goal == GOAL_UP && m->proven && m->tries <= TRIES_MAX) {
		back_off(m, t);
		return;
	}
	if (m->goal == GOAL_REPLACE) {
		launch_anew(m, t);
		return;
	}
	/* One that is wanted, and comes here, has failed too often. */
	if (m->goal == GOAL_UP) {
		if (m->proven)
			log_news("%s: given up after %d times: s3mounts up starts it again", m->error.text, m->tries);
		m->goal = GOAL_ABORT;
	}
	m->then = m->goal == GOAL_ABORT ? MOUNT_FAILED : MOUNT_DOWN;
	mount_enter(m, MOUNT_LEFT, t);
}

static bool layer_stays(const struct mount *m)
{
	return m->then == MOUNT_DOWN ? m->keep_layer : m->was_up;
}

/* Nothing of it runs or stands, and nobody has asked for it meanwhile. */
static void settle_ended(struct mount *m, const struct mnt_table *t)
{
	if (!layer_stays(m) && t && mnt_layer_on_top(t, mount_path(m)))
		mount_enter(m, MOUNT_CLEAR, t);
	else
		mount_enter(m, m->then, t);
}

void enter_left(struct mount *m, const struct mnt_table *t)
{
	/* The child looks otherwise where nothing runs any more. */
	m->wanted_stamp = look_stamp();
	step_left_seen(m, t);
}

/* Written between the last look and the unmount, or left by a driver that died: only a driver can upload it. So it is for what lies in it. */
static bool uploads_once_more(struct mount *m)
{
	return m->then == MOUNT_DOWN && ((look_dirty(m) && !mount_only_quarantined(m)) || nest_needs(m)) &&
	       clock_ms() < m->give_up && m->tries++ < TRIES_MAX;
}

void step_left_seen(struct mount *m, const struct mnt_table *t)
{
	if (!look_done(m, m->wanted_stamp)) {
		mount_wait(m, m->look.deadline + 1);
		return;
	}
	m->then = m->goal == GOAL_ABORT ? MOUNT_FAILED : MOUNT_DOWN; /* what is wanted may have changed meanwhile */
	if (m->goal == GOAL_REPLACE) {
		launch_anew(m, t);
		return;
	}
	if (m->then == MOUNT_DOWN && nest_ending(m)) {
		mount_wait(m, clock_ms() + NEST_LOOK_MS);
		return;
	}
	if (uploads_once_more(m)) {
		mount_enter(m, MOUNT_WAIT, t);
		return;
	}
	if (m->then == MOUNT_DOWN) {
		m->proven = false;
		m->error.code = CODE_OK; /* what was wrong before is over */
		if (look_dirty(m))
			mount_not_sent(m, "kept in the cache");
	}
	settle_ended(m, t);
}

void enter_clear(struct mount *m, const struct mnt_table *t)
{
	if (!mount_start_task(m, child_clear, CLEAR_MS))
		mount_enter(m, MOUNT_FAILED, t);
}

void step_clear(struct mount *m, const struct mnt_table *t)
{
	m->then = m->state;
	mount_enter(m, MOUNT_CLEAR, t);
}

void step_cleared(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	struct err e;

	if (!a || a->kind != ANSWER_DONE) {
		if (a)
			e = a->e;
		else
			err_set(&e, CODE_MOUNT, "unmount %s: no answer from the kernel", m->spec.target);
		mount_set_error(m, &e);
		m->then = MOUNT_FAILED;
	} else if (m->then == MOUNT_FAILED && m->goal == GOAL_DOWN) {
		settle_stopped(m, t); /* it was given up, and is to be down now */
		return;
	}
	if (m->goal == GOAL_REPLACE)
		launch_anew(m, t);
	else
		mount_enter(m, m->then, t);
}

void step_unwant(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	m->goal = GOAL_DOWN;
}

void step_abandon(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	m->goal = GOAL_ABORT;
}

void step_restart(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	m->goal = GOAL_REPLACE;
}

void step_unwant_stopped(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_DOWN;
	m->tries = 0;
	settle_stopped(m, t);
}

/* S3 does not take its credentials: no driver could upload anything. */
static bool has_refused_keys(const struct mount *m)
{
	return m->check.kind && m->check.code != CODE_OK;
}

void step_unwant_ended(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_DOWN;
	m->proven = false;
	m->upload_now = true;
	m->stop_stage = 0;
	m->tries = has_refused_keys(m) ? TRIES_MAX : 0;
	/* "Down" is said only of what has left the mount table; what stands is tried once more. */
	if (!mount_running(m) && t && mount_seen(m, t) == EVENT_GONE)
		settle_stopped(m, t);
	else if (t && mount_seen(m, t) == EVENT_SHOWN)
		mount_enter(m, MOUNT_STOP, t);
}

void step_unwant_proven(struct mount *m, const struct mnt_table *t)
{
	m->tries = 0;
	m->replace_hung = m->upload_now = true;
	step_unwant(m, t);
}

void step_unwant_up(struct mount *m, const struct mnt_table *t)
{
	step_unwant_proven(m, t);
	step_drain(m, t);
}
