#include "sup/cache.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#define TAKE_MS 2000 /* a mount helper of a driver that was killed is gone by then */
#define TICK_MS 50

bool cache_is_id(const char *name)
{
	return strlen(name) == MOUNT_ID - 1 && strspn(name, "0123456789abcdef") == MOUNT_ID - 1;
}

int cache_held(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), saved, got;

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	/* Shared, so that two who look do not take each other for a driver; and let go at once. */
	got = flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : -1;
	saved = errno;
	close(fd);
	errno = saved;
	return got;
}

static void wake_up(int signal)
{
	(void)signal;
}

/* flock(2) has no deadline: a timer interrupts it. It ticks on, lest it has fired before the call. */
static int lock_within(int fd, int timeout_ms)
{
	const struct itimerval tick = { { 0, TICK_MS * 1000 }, { 0, TICK_MS * 1000 } }, none = { { 0, 0 }, { 0, 0 } };
	const struct sigaction act = { .sa_handler = wake_up };
	int64_t deadline = clock_ms() + timeout_ms;
	int got;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &tick, NULL);
	while ((got = flock(fd, LOCK_EX)) && errno == EINTR && clock_ms() < deadline)
		;
	setitimer(ITIMER_REAL, &none, NULL);
	return got;
}

struct request cache_request(const struct mount *m)
{
	return (struct request){
		.kind = REQUEST_UP,
		.endpoint = m->job.endpoint,
		.region = m->job.region,
		.provider = m->job.provider,
		.addressing = m->job.addressing,
		.program = m->job.program,
		.program_version = m->job.program_version,
		.config = m->job.config,
		.cache_dir = m->job.cache_dir,
		.ca_cert = m->job.ca_cert,
		.allow_other = m->job.allow_other,
		.mounts = (struct plan_mount *)&m->spec,
		.mount_count = 1,
	};
}

static struct run_path origin_of(const char *dir, const char *suffix)
{
	struct run_path p;

	p.s[0] = 0;
	text_fmt(p.s, sizeof p.s, "%s/origin%s", dir, suffix);
	return p;
}

/*
 * Put there as a whole, but without fsync(2), which would cost each mount its time: after a crash of the machine the driver's own files are no safer.
 * Where that fails the mount works all the same.
 */
static void write_origin(const struct mount *m)
{
	struct run_path path = origin_of(m->job.cache_dir, ""), new = origin_of(m->job.cache_dir, ".new");
	struct buf want = buf_heap(WIRE_MAX), have = buf_heap(WIRE_MAX);
	struct request r = cache_request(m);
	struct err unused;
	int fd = -1;

	wire_put_request(&want, &r);
	/*
	 * A mount that an earlier version has written down does not know where its files belong; one that was given this folder is there for
	 * what another has left.
	 */
	if (!*m->job.endpoint || *m->spec.cache ||
		(file_read(path.s, &have, &unused) == 0 && span_eq(buf_all(&want), buf_all(&have))))
		goto out;
	fd = open(new.s, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0 || want.full || write_all(fd, want.p, want.len) || rename(new.s, path.s))
		log_line("%s cannot be written", path.s);
	if (fd >= 0)
		close(fd);
out:
	buf_free(&want);
	buf_free(&have);
}

int cache_take(const struct mount *m, struct err *e)
{
	/* Not close-on-exec: the driver holds it, and the kernel lets it go when that has ended. */
	int fd = open(m->job.cache_dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0)
		return err_sys(e, CODE_FAULT, "mount %s: open its cache folder %s", m->spec.target, m->job.cache_dir);
	if (lock_within(fd, TAKE_MS) == 0) {
		write_origin(m);
		return 0;
	}
	if (errno != EINTR)
		return err_sys(e, CODE_FAULT, "mount %s: lock its cache folder %s", m->spec.target, m->job.cache_dir);
	err_set(e, CODE_MOUNT, "mount %s: the driver of another mount works in its cache folder %s", m->spec.target,
		m->job.cache_dir);
	return err_hint(e, "take that mount down first, or give this one another place by --cache-dir");
}

int cache_origin(const char *dir, struct arena *a, struct request *r)
{
	struct buf b = buf_heap(WIRE_MAX);
	struct err unused;
	int ret = -1;

	if (file_read(origin_of(dir, "").s, &b, &unused) == 0 && b.len > 4 && wire_length(buf_all(&b)) == (long)b.len &&
		wire_get_request(span_skip(buf_all(&b), 4), a, r, &unused) == 0 && r->mount_count == 1)
		ret = 0;
	buf_free(&b);
	return ret;
}
