#include "cmd/ask.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "ctl/control.h"
#include "sup/serve.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GRACE_MS 20000 /* what the supervisor may take beyond the request's own time before it counts as hung */
#define STATUS_MS 5000 /* the same for how things are, which it has at hand */
#define LOOK_MS 1000   /* for how things are; the real answer matters more */
#define TRIES 5	       /* a supervisor that is just ending closes without an answer: then another is asked */

/* No socket: there is no supervisor, or it has ended in order. One on which nobody listens was left by a supervisor that was killed. */
static bool is_not_served(void)
{
	return errno == ENOENT;
}

static bool is_socket_left(void)
{
	return errno == ECONNREFUSED;
}

static int hint_other_user(const struct run *run, struct err *e)
{
	struct stat st;

	if (lstat(run->dir, &st) == 0 && st.st_uid != geteuid())
		return err_hint(e, "run this as user %lu, whose run directory it is (docker exec --user %lu)",
			(unsigned long)st.st_uid, (unsigned long)st.st_uid);
	return err_hint(e, "give --run-dir a folder of your own");
}

static int no_supervisor(const struct run *run, struct err *e)
{
	if (errno == EPERM) {
		struct stat st = { 0 };

		stat(run_path(run, "control").s, &st);
		err_set(e, CODE_FAULT, "control socket %s/control: another user (%lu) listens there, not our supervisor",
			run->dir, (unsigned long)st.st_uid);
		return hint_other_user(run, e);
	}
	if (errno == EACCES) {
		err_sys(e, CODE_FAULT, "connect to the supervisor at %s/control", run->dir);
		return hint_other_user(run, e);
	}
	if (!is_socket_left())
		return err_sys(e, CODE_FAULT, "connect to the supervisor at %s/control", run->dir);
	err_set(e, CODE_PENDING,
		"the supervisor of %s has ended, or was killed, while mounts stood: what they have uploaded since is not known",
		run->dir);
	return err_hint(e, "s3mounts up starts another, which takes its mounts over; the log is %s/log", run->dir);
}

static int start_supervisor(const struct run *run, struct creds *secrets, struct err *e)
{
	int listener = control_listen(run, e);
	int ret = listener < 0 ? -1 : serve_spawn(run, listener, secrets, e);

	if (listener >= 0)
		close(listener);
	return ret;
}

/* Under the lock, so that of two commands at once one starts it and the other finds it. */
static int dial_or_start(const struct run *run, struct creds *secrets, int64_t deadline, struct err *e)
{
	int lock, fd;

	if (run_prepare(run, e))
		return -1;
	if ((lock = run_lock(run, deadline, e)) < 0)
		return -1;
	fd = control_dial(run);
	if (fd < 0 && (is_not_served() || is_socket_left()) && start_supervisor(run, secrets, e)) {
		close(lock);
		return -1;
	}
	if (fd < 0)
		fd = control_dial(run);
	if (fd < 0)
		no_supervisor(run, e);
	close(lock);
	return fd;
}

/* The process at the other end, once it has listened itself: the socket may have been made for it. 0: not known. */
static pid_t supervisor_of(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) || peer.pid == getpid() ? 0 : peer.pid;
}

static bool is_stopped(pid_t pid)
{
	const struct process *p;
	struct process_table t;
	bool stopped;

	if (process_table_read(&t))
		return false;
	p = process_find(&t, pid);
	stopped = p && p->stopped;
	process_table_free(&t);
	return stopped;
}

static int err_silent(const struct run *run, int fd, struct err *e)
{
	pid_t pid = supervisor_of(fd);
	bool stopped = pid && is_stopped(pid);
	char who[32] = "";

	if (pid)
		text_fmt(who, sizeof who, " (process %ld)", (long)pid);
	err_set(e, CODE_FAULT, "the supervisor%s of %s does not answer%s: what it does is unknown", who, run->dir,
		stopped ? ", because it is stopped (SIGSTOP)" : "");
	if (stopped)
		return err_hint(e, "kill -CONT %ld lets it go on", (long)pid);
	return err_hint(e,
		"ask again; its log is %s/log; if it hangs, kill -KILL it: the mounts stay, and s3mounts up serves them",
		run->dir);
}

