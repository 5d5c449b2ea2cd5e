#include "sup/mount_up.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/mount_down.h"
#include "sup/pidfile.h"
#include "sup/reason.h"
#include "sup/states.h"
#include "sup/tcp_reset.h"

#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LAUNCH_MS 5000		/* making a folder, asking a dead mount: anything longer hangs */
#define PROBE_MS 5000		/* a driver answers statfs(2) from memory, and a listing when S3 has answered */
#define LATE_MS 60000		/* a root that is not listed for so long, by a driver that does nothing: it hangs */
#define LATE_BYTES 4096		/* what a driver reads and writes that only answers the kernel */
#define CACHE_LOW (1024 * 1024) /* bytes free on its disk: nothing can be written to it any more */
#define UNHEALTHY_LOOK_MS 10000
#define RENEW_MS 5000
#define STABLE_MS 60000 /* up for so long: earlier failures are forgotten */

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
	mount_enter(m, MOUNT_LAUNCH, t);
}

void step_begin(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_UP;
	m->proven = false;
	m->up_since = 0;
	m->tries = 0;
	mount_enter(m, MOUNT_LAUNCH, t);
}

void step_want(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	if (!mount_wanted(m))
		m->goal = GOAL_UP;
}

/* It is on its way down, and stands: whether it still is up has to be proven. One that is to be replaced goes on to that. */
void step_keep(struct mount *m, const struct mnt_table *t)
{
	if (m->goal == GOAL_REPLACE)
		return;
	m->goal = GOAL_UP;
	mount_enter(m, MOUNT_PROVE, t);
}

/* It stays, and stays looked after: also one that was to go down and could not. */
void enter_unhealthy(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	if (!mount_wanted(m))
		m->goal = GOAL_UP;
	m->up_since = 0;
}

static void become_unhealthy(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_UNHEALTHY, t);
	mount_wait(m, clock_ms() + UNHEALTHY_LOOK_MS);
}

void enter_up(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	buf_free(&m->answer); /* for as long as all is well */
}

void enter_prove(struct mount *m, const struct mnt_table *t)
{
	m->not_asked = !mount_start_task(m, child_probe, PROBE_MS);
	if (!m->not_asked)
		return;
	/* That this machine has no process to spare says nothing of a mount that works. */
	if (m->proven)
		become_unhealthy(m, t);
	else
		step_give_up(m, t);
}

void step_prove(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_PROVE, t);
}

/* What came from outside (a driver that died, a mount that went), in E; then what stands of it goes. */
static void fail_mount(struct mount *m, const struct mnt_table *t, const struct err *e)
{
	mount_set_error(m, e);
	if (m->proven && m->up_since && clock_ms() - m->up_since > STABLE_MS)
		m->tries = 0;
	m->tries++;
	m->up_since = 0;
	mount_enter(m, MOUNT_STOP, t);
}

void step_died(struct mount *m, const struct mnt_table *t)
{
	char cause[sizeof(((struct err *)0)->text)], hint[sizeof(((struct err *)0)->hint)];
	char how[48] = "has ended";
	struct err e;

	/* How one ended that an earlier supervisor started is not known: it is no child of ours. */
	if (m->pidfd < 0 && WIFSIGNALED(m->exit_status))
		text_fmt(how, sizeof how, "was killed by signal %d", WTERMSIG(m->exit_status));
	else if (m->pidfd < 0)
		text_fmt(how, sizeof how, "ended with status %d", WEXITSTATUS(m->exit_status));
	driver_log_explain(m, cause, sizeof cause, hint, sizeof hint);
	err_set(&e, CODE_MOUNT, "mount %s: the driver (%s) %s%s%s", m->spec.target, m->driver->name, how, cause[0] ? ": " : "",
		cause);
	err_hint(&e, "%s%s", hint[0] ? hint : "its log is ", hint[0] ? "" : driver_log_path(m).s);
	fail_mount(m, t, &e);
}

void step_vanished(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	err_set(&e, CODE_MOUNT, "mount %s: it was unmounted from outside", m->spec.target);
	fail_mount(m, t, &e);
}

