#include "sup/mount_drain.h"

#include "base/clock.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/look.h"
#include "sup/mount_nest.h"
#include "sup/nest.h"
#include "sup/reason.h"
#include "sup/states.h"

#include <signal.h>

#define UNMOUNT_MS 5000
#define DRAIN_LOOK_MS 50 /* no driver says when it has uploaded: its cache has to be looked at */
#define OUTER_LOOK_MS 50 /* nor what it lies in, when it is proven again */
#define BUSY_LOOK_MS 100
#define BUSY_MS 2000 /* a file indexer or a shell that just leaves is forgiven */

bool mount_only_quarantined(const struct mount *m)
{
	return m->pending_known && m->pending.files == m->pending.quarantined;
}

void mount_not_sent(struct mount *m, const char *where)
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
		m->spec.target, driver_log_path(m).s);
	if (mount_only_quarantined(m))
		err_hint(&e, "their metadata was damaged: look at them in %s/quarantine, and remove them there",
			m->job.cache_dir);
	mount_reason_add(m, &e);
	mount_set_error(m, &e);
}

void mount_stay_up(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_UP;
	m->lazy = false;
	m->down_failed = true;
	mount_enter(m, MOUNT_PROVE, t);
}

void step_drain(struct mount *m, const struct mnt_table *t)
{
	m->busy_until = NEVER;
	m->stop_stage = 0;
	mount_enter(m, MOUNT_DRAIN, t);
}

void enter_drain(struct mount *m, const struct mnt_table *t)
{
	if (m->busy_until == NEVER)
		step_drain_again(m, t);
	else
		mount_wait(m, clock_ms() + BUSY_LOOK_MS);
}

void step_drain_again(struct mount *m, const struct mnt_table *t)
{
	m->wanted_stamp = look_stamp();
	step_drain_seen(m, t);
}

/* All of it is in S3; or the driver that follows it goes on with the rest, as nothing more can be waited for. */
static bool is_drained(const struct mount *m, const struct mnt_table *t)
{
	bool followed = m->goal == GOAL_HANDOVER || nest_lost(m, t);

	return !look_dirty(m) || mount_only_quarantined(m) || (followed && clock_ms() >= m->give_up);
}

static void unmount_drained(struct mount *m, const struct mnt_table *t)
{
	int64_t now = clock_ms();

	if (nest_lost(m, t))
		mount_enter(m, MOUNT_STOP, t);
	else if (nest_doubtful(m, t) && now < m->give_up)
		mount_wait(m, clock_earlier(m->give_up, now + OUTER_LOOK_MS));
	else
		mount_enter(m, MOUNT_DETACH, t);
}

void step_drain_seen(struct mount *m, const struct mnt_table *t)
{
	const struct mount *holder = nest_holder(m, t);
	int64_t now = clock_ms();

	if (!look_done(m, m->wanted_stamp)) {
		mount_wait(m, m->look.deadline + 1);
	} else if (is_drained(m, t) && !holder) {
		unmount_drained(m, t);
	} else if (m->replace_hung) {
		/* Does its driver live? One that hangs will never upload what it has, and nothing in it can be unmounted. */
		mount_enter(m, MOUNT_PROVE, t);
	} else if (now < m->give_up) {
		mount_wait(m, clock_earlier(m->give_up, now + DRAIN_LOOK_MS + 4 * m->look_ms));
	} else if (holder) {
		step_inner_stays(m, t);
	} else {
		mount_not_sent(m, "it stays mounted");
		mount_stay_up(m, t);
	}
}

void step_busy(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	if (m->busy_until == NEVER)
		m->busy_until = clock_ms() + BUSY_MS;
	if (clock_ms() < m->busy_until) {
		mount_enter(m, MOUNT_DRAIN, t);
		return;
	}
	m->pending_stamp = 0; /* whoever uses it may have written since */
	err_set(&e, CODE_MOUNT, "unmount %s: it is in use (Device or resource busy): it stays mounted", m->spec.target);
	err_hint(&e,
		"end the process that has a file or its working directory there (fuser -vm %s), or use s3mounts down --lazy",
		m->spec.target);
	mount_set_error(m, &e);
	mount_stay_up(m, t);
}

void step_detach_failed(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	struct err e;

	if (a)
		e = a->e;
	else
		err_set(&e, CODE_MOUNT, "unmount %s: no answer from the kernel", m->spec.target);
	if (nest_lost(m, t)) {
		/* No path leads to it: it goes with what it lies in, or not at all. */
		m->stop_stage += !m->pid;
		mount_enter(m, MOUNT_STOP, t);
		return;
	}
	if (m->goal != GOAL_ABORT)
		mount_set_error(m, &e);
	if (m->goal == GOAL_ABORT || !m->pid) {
		m->stop_stage++;
		mount_signal_driver(m, m->stop_stage == 1 ? m->driver->stop_signal : SIGKILL);
		mount_enter(m, MOUNT_STOP, t);
	} else {
		mount_stay_up(m, t);
	}
}

void enter_detach(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	if (!mount_start_task(m, child_unmount, UNMOUNT_MS))
		mount_wait(m, clock_ms() + BUSY_LOOK_MS); /* then as after an umount(2) that failed */
}

void step_detached(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_STOP, t);
}
