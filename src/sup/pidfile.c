#include "sup/pidfile.h"

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SMALL_FILE 8192

static struct run_path driver_file(const struct mount *m)
{
	char name[MOUNT_ID + 8];

	text_fmt(name, sizeof name, "%s.driver", m->id);
	return run_path(m->run, name);
}

/* Field 22 of /proc/PID/stat (proc_pid_stat(5)): ticks between boot and the start of the process; 0: no such process. */
static unsigned long start_time(long pid)
{
	struct buf b = buf_heap(SMALL_FILE);
	unsigned long ticks = 0;
	struct span rest, field;
	char path[64];
	const char *at;
	struct err e;

	text_fmt(path, sizeof path, "/proc/%ld/stat", pid);
	if (file_read(path, &b, &e) == 0 && (at = strrchr(b.p, ')'))) {
		/* Behind the name in brackets and a blank comes field 3. */
		rest = span_of(at + 1);
		span_cut(&rest, ' ', &field);
		for (int n = 3; n <= 22; n++)
			span_cut(&rest, ' ', &field);
		if (!span_number(field, ULONG_MAX, &ticks))
			ticks = 0;
	}
	buf_free(&b);
	return ticks;
}

void pidfile_write(const struct mount *m)
{
	struct run_path path = driver_file(m);
	char text[128];
	struct buf b = buf_over(text, sizeof text);
	/* Without fsync(2): after a crash of the machine there is no driver to be found. */
	int fd = open(path.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	buf_fmt(&b, "%ld %lu %s\n", (long)m->pid, start_time(m->pid), m->fingerprint);
	if (fd < 0 || write_all(fd, b.p, b.len))
		log_line("%s cannot be written: a later supervisor will not know this driver", path.s);
	if (fd >= 0)
		close(fd);
}

struct driver_line {
	unsigned long pid, start;
	bool same; /* fingerprint */
};

static bool read_driver(const struct mount *m, struct driver_line *d)
{
	struct buf b = buf_heap(SMALL_FILE);
	struct span rest, pid, start;
	struct err e;
	bool ok = false;

	if (file_read(driver_file(m).s, &b, &e) == 0) {
		rest = buf_all(&b);
		ok = span_cut(&rest, ' ', &pid) && span_number(pid, INT_MAX, &d->pid) && span_cut(&rest, ' ', &start) &&
		     span_number(start, ULONG_MAX, &d->start);
		d->same = span_starts(rest, span_of(m->fingerprint));
	}
	buf_free(&b);
	return ok;
}

/* A driver is named, and runs. */
static bool runs(const struct mount *m, struct driver_line *d)
{
	return read_driver(m, d) && d->pid > 1 && d->start && start_time((long)d->pid) == d->start;
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