/* What hides it: on top of it, or mounted later on a folder above it. NULL: not to be seen. */
static const struct mnt_entry *find_cover(const struct mount *m, const struct mnt_table *t)
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

void step_covered(struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *by = find_cover(m, t);
	struct err e;

	if (by)
		err_set(&e, CODE_MOUNT, "mount %s: %.*s (%.*s) has been mounted over it, at %.*s", m->spec.target,
			(int)by->source.n, by->source.p, (int)by->fstype.n, by->fstype.p, (int)by->target.n, by->target.p);
	else
		err_set(&e, CODE_MOUNT, "mount %s: something has been mounted over a folder above it", m->spec.target);
	err_hint(&e, "unmount that first (findmnt shows it)");
	mount_set_error(m, &e);
	mount_enter(m, MOUNT_UNHEALTHY, t);
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
		mount_note(m, "nothing can be laid under it: what is written there while its driver is away is looked for");
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
	fail_mount(m, t, &e);
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
		fail_mount(m, t, &e);
		return;
	}
	mount_set_error(m, &e);
	step_give_up(m, t);
}

/* What process PID has read and written, sockets too (proc_pid_io(5)); 0: not known. */
static uint64_t process_bytes(pid_t pid)
{
	char path[64], mem[1024];
	struct buf text = buf_over(mem, sizeof mem);
	struct span rest, line, value;
	unsigned long n, sum = 0;
	struct err unused;

	text_fmt(path, sizeof path, "/proc/%ld/io", (long)pid);
	if (file_read(path, &text, &unused))
		return 0;
	for (rest = buf_all(&text); span_cut(&rest, '\n', &line);)
		if (span_cut(&line, ':', &value) && (span_is(value, "rchar") || span_is(value, "wchar")) &&
			span_number(span_trim(line), ULONG_MAX, &n))
			sum += n;
	return sum;
}

/* Its root is not listed: by a driver that is at work (it renames a folder, reads a long list) it will be. */
static bool listing_hangs(struct mount *m)
{
	uint64_t bytes = process_bytes(m->pid);
	int64_t now = clock_ms();

	if (m->late_since == NEVER || bytes > m->late_bytes + LATE_BYTES || tcp_any_established(m->pid)) {
		m->late_since = now;
		m->late_bytes = bytes;
	}
	return now - m->late_since >= LATE_MS;
}

/* Why the proof has failed, in *E. */
static void explain_late(struct mount *m, const struct answer *a, struct err *e)
{
	if (!a) {
		err_set(e, CODE_MOUNT, "mount %s: it does not answer within %d ms: its driver hangs", m->spec.target, PROBE_MS);
		err_hint(e, "s3mounts up replaces the driver; its log is %s", driver_log_path(m).s);
	} else if (a->cache_free < CACHE_LOW) {
		err_set(e, CODE_FAULT, "mount %s: it does not answer: the disk of its cache, %s, is full", m->spec.target,
			m->job.cache_dir);
		err_hint(e, "free space there, or give another folder (--cache-dir)");
	} else {
		err_set(e, CODE_MOUNT,
			"mount %s: it does not answer: its root is not listed: S3 does not answer its driver, or a folder is being renamed",
			m->spec.target);
		err_hint(e, "its log is %s", driver_log_path(m).s);
	}
}

/* For the error E of a listing, what the driver says of it. */
static void add_log_cause(const struct mount *m, struct err *e)
{
	char cause[sizeof e->text], hint[sizeof e->hint];
	struct err bare = *e;

	driver_log_explain(m, cause, sizeof cause, hint, sizeof hint);
	err_set(e, bare.code, "mount %s: %s%s%s", m->spec.target, bare.text, cause[0] ? ": " : "", cause);
	if (hint[0])
		err_hint(e, "%s", hint);
	else
		err_hint(e, "its log is %s", driver_log_path(m).s);
}

