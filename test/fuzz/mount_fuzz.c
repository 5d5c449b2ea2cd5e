/*
 * mount_fuzz.c - the life of one mount (sup/{mount,states,step,mount_launch,mount_prove,mount_up,mount_drain,mount_down}.c) in a
 * world without processes and mounts: each byte of the input is something that happens. What the steps reach outside for is defined here instead. "Up" follows a
 * proof of what the table shows; "down" is said of what has left the table; whatever has happened, the mount comes to
 * rest.
 */

#include "fuzz.h"

#include "base/clock.h"
#include "base/log.h"
#include "mnt/layer.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/look.h"
#include "sup/nest.h"
#include "sup/pidfile.h"
#include "sup/reason.h"
#include "sup/states.h"
#include "sup/tcp_reset.h"

#include <signal.h>

#define NO_FD 1000000 /* what is done with it fails */
#define LAYER "4 1 0:7 / /m ro - tmpfs s3mounts:/r rw\n"
#define OURS "2 %d 0:5 / /m rw - fuse.rclone s3mounts:b/p rw\n"
#define COVER "3 %d 0:6 / /m rw - tmpfs tmpfs rw\n"

struct process {
	pid_t pid; /* 0: none */
	bool told; /* to end */
};

static struct {
	int64_t now;
	bool layer, ours, covered, unreadable; /* the mount table */
	struct process child, driver;	       /* the child that becomes the driver; the driver */
	bool dirty, no_children;	       /* files are pending; fork(2) fails */
	bool adoptable, outdated;	       /* RUN names a driver; it was started otherwise */
	task_fn *asked;			       /* the child that was asked last */
	bool stood;			       /* as it was asked: the mount stood */
	bool proven;			       /* it was a probe, has answered well, and the table shows the mount */
	bool seen_dirty;		       /* what the last look has found */
	unsigned long stamps;
	pid_t pids;
} world;

/* ---- the seam ---- */

int64_t clock_ms(void)
{
	return world.now;
}

int64_t clock_earlier(int64_t a, int64_t b)
{
	return a == NEVER || (b != NEVER && b < a) ? b : a;
}

int clock_left(int64_t deadline)
{
	return deadline == NEVER ? -1 : deadline < world.now ? 0 : (int)(deadline - world.now);
}

void log_time(char out[LOG_TIME])
{
	out[0] = 0;
}

void log_line(const char *fmt, ...)
{
	(void)fmt;
}

void log_news(const char *fmt, ...)
{
	(void)fmt;
}

int task_start(struct task *t, task_fn *fn, void *arg, int timeout_ms, struct err *e)
{
	(void)arg;
	CHECK(!t->active);
	if (world.no_children)
		return err_set(e, CODE_FAULT, "start a helper process: fork");
	*t = (struct task){ .active = true, .pid = ++world.pids, .out = -1, .deadline = world.now + timeout_ms };
	world.asked = fn;
	if (fn == child_launch)
		world.child = (struct process){ .pid = t->pid };
	world.stood = world.ours && !world.covered;
	return 0;
}

void task_stop(struct task *t)
{
	task_release(t);
}

void task_release(struct task *t)
{
	*t = (struct task){ 0 };
}

ssize_t task_read(const struct task *t, void *to, size_t size, int *fd)
{
	(void)to;
	(void)size;
	(void)fd;
	return t->out;
}

void task_reaped(struct task *t, pid_t pid)
{
	if (t->pid == pid)
		t->pid = 0;
}

int kill(pid_t pid, int sig)
{
	struct process *p = pid == world.child.pid || -pid == world.child.pid ? &world.child : &world.driver;

	if (!p->pid || (pid != p->pid && -pid != p->pid))
		return -1;
	p->told |= sig != 0;
	return 0;
}

#define NO_CHILD(name)               \
	int name(void *arg, int out) \
	{                            \
		(void)arg;           \
		return out;          \
	}
NO_CHILD(child_launch)
NO_CHILD(child_probe)
NO_CHILD(child_unmount)
NO_CHILD(child_clear)
NO_CHILD(child_renew)

