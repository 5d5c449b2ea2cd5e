/* mnt/attach.h - mount(2) of a FUSE file system. */

#ifndef MNT_ATTACH_H
#define MNT_ATTACH_H

#include "base/err.h"
#include "mnt/options.h"

#include <stdbool.h>

/*
 * Mounts on the folder TARGET the file system that the holder of FD (from fuse_open()) serves; user and group are the caller's.
 * The folder is opened first and the mount is put on what was opened: swapping the name in between cannot redirect it, nor can
 * a link in the path (mnt_path_is_safe()). Needs CAP_SYS_ADMIN but no /proc, and changes the working directory for a moment (no
 * threads). Returns 0, or -1 with *E set (CODE_MOUNT): "failed to access mountpoint X: …" or "mount X: …".
 */
int mnt_attach(const char *target, int fd, const struct fuse_mount_options *o, struct err *e);

/* The same for a file system without a descriptor: O's data is all that it gets. */
int mnt_attach_plain(const char *target, const struct fuse_mount_options *o, struct err *e);

/*
 * PATH has led to REAL (without links): could no other user have made it lead there? There is no link in it, or all of it
 * belongs to root. Always true for a user other than root, and for a relative PATH. False with errno ELOOP.
 */
bool mnt_path_is_safe(const char *path, const char *real);

/* The same for PATH and the working directory. */
bool mnt_cwd_is_safe(const char *path);

#endif
