#include "mnt/fuse.h"

#include "base/caps.h"
#include "base/file.h"
#include "mnt/errno_text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICE "/dev/fuse"
#define CONF "/etc/fuse.conf"

#define NO_FUSE "this kernel has no FUSE"
#define NO_FUSE_HINT \
	"it needs a kernel with CONFIG_FUSE_FS (modprobe fuse where it is a module); E2B's arm64 kernels have none: take an x86_64 template"

static const struct mnt_errno_text open_errors[] = {
	{ ENODEV, NO_FUSE, NO_FUSE_HINT },
	{ ENXIO, NO_FUSE, NO_FUSE_HINT },
	{ EPERM, "the container's device policy forbids it", MNT_HINT_CONTAINER },
	{ EACCES, "its mode does not let this user in, or /dev is mounted nodev",
		"run as root, or chmod 666 " DEVICE "; " MNT_HINT_CONTAINER },
	{ 0, NULL, NULL },
};

/* False in doubt, when /proc cannot be read. */
static bool kernel_lacks_fuse(void)
{
	char mem[8192];
	struct buf text = buf_over(mem, sizeof mem);
	struct span rest, line, dev;
	struct err unused;

	if (file_read("/proc/filesystems", &text, &unused))
		return false;
	rest = buf_all(&text);
	while (span_cut(&rest, '\n', &line)) {
		span_cut(&line, '\t', &dev);
		if (span_is(line, "fuse"))
			return false;
	}
	return true;
}

static int err_device_missing(struct err *e)
{
	if (kernel_lacks_fuse()) {
		errno = ENODEV;
		return mnt_err_sys(e, open_errors, "open " DEVICE);
	}
	err_sys(e, CODE_MOUNT, "open " DEVICE ": the device is missing and may not be made: mknod");
	return err_hint(e, "as root: mknod -m 666 " DEVICE " c 10 229; " MNT_HINT_CONTAINER);
}

int fuse_open(struct err *e)
{
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	bool made;

	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		return mnt_err_sys(e, open_errors, "open " DEVICE);
	/* When several make it at once, one succeeds; 0666 is the mode that udev gives it. */
	made = mknod(DEVICE, S_IFCHR | 0666, makedev(10, 229)) == 0;
	if (!made && errno != EEXIST)
		return err_device_missing(e);
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	mnt_err_sys(e, open_errors, "open " DEVICE);
	if (made)
		unlink(DEVICE);
	return -1;
}

bool fuse_may_mount(void)
{
	return caps_effective(CAP_SYS_ADMIN);
}

static bool is_setuid_root(const char *path)
{
	struct statvfs fs;
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && (st.st_mode & S_ISUID) &&
	       access(path, X_OK) == 0 && statvfs(path, &fs) == 0 && !(fs.f_flag & ST_NOSUID);
}

const char *fuse_system_helper(void)
{
	static const char *const paths[] = {
		"/usr/bin/fusermount3",
		"/bin/fusermount3",
		"/usr/local/bin/fusermount3",
		"/run/wrappers/bin/fusermount3",
		"/usr/bin/fusermount",
		"/bin/fusermount",
		"/usr/local/bin/fusermount",
		"/run/wrappers/bin/fusermount",
	};

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 || prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 1)
		return NULL;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (is_setuid_root(paths[i]))
			return paths[i];
	return NULL;
}

/* The helper lets a user other than root use allow_other only if this file says so. */
static bool conf_allows_other(void)
{
	char mem[16384];
	struct buf text = buf_over(mem, sizeof mem);
	struct span rest, line;
	struct err unused;
	bool more = true;

	if (file_read(CONF, &text, &unused))
		return false;
	rest = buf_all(&text);
	while (more) {
		more = span_cut(&rest, '\n', &line);
		if (span_is(span_trim(line), "user_allow_other"))
			return true;
	}
	return false;
}

int fuse_err_no_rights(struct err *e, const char *verb, const char *what)
{
	err_set(e, CODE_MOUNT,
		"%s %s: it needs CAP_SYS_ADMIN, which this process lacks, or a set-uid fusermount3, and there is none", verb,
		what);
	return err_hint(e, "run as root (E2B: user=\"root\"), or install fuse3; " MNT_HINT_CONTAINER);
}

int fuse_usable(bool *allow_other, struct err *e)
{
	int fd = fuse_open(e);

	if (fd < 0)
		return -1;
	close(fd);
	*allow_other = true;
	if (fuse_may_mount())
		return 0;
	if (!fuse_system_helper())
		return fuse_err_no_rights(e, "mount", "a FUSE file system");
	*allow_other = getuid() == 0 || conf_allows_other();
	return 0;
}
