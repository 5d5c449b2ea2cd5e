#include "sup/step.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "sup/child.h"
#include "sup/pidfile.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAUNCH_MS 5000 /* making a folder, asking a dead mount: anything longer hangs */
#define PROBE_MS 5000  /* rclone answers statfs(2) from memory */
#define START_MS 30000 /* for a driver that is started again by itself */
#define SICK_LOOK_MS 10000
#define STABLE_MS 60000 /* up for so long: earlier failures are forgotten */

void step_launch(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	mount_forget_notes(m);
	if (m->why)
		mount_note(m, m->why);
	m->why = NULL;
	m->error.code = CODE_OK;
	m->aborted = m->outdated = m->foreign = false;
	m->stop_stage = 0;
	m->busy_until = NEVER;
	m->log_from = child_log_start(m);
	free(m->path);
	m->path = NULL;
	/* Of an adopted driver that could not be ended: its end, when it comes, is not that of the new one. */
	if (m->pidfd >= 0)
		close(m->pidfd);
	m->pidfd = -1;
	if (mount_start_task(m, child_launch, LAUNCH_MS, MOUNT_LAUNCH))
		m->pid = m->group = m->task.pid;
	else
		mount_enter(m, MOUNT_FAILED, NEVER);
}

void step_prove(struct mount *m, const struct mnt_table *t)
{
	if (!mount_start_task(m, child_probe, PROBE_MS, MOUNT_PROVE))
		step_give_up(m, t);
}

void step_begin(struct mount *m, const struct mnt_table *t)
{
	m->proven = false;
	m->up_since = 0;
	m->tries = 0;
	step_launch(m, t);
}

/* An event of the outside (a driver that died, a mount that went) in words; then what stands of it goes. */
static void broken(struct mount *m, const struct mnt_table *t, const struct err *e)
{
	mount_set_error(m, e);
	if (m->proven && m->up_since && clock_ms() - m->up_since > STABLE_MS)
		m->tries = 0;
	m->tries++;
	m->up_since = 0;
	step_stop(m, t);
}

void step_died(struct mount *m, const struct mnt_table *t)
{
	char words[sizeof(((struct err *)0)->text)];
	char how[48] = "has ended";
	struct err e;

	/* How one ended that an earlier supervisor started is told to nobody. */
	if (m->pidfd < 0 && WIFSIGNALED(m->exit_status))
		text_fmt(how, sizeof how, "was killed by signal %d", WTERMSIG(m->exit_status));
	else if (m->pidfd < 0)
		text_fmt(how, sizeof how, "ended with status %d", WEXITSTATUS(m->exit_status));
	child_last_words(m, words, sizeof words);
	err_set(&e, CODE_MOUNT, "mount %s: the driver (%s) %s%s%s", m->spec.target, m->driver->name, how, words[0] ? ": " : "",
		words);
	err_hint(&e, "its log is %s", child_log(m).s);
	broken(m, t, &e);
}

void step_vanished(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	err_set(&e, CODE_MOUNT, "mount %s: it was unmounted from outside", m->spec.target);
	broken(m, t, &e);
}

/* What hides it: on top of it, or mounted later on a folder above it. NULL: not to be seen. */
static const struct mnt_entry *cover(const struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *found = mnt_table_find(t, mount_path(m));
	struct span path = span_of(mount_path(m));

	for (size_t i = t->count; i-- && !found;) {
		struct span above = t->entries[i].target;

		if (span_eq(above, path))
			break;
		if (above.n > 1 && span_starts(path, above) && path.p[above.n] == '/')
			found = &t->entries[i];
	}
	return found;
}

/* It stays, and stays looked after: also one that was to go down and could not. */
static void sick(struct mount *m, int64_t look)
{
	m->wanted = true;
	m->up_since = 0;
	mount_enter(m, MOUNT_SICK, look);
}

void step_covered(struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *by = cover(m, t);
	struct err e;

	if (by)
		err_set(&e, CODE_MOUNT, "mount %s: %.*s (%.*s) has been mounted over it, at %.*s", m->spec.target,
			(int)by->source.n, by->source.p, (int)by->fstype.n, by->fstype.p, (int)by->target.n, by->target.p);
	else
		err_set(&e, CODE_MOUNT, "mount %s: something has been mounted over a folder above it", m->spec.target);
	err_hint(&e, "unmount that first (findmnt shows it)");
	mount_end_task(m);
	mount_set_error(m, &e);
	sick(m, NEVER);
}

