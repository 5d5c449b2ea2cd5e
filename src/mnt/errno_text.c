#include "mnt/errno_text.h"

#include "base/buf.h"

#include <errno.h>
#include <limits.h>

/* EBUSY gets glibc's text, whatever the libc: people search for it, and FUSE programs look for it. */
const struct mnt_errno_text mnt_umount_errors[] = {
	{ EBUSY, "Device or resource busy",
		"a program has a file open or its working directory there; -z detaches it all the same" },
	{ EINVAL, "nothing is mounted there, or the mount belongs to another user namespace", NULL },
	{ EPERM, "the mounts here belong to another user namespace, or seccomp forbids it", NULL },
	{ EACCES, "a security module (AppArmor, SELinux) forbids it", NULL },
	{ ENOTCONN, "it lies on a FUSE mount whose driver is gone", "unmount that one first" },
	{ 0, NULL, NULL },
};

int mnt_err_sys(struct err *e, const struct mnt_errno_text *table, const char *fmt, ...)
{
	char what[PATH_MAX + 64];
	struct buf b = buf_over(what, sizeof what);
	va_list ap;
	int no = errno;

	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	errno = no;
	while (table->no && table->no != no)
		table++;
	if (!table->no)
		return err_sys(e, CODE_MOUNT, "%s", what);
	err_set(e, CODE_MOUNT, "%s: %s", what, table->text);
	return table->hint ? err_hint(e, "%s", table->hint) : -1;
}