/* 1: a whole answer is in IN; 0: the other side closed before its first byte, or URGENT (-1: nothing) is readable first; -1: *E. */
static int receive_answer(const struct run *run, int fd, int urgent, int64_t deadline, struct buf *in, struct err *e)
{
	for (;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN }, { .fd = urgent, .events = POLLIN } };
		long length = wire_length(buf_all(in));
		char *to = buf_room(in, 4096);
		ssize_t n;

		if (length < 0 || !to)
			return err_set(e, CODE_FAULT, "control socket: an answer that is too long");
		if (length && in->len >= (size_t)length)
			return 1;
		if (poll(p, 2, clock_left(deadline)) == 0)
			return err_silent(run, fd, e);
		if (p[1].revents)
			return 0;
		n = recv(fd, to, 4096, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return in->len ? err_set(e, CODE_FAULT, "the supervisor ended in the middle of its answer") : 0;
		if (n > 0)
			in->len += (size_t)n;
		else if (errno != EAGAIN && errno != EINTR)
			return err_sys(e, CODE_FAULT, "read from the supervisor");
	}
}

static int send_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			s = span_skip(s, (size_t)n);
	}
	return 0;
}

/* 0, or -1 with *E. A supervisor that is just ending may have closed: that shows when its answer is read. */
static int send_message(int fd, struct span message, struct err *e)
{
	if (send_all(fd, message) && errno != EPIPE && errno != ECONNRESET)
		return err_sys(e, CODE_FAULT, "write to the supervisor");
	return 0;
}

/* As receive_answer(), with the report in *R and A. */
static int read_report(
	const struct run *run, int fd, int urgent, int64_t deadline, struct arena *a, struct report *r, struct err *e)
{
	struct buf in = buf_heap(WIRE_MAX + 4096);
	int got = receive_answer(run, fd, urgent, deadline, &in, e);

	if (got > 0 && wire_get_report(span_skip(buf_all(&in), 4), a, r, e))
		got = -1;
	buf_free(&in);
	return got;
}

/* Asks how things are, beside the request whose answer comes on URGENT. A failure only means that there is nothing to show. */
static void ask_status(const struct run *run, int urgent, const struct ask_watch *w)
{
	struct request status = { .kind = REQUEST_STATUS, .timeout_ms = LOOK_MS };
	struct buf message = buf_heap(WIRE_MAX);
	struct arena a = { 0 };
	struct report r;
	struct err e;
	int fd = control_dial(run);

	wire_put_request(&message, &status);
	if (fd >= 0 && send_message(fd, buf_all(&message), &e) == 0 &&
		read_report(run, fd, urgent, clock_ms() + 2 * LOOK_MS, &a, &r, &e) > 0)
		w->tick(w->arg, &r);
	if (fd >= 0)
		close(fd);
	buf_free(&message);
	arena_free(&a);
}

/* Until there is something to read, or the deadline. */
static void watch_status(const struct run *run, int fd, int64_t deadline, const struct ask_watch *w)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (w->tick && clock_left(deadline) && poll(&p, 1, w->every_ms) == 0)
		ask_status(run, fd, w);
}

/* With the time that is left of REQ's own. 0, or -1 with *E set. */
static int send_request(int fd, struct request *req, int64_t own, struct err *e)
{
	struct buf message = buf_heap(WIRE_MAX);
	int ret;

	req->timeout_ms = clock_left(own);
	wire_put_request(&message, req);
	ret = message.full ? err_set(e, CODE_FAULT, "no memory for the request") : send_message(fd, buf_all(&message), e);
	buf_wipe(&message);
	return ret;
}

int ask(const struct run *run, enum ask_start start, struct request *req, const struct ask_watch *w, struct arena *a,
	struct report *r, struct err *e)
{
	int64_t now = clock_ms(), own = now + req->timeout_ms;
	int64_t deadline = req->kind == REQUEST_STATUS ? now + STATUS_MS : own + GRACE_MS;

	for (int i = 0; i < TRIES; i++) {
		int fd = control_dial(run);
		int got;

		if (fd < 0 && (start == ASK_START || (start == ASK_INHERIT && is_socket_left())))
			fd = dial_or_start(run, &req->creds, own, e);
		else if (fd < 0)
			return is_not_served() ? 1 : no_supervisor(run, e);
		if (fd < 0)
			return -1;
		/* Only now: a supervisor that has just been forked has no copy of the message. */
		got = send_request(fd, req, own, e);
		if (got == 0) {
			watch_status(run, fd, deadline, w);
			got = read_report(run, fd, -1, deadline, a, r, e);
		}
		close(fd);
		if (got)
			return got > 0 ? 0 : -1;
	}
	return err_set(e, CODE_FAULT, "the supervisor closes the connection without an answer (its log: %s/log)", run->dir);
}
