#include "sup/serve.h"

#include "base/log.h"
#include "sup/inherit.h"
#include "sup/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OLD_FDS 1024 /* the usual limit of a process */
#define OOM_SCORE "-500"

/* Descriptors 0 to 2 never stay on the caller's pipes: whoever runs the command waits for their end. A scratch image may have no /dev/null. */
static void leave_caller(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = memfd_create("null", MFD_CLOEXEC);
	for (int i = 0; i < 3 && fd >= 0; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static int news = -1;

void serve_news_to(int fd)
{
	news = fd;
}

/* Only LISTENER stays open of what the caller had. */
static int keep_only(int listener)
{
	int kept = fcntl(listener, F_DUPFD_CLOEXEC, 3);

	if (kept > 3)
		syscall(SYS_close_range, 3, kept - 1, 0);
	if (kept < 0 || syscall(SYS_close_range, kept + 1, ~0u, 0) == 0)
		return kept;
	/* Linux before 5.9 has no close_range(2). */
	for (int fd = 3; fd < OLD_FDS; fd++)
		if (fd != kept)
			close(fd);
	return kept;
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_SETMASK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*
 * Whoever must lose memory, let it be a program that has nothing to upload. Drivers inherit it. Without CAP_SYS_RESOURCE a score that a platform
 * has raised can still go back to what it was before (proc_pid_oom_score_adj(5)).
 */
static void protect_from_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char now[16] = "";

	if (fd < 0)
		return;
	if (write(fd, OOM_SCORE, sizeof OOM_SCORE - 1) < 0 && pread(fd, now, sizeof now - 1, 0) > 0 && now[0] != '-')
		(void)!pwrite(fd, "0", 1, 0);
	close(fd);
}

/* For the drivers too: each descriptor is a file that somebody has open. Where it cannot be, it stays as it is. */
static void raise_descriptors(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
}

/* In a child: what a command waits on must end with the supervisor, not with a child that hangs. */
static void leave_supervisor(void *arg)
{
	const struct sup *s = arg;

	close(s->listener);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].state != CLIENT_NONE)
			close(s->clients[i].fd);
}

#define OWN_FDS 24 /* of the supervisor itself, and a moment's */

/* With few descriptors fewer clients have a place: each mount's children need some. */
static size_t places_without_descriptors(void)
{
	struct rlimit files;
	size_t places;

	if (getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur > OWN_FDS + 2 * CLIENTS_MAX)
		return 0;
	places = files.rlim_cur > OWN_FDS + 2 * CLIENTS_MIN ? (files.rlim_cur - OWN_FDS) / 2 : CLIENTS_MIN;
	return CLIENTS_MAX - places;
}

/* S is all zero but for what its caller wants of it. */
static int supervise(struct sup *s, const struct run *run, int listener, struct request *first)
{
	struct err e;

	if (chdir("/"))
		return CODE_FAULT;
	s->run = run;
	s->listener = keep_only(listener);
	log_open(run_path(run, "log").s);
	if (s->stay)
		log_also(2);
	else if (news >= 0)
		log_news_to(2);
	protect_from_oom_killer();
	raise_descriptors();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_NAME, "s3mounts");
	/* Whoever asks sees by the socket what process it speaks to (unix(7), SO_PEERCRED): not who has made it. */
	listen(s->listener, SOMAXCONN);
	s->signals = block_signals();
	s->table_fd = mnt_table_watch(&e);
	if (s->table_fd < 0 || s->signals < 0 || s->listener < 0) {
		log_line("cannot start: %s", s->table_fd < 0 ? e.text : "no descriptor");
		return CODE_FAULT;
	}
	task_in_children(leave_supervisor, s);
	s->closed_places = places_without_descriptors();
	log_line("supervisor %ld starts", (long)getpid());
	inherit_mounts(s);
	if (first) {
		job_begin_first(s, first);
		creds_wipe(&first->creds);
	}
	return sup_loop(s);
}

#define STOP_MS 25000 /* who sends SIGTERM to the one in the background waits for nothing; 30 s later comes SIGKILL, usually */

static struct sup the_supervisor; /* one a process; too large for the stack */

int serve_here(const struct run *run, int listener, struct request *first, int stop_ms, const char **cache)
{
	the_supervisor = (struct sup){ .stay = true, .stop_ms = stop_ms };
	*cache = the_supervisor.cache;
	return supervise(&the_supervisor, run, listener, first);
}

int serve_spawn(const struct run *run, int listener, struct creds *secrets, struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_fork(e, "start the supervisor");
	if (pid == 0) {
		/* Twice, so that it is nobody's child: the caller would have to reap it. */
		setsid();
		pid = fork();
		if (pid)
			_exit(pid < 0 ? errno : 0);
		creds_wipe(secrets);
		leave_caller();
		if (news >= 0)
			dup2(news, 2);
		the_supervisor = (struct sup){ .stop_ms = STOP_MS };
		_exit(supervise(&the_supervisor, run, listener, NULL));
	}
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	errno = WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
	return status ? err_fork(e, "start the supervisor") : 0;
}
