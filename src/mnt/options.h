/*
 * mnt/options.h - the mount options of a FUSE file system, as fusermount3(1) takes them.
 *
 * Comma-separated; "\," and "\\" stand for the second character. Accepted: ro rw, exec noexec, async sync, dirsync, atime
 * noatime, diratime nodiratime, relatime norelatime, strictatime, fsname=, subtype=, allow_other, default_permissions,
 * max_read=. Accepted without effect: nosuid and nodev (they always hold), suid and dev (they never do), nonempty (rclone 1.60
 * passes it; no FUSE mount needs it since libfuse 3). Refused with a reason: auto_unmount, blkdev and blksize=, and what the
 * mounter sets itself: fd= rootmode= user_id= group_id=. Any other option is an error that names it.
 */

#ifndef MNT_OPTIONS_H
#define MNT_OPTIONS_H

#include <stddef.h>

struct fuse_mount_options {
	unsigned long flags; /* MS_*, for mount(2); MS_NOSUID and MS_NODEV are always set */
	char fstype[64];     /* "fuse" or "fuse.SUBTYPE" */
	char source[4096];   /* fsname, else subtype, else "fuse" */
	char data[512];	     /* "allow_other,default_permissions,max_read=…": without fd, rootmode, user_id, group_id */
};

/* Returns 0, or -1 with a sentence in WHY (SIZE bytes, at least 1). */
int fuse_mount_options_parse(struct fuse_mount_options *o, const char *options, char *why, size_t size);

#endif