const struct answer *child_answer(const struct buf *have)
{
	return have->len ? (const struct answer *)(const void *)have->p : NULL;
}

void driver_log_explain(const struct mount *m, char *cause, size_t cause_size, char *hint, size_t hint_size)
{
	(void)m;
	CHECK(cause_size && hint_size);
	*cause = *hint = 0;
}

struct run_path driver_log_path(const struct mount *m)
{
	(void)m;
	return (struct run_path){ "log" };
}

long driver_log_rotate(const struct mount *m)
{
	(void)m;
	return 0;
}

int pidfile_adopt(struct mount *m, bool *same)
{
	if (!world.adoptable)
		return -1;
	if (!world.driver.pid)
		world.driver.pid = ++world.pids;
	world.driver.told = true; /* by its pidfd, of which nothing is known here */
	*same = !world.outdated;
	m->pid = world.driver.pid;
	m->pidfd = NO_FD;
	return 0;
}

void pidfile_remove(const struct mount *m)
{
	CHECK(!m->pid);
}

unsigned long look_stamp(void)
{
	return ++world.stamps;
}

bool look_done(struct mount *m, unsigned long stamp)
{
	if (m->pending_stamp > stamp)
		return true;
	if (!m->look.active)
		m->look = (struct task){ .active = true, .out = -1, .deadline = world.now + 1000 };
	if (m->look_stamp <= m->pending_stamp)
		m->look_stamp = look_stamp();
	return false;
}

bool look_dirty(const struct mount *m)
{
	return !m->pending_known || m->pending.files;
}

bool tcp_any_established(pid_t pid)
{
	return pid > 0;
}

void mount_reason_init(struct mount *m)
{
	m->refusal[0] = 0;
}

void mount_reason_read(struct mount *m)
{
	(void)m;
}

void mount_reason_of_root(struct mount *m)
{
	(void)m;
}

void mount_reason_answered(struct mount *m)
{
	(void)m;
}

bool mount_reason_refused(const struct mount *m, struct err *e)
{
	(void)m;
	(void)e;
	return false;
}

bool mount_reason_dropped(const struct mount *m, const char *doing, struct err *e)
{
	(void)m;
	(void)doing;
	(void)e;
	return false;
}

bool mount_reason_add(const struct mount *m, struct err *e)
{
	(void)m;
	(void)e;
	return false;
}

bool look_stray(const struct mount *m, const char *doing, struct err *e)
{
	(void)m;
	(void)doing;
	(void)e;
	return false;
}

/* ---- what happens ---- */

static const struct driver driver = { .name = "rclone", .fstype = "fuse.rclone", .stop_signal = SIGTERM };
static struct mnt_table tables[8]; /* by what stands in them: 1 ours, 2 the cover, 4 the layer */

static const struct mnt_table *table(void)
{
	return world.unreadable ? NULL : &tables[world.ours | world.covered << 1 | world.layer << 2];
}

static void make_tables(void)
{
	struct err e;

	for (int i = 0; i < 8; i++) {
		char text[512], ours[128] = "", cover[128] = "";
		int under = i & 4 ? 4 : 1;

		if (i & 1)
			snprintf(ours, sizeof ours, OURS, under);
		if (i & 2)
			snprintf(cover, sizeof cover, COVER, i & 1 ? 2 : under);
		snprintf(text, sizeof text, "1 0 0:1 / / rw - ext4 root rw\n%s%s%s", i & 4 ? LAYER : "", ours, cover);
		CHECK(mnt_table_parse(&tables[i], span_of(text), &e) == 0);
	}
}

static void look(struct mount *m)
{
	if (table())
		mount_look(m, table());
}

