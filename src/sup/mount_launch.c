#include "sup/mount_launch.h"

#include "base/clock.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/mount_down.h"
#include "sup/mount_up.h"
#include "sup/pidfile.h"
#include "sup/reason.h"
#include "sup/states.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAUNCH_MS 5000 /* making a folder, asking a dead mount: anything longer hangs */

void enter_launch(struct mount *m, const struct mnt_table *t)
{
	mount_forget_notes(m);
	if (m->why)
		mount_note(m, m->why);
	m->why = NULL;
	m->error.code = CODE_OK;
	if (m->goal == GOAL_REPLACE)
		m->goal = GOAL_UP;
	m->not_ours = false;
	m->stop_stage = 0;
	m->busy_until = NEVER;
	m->late_since = NEVER;
	m->log_from = driver_log_rotate(m);
	mount_reason_init(m);
	free(m->path);
	m->path = NULL;
	/* Of an adopted driver that could not be ended: its end, when it comes, is not that of the new one. */
	if (m->pidfd >= 0)
		close(m->pidfd);
	m->pidfd = -1;
	if (mount_start_task(m, child_launch, LAUNCH_MS))
		m->pid = m->group = m->task.pid;
	else
		mount_enter(m, MOUNT_FAILED, t);
}

void step_launch(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_WAIT, t);
}

void step_begin(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_UP;
	m->proven = false;
	m->up_since = m->failed_at = 0;
	m->tries = 0;
	mount_enter(m, MOUNT_WAIT, t);
}

static void adopt_driver(struct mount *m, const struct mnt_table *t)
{
	struct err e;
	bool same;

	m->pid = m->group = 0; /* the child that found it has only looked */
	if (pidfile_adopt(m, &same)) {
		err_set(&e, CODE_MOUNT, "mount %s: it is mounted already, by a driver that s3mounts does not know",
			m->spec.target);
		err_hint(&e, "unmount it first: umount %s", m->spec.target);
		m->not_ours = true;
		mount_set_error(m, &e);
		step_give_up(m, t);
		return;
	}
	if (!same && m->goal == GOAL_UP)
		m->goal = GOAL_REPLACE;
	m->log_read = 0;     /* what the supervisor before has read of it is not known */
	m->checking = false; /* it works: what the check says does not take it down */
	mount_note(m, "was mounted by an earlier supervisor: taken over");
	mount_enter(m, MOUNT_PROVE, t);
}

void step_launched(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	const struct mnt_ready *r = &a->ready;

	if (!(m->path = strdup(r->path)))
		abort(); /* a few bytes: nothing sensible is left to do */
	if (r->cleared)
		mount_note(m, "a dead mount was there and has been cleared");
	m->driver_started = true;
	m->covers_files |= r->not_empty;
	if (m->covers_files)
		mount_note(m, "the folder is not empty: its files are covered while it is mounted");
	if (a->below_since)
		m->below_since = a->below_since;
	if (a->layer.code != CODE_OK)
		mount_note(m,
			"its folder could not be sealed for the times when its driver is away: what is written to it then goes to the disk, and is reported");
	if (m->spec.allow_other && !m->job.allow_other)
		mount_note(m, "other users may not enter it: /etc/fuse.conf has no user_allow_other");
	if (r->mounted) {
		mount_end_task(m);
		adopt_driver(m, t);
		return;
	}
	task_release(&m->task);
	if (!m->pid) {
		step_died(m, t);
		return;
	}
	if (t && mount_seen(m, t) == EVENT_SHOWN) {
		mount_enter(m, MOUNT_PROVE, t);
		return;
	}
	mount_enter(m, MOUNT_START, t);
	mount_wait(m, mount_wanted(m) && m->proven ? clock_ms() + MOUNT_START_MS : m->give_up);
}

/*
 * The target hangs: where the driver of an earlier supervisor serves it, that driver is of no use. Its files in the cache are uploaded by the
 * next one.
 */
static bool replace_unknown_driver(struct mount *m, const struct mnt_table *t)
{
	bool same;

	mount_signal_driver(m, SIGKILL);
	m->group = 0;
	if (pidfile_adopt(m, &same))
		return false;
	if (m->goal == GOAL_UP)
		m->goal = GOAL_REPLACE;
	mount_signal_driver(m, SIGKILL);
	mount_enter(m, MOUNT_STOP, t);
	return true;
}

void step_launch_failed(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	struct err e;

	if (a && a->kind == ANSWER_ERROR) {
		e = a->e;
	} else {
		err_set(&e, CODE_MOUNT,
			"mount %s: making the folder ready did not end: something that is mounted there, or above it, hangs",
			m->spec.target);
		err_hint(&e, "umount -l %s, if it is not needed", m->spec.target);
		if (replace_unknown_driver(m, t))
			return;
	}
	mount_signal_driver(m, SIGKILL);
	mount_fail(m, t, &e);
}

void step_never_shown(struct mount *m, const struct mnt_table *t)
{
	char cause[sizeof(((struct err *)0)->text)], hint[sizeof(((struct err *)0)->hint)];
	struct err e;

	driver_log_explain(m, cause, sizeof cause, hint, sizeof hint);
	err_set(&e, CODE_MOUNT, "mount %s: the driver (%s) runs, but did not mount in time%s%s", m->spec.target,
		m->driver->name, cause[0] ? ": " : "", cause);
	if (hint[0])
		err_hint(&e, "%s", hint);
	else
		err_hint(&e, "its log is %s; --timeout gives it longer", driver_log_path(m).s);
	if (m->proven) {
		mount_signal_driver(m, SIGKILL);
		mount_fail(m, t, &e);
		return;
	}
	mount_set_error(m, &e);
	step_give_up(m, t);
}
