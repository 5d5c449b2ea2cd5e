#include "sup/pidfile.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "sup/child.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SMALL_FILE 8192

static struct run_path driver_file(const struct mount *m)
{
	char name[MOUNT_ID + 8];

	text_fmt(name, sizeof name, "%s.driver", m->id);
	return run_path(m->run, name);
}

/* PID writes its errors to the log of M: it is the driver, and no other process that has its pid by now. */
static bool is_driver(const struct mount *m, unsigned long pid)
{
	struct stat log, its;
	char path[64];

	text_fmt(path, sizeof path, "/proc/%lu/fd/2", pid);
	return stat(child_log(m).s, &log) == 0 && stat(path, &its) == 0 && log.st_dev == its.st_dev && log.st_ino == its.st_ino;
}

void pidfile_write(const struct mount *m)
{
	struct run_path path = driver_file(m);
	char text[128];
	struct buf b = buf_over(text, sizeof text);
	/* Without fsync(2): after a crash of the machine there is no driver to be found. */
	int fd = open(path.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	buf_fmt(&b, "%ld %s\n", (long)m->pid, m->fingerprint);
	if (fd < 0 || write_all(fd, b.p, b.len))
		log_line("%s cannot be written: a later supervisor will not know this driver", path.s);
	if (fd >= 0)
		close(fd);
}

struct driver_line {
	unsigned long pid;
	bool same; /* fingerprint */
};

/* A driver is named, and runs. */
static bool runs(const struct mount *m, struct driver_line *d)
{
	struct buf b = buf_heap(SMALL_FILE);
	struct span rest, pid;
	struct err e;
	bool ok = false;

	if (file_read(driver_file(m).s, &b, &e) == 0) {
		rest = buf_all(&b);
		ok = span_cut(&rest, ' ', &pid) && span_number(pid, INT_MAX, &d->pid) && d->pid > 1 && is_driver(m, d->pid);
		d->same = span_starts(rest, span_of(m->fingerprint));
	}
	buf_free(&b);
	return ok;
}

bool pidfile_differs(const struct mount *m)
{
	struct driver_line d;

	return runs(m, &d) && !d.same;
}

int pidfile_adopt(struct mount *m)
{
	struct driver_line d;

	if (!runs(m, &d))
		return -1;
	m->pidfd = (int)syscall(SYS_pidfd_open, (pid_t)d.pid, 0);
	if (m->pidfd < 0)
		return -1;
	/* Once more: the pid may have become another's before the descriptor held it. */
	if (!runs(m, &d)) {
		close(m->pidfd);
		m->pidfd = -1;
		return -1;
	}
	m->pid = (pid_t)d.pid;
	m->outdated = !d.same;
	return 0;
}

void pidfile_kill(const struct mount *m)
{
	struct driver_line d;

	/* It leads a process group of its own. */
	if (runs(m, &d))
		kill(-(pid_t)d.pid, SIGKILL);
}

void pidfile_remove(const struct mount *m)
{
	unlink(driver_file(m).s);
}
