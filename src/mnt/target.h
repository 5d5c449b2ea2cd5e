/*
 * mnt/target.h - the folder that a mount is put on: prepared, proven, cleared. Each function may block for ever on a dead file
 * system and is meant to be run in a child with a deadline (base/task.h).
 */

#ifndef MNT_TARGET_H
#define MNT_TARGET_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>

struct mnt_ready {
	char path[PATH_MAX]; /* the target with its links resolved, as the mount table will show it */
	bool mounted;	     /* a live mount with our FSTYPE and SOURCE is there already */
	bool cleared;	     /* a dead mount of ours (ENOTCONN) was there and has been detached */
	bool not_empty;	     /* the folder holds files, which the mount will cover */
	bool layered;	     /* our layer (mnt/layer.h) is topmost there: what is in the folder below is not known */
};

/*
 * Prepares TARGET (absolute) for a mount of FSTYPE from SOURCE: makes missing folders (0755), detaches dead FUSE mounts of ours
 * there (ENOTCONN from statfs(2); FSTYPE from any source), resolves links. Returns 0 with *R filled, or -1 with *E set,
 * CODE_MOUNT: the target is not a folder, somebody else's mount is there (named by type and source), or a live one of FSTYPE
 * from another source, a folder cannot be made; CODE_FAULT. A mount that the target lies on does not matter unless it is dead.
 * A layer of ours (mnt/layer.h) is mounted upon.
 */
int mnt_target_prepare(const char *target, const char *fstype, const char *source, struct mnt_ready *r, struct err *e);

/*
 * TARGET (absolute) with links resolved, in OUT, also where a part of its end is not there yet. Makes nothing. Returns 0, or -1 with *E set
 * (CODE_MOUNT).
 */
int mnt_target_resolve(const char *target, char out[PATH_MAX], struct err *e);

/* Does the file system at TARGET answer statfs(2)? 0, or -1 with *E set (CODE_MOUNT): a dead one is reported as such. */
int mnt_target_answers(const char *target, struct err *e);

/*
 * Can its root be listed, to the end or as far as a thousand entries? As mnt_target_answers(). 0 as well when the kernel denies it (EACCES), which says
 * nothing. FILE becomes the name of a regular file there; "" where none is among these.
 */
int mnt_target_lists(const char *target, char file[NAME_MAX + 1], struct err *e);

/*
 * Does the file system at TARGET answer a question for an extended attribute of FILE, of mnt_target_lists(), with EIO? One that has none should say
 * ENOTSUP or ENODATA, which programs that copy files pass over.
 */
bool mnt_target_fails_xattrs(const char *target, const char *file);

/*
 * umount2(2) of what is topmost at TARGET, never through a link at its end; DETACH removes it from the tree even while it is in
 * use (MNT_DETACH). Without the right to (EPERM) it has the system's set-uid fusermount3 do it. Returns 0 (also when nothing
 * was mounted), 1 when it is busy (EBUSY), -1 with *E set (CODE_MOUNT; CODE_FAULT).
 */
int mnt_target_unmount(const char *target, bool detach, struct err *e);

/*
 * umount2(2) from the folder of TARGET, so that no link in the path leads to another mount (mnt_path_is_safe()). The working
 * directory is "/" afterwards, unless TARGET is relative.
 */
int mnt_umount_nofollow(const char *target, int flags);

#endif
