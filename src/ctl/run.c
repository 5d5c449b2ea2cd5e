#include "ctl/run.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct run_path run_path(const struct run *r, const char *name)
{
	struct run_path p;

	p.s[0] = 0;
	text_fmt(p.s, sizeof p.s, "%s/%s", r->dir, name);
	return p;
}

struct run_path run_layer_name(const struct run *r)
{
	struct run_path name;

	name.s[0] = 0;
	text_fmt(name.s, sizeof name.s, "s3mounts:%s", r->dir);
	return name;
}

long run_owner(const struct run *r)
{
	struct stat st;

	return lstat(r->dir, &st) || !S_ISDIR(st.st_mode) ? -1 : (long)st.st_uid;
}

bool run_is_anothers(const struct run *r)
{
	long owner = run_owner(r);

	return owner >= 0 && owner != (long)geteuid();
}

static const char *const helpers[] = { "bin/fusermount3", "bin/fusermount" };

/* Under another name first, then renamed: of two commands at once each finds a link, or makes it. */
static int link_helper(const struct run *r, const char *name, const char *self, struct err *e)
{
	struct run_path p = run_path(r, name), new;
	char at[64], old[PATH_MAX];
	ssize_t n = readlink(p.s, old, sizeof old);

	if (n >= 0 && span_eq((struct span){ old, (size_t)n }, span_of(self)))
		return 0;
	text_fmt(at, sizeof at, "bin/new-%ld", (long)getpid());
	new = run_path(r, at);
	unlink(new.s);
	if (symlink(self, new.s) || rename(new.s, p.s)) {
		err_sys(e, CODE_FAULT, "make link %s", p.s);
		unlink(new.s);
		return -1;
	}
	return 0;
}

static int link_helpers(const struct run *r, struct err *e)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n < 0) {
		err_sys(e, CODE_FAULT, "find this program: /proc/self/exe");
		return err_hint(e, "mount /proc first: mount -t proc proc /proc");
	}
	self[n] = 0;
	for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
		if (link_helper(r, helpers[i], self, e))
			return -1;
	return 0;
}

int run_prepare(const struct run *r, struct err *e)
{
	if (dir_private(r->dir, e)) {
		if (!e->hint[0])
			err_hint(e,
				"--run-dir, or S3MOUNTS_RUN_DIR, names a folder that can be written to; on a read-only root a tmpfs belongs there");
		return -1;
	}
	/* In it is the program that a driver calls to mount. */
	if (geteuid() == 0 && !file_is_root_owned(r->dir)) {
		err_set(e, CODE_FAULT, "folder %s: another user could replace it", r->dir);
		return err_hint(e,
			"--run-dir names one that root alone can change, in folders that root alone can change (as /run/s3mounts)");
	}
	return dir_private(run_path(r, "bin").s, e) ? -1 : link_helpers(r, e);
}

#define LOCK_POLL_MS 20 /* flock(2) has no time limit of its own, and its holder is done in a few ms */

int run_try_lock(const struct run *r, struct err *e)
{
	struct run_path p = run_path(r, "lock");
	int fd = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), ret;

	if (fd < 0)
		return err_sys(e, CODE_FAULT, "open %s", p.s);
	while ((ret = flock(fd, LOCK_EX | LOCK_NB)) && errno == EINTR)
		;
	if (ret == 0)
		return fd;
	err_sys(e, errno == EWOULDBLOCK ? CODE_PENDING : CODE_FAULT, "lock %s", p.s);
	close(fd);
	return -1;
}

int run_lock(const struct run *r, int64_t deadline, struct err *e)
{
	int fd;

	while ((fd = run_try_lock(r, e)) < 0 && e->code == CODE_PENDING && clock_left(deadline))
		poll(NULL, 0, LOCK_POLL_MS);
	if (fd < 0 && e->code == CODE_PENDING)
		return err_set(e, CODE_FAULT, "lock %s/lock: held by another process that starts a supervisor", r->dir);
	return fd;
}

/* A lock of the process (F_SETLK, fcntl(2)): no child inherits it, and the kernel knows whose it is. */
int run_claim(const struct run *r, struct err *e)
{
	struct run_path p = run_path(r, "run");
	int fd = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fd < 0)
		return err_sys(e, CODE_FAULT, "open %s", p.s);
	if (fcntl(fd, F_SETLK, &lock) == 0)
		return fd;
	if (errno != EACCES && errno != EAGAIN)
		err_sys(e, CODE_FAULT, "lock %s", p.s);
	else if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		err_set(e, CODE_FAULT, "run: another s3mounts run (process %ld) has its mounts in %s", (long)lock.l_pid,
			r->dir);
	else
		err_set(e, CODE_FAULT, "run: another s3mounts run has had its mounts in %s until now", r->dir);
	err_hint(e, "--run-dir gives this one a folder of its own; or wait until that has ended");
	close(fd);
	return -1;
}

void run_clean(const struct run *r)
{
	for (size_t i = 0; i < sizeof helpers / sizeof *helpers; i++)
		unlink(run_path(r, helpers[i]).s);
	rmdir(run_path(r, "bin").s);
	unlink(run_path(r, "ca.pem").s);
	unlink(run_path(r, "control").s);
}
