#include "sup_world.h"

#include "base/file.h"
#include "base/log.h"
#include "sup/loop.h"
#include "sup/mount_new.h"
#include "sup/oom.h"
#include "sup/tcp_reset.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBERS 1
#endif
#endif
#if defined(FIBERS) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(at, size)
#define __sanitizer_start_switch_fiber(save, bottom, size)
#define __sanitizer_finish_switch_fiber(save, bottom, size)
#endif

#define TURNS_MAX 4000 /* a loop that never waits */
#define STACK (512 * 1024)
#define STOP_MS 25000

enum { FD_TABLE = WORLD_FD, FD_SIGNALS, FD_CLOCK, FD_LISTENER };

struct world world;

void world_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

/* ---- base/clock.c and mnt/table.c, all but the system call in each ---- */

static int world_gettime(clockid_t id, struct timespec *t)
{
	int64_t ms = world.now;

	if (id == CLOCK_REALTIME)
		ms += world.wall;
	if (id == CLOCK_BOOTTIME)
		ms += world.boot;
	*t = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	return 0;
}

/* A mount on a folder above each place would cover them all. */
static int world_table(const char *path, struct buf *out, struct err *e)
{
	if (world.unreadable)
		return err_set(e, CODE_FAULT, "read %s: no", path);
	buf_str(out, "1 0 0:1 / / rw - ext4 root rw\n");
	for (int i = 0; i < PLACES; i++) {
		const struct place *p = &world.places[i];
		int id = WORLD_MOUNT(i) - 1, under = p->layer || p->ours ? p->on : world_ground(i);

		if (p->layer)
			buf_fmt(out, "%d %d 0:7 / %s ro - tmpfs s3mounts:%s rw\n", id, under, p->target, world.run.dir),
				under = id;
		if (p->ours)
			buf_fmt(out, "%d %d 0:5 / %s rw - fuse.world %s rw\n", id + 1, under, p->target, p->source),
				under = id + 1;
		if (p->covered)
			buf_fmt(out, "%d %d 0:6 / %s rw - tmpfs tmpfs rw\n", id + 2, under, p->target);
	}
	return 0;
}

#define clock_gettime world_gettime
#include "base/clock.c"
#undef clock_gettime
#define file_read world_table
#include "mnt/table.c"
#undef file_read

/* ---- the supervisor as a coroutine ---- */

static struct {
	ucontext_t test, supervisor;
	void *test_fake, *supervisor_fake;
	const void *test_stack;
	size_t test_stack_size;
} fiber;
static char fiber_stack[STACK] __attribute__((aligned(64)));

/* In the coroutine: back to the test. */
static void back_to_test(void)
{
	__sanitizer_start_switch_fiber(world.over ? NULL : &fiber.supervisor_fake, fiber.test_stack, fiber.test_stack_size);
	swapcontext(&fiber.supervisor, &fiber.test);
	__sanitizer_finish_switch_fiber(fiber.supervisor_fake, &fiber.test_stack, &fiber.test_stack_size);
}

static void supervise(void)
{
	__sanitizer_finish_switch_fiber(NULL, &fiber.test_stack, &fiber.test_stack_size);
	world.result = sup_loop(&world.sup);
	world.over = true;
	back_to_test();
}

static void start_supervisor(void)
{
	ASAN_UNPOISON_MEMORY_REGION(fiber_stack, sizeof fiber_stack);
	getcontext(&fiber.supervisor);
	fiber.supervisor.uc_stack.ss_sp = fiber_stack;
	fiber.supervisor.uc_stack.ss_size = sizeof fiber_stack;
	makecontext(&fiber.supervisor, supervise, 0);
}

void world_run(int64_t ms)
{
	world.until = world.now + ms;
	world.turns = 0;
	if (world.over)
		return;
	__sanitizer_start_switch_fiber(&fiber.test_fake, fiber_stack, sizeof fiber_stack);
	swapcontext(&fiber.test, &fiber.supervisor);
	__sanitizer_finish_switch_fiber(fiber.test_fake, NULL, NULL);
}

/* ---- time ---- */

void world_stop(int64_t ms)
{
	world.now += ms;
	world.late += ms;
}

void world_suspend(int64_t ms)
{
	world.wall += ms;
	world.boot += ms;
}

void world_set_clock(int64_t by)
{
	world.wall += by;
	world.clock_set = true;
}

void world_term(void)
{
	world.term = true;
}

void world_hup(void)
{
	world.hup = true;
}

int timerfd_create(clockid_t id, int flags)
{
	MUST(id == CLOCK_REALTIME && flags == (TFD_CLOEXEC | TFD_NONBLOCK));
	return FD_CLOCK;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *to, struct itimerspec *old)
{
	(void)old;
	MUST(fd == FD_CLOCK && flags == (TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) && to->it_value.tv_sec > 0);
	world.clock_set = false;
	return 0;
}

/* ---- descriptors ---- */

/* What poll(2) says of FD. */
static short ready_events(int fd, short events)
{
	short revents = 0;

	switch (fd) {
	case FD_TABLE:
		if (world.table != world.seen)
			revents = POLLPRI | POLLERR;
		world.seen = world.table;
		return revents;
	case FD_SIGNALS:
		return world.chld || world.term || world.hup ? POLLIN : 0;
	case FD_CLOCK:
		return world.clock_set ? POLLIN : 0;
	case FD_LISTENER:
		return world_listener_ready() ? POLLIN : 0;
	}
	if (world_peer_ready(fd, events, &revents))
		return revents;
	return world_process_ready(fd) ? POLLIN : 0;
}