static void adopt(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	m->pid = m->group = 0; /* the child that found it has only looked */
	if (pidfile_adopt(m)) {
		err_set(&e, CODE_MOUNT, "mount %s: it is mounted already, by a driver that s3mounts does not know",
			m->spec.target);
		err_hint(&e, "unmount it first: umount %s", m->spec.target);
		m->foreign = true;
		mount_set_error(m, &e);
		step_give_up(m, t);
		return;
	}
	m->fresh = false; /* it works: what the check says does not take it down */
	mount_note(m, "was mounted by an earlier supervisor: taken over");
	step_prove(m, t);
}

void step_launched(struct mount *m, const struct mnt_table *t)
{
	const struct mnt_ready *r = &child_answer(&m->answer)->ready;

	if (!(m->path = strdup(r->path)))
		abort(); /* a few bytes: nothing sensible is left to do */
	if (r->cleared)
		mount_note(m, "a dead mount was there and has been cleared");
	if (r->not_empty)
		mount_note(m, "the folder is not empty: its files are covered while it is mounted");
	if (m->spec.allow_other && !m->job.allow_other)
		mount_note(m, "other users may not enter it: /etc/fuse.conf has no user_allow_other");
	if (r->mounted) {
		mount_end_task(m);
		adopt(m, t);
		return;
	}
	task_release(&m->task);
	if (!m->pid) {
		step_died(m, t);
		return;
	}
	mount_enter(m, MOUNT_START, m->wanted && m->proven ? clock_ms() + START_MS : m->give_up);
	if (t && mount_seen(m, t) == EVENT_SHOWN)
		step_prove(m, t);
}

/*
 * The target hangs: where the driver of an earlier supervisor serves it, that driver is of no use. Its files in the cache are uploaded by the
 * next one.
 */
static bool replace_hung_driver(struct mount *m, const struct mnt_table *t)
{
	mount_signal_driver(m, SIGKILL);
	m->group = 0;
	if (pidfile_adopt(m))
		return false;
	m->outdated = true;
	mount_signal_driver(m, SIGKILL);
	step_stop(m, t);
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
		if (replace_hung_driver(m, t))
			return;
	}
	mount_signal_driver(m, SIGKILL);
	broken(m, t, &e);
}

void step_never_shown(struct mount *m, const struct mnt_table *t)
{
	char words[sizeof(((struct err *)0)->text)];
	struct err e;

	child_last_words(m, words, sizeof words);
	err_set(&e, CODE_MOUNT, "mount %s: the driver (%s) runs, but did not mount in time%s%s", m->spec.target,
		m->driver->name, words[0] ? ": " : "", words);
	err_hint(&e, "its log is %s; --timeout gives it longer", child_log(m).s);
	if (m->proven) {
		mount_signal_driver(m, SIGKILL);
		broken(m, t, &e);
		return;
	}
	mount_set_error(m, &e);
	step_give_up(m, t);
}

void step_not_proven(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	struct err e;

	if (t && mount_seen(m, t) == EVENT_COVERED) {
		step_covered(m, t);
		return;
	}
	if (!t) {
		err_set(&e, CODE_FAULT, "mount %s: the mount table cannot be read: its state is unknown", m->spec.target);
	} else if (a) {
		e = a->e;
	} else {
		err_set(&e, CODE_MOUNT, "mount %s: it does not answer within %d ms: its driver hangs", m->spec.target,
			PROBE_MS);
		err_hint(&e, "s3mounts up replaces the driver; its log is %s", child_log(m).s);
	}
	mount_end_task(m);
	mount_set_error(m, &e);
	if (m->proven && m->insist && t && (m->wanted || m->heir || clock_ms() < m->give_up)) {
		m->insist = false;
		m->why = "its driver hung, and has been replaced";
		mount_replace(m, t);
	} else if (m->proven) {
		sick(m, clock_ms() + SICK_LOOK_MS);
	} else {
		step_give_up(m, t);
	}
}

void step_proven(struct mount *m, const struct mnt_table *t)
{
	int64_t now = clock_ms();

	if (!t) {
		step_not_proven(m, t);
		return;
	}
	mount_end_task(m);
	if (mount_seen(m, t) == EVENT_COVERED) {
		step_covered(m, t);
		return;
	}
	if (mount_seen(m, t) == EVENT_GONE) {
		step_vanished(m, t);
		return;
	}
	if (!m->proven)
		m->ms = now - m->begun;
	if (!m->up_since)
		m->up_since = now;
	if (!m->kept)
		m->error.code = CODE_OK;
	m->kept = false;
	mount_enter(m, MOUNT_UP, NEVER);
	m->proven = true;
	m->insist = false;
	if (!m->wanted || m->outdated)
		step_begin_drain(m, t);
}
