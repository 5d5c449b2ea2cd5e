#include "sup/loop.h"

#include "base/clock.h"
#include "base/log.h"
#include "sup/driver_log.h"
#include "sup/look.h"
#include "sup/mounts.h"
#include "sup/oom.h"
#include "sup/pause.h"
#include "sup/reason.h"
#include "sup/states.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIDY_MS 60000	  /* how often the drivers' logs are looked at */
#define REASONS_MS 500	  /* how often they are read for what S3 answers */
#define HEARTBEAT_MS 1000 /* with mounts: a pause is noticed within this time */
#define RETRY_END_MS 50	  /* somebody else holds the lock of the run directory */

/* What is waited for, in the order in which it is handled. */
enum watched {
	WATCH_TABLE,
	WATCH_TASK,    /* of a mount */
	WATCH_LOOK,    /* of a mount */
	WATCH_ADOPTED, /* of a mount: its driver, which is no child of ours */
	WATCH_SIGNALS,
	WATCH_CHECK,
	WATCH_CLIENT,
	WATCH_LISTENER,
	WATCH_CLOCK,
	WATCH_LOG, /* whoever reads our messages takes more of them */
};

struct watch {
	enum watched what;
	size_t index; /* of the mount, of the client */
};

#define WATCH_MAX(s) (6 + CLIENTS_MAX + 3 * (s)->count)

/* Only what is open: poll(2) takes no more entries than this process may have descriptors (RLIMIT_NOFILE). */
struct watches {
	struct pollfd *p;
	struct watch *of;
	size_t count;
};

/* Each mount learns of a change; what a mount does then may be the next one. */
static void spread_table(struct sup *s)
{
	while (sup_table(s) && s->table_changed) {
		s->table_changed = false;
		for (size_t i = 0; i < s->count; i++)
			mount_look(s->mounts[i], &s->table);
	}
}

static void reap_children(struct sup *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		task_reaped(&s->job.check, pid);
		for (size_t i = 0; i < s->count; i++)
			if (mount_reap(s->mounts[i], pid, status, sup_table(s)))
				break;
	}
	/* A driver's helper may have been the last of its process group. */
	for (size_t i = 0; i < s->count; i++)
		mount_reaped_any(s->mounts[i], sup_table(s));
}

static void take_signal(struct sup *s)
{
	struct signalfd_siginfo si;

	while (read(s->signals, &si, sizeof si) == sizeof si) {
		if (si.ssi_signo == SIGHUP)
			query_prove_all(s);
		if ((si.ssi_signo != SIGTERM && si.ssi_signo != SIGINT) || s->ending)
			continue;
		s->ending = true;
		s->ending_since = clock_ms();
	}
	reap_children(s);
}

static void read_reasons(struct sup *s)
{
	if (clock_ms() < s->reasons)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i]->pid)
			mount_reason_read(s->mounts[i]);
	s->reasons = clock_ms() + REASONS_MS;
}

/* Drivers append to their logs for as long as they run. */
static void tidy_logs(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++) {
		mount_reason_read(s->mounts[i]);
		driver_log_rotate(s->mounts[i]);
	}
	s->tidy = clock_ms() + TIDY_MS;
}

static int64_t next_deadline(const struct sup *s)
{
	int64_t first = clock_earlier(job_deadline(s), clock_earlier(client_deadline(s), query_deadline(s)));

	if (s->count)
		first = clock_earlier(clock_ms() + HEARTBEAT_MS, clock_earlier(s->tidy, first));
	if (s->retry_end)
		first = clock_earlier(first, clock_ms() + RETRY_END_MS);
	/* The kernel tells of a change once, and somebody has asked before us. */
	if (s->table_changed && s->table_known)
		first = clock_earlier(first, clock_ms());
	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];

		first = clock_earlier(first, m->deadline);
		if (m->look.active)
			first = clock_earlier(first, m->look.deadline);
	}
	return first;
}

static void pass_deadlines(struct sup *s)
{
	int64_t now = clock_ms();

	client_pass_deadlines(s);
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (m->look.active && m->look.deadline <= now)
			look_late(m, sup_table(s));
		if (m->deadline != NEVER && m->deadline <= now)
			mount_event(m, EVENT_TIME, sup_table(s));
	}
	if (s->count && s->tidy <= now)
		tidy_logs(s);
	if (s->count)
		oom_sample();
	read_reasons(s);
}

static void add_watch(struct watches *w, enum watched what, size_t index, int fd, short events)
{
	if (fd < 0)
		return;
	w->p[w->count] = (struct pollfd){ .fd = fd, .events = events };
	w->of[w->count++] = (struct watch){ what, index };
}

static void watch_all(struct sup *s, struct watches *w)
{
	add_watch(w, WATCH_TABLE, 0, s->table_fd, POLLPRI);
	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];

		add_watch(w, WATCH_TASK, i, m->task.active ? m->task.out : -1, POLLIN);
		add_watch(w, WATCH_LOOK, i, m->look.active ? m->look.out : -1, POLLIN);
		add_watch(w, WATCH_ADOPTED, i, m->pidfd, POLLIN);
	}
	add_watch(w, WATCH_SIGNALS, 0, s->signals, POLLIN);
	add_watch(w, WATCH_CHECK, 0, s->job.check.active ? s->job.check.out : -1, POLLIN);
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &s->clients[i];

		if (c->state != CLIENT_NONE)
			add_watch(w, WATCH_CLIENT, i, c->fd, c->state < CLIENT_ANSWERED ? POLLIN : POLLOUT);
	}
	/* With no place free whoever comes waits in the kernel's queue. */
	if (client_room(s) && (s->accept_at == NEVER || clock_left(s->accept_at) == 0))
		add_watch(w, WATCH_LISTENER, 0, s->listener, POLLIN);
	add_watch(w, WATCH_CLOCK, 0, s->clock_fd, POLLIN);
	add_watch(w, WATCH_LOG, 0, log_waiting(), POLLOUT);
}

