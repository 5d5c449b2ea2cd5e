/*
 * mnt/options.h - the mount options of a FUSE file system, as fusermount3(1) takes them.
 *
 * Comma-separated; "\," and "\\" stand for themselves. Taken: ro rw, exec noexec, async sync, dirsync, atime noatime, diratime nodiratime,
 * relatime norelatime, strictatime, fsname=, subtype=, allow_other, default_permissions, max_read=. Taken without effect: nosuid and
 * nodev (they always hold), suid and dev (they never do), nonempty (rclone 1.60 gives it; no FUSE mount needs it since libfuse 3).
 * Refused in words: auto_unmount, blkdev and blksize=, and what is the mounter's to set: fd= rootmode= user_id= group_id=. Every other
 * one is an error that names it.
 */

#ifndef MNT_OPTIONS_H
#define MNT_OPTIONS_H

#include <stddef.h>

struct fuse_mount_options {
	unsigned long flags; /* MS_*, for mount(2); MS_NOSUID and MS_NODEV are always there */
	char fstype[64];     /* "fuse" or "fuse.SUBTYPE" */
	char source[4096];   /* fsname, else subtype, else "fuse" */
	char data[512];	     /* "allow_other,default_permissions,max_read=…": without fd, rootmode, user_id, group_id */
};

/* Returns 0, or -1 with a sentence in WHY (SIZE bytes, at least 1). */
int fuse_mount_options_parse(struct fuse_mount_options *o, const char *options, char *why, size_t size);

#endif
