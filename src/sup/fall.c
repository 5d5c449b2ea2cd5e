#include "sup/step.h"

#include "base/clock.h"
#include "base/log.h"
#include "mnt/layer.h"
#include "sup/child.h"
#include "sup/look.h"
#include "sup/pidfile.h"
#include "sup/reason.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define UNMOUNT_MS 5000
#define DRAIN_LOOK_MS 50 /* a driver tells nobody when it has uploaded: its cache has to be looked at */
#define BUSY_LOOK_MS 100
#define BUSY_MS 2000	  /* a file indexer or a shell that just leaves is forgiven */
#define STOP_STEP_MS 1500 /* a driver ends by itself when its mount is gone; then it is urged */
#define STOP_STAGES 3	  /* asked, killed, given up */
#define TRIES_MAX 8
#define BACKOFF_FIRST_MS 500
#define BACKOFF_MAX_MS 30000

static void unmount(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	/* Without a child the deadline of the state tries again. */
	if (!mount_start_task(m, child_unmount, UNMOUNT_MS, MOUNT_DETACH))
		mount_enter(m, MOUNT_DETACH, clock_ms() + BUSY_LOOK_MS);
}

static step settle_down;

/* Waits for the driver's end and the table; each time the deadline passes the driver is urged harder. */
void step_stop(struct mount *m, const struct mnt_table *t)
{
	enum mount_event seen = t ? mount_seen(m, t) : EVENT_SHOWN;

	mount_end_task(m);
	mount_enter(m, MOUNT_STOP, m->state == MOUNT_STOP ? m->deadline : clock_ms() + STOP_STEP_MS);
	if (mount_running(m))
		return;
	if (seen == EVENT_GONE)
		settle_down(m, t);
	else if (seen == EVENT_SHOWN && m->stop_stage <= STOP_STAGES)
		unmount(m, t);
}

void step_urge(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	m->stop_stage++;
	mount_signal_driver(m, m->stop_stage == 1 ? m->driver->stop_signal : SIGKILL);
	if (m->stop_stage <= STOP_STAGES) {
		mount_enter(m, MOUNT_STOP, clock_ms() + STOP_STEP_MS);
		step_stop(m, t);
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
	mount_enter(m, MOUNT_FAILED, NEVER);
}

/* Ends whatever there is of it, at once; the reason stands in m->error. */
void step_give_up(struct mount *m, const struct mnt_table *t)
{
	m->aborted = true;
	m->wanted = false;
	/* Before it is mounted it has nothing to lose, and must not mount any more. */
	mount_signal_driver(m, m->state == MOUNT_LAUNCH || m->state == MOUNT_START ? SIGKILL : m->driver->stop_signal);
	m->stop_stage = 1;
	/* What stands before we have launched anything is an earlier supervisor's, and not ours to take down. */
	if (m->state != MOUNT_LAUNCH && t && mount_seen(m, t) == EVENT_SHOWN)
		unmount(m, t);
	else
		step_stop(m, t);
}

/* No driver will upload these: there is nothing to wait for. */
static bool only_quarantined(const struct mount *m)
{
	return m->pending_known && m->pending.files == m->pending.quarantined;
}

static void not_sent(struct mount *m, const char *where)
{
	const struct pending *p = &m->pending;
	struct err e;

	if (!m->pending_known) {
		mount_set_error(m, &m->pending_error);
		return;
	}
	err_set(&e, CODE_PENDING, "unmount %s: not in S3 yet: %llu file%s, %llu bytes; %s", m->spec.target,
		(unsigned long long)p->files, p->files == 1 ? "" : "s", (unsigned long long)p->bytes, where);
	err_hint(&e, "give it more time (--timeout), and close what is open for writing (fuser -vm %s); its driver's log is %s",
		m->spec.target, child_log(m).s);
	if (only_quarantined(m))
		err_hint(&e, "their metadata was damaged: look at them in %s/quarantine, and remove them there",
			m->job.cache_dir);
	mount_reason_add(m, &e);
	mount_set_error(m, &e);
}

static void back_off(struct mount *m)
{
	int64_t wait = 0;

	m->restarts++;
	for (int i = 1; i < m->tries; i++)
		wait = wait ? wait * 2 : BACKOFF_FIRST_MS;
	mount_enter(m, MOUNT_BACKOFF, clock_ms() + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS));
}