/* The child answers, as mount_read() has it; NULL: it ends without a word. */
static void answer(struct mount *m, const struct answer *a)
{
	enum mount_event ev;

	if (!m->task.active)
		return;
	/* The log of a driver that lives is locked: there is no second one. */
	if (world.asked == child_launch && world.driver.pid && a && !a->ready.mounted)
		a = NULL;
	ev = !a || a->kind == ANSWER_ERROR ? EVENT_REFUSED : a->kind == ANSWER_BUSY ? EVENT_BUSY : EVENT_DONE;
	buf_clear(&m->answer);
	if (a)
		buf_add(&m->answer, a, sizeof *a);
	if (world.asked == child_launch && ev == EVENT_DONE && !a->ready.mounted) {
		world.driver = world.child, world.child.pid = 0;
		world.layer = true;
	}
	if (ev == EVENT_DONE && world.asked == child_clear)
		world.layer = false;
	world.child.told = world.child.pid && world.asked == child_launch;
	if (ev == EVENT_DONE && world.asked == child_unmount)
		world.ours = false;
	world.proven = ev == EVENT_DONE && world.asked == child_probe && table() && world.ours && !world.covered;
	mount_event(m, ev, table());
	if (world.asked == child_unmount)
		look(m);
}

static void answer_well(struct mount *m)
{
	struct answer a = { .kind = ANSWER_DONE, .ready = { .path = "/m", .mounted = world.stood } };

	answer(m, &a);
}

static void answer_look(struct mount *m)
{
	if (!m->look.active)
		return;
	m->look = (struct task){ 0 };
	m->pending_stamp = m->look_stamp;
	m->pending_known = true;
	m->pending.files = world.seen_dirty = world.dirty;
	mount_event(m, EVENT_PENDING, table());
}

static void end(struct mount *m, struct process *p, int status)
{
	pid_t pid = p->pid;

	*p = (struct process){ 0 };
	if (pid && pid == m->pid && m->pidfd >= 0)
		mount_adopted_end(m, table());
	else if (pid && !mount_reap(m, pid, status, table()))
		mount_reaped_any(m, table());
	look(m);
}

static bool end_told(struct mount *m)
{
	struct process *p = world.child.told ? &world.child : &world.driver;

	if (!p->told)
		return false;
	end(m, p, SIGTERM);
	return true;
}

static void deadline(struct mount *m)
{
	if (m->deadline == NEVER)
		return;
	if (world.now < m->deadline)
		world.now = m->deadline;
	mount_event(m, EVENT_TIME, table());
}

static void ask(struct mount *m, enum mount_event ev, bool followed)
{
	m->give_up = world.now + 10000;
	if (ev == EVENT_START) {
		m->replace_hung = true;
		m->lazy = m->down_failed = false;
		m->tries = 0;
		m->started = world.now;
	}
	mount_event(m, ev, table());
	if (followed && m->goal == GOAL_DOWN)
		m->goal = GOAL_HANDOVER;
}

static void happen(struct mount *m, unsigned what)
{
	static const struct answer busy = { .kind = ANSWER_BUSY };
	static const struct answer error = { .kind = ANSWER_ERROR, .e = { .code = CODE_MOUNT, .text = "no" } };
	static const struct err refused = { .code = CODE_REFUSED, .text = "S3 refuses" };
	bool changed = false;

	switch (what % 24) {
	case 0:
		ask(m, EVENT_START, false);
		break;
	case 1:
		ask(m, EVENT_STOP, what & 128);
		break;
	case 2:
		mount_abort(m, &refused, table());
		break;
	case 3:
		m->replace_hung |= m->state == MOUNT_UP;
		mount_event(m, EVENT_PROBE, table());
		break;
	case 4:
		answer_well(m);
		break;
	case 5:
		answer(m, &error);
		break;
	case 6:
		if (world.asked == child_unmount)
			answer(m, &busy);
		break;
	case 7:
		answer(m, NULL);
		break;
	case 8:
		world.ours |= world.driver.pid || world.child.pid || world.adoptable;
		changed = true;
		break;
	case 9:
		world.ours = false;
		changed = true;
		break;
	case 10:
		world.covered = !world.covered;
		changed = true;
		break;
	case 11:
		end(m, what & 128 ? &world.child : &world.driver, 256);
		break;
	case 12:
		end_told(m);
		break;
	case 13:
		deadline(m);
		break;
	case 14:
		world.now += 1000;
		break;
	case 15:
		world.unreadable = !world.unreadable;
		changed = true;
		break;
	case 16:
		world.dirty = !world.dirty;
		break;
	case 17:
		world.no_children = !world.no_children;
		break;
	case 18:
		world.adoptable = !world.adoptable;
		break;
	case 19:
		world.outdated = !world.outdated;
		break;
	case 20:
		answer_look(m);
		break;
	case 21:
		mount_event(m, EVENT_CLEAR, table());
		break;
	case 22:
		mount_event(m, EVENT_LISTED, table());
		break;
	case 23:
		if (mount_wanted(m))
			mount_event(m, EVENT_RENEW, table());
		break;
	}
	/* With the highest bit something else comes first. */
	if (changed && !(what & 128))
		look(m);
}

