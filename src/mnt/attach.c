#include "mnt/attach.h"

#include "base/buf.h"
#include "base/file.h"
#include "mnt/errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* ENOENT gets strerror(3)'s text, at the end of the line: rclone looks for exactly that. */
static const struct mnt_errno_text access_errors[] = {
	{ ENOTDIR, "it is not a directory", "name a folder" },
	{ ELOOP, "too many symbolic links lead there", NULL },
	{ ENOTCONN, "Transport endpoint is not connected: a FUSE mount is there whose driver is gone",
		"fusermount3 -u -z clears it" },
	{ 0, NULL, NULL },
};

static const struct mnt_errno_text mount_errors[] = {
	{ EPERM,
		"this process may not mount: CAP_SYS_ADMIN is missing in the user namespace that owns the mounts, or seccomp forbids it",
		"run as root; " MNT_HINT_CONTAINER },
	{ EACCES, "a security module (AppArmor, SELinux) forbids it", "docker: --security-opt apparmor=unconfined" },
	{ EBUSY, "the kernel says that the mount point is in use", NULL },
	{ ENODEV, "this kernel has no FUSE", "it needs a kernel with CONFIG_FUSE_FS" },
	{ EINVAL, "the kernel refuses the options, or /dev/fuse was opened in another user namespace", NULL },
	{ ENOENT, "the mount point has been removed", NULL },
	{ ENOTDIR, "it is not a directory", "name a folder" },
	{ ENOSPC, "the mount table is full", "raise fs.mount-max, or unmount what is not needed" },
	{ 0, NULL, NULL },
};

static int open_mount_point(const char *target, struct stat *st, struct err *e)
{
	int fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && fstat(fd, st) == 0)
		return fd;
	mnt_err_sys(e, access_errors, "failed to access mountpoint %s", target);
	if (fd >= 0)
		close(fd);
	return -1;
}

bool mnt_path_is_safe(const char *path, const char *real)
{
	size_t n = strlen(real);

	/* "/x/" is the same path as "/x". */
	if (geteuid() || *path != '/' || (strncmp(path, real, n) == 0 && !path[n + strspn(path + n, "/")]) ||
		file_is_root_owned(path))
		return true;
	errno = ELOOP;
	return false;
}

bool mnt_cwd_is_safe(const char *path)
{
	char now[PATH_MAX];

	return getcwd(now, sizeof now) && mnt_path_is_safe(path, now);
}

/* mount(2) takes no descriptors; "." is as good, and works without /proc too. */
static int mount_at(int dir, const struct fuse_mount_options *o, const char *data, const char *target)
{
	int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ret = -1, no;

	if (back >= 0 && fchdir(dir) == 0 && mnt_cwd_is_safe(target))
		ret = mount(o->source, ".", o->fstype, o->flags, data);
	no = errno;
	if (back >= 0) {
		(void)!fchdir(back);
		close(back);
	}
	errno = no;
	return ret;
}

/* Closes DIR. */
static int attach_at(int dir, const char *target, const struct fuse_mount_options *o, const char *data, struct err *e)
{
	int ret = mount_at(dir, o, data, target);

	if (ret)
		mnt_err_sys(e, mount_errors, "mount %s", target);
	close(dir);
	return ret;
}

int mnt_attach(const char *target, int fd, const struct fuse_mount_options *o, struct err *e)
{
	char mem[sizeof o->data + 128];
	struct buf data = buf_over(mem, sizeof mem);
	struct stat st;
	int dir = open_mount_point(target, &st, e);

	if (dir < 0)
		return -1;
	buf_fmt(&data, "fd=%d,rootmode=%o,user_id=%u,group_id=%u", fd, (unsigned)(st.st_mode & S_IFMT), (unsigned)getuid(),
		(unsigned)getgid());
	buf_fmt(&data, "%s%s", o->data[0] ? "," : "", o->data);
	return attach_at(dir, target, o, data.p, e);
}

int mnt_attach_plain(const char *target, const struct fuse_mount_options *o, struct err *e)
{
	struct stat st;
	int dir = open_mount_point(target, &st, e);

	return dir < 0 ? -1 : attach_at(dir, target, o, o->data, e);
}