/* The driver has ended and the table is clear: what next? */
static void settle_down(struct mount *m, const struct mnt_table *t)
{
	m->group = 0;
	pidfile_remove(m);
	if (!m->aborted && m->wanted && m->outdated) {
		step_launch(m, t);
	} else if (!m->aborted && m->wanted && m->proven && m->tries <= TRIES_MAX) {
		back_off(m);
	} else {
		m->then = m->aborted || m->wanted ? MOUNT_FAILED : MOUNT_DOWN;
		m->wanted = false;
		m->wanted_stamp = look_stamp();
		step_left_seen(m, t);
	}
}

static bool layer_stays(const struct mount *m)
{
	return m->then == MOUNT_DOWN ? m->successor : m->held;
}

/* Nothing runs any more. One that is wanted again meanwhile begins anew. */
static void settle_for_good(struct mount *m, const struct mnt_table *t)
{
	if (m->wanted)
		step_begin(m, t);
	else if (!layer_stays(m) && t && mnt_layer_on_top(t, mount_path(m)))
		step_clear(m, t);
	else
		mount_enter(m, m->then, NEVER);
}

void step_left_seen(struct mount *m, const struct mnt_table *t)
{
	/* The child looks otherwise where nothing runs any more. */
	mount_enter(m, MOUNT_LEFT, NEVER);
	if (!look_done(m, m->wanted_stamp)) {
		mount_enter(m, MOUNT_LEFT, m->look.deadline + 1);
		return;
	}
	if (m->aborted)
		m->then = MOUNT_FAILED;
	if (m->then == MOUNT_DOWN && !m->wanted && look_dirty(m) && !only_quarantined(m) && clock_ms() < m->give_up &&
		m->tries++ < TRIES_MAX) {
		/* Written between the last look and the unmount, or left by a driver that died: only a driver can upload it. */
		step_launch(m, t);
		return;
	}
	if (m->then == MOUNT_DOWN) {
		m->proven = false;
		m->error.code = CODE_OK; /* what was wrong before is over */
		if (look_dirty(m))
			not_sent(m, "kept in the cache");
	}
	settle_for_good(m, t);
}

void step_clear(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	if (m->state == MOUNT_FAILED || m->state == MOUNT_DOWN)
		m->then = m->state;
	if (!mount_start_task(m, child_clear, UNMOUNT_MS, MOUNT_CLEAR))
		mount_enter(m, MOUNT_FAILED, NEVER);
}

void step_cleared(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	bool cleared = a && a->kind == ANSWER_DONE;
	struct err e;

	if (!cleared && a)
		e = a->e;
	else if (!cleared)
		err_set(&e, CODE_MOUNT, "unmount %s: no answer from the kernel", m->spec.target);
	mount_end_task(m);
	if (!cleared) {
		mount_set_error(m, &e);
		m->then = MOUNT_FAILED;
	}
	if (m->wanted)
		step_begin(m, t);
	else
		mount_enter(m, m->then, NEVER);
}

/* It could not go down, for the reason in m->error: it stays, and stays looked after. That it is up has to be proven again. */
static void stay_up(struct mount *m, const struct mnt_table *t)
{
	m->wanted = true;
	m->lazy = m->heir = false;
	m->kept = true;
	step_prove(m, t);
}

void step_drain(struct mount *m, const struct mnt_table *t)
{
	m->wanted_stamp = look_stamp();
	step_drain_seen(m, t);
}