static int count_ready(struct pollfd *p, nfds_t n)
{
	int count = 0;

	for (nfds_t i = 0; i < n; i++) {
		MUST(p[i].fd >= WORLD_FD);
		p[i].revents = ready_events(p[i].fd, p[i].events);
		count += p[i].revents != 0;
	}
	return count;
}

/* Time goes on to what comes first. False: to the end of what the test has allowed. */
static bool pass_time(int64_t deadline)
{
	int64_t first = clock_earlier(world_next(), deadline);

	if (first == NEVER || first > world.until) {
		if (world.until > world.now)
			world.now = world.until;
		return false;
	}
	if (first > world.now) {
		world.now = first;
		world.turns = 0;
	}
	return true;
}

int poll(struct pollfd *p, nfds_t n, int timeout)
{
	int64_t deadline = timeout < 0 ? NEVER : world.now + timeout;
	int count;

	MUST(world.turns++ < TURNS_MAX);
	if (n == 1)
		return count_ready(p, n);
	for (;;) {
		if (world.broken) {
			errno = EBADF;
			return -1;
		}
		if (world.interrupted) {
			world.interrupted = false;
			errno = EINTR;
			return -1;
		}
		while (world_happen())
			;
		count = count_ready(p, n);
		if (count || (deadline != NEVER && deadline <= world.now))
			return count;
		if (!pass_time(deadline))
			back_to_test();
	}
}

static ssize_t read_signal(struct signalfd_siginfo *si)
{
	bool *waiting[] = { &world.chld, &world.term, &world.hup };
	const uint32_t number[] = { SIGCHLD, SIGTERM, SIGHUP };

	for (int i = 0; i < 3; i++)
		if (*waiting[i]) {
			*waiting[i] = false;
			*si = (struct signalfd_siginfo){ .ssi_signo = number[i] };
			return sizeof *si;
		}
	errno = EAGAIN;
	return -1;
}

ssize_t read(int fd, void *to, size_t size)
{
	if (fd < WORLD_FD)
		return syscall(SYS_read, fd, to, size);
	if (fd == FD_SIGNALS) {
		MUST(size == sizeof(struct signalfd_siginfo));
		return read_signal(to);
	}
	return world_process_read(fd, to, size);
}

int close(int fd)
{
	if (fd < WORLD_FD)
		return (int)syscall(SYS_close, fd);
	if (fd >= WORLD_PEERS)
		world_peer_close(fd);
	else if (fd >= WORLD_PIPES)
		world_process_close(fd);
	else
		MUST(fd == FD_LISTENER && world.sup.listener == FD_LISTENER);
	return 0;
}

int tcp_reset_all(pid_t pid)
{
	MUST(world_exists(pid, 0));
	return ++world.resets;
}

bool tcp_any_established(pid_t pid)
{
	(void)pid;
	return false;
}

void oom_sample(void)
{
}

long oom_kills(void)
{
	return world.oom_kills;
}

/* ---- begin and end ---- */

void world_begin(void)
{
	static const char *const targets[PLACES] = { "/m/a", "/m/b", "/m/c" };

	if (getenv("WORLD_LOG"))
		log_open(getenv("WORLD_LOG"));
	memset(&world, 0, sizeof world);
	world.now = WORLD_BEGIN;
	world.wall = INT64_C(1790000000000);
	world.run = (struct run){ "/nonexistent/s3mounts" };
	for (int i = 0; i < PLACES; i++)
		world.places[i].target = targets[i];
	world.uid = WORLD_UID;
	world.sup.run = &world.run;
	world.sup.table_fd = FD_TABLE;
	world.sup.signals = FD_SIGNALS;
	world.sup.listener = FD_LISTENER;
	world.sup.stay = true;
	world.sup.stop_ms = STOP_MS;
	start_supervisor();
}

void world_nest(void)
{
	static const char *const targets[PLACES] = { "/m/a/b", "/m/a", "/m/a/b/c" };

	for (int i = 0; i < PLACES; i++)
		world.places[i].target = targets[i];
}

static void free_job(struct job *j)
{
	for (size_t i = 0; i < j->req.mount_count && j->fresh; i++)
		if (j->fresh[i])
			mount_free(j->fresh[i]);
	task_stop(&j->check);
	buf_free(&j->verdicts);
	settings_wipe(&j->settings);
	arena_free(&j->mem);
}

static void free_supervisor(struct sup *s)
{
	free_job(&s->job);
	for (size_t i = 0; i < s->count; i++)
		mount_free(s->mounts[i]);
	free(s->mounts);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].state != CLIENT_NONE)
			client_close(s, &s->clients[i]);
	if (s->table_known)
		mnt_table_free(&s->table);
}

void world_end(void)
{
	world.broken = true;
	world_run(0);
	MUST(world.over);
	free_supervisor(&world.sup);
	for (int i = 0; i < world.process_count; i++) {
		MUST(!world.processes[i].open || world.processes[i].adopted);
		buf_free(&world.processes[i].out);
	}
	for (int i = 0; i < world.peer_count; i++) {
		MUST(!world.peers[i].accepted || world.peers[i].closed);
		buf_free(&world.peers[i].says);
		buf_free(&world.peers[i].got);
		arena_free(&world.peers[i].mem);
	}
}