/* No handler adds or drops a mount: job_step() does, afterwards. What an earlier one has closed, or opened anew, is passed over. */
static void handle_watched(struct sup *s, struct watch w, int fd)
{
	struct mount *m = w.what == WATCH_TASK || w.what == WATCH_LOOK || w.what == WATCH_ADOPTED ? s->mounts[w.index] : NULL;

	switch (w.what) {
	case WATCH_TABLE:
		sup_read_table(s);
		break;
	case WATCH_TASK:
		if (m->task.active && m->task.out == fd)
			mount_read(m, sup_table(s));
		break;
	case WATCH_LOOK:
		if (m->look.active && m->look.out == fd)
			look_read(m, sup_table(s));
		break;
	case WATCH_ADOPTED:
		if (m->pidfd == fd)
			mount_adopted_end(m, sup_table(s));
		break;
	case WATCH_SIGNALS:
		take_signal(s);
		break;
	case WATCH_CHECK:
		if (s->job.check.active)
			job_read_check(s);
		break;
	case WATCH_CLIENT:
		if (s->clients[w.index].state != CLIENT_NONE)
			client_io(s, &s->clients[w.index]);
		break;
	case WATCH_LISTENER:
		client_accept(s);
		break;
	case WATCH_CLOCK:
		pause_watch(s);
		break;
	case WATCH_LOG:
		log_go_on();
		break;
	}
}

/*
 * With nothing left to look after it ends, or after its last job: drivers that could not flush in time run on. Under the lock: whoever comes
 * now either is accepted here, or finds no socket and starts another supervisor. True: it is over, and only answers are left to be written.
 */
static bool try_end(struct sup *s)
{
	struct err e;
	int lock;

	s->retry_end = false;
	if (s->job.phase != JOB_NONE || !(s->stopped || (s->count == 0 && !s->stay && !client_any_asking(s))))
		return false;
	/* Without a lock (the run directory is gone) nobody can be starting another either. */
	lock = run_try_lock(s->run, &e);
	if (lock < 0 && e.code == CODE_PENDING) {
		s->retry_end = true;
		return false;
	}
	if (client_accept(s) && !s->stopped) {
		close(lock);
		return false;
	}
	/* What drivers that run on need stays; so does the socket, on which nobody listens: that leads to them. */
	if (!s->count)
		run_clean(s->run);
	close(s->listener);
	s->listener = -1;
	close(lock);
	return true;
}

/* Waits and handles. 0, or -1: it cannot wait. */
static int wait_and_handle(struct sup *s, struct watches *w)
{
	int wait = clock_left(next_deadline(s));
	bool clock_set = false;
	int64_t away;
	int ready;

	watch_all(s, w);
	ready = poll(w->p, w->count, wait);
	if (ready < 0 && errno != EINTR) {
		log_line("wait for what happens: %s; the drivers run on", strerror(errno));
		return -1;
	}
	away = pause_catch_up(s, wait);
	for (size_t i = 0; i < w->count && ready > 0; i++) {
		if (!w->p[i].revents)
			continue;
		clock_set |= w->of[i].what == WATCH_CLOCK;
		handle_watched(s, w->of[i], w->p[i].fd);
	}
	spread_table(s);
	if (away >= 0 || clock_set)
		pause_after(s, away < 0 ? 0 : away);
	pause_notice(s);
	pass_deadlines(s);
	return 0;
}

static int run_turn(struct sup *s)
{
	size_t most = WATCH_MAX(s);
	struct watches w = { .p = calloc(most, sizeof *w.p), .of = calloc(most, sizeof *w.of) };
	int ret = -1;

	if (w.p && w.of)
		ret = wait_and_handle(s, &w);
	else
		log_line("wait for what happens: no memory; the drivers run on");
	free(w.p);
	free(w.of);
	return ret;
}

/* A `down` whose time was over has come to its end. */
static bool has_gone_down(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i]->goal != GOAL_DOWN)
			return false;
	return s->going_down && s->count;
}

static void tidy_mounts(struct sup *s)
{
	if (s->job.phase != JOB_NONE || query_flush_waits(s) || !mounts_settled(s) || !(s->tidy_due || has_gone_down(s)))
		return;
	mounts_clear_layers(s);
	if (!mounts_settled(s))
		return;
	mounts_tidy(s);
	s->tidy_due = false;
}

static void serve_requests(struct sup *s)
{
	struct client *c;

	pause_notice(s);
	if (s->ending && !s->stopped && !s->job.last)
		job_begin_last(s);
	job_step(s);
	while (s->job.phase == JOB_NONE && !s->stopped && (c = client_next(s))) {
		tidy_mounts(s);
		job_begin(s, c);
		job_step(s);
	}
	query_step(s);
	if (s->stopped)
		query_end(s);
	tidy_mounts(s);
}

int sup_loop(struct sup *s)
{
	bool over = false;

	s->clock_fd = -1;
	s->accept_at = NEVER;
	pause_watch(s);
	s->last = clock_read();
	while (!over || client_any(s)) {
		if (run_turn(s))
			return CODE_FAULT;
		if (!over)
			serve_requests(s);
		over = over || try_end(s);
		if (over)
			client_end(s);
	}
	return s->count ? CODE_PENDING : CODE_OK;
}
