#include "base/buf.h"
#include "base/file.h"
#include "mnt/attach.h"
#include "mnt/errno_text.h"
#include "mnt/fuse.h"
#include "mnt/table.h"
#include "mnt/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: runs the helper with its output going to OUT. */
static void exec_helper(const char *helper, const char *target, bool detach, int out) __attribute__((noreturn));

static void exec_helper(const char *helper, const char *target, bool detach, int out)
{
	const char *const argv[] = { "fusermount3", detach ? "-uz" : "-u", "--", target, NULL };

	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execv(helper, (char *const *)argv);
	_exit(127);
}

/* Returns the helper's exit status with its OUTPUT, or -1 with *E set. */
static int run_helper(const char *helper, const char *target, bool detach, struct buf *output, struct err *e)
{
	int fds[2], status = -1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return err_sys(e, CODE_FAULT, "run %s: pipe", helper);
	pid = fork();
	if (pid == 0)
		exec_helper(helper, target, detach, fds[1]);
	close(fds[1]);
	if (pid > 0) {
		file_read_fd(fds[0], output);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	} else {
		err_sys(e, CODE_FAULT, "run %s: fork", helper);
	}
	close(fds[0]);
	return status;
}

static int unmount_by_helper(const char *target, bool detach, struct err *e)
{
	const char *helper = fuse_system_helper();
	char mem[640];
	struct buf output = buf_over(mem, sizeof mem);
	int status;

	if (!helper)
		return fuse_err_no_rights(e, "unmount", target);
	status = run_helper(helper, target, detach, &output, e);
	if (status <= 0)
		return status;
	/* glibc's text for EBUSY: the helper gives no number. */
	if (text_find(output.p, "Device or resource busy"))
		return 1;
	output.p[strcspn(output.p, "\n")] = 0;
	return err_set(e, CODE_MOUNT, "unmount %s: %s", target, *output.p ? output.p : "the helper failed without a word");
}

/* 1: something is mounted there, 0: nothing, -1: unknown, with *E set. A link is no mount point. */
static int is_mounted(const char *target, struct err *e)
{
	char path[PATH_MAX];
	struct mnt_table t;
	int found;

	if (readlink(target, path, sizeof path) >= 0)
		return 0;
	if (!realpath(target, path))
		return err_sys(e, CODE_FAULT, "unmount %s", target);
	if (mnt_table_read(&t, e))
		return -1;
	found = mnt_table_find(&t, path) != NULL;
	mnt_table_free(&t);
	return found;
}

int mnt_umount_nofollow(const char *target, int flags)
{
	char above[PATH_MAX];
	const char *name = file_dirname(above, target);
	int ret = -1, no;

	if (geteuid() || *target != '/' || !*name)
		return umount2(target, flags);
	if (chdir(above) == 0 && mnt_cwd_is_safe(above))
		ret = umount2(name, flags);
	no = errno;
	(void)!chdir("/");
	errno = no;
	return ret;
}

/*
 * EINVAL: nothing is mounted there, or the mount came from another user namespace, which locks it. EPERM is checked before
 * either.
 */
int mnt_target_unmount(const char *target, bool detach, struct err *e)
{
	int no = mnt_umount_nofollow(target, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0)) ? errno : 0;
	int found;

	if (no == 0 || no == ENOENT || no == ENOTDIR)
		return 0;
	if (no == EBUSY)
		return 1;
	if (no == EINVAL || no == EPERM) {
		found = is_mounted(target, e);
		if (found <= 0)
			return found;
	}
	if (no == EPERM && !fuse_may_mount())
		return unmount_by_helper(target, detach, e);
	errno = no;
	return mnt_err_sys(e, mnt_umount_errors, "unmount %s", target);
}
