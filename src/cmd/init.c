#include "cmd/init.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/process.h"
#include "base/text.h"
#include "cmd/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEWS_STEP 4096

static int become_user(const struct options *o)
{
	gid_t gid = (gid_t)o->gid;

	if (o->uid < 0)
		return 0;
	/* Not through the C library, which would do it for threads that we do not have. */
	if (syscall(SYS_setgroups, 1, &gid) || syscall(SYS_setgid, gid) || syscall(SYS_setuid, (uid_t)o->uid))
		return -1;
	return 0;
}

static void exec_command(const struct init *in, const struct options *o, int start) __attribute__((noreturn));

static void exec_command(const struct init *in, const struct options *o, int start)
{
	ssize_t n;
	char go;
	int no;

	if (!o->keep_env)
		setup_scrub();
	else if (env_export())
		_exit(INIT_NOT_STARTED);
	close(in->go);
	while ((n = read(start, &go, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		_exit(0);
	if (become_user(o)) {
		text_print(2, "s3mounts: run: become user %ld, group %ld: %s\n", o->uid, o->gid, strerror(errno));
		_exit(INIT_NOT_STARTED);
	}
	sigprocmask(SIG_SETMASK, &in->mask, NULL);
	execvp(o->command[0], o->command);
	no = errno; /* before the message, which a closed stderr may refuse */
	text_print(2, "s3mounts: run %s: %s\n", o->command[0], strerror(no));
	_exit(no == ENOENT ? INIT_NOT_FOUND : INIT_NOT_STARTED);
}

int init_prepare(struct init *in, const struct options *o, struct err *e)
{
	sigset_t all;
	int fds[2];

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &in->mask);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	in->signals = signalfd(-1, &all, SFD_CLOEXEC);
	if (in->signals < 0 || pipe2(fds, O_CLOEXEC))
		return err_sys(e, CODE_FAULT, "run: signalfd, pipe");
	in->go = fds[1];
	in->stop_ms = o->stop_ms;
	in->asked = in->stop_at = INIT_NEVER;
	in->killed = false;
	in->news = -1;
	in->pid = fork();
	if (in->pid < 0)
		return err_fork(e, "run");
	if (in->pid == 0)
		exec_command(in, o, fds[0]);
	close(fds[0]);
	setpgid(in->pid, in->pid);
	return 0;
}

void init_cancel(struct init *in)
{
	close(in->go);
	waitpid(in->pid, NULL, 0);
}

/* SIGTTOU is blocked, so even a background process may do this. */
static void move_terminal(pid_t from, pid_t to)
{
	if (tcgetpgrp(STDIN_FILENO) == from)
		tcsetpgrp(STDIN_FILENO, to);
}

static void continue_command(const struct init *in)
{
	move_terminal(getpgrp(), in->pid);
	kill(-in->pid, SIGCONT);
}

/*
 * The command has stopped. If it wants the terminal and we have it (a shell's `fg`), it gets it; otherwise we stop too, with
 * our whole process group: a script that has called us has to stop for its shell to notice. SIGTSTP because the kernel drops
 * that if nobody could continue us.
 */
static void stop_with_command(const struct init *in, int number)
{
	sigset_t set;

	if ((number == SIGTTIN || number == SIGTTOU) && tcgetpgrp(STDIN_FILENO) == getpgrp()) {
		continue_command(in);
		return;
	}
	move_terminal(in->pid, getpgrp());
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(0, SIGTSTP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* If it was dropped, nobody would continue a program after Ctrl-Z either. */
	sigpending(&set);
	if (number == SIGTSTP && !sigismember(&set, SIGCONT))
		continue_command(in);
}

/* True when IN's child has ended. */
static bool reap_and_follow(const struct init *in, int *status)
{
	bool ended = false;
	pid_t pid;
	int s;

	while ((pid = waitpid(-1, &s, WNOHANG | WUNTRACED)) > 0) {
		if (pid != in->pid)
			continue;
		if (WIFSTOPPED(s)) {
			stop_with_command(in, WSTOPSIG(s));
			continue;
		}
		*status = WIFSIGNALED(s) ? 128 + WTERMSIG(s) : WEXITSTATUS(s);
		ended = true;
	}
	return ended;
}

/* What of SIGTERM is due: CMD has had its share of the time. True when it is given up, with *STATUS. */
static bool pass_stop_deadline(struct init *in, int *status)
{
	char name[PROCESS_NAME];

	if (in->stop_at == INIT_NEVER || clock_left(in->stop_at))
		return false;
	process_name(name, in->pid);
	if (in->killed) {
		text_print(2, "s3mounts: run: %s (pid %ld) does not end of SIGKILL: it is left\n", name, (long)in->pid);
		*status = 128 + SIGKILL;
		return true;
	}
	text_print(2, "s3mounts: run: %s (pid %ld) has not ended %d ms after SIGTERM, a third of --stop-timeout: killed\n",
		name, (long)in->pid, in->stop_ms / 3);
	kill(in->pid, SIGKILL);
	in->killed = true;
	in->stop_at = clock_ms() + in->stop_ms / 3;
	return false;
}

static void forward_signal(struct init *in, int number)
{
	kill(in->pid, number);
	if (number != SIGTERM || in->asked != INIT_NEVER)
		return;
	in->asked = clock_ms();
	in->stop_at = in->asked + in->stop_ms / 3;
}

/* At its end the pipe is closed. */
static void copy_news(struct init *in)
{
	char text[NEWS_STEP];
	ssize_t n = read(in->news, text, sizeof text);

	if (n > 0)
		text_print(2, "%.*s", (int)n, text);
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return;
	close(in->news);
	in->news = -1;
}

/* True when the child has ended. */
static bool read_signal(struct init *in, int *status)
{
	struct signalfd_siginfo si;

	if (read(in->signals, &si, sizeof si) != sizeof si)
		return false;
	if (si.ssi_signo == SIGCHLD)
		return reap_and_follow(in, status);
	if (si.ssi_signo == SIGCONT)
		continue_command(in);
	else
		forward_signal(in, (int)si.ssi_signo);
	return false;
}

int init_run(struct init *in)
{
	bool ended = false;
	int status = 0;

	move_terminal(getpgrp(), in->pid);
	(void)!write(in->go, "", 1);
	close(in->go);
	while (!ended) {
		struct pollfd p[] = { { .fd = in->signals, .events = POLLIN }, { .fd = in->news, .events = POLLIN } };

		poll(p, 2, clock_left(in->stop_at));
		if (p[1].revents)
			copy_news(in);
		if (p[0].revents)
			ended = read_signal(in, &status);
		ended = ended || pass_stop_deadline(in, &status);
	}
	if (in->news >= 0)
		close(in->news);
	move_terminal(in->pid, getpgrp());
	return status;
}