/* Ends a driver that does not answer and is of no use: its files in the cache are uploaded by the next one. */
static void replace_driver(struct mount *m, const struct mnt_table *t)
{
	m->tries = 1;
	mount_signal_driver(m, SIGKILL);
	mount_enter(m, MOUNT_STOP, t);
}

void step_replace_hung(struct mount *m, const struct mnt_table *t)
{
	/* Nothing is wrong with one that something else covers. */
	if (t && mount_seen(m, t) == EVENT_COVERED)
		return;
	step_want(m, t);
	if (m->hung)
		replace_driver(m, t);
	else
		mount_enter(m, MOUNT_PROVE, t);
}

static void leave_unproven(struct mount *m, const struct mnt_table *t)
{
	bool replace = m->replace_hung;
	/* On its way down another driver needs time to upload: else the files stay with the mount, which the next `down` finds. */
	bool time_left = mount_wanted(m) || m->goal == GOAL_HANDOVER || clock_ms() + PROBE_MS < m->give_up;

	if (!m->proven) {
		step_give_up(m, t);
	} else if (!m->hung && !mount_wanted(m)) {
		/* Its driver lives, and goes on with what has to go to S3 before the mount goes. */
		m->replace_hung = false;
		step_drain(m, t);
	} else if (m->hung && replace && t && time_left) {
		m->replace_hung = false;
		m->why = "its driver hung, and has been replaced";
		replace_driver(m, t);
	} else {
		become_unhealthy(m, t);
	}
}

void step_not_proven(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);
	bool listing = a && a->kind == ANSWER_STATFS;
	struct err e;

	if (t && mount_seen(m, t) == EVENT_COVERED) {
		step_covered(m, t);
		return;
	}
	m->hung = !listing || listing_hangs(m);
	if (!t) {
		err_set(&e, CODE_FAULT, "mount %s: the mount table cannot be read: its state is unknown", m->spec.target);
	} else if (a && !listing) {
		e = a->e;
		m->hung = a->kind == ANSWER_ERROR;
		mount_reason_read(m);
		mount_reason_of_root(m);
		if (!m->hung && !mount_reason_refused(m, &e))
			add_log_cause(m, &e);
	} else {
		explain_late(m, a, &e);
	}
	if (!m->down_failed) /* why it could not go down is reported first */
		mount_set_error(m, &e);
	leave_unproven(m, t);
}

void step_proof_late(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a = child_answer(&m->answer);

	/* What has never been up is given all of its time: the list may be long. */
	if (a && a->kind == ANSWER_STATFS && !m->proven && clock_ms() < m->give_up)
		mount_wait(m, m->give_up);
	else
		step_not_proven(m, t);
}

void step_proven(struct mount *m, const struct mnt_table *t)
{
	int64_t now = clock_ms();

	if (!t) {
		step_not_proven(m, t);
		return;
	}
	if (mount_seen(m, t) == EVENT_COVERED) {
		step_covered(m, t);
		return;
	}
	if (mount_seen(m, t) == EVENT_GONE) {
		step_vanished(m, t);
		return;
	}
	m->hung = false;
	m->late_since = NEVER;
	mount_reason_answered(m);
	if (!m->proven)
		m->ms = now - m->started;
	if (!m->up_since)
		m->up_since = now;
	if (!m->down_failed)
		m->error.code = CODE_OK;
	m->down_failed = m->replace_hung = false;
	m->proven = m->was_up = true;
	if (m->goal == GOAL_UP)
		mount_enter(m, MOUNT_UP, t);
	else
		step_drain(m, t);
}

void enter_renew(struct mount *m, const struct mnt_table *t)
{
	if (!mount_start_task(m, child_renew, RENEW_MS))
		step_not_renewed(m, t);
}

void step_renew(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_RENEW, t);
}

void step_renewed(struct mount *m, const struct mnt_table *t)
{
	mount_note(m, "its driver has got new credentials");
	mount_enter(m, MOUNT_PROVE, t);
}

/* Then it is started anew with them. */
void step_not_renewed(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_REPLACE;
	m->why = "its driver did not take the new credentials: flushed, and mounted again";
	step_drain(m, t);
}