static void check(const struct mount *m, enum mount_state before)
{
	if (m->state == MOUNT_UP && before != MOUNT_UP)
		CHECK(world.proven && m->proven && m->up_since);
	if (m->state == MOUNT_DOWN && before != MOUNT_DOWN)
		CHECK((!world.driver.pid || world.driver.told) &&
			(m->not_ours || before == MOUNT_BACKOFF || (table() && !world.ours)) &&
			(m->error.code == CODE_PENDING) == world.seen_dirty &&
			(!table() || m->keep_layer || !world.layer || world.ours));
	CHECK(m->pidfd < 0 || m->pid == world.driver.pid);
	CHECK(strcmp(mount_state_name(m), "up") != 0 || m->state == MOUNT_UP);
	CHECK(!state_faults());
	/* What has been given up is not started again, and what is wanted is not left lying. */
	CHECK(m->state != MOUNT_DOWN || !mount_wanted(m));
	if (m->state == MOUNT_LAUNCH || m->state == MOUNT_PROVE || m->state == MOUNT_RENEW)
		CHECK(m->task.active && m->deadline != NEVER);
	if (m->state == MOUNT_START || m->state == MOUNT_DRAIN || m->state == MOUNT_DETACH || m->state == MOUNT_STOP ||
		m->state == MOUNT_BACKOFF || m->state == MOUNT_LEFT || m->state == MOUNT_CLEAR)
		CHECK(m->deadline != NEVER);
	world.proven = false;
}

/* Here nothing is in its way. The states that follow are as good as one. */
static void let_go(struct mount *m)
{
	enum mount_state before = m->state;

	if (m->state != MOUNT_WAIT)
		return;
	CHECK(nest_ready(m, table()));
	mount_event(m, EVENT_READY, table());
	check(m, before);
}

/* The world does what it can for it: in the end it stands, has failed, or is down. */
static void come_to_rest(struct mount *m)
{
	world.unreadable = world.no_children = world.dirty = false;
	for (int turn = 0; !mount_settled(m); turn++) {
		enum mount_state before = m->state;

		CHECK(turn < 400);
		look(m);
		if (end_told(m))
			continue;
		if (m->look.active)
			answer_look(m);
		else if (m->task.active)
			answer_well(m);
		else
			deadline(m);
		check(m, before);
		let_go(m);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char source[] = "s3mounts:b/p";
	static const struct run run = { "/r" };
	struct mount m = { .beside = &m,
		.spec = { .target = "/m" },
		.driver = &driver,
		.run = &run,
		.source = source,
		.deadline = NEVER,
		.busy_until = NEVER,
		.give_up = NEVER,
		.pidfd = -1,
		.below = -1,
		.late_since = NEVER,
		.answer = buf_heap(4 * sizeof(struct answer)) };

	memset(&world, 0, sizeof world);
	world.now = 1000;
	if (!tables[0].count)
		make_tables();
	for (size_t i = 0; i < size; i++) {
		enum mount_state before = m.state;

		happen(&m, data[i]);
		check(&m, before);
		let_go(&m);
	}
	come_to_rest(&m);
	mount_forget_notes(&m);
	while (m.history_count)
		free(m.history[--m.history_count]);
	buf_free(&m.answer);
	free(m.path);
	return 0;
}