void step_drain_seen(struct mount *m, const struct mnt_table *t)
{
	int64_t now = clock_ms();

	if (!look_done(m, m->wanted_stamp)) {
		mount_enter(m, MOUNT_DRAIN, m->look.deadline + 1);
	} else if (!look_dirty(m) || only_quarantined(m) || (m->heir && now >= m->give_up)) {
		unmount(m, t);
	} else if (m->insist) {
		/* Does its driver live? One that hangs will never upload what it has. */
		step_prove(m, t);
	} else if (now < m->give_up) {
		mount_enter(m, MOUNT_DRAIN, clock_first(m->give_up, now + DRAIN_LOOK_MS + 4 * m->look_ms));
	} else {
		not_sent(m, "it stays mounted");
		stay_up(m, t);
	}
}

void step_begin_drain(struct mount *m, const struct mnt_table *t)
{
	m->busy_until = NEVER;
	m->stop_stage = 0;
	step_drain(m, t);
}

void step_busy(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	mount_end_task(m);
	if (m->busy_until == NEVER)
		m->busy_until = clock_ms() + BUSY_MS;
	if (clock_ms() < m->busy_until) {
		mount_enter(m, MOUNT_DRAIN, clock_ms() + BUSY_LOOK_MS);
		return;
	}
	err_set(&e, CODE_MOUNT, "unmount %s: it is in use (Device or resource busy): it stays mounted", m->spec.target);
	err_hint(&e, "end the process that has a file or its working directory there (fuser -vm %s), or use --lazy",
		m->spec.target);
	mount_set_error(m, &e);
	stay_up(m, t);
}

void step_unmount_failed(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	struct err e;

	if (a)
		e = a->e;
	else
		err_set(&e, CODE_MOUNT, "unmount %s: no answer from the kernel", m->spec.target);
	mount_end_task(m);
	if (!m->aborted)
		mount_set_error(m, &e);
	if (m->aborted || !m->pid)
		step_urge(m, t);
	else
		stay_up(m, t);
}

void mount_replace(struct mount *m, const struct mnt_table *t)
{
	m->tries = 1;
	mount_signal_driver(m, SIGKILL);
	step_stop(m, t);
}

void step_replace(struct mount *m, const struct mnt_table *t)
{
	/* Nothing is wrong with one that something else covers. */
	if (t && mount_seen(m, t) == EVENT_COVERED)
		return;
	m->wanted = true;
	if (m->hung)
		mount_replace(m, t);
	else
		step_prove(m, t);
}

void step_want(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	m->wanted = true;
}

void step_unwant(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	m->wanted = false;
}

/* It is going down already; it shall not come back. */
void step_abandon(struct mount *m, const struct mnt_table *t)
{
	m->aborted = true;
	step_unwant(m, t);
}

void step_unwant_stopped(struct mount *m, const struct mnt_table *t)
{
	m->wanted = false;
	m->tries = 0;
	settle_down(m, t);
}

/* S3 does not take its credentials: no driver could upload anything. */
static bool refused(const struct mount *m)
{
	return m->check.kind && m->check.code != CODE_OK;
}

void step_forget(struct mount *m, const struct mnt_table *t)
{
	m->wanted = false;
	m->proven = false;
	m->aborted = false;
	m->hurry = true;
	m->stop_stage = 0;
	m->tries = refused(m) ? TRIES_MAX : 0;
	/* "Down" is said only of what has left the mount table; what stands is tried once more. */
	if (!mount_running(m) && t && mount_seen(m, t) == EVENT_GONE)
		settle_down(m, t);
	else if (t && mount_seen(m, t) == EVENT_SHOWN)
		step_stop(m, t);
}

void step_unwant_up(struct mount *m, const struct mnt_table *t)
{
	m->wanted = false;
	m->tries = 0;
	m->insist = m->hurry = true;
	step_begin_drain(m, t);
}
