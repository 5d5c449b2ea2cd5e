#include "base/file.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP 4096

int write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n) {
		ssize_t done = write(fd, at, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

int send_with_fd(int sock, const void *p, size_t n, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof fd)];
	} control = { .room = { 0 } };
	struct iovec data = { (void *)(uintptr_t)p, n };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	ssize_t sent;

	control.head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd) };
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	while ((sent = sendmsg(sock, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	return sent < 0 ? -1 : write_all(sock, (const char *)p + sent, n - (size_t)sent);
}

int file_read_fd(int fd, struct buf *out)
{
	for (;;) {
		size_t room = READ_STEP;
		char *to = buf_room(out, room);
		ssize_t n;

		/*
		 * Near the limit a smaller step may still fit; a single byte tells the end of the file from a file that is too
		 * large.
		 */
		if (!to && (to = buf_room(out, room = 1)))
			out->full = false;
		if (!to) {
			errno = EFBIG;
			return -1;
		}
		n = read(fd, to, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return (int)n;
		out->len += (size_t)n;
		out->p[out->len] = 0;
	}
}

int file_read(const char *path, struct buf *out, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int ret = 0;

	if (fd < 0)
		return errno == ENOENT ? 1 : err_sys(e, CODE_FAULT, "open %s", path);
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode))
		ret = err_set(e, CODE_FAULT, "read %s: it is not a regular file", path);
	else if (file_read_fd(fd, out))
		ret = err_sys(e, CODE_FAULT, "read %s", path);
	close(fd);
	return ret;
}

const char *file_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *file_dirname(char out[PATH_MAX], const char *path)
{
	const char *name = file_basename(path);
	size_t n = name == path ? 0 : (size_t)(name - path) - 1;

	if (text_fmt(out, PATH_MAX, "%.*s", n ? (int)n : 1, name == path ? "." : path) >= PATH_MAX)
		*out = 0;
	return name;
}

/* Opens the folder of PATH; *NAME points into PATH. */
static int open_dirname(const char *path, const char **name)
{
	char dir[PATH_MAX];

	*name = file_dirname(dir, path);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int check_replaceable(int dir, const char *name, const char *path, struct err *e)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : err_sys(e, CODE_FAULT, "write %s", path);
	if (S_ISLNK(st.st_mode))
		return err_set(e, CODE_FAULT, "write %s: it is a symbolic link, which is not followed", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, CODE_FAULT, "write %s: it is not a regular file", path);
	return 0;
}

/* Returns a descriptor of the new file TMP in DIR, written and synced, or -1 with errno set. */
static int write_temporary(int dir, const char *tmp, mode_t mode, gid_t group, struct span content)
{
	int fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0700);
	int saved;

	if (fd < 0)
		return -1;
	if (fchown(fd, (uid_t)-1, group) == 0 && fchmod(fd, mode) == 0 && write_all(fd, content.p, content.n) == 0 &&
		fsync(fd) == 0)
		return fd;
	saved = errno;
	close(fd);
	unlinkat(dir, tmp, 0);
	errno = saved;
	return -1;
}

/* NAME in DIR; the file gets GROUP ((gid_t)-1: the caller's). 0, or -1 with errno set. */
static int replace_file_at(int dir, const char *name, mode_t mode, gid_t group, struct span content)
{
	char tmp[64];
	int fd, saved;

	/*
	 * Created exclusively under a name of our own: a second writer has another pid, and the leftover of a dead one is
	 * replaced.
	 */
	text_fmt(tmp, sizeof tmp, ".s3mounts-new-%ld", (long)getpid());
	unlinkat(dir, tmp, 0);
	fd = write_temporary(dir, tmp, mode, group, content);
	if (fd < 0)
		return -1;
	close(fd);
	if (renameat(dir, tmp, dir, name)) {
		saved = errno;
		unlinkat(dir, tmp, 0);
		errno = saved;
		return -1;
	}
	fsync(dir);
	return 0;
}

int file_replace_at(int dir, const char *name, mode_t mode, struct span content)
{
	return replace_file_at(dir, name, mode, (gid_t)-1, content);
}

int file_replace(const char *path, mode_t mode, struct span content, struct err *e)
{
	return file_replace_with_group(path, mode, (gid_t)-1, content, e);
}

int file_replace_with_group(const char *path, mode_t mode, gid_t group, struct span content, struct err *e)
{
	const char *name;
	int dir = open_dirname(path, &name), ret;

	if (dir < 0)
		return err_sys(e, CODE_FAULT, "write %s: open its folder", path);
	ret = check_replaceable(dir, name, path, e);
	if (ret == 0 && replace_file_at(dir, name, mode, group, content))
		ret = err_sys(e, CODE_FAULT, "write %s", path);
	close(dir);
	return ret;
}

bool file_is_root_owned(const char *path)
{
	char part[PATH_MAX];
	struct stat top, st;
	size_t n = text_fmt(part, sizeof part, "%s", path);

	if (n >= sizeof part || stat("/", &top))
		return false;
	for (;;) {
		if (lstat(n ? part : "/", &st) || (st.st_uid != 0 && st.st_uid != top.st_uid))
			return false;
		if ((st.st_mode & 022) && !S_ISLNK(st.st_mode) && !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
			return false;
		if (!n)
			return true;
		while (n && part[--n] != '/')
			;
		part[n] = 0;
	}
}

int dir_make(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	struct stat st;
	size_t n = text_fmt(part, sizeof part, "%s", path);
	int no;

	/* A path that is too long is reported by the stat(2) at the end. */
	for (size_t i = 1; i <= n && n < sizeof part; i++) {
		if (path[i] != '/' && path[i])
			continue;
		part[i] = 0;
		no = mkdir(part, mode) ? errno : EEXIST;
		/* On a read-only file system an existing folder gives EROFS. */
		if (no != EEXIST && (stat(part, &st) || !S_ISDIR(st.st_mode))) {
			errno = no;
			return err_sys(e, CODE_FAULT, "make folder %s", part);
		}
		part[i] = path[i];
	}
	if (stat(path, &st))
		return err_sys(e, CODE_FAULT, "make folder %s", path);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, CODE_FAULT, "make folder %s: something else is there", path);
	return 0;
}

int dir_private(const char *path, struct err *e)
{
	char parent[PATH_MAX];
	struct stat st;

	file_dirname(parent, path);
	if (dir_make(parent, 0755, e))
		return -1;
	if ((mkdir(path, 0700) && errno != EEXIST) || lstat(path, &st))
		return err_sys(e, CODE_FAULT, "make folder %s", path);
	if (!S_ISDIR(st.st_mode)) {
		err_set(e, CODE_FAULT, "folder %s: something else is there", path);
		return err_hint(e, "look at it (ls -ld %s), and move it away, or name another folder", path);
	}
	if (st.st_uid != geteuid()) {
		err_set(e, CODE_FAULT, "folder %s: it belongs to user %lu, not to us", path, (unsigned long)st.st_uid);
		return err_hint(e, "run this as user %lu, or name another folder, or: chown %lu %s", (unsigned long)st.st_uid,
			(unsigned long)geteuid(), path);
	}
	if (st.st_mode & 077) {
		err_set(e, CODE_FAULT, "folder %s: others may enter it (mode %03o)", path, (unsigned)st.st_mode & 0777);
		return err_hint(e,
			st.st_mode & 022 ? "chmod 700 %s, once you have seen that nobody else has put anything there" :
					   "chmod 700 %s",
			path);
	}
	return 0;
}
