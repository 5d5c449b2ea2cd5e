#include "sup/mount_prove.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/mount_down.h"
#include "sup/mount_drain.h"
#include "sup/mount_up.h"
#include "sup/nest.h"
#include "sup/reason.h"
#include "sup/states.h"
#include "sup/tcp_reset.h"

#include <limits.h>
#include <signal.h>

#define PROBE_MS 5000		/* a driver answers statfs(2) from memory, and a listing when S3 has answered */
#define LATE_MS 60000		/* a root that is not listed for so long, by a driver that does nothing: it hangs */
#define LATE_BYTES 4096		/* what a driver reads and writes that only answers the kernel */
#define CACHE_LOW (1024 * 1024) /* bytes free on its disk: nothing can be written to it any more */
#define UNHEALTHY_LOOK_MS 10000
#define NO_XATTRS                                                                                                   \
	"its driver answers for extended attributes of a file with EIO, as if the disk had failed: cp -a into it, " \
	"and what else copies them (shutil.copy2, files.write of E2B), fails"

static void become_unhealthy(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_UNHEALTHY, t);
	mount_wait(m, clock_ms() + UNHEALTHY_LOOK_MS);
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
static void explain_late(const struct mount *m, const struct mnt_table *t, const struct answer *a, struct err *e)
{
	if (nest_doubtful(m, t)) {
		err_set(e, CODE_MOUNT, "mount %s: it does not answer: nor is it known whether %s does, in which it lies",
			m->spec.target, nest_outer(m)->spec.target);
		err_hint(e, "it is proven again when that one has answered");
	} else if (!a) {
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
	if (hint[0] || bare.hint[0])
		err_hint(e, "%s", hint[0] ? hint : bare.hint);
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

	if (!m->proven && !nest_doubtful(m, t)) {
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
	m->hung = !nest_doubtful(m, t) && (!listing || listing_hangs(m));
	if (!t) {
		err_set(&e, CODE_FAULT, "mount %s: the mount table cannot be read: its state is unknown", m->spec.target);
	} else if (a && !listing) {
		e = a->e;
		m->hung = a->kind == ANSWER_ERROR && !nest_doubtful(m, t);
		mount_reason_read(m);
		mount_reason_of_root(m);
		if (!m->hung && !mount_reason_refused(m, &e))
			add_log_cause(m, &e);
	} else {
		explain_late(m, t, a, &e);
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
	const struct answer *a = child_answer(&m->answer);
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
	if (a && a->fails_xattrs)
		mount_note(m, NO_XATTRS);
	if (!m->proven)
		m->ms = now - m->started;
	if (!m->up_since)
		m->up_since = now;
	if (!m->down_failed)
		m->error.code = CODE_OK;
	if (m->failed_at)
		log_news("mount %s: up again after %lld ms", m->spec.target, (long long)(now - m->failed_at));
	m->failed_at = 0;
	m->down_failed = m->replace_hung = false;
	m->proven = m->was_up = true;
	if (m->goal == GOAL_UP)
		mount_enter(m, MOUNT_UP, t);
	else
		step_drain(m, t);
}
