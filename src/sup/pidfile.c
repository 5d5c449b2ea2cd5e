#include "sup/pidfile.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "ctl/wire.h"
#include "sup/cache.h"
#include "sup/driver_log.h"
#include "sup/mount_new.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SUFFIX ".driver"

static struct run_path id_file(const struct run *run, const char *id)
{
	char name[MOUNT_ID + 8];

	text_fmt(name, sizeof name, "%s" SUFFIX, id);
	return run_path(run, name);
}

static struct run_path driver_file(const struct mount *m)
{
	return id_file(m->run, m->id);
}

bool pidfile_exists(const struct run *run, const char *id)
{
	return access(id_file(run, id).s, F_OK) == 0;
}

/* PID writes its errors to the log of M: it is the driver, and no other process that has its pid by now. */
static bool is_driver(const struct mount *m, unsigned long pid)
{
	struct stat log, its;
	char path[64];

	text_fmt(path, sizeof path, "/proc/%lu/fd/2", pid);
	return stat(driver_log_path(m).s, &log) == 0 && stat(path, &its) == 0 && log.st_dev == its.st_dev &&
	       log.st_ino == its.st_ino;
}

void pidfile_write(const struct mount *m)
{
	struct run_path path = driver_file(m);
	struct request r = cache_request(m);
	struct buf b = buf_heap(WIRE_MAX);
	/* Without fsync(2): after a crash of the machine there is no driver to be found. */
	int fd = open(path.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	buf_fmt(&b, "%ld %s %lld\n", (long)m->pid, m->fingerprint, (long long)m->below_since);
	wire_put_request(&b, &r);
	if (fd < 0 || b.full || write_all(fd, b.p, b.len))
		log_line("%s cannot be written", path.s);
	if (fd >= 0)
		close(fd);
	buf_free(&b);
}

struct driver_line {
	unsigned long pid, below_since;
	struct span fingerprint, request;
};

static bool read_driver_line(struct driver_line *d, const char *path, struct buf *b)
{
	struct span pid, since;
	struct err unused;

	if (file_read(path, b, &unused))
		return false;
	d->request = buf_all(b);
	return span_cut(&d->request, ' ', &pid) && span_number(pid, INT_MAX, &d->pid) && d->pid > 1 &&
	       span_cut(&d->request, ' ', &d->fingerprint) && d->fingerprint.n == MOUNT_ID - 1 &&
	       span_cut(&d->request, '\n', &since) && span_number(since, LONG_MAX, &d->below_since);
}

/* The pid of the driver that is named, and runs; 0: none. SAME: its fingerprint is the mount's. */
static pid_t find_running(const struct mount *m, bool *same)
{
	struct buf b = buf_heap(WIRE_MAX);
	struct driver_line d;
	pid_t pid = 0;

	if (read_driver_line(&d, driver_file(m).s, &b) && is_driver(m, d.pid))
		pid = (pid_t)d.pid;
	*same = pid && span_is(d.fingerprint, m->fingerprint);
	buf_free(&b);
	return pid;
}

int pidfile_adopt(struct mount *m, bool *same)
{
	pid_t pid = find_running(m, same);

	m->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* -1 for 0 too */
	if (m->pidfd < 0)
		return -1;
	/* Once more: the pid may have become another's before the descriptor held it. */
	if (find_running(m, same) != pid) {
		close(m->pidfd);
		m->pidfd = -1;
		return -1;
	}
	m->pid = pid;
	return 0;
}

void pidfile_kill(const struct mount *m)
{
	bool same;
	pid_t pid = find_running(m, &same);

	/* It leads a process group of its own. */
	if (pid)
		kill(-pid, SIGKILL);
}

void pidfile_remove(const struct mount *m)
{
	unlink(driver_file(m).s);
	unlink(m->job.socket);
}

struct mount *pidfile_mount(const struct run *run, const char *name)
{
	struct run_path helpers = run_path(run, "bin");
	struct buf b = buf_heap(WIRE_MAX);
	struct driver_line d;
	struct arena a = { 0 };
	struct mount *m = NULL;
	struct request r;
	struct err unused;

	/* No other file in RUN has a name of this length. */
	if (strlen(name) == MOUNT_ID - 1 + sizeof SUFFIX - 1 && read_driver_line(&d, run_path(run, name).s, &b) &&
		d.request.n > 4 && wire_get_request(span_skip(d.request, 4), &a, &r, &unused) == 0 && r.mount_count == 1) {
		struct driver_job job = {
			.program = r.program,
			.program_version = r.program_version,
			.config = r.config,
			.cache_dir = r.cache_dir,
			.ca_cert = r.ca_cert,
			.helper_dir = helpers.s,
			.allow_other = r.allow_other,
			.endpoint = r.endpoint,
			.region = r.region,
			.provider = r.provider,
			.addressing = r.addressing,
			.shares = 1,
		};

		m = mount_make(run, &r.mounts[0], &job, name, &unused);
	}
	if (m) {
		memcpy(m->fingerprint, d.fingerprint.p, MOUNT_ID - 1);
		m->below_since = (int64_t)d.below_since;
		m->goal = is_driver(m, d.pid) ? GOAL_UP : GOAL_DOWN;
	}
	buf_free(&b);
	arena_free(&a);
	return m;
}
