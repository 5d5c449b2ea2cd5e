#include "base/task.h"

#include "base/clock.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void (*first_in_child)(void *arg);
static void *first_arg;

void task_in_children(void (*fn)(void *arg), void *arg)
{
	first_in_child = fn;
	first_arg = arg;
}

static void run_task_child(task_fn *fn, void *arg, int out, pid_t parent) __attribute__((noreturn));

static void run_task_child(task_fn *fn, void *arg, int out, pid_t parent)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Once: what a child of ours starts has nothing of it any more, and its descriptors have these numbers. */
	if (first_in_child)
		first_in_child(first_arg);
	first_in_child = NULL;
	_exit(fn(arg, out));
}

int task_start(struct task *t, task_fn *fn, void *arg, int timeout_ms, struct err *e)
{
	pid_t self = getpid();
	int fds[2];

	/* Not a pipe: a descriptor can be sent back through it. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return err_sys(e, CODE_FAULT, "start a helper process: socketpair");
	t->pid = fork();
	if (t->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return err_fork(e, "start a helper process");
	}
	if (t->pid == 0) {
		close(fds[0]);
		run_task_child(fn, arg, fds[1], self);
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	t->active = true;
	t->out = fds[0];
	t->deadline = clock_ms() + timeout_ms;
	return 0;
}

int task_send(int out, const void *p, size_t n, int fd)
{
	return fd < 0 ? write_all(out, p, n) : send_with_fd(out, p, n, fd);
}

ssize_t task_read(const struct task *t, void *to, size_t size, int *fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof *fd)];
	} control;
	struct iovec room = { to, size };
	struct msghdr message = {
		.msg_iov = &room, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	ssize_t n = recvmsg(t->out, &message, MSG_CMSG_CLOEXEC);

	if (n > 0 && fd && CMSG_FIRSTHDR(&message)) {
		if (*fd >= 0)
			close(*fd);
		memcpy(fd, CMSG_DATA(&control.head), sizeof *fd);
	}
	return n;
}

void task_stop(struct task *t)
{
	if (!t->active)
		return;
	if (t->pid) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, WNOHANG);
	}
	task_release(t);
}

void task_release(struct task *t)
{
	close(t->out);
	*t = (struct task){ 0 };
}

void task_reaped(struct task *t, pid_t pid)
{
	if (t->pid == pid)
		t->pid = 0;
}

/* Reads until end-of-file or a full buffer; -1 with errno ETIMEDOUT at the deadline. */
static ssize_t collect_answer(const struct task *t, char *to, size_t size)
{
	size_t have = 0;

	while (have < size) {
		struct pollfd p = { .fd = t->out, .events = POLLIN };
		ssize_t n = read(t->out, to + have, size - have);

		if (n > 0)
			have += (size_t)n;
		if (n == 0)
			break;
		if (n > 0 || errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return -1;
		if (poll(&p, 1, clock_left(t->deadline)) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return (ssize_t)have;
}

ssize_t task_run(task_fn *fn, void *arg, int timeout_ms, void *answer, size_t size, struct err *e)
{
	struct task t = { 0 };
	ssize_t n;

	if (task_start(&t, fn, arg, timeout_ms, e))
		return -1;
	n = collect_answer(&t, answer, size);
	if (n < 0) {
		err_sys(e, CODE_UNREACHABLE, "wait for a helper process");
		task_stop(&t);
		return -1;
	}
	/* It has answered and only has to exit: this wait is short. */
	kill(t.pid, SIGKILL);
	while (waitpid(t.pid, NULL, 0) < 0 && errno == EINTR)
		;
	task_release(&t);
	return n;
}
