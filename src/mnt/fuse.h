/* mnt/fuse.h - does this machine have FUSE, and may we use it? */

#ifndef MNT_FUSE_H
#define MNT_FUSE_H

#include "base/err.h"

#include <stdbool.h>

/*
 * Opens /dev/fuse (fuse(4)), after making it (mknod 10,229) if it is missing and that is allowed; a node that turns out to be
 * useless is removed again. Returns the descriptor (close-on-exec), or -1 with *E set, CODE_MOUNT, with a text and hint for
 * each cause: the kernel has no FUSE (ENODEV, ENXIO, or /proc/filesystems without "fuse" when the node is missing and cannot be
 * made: E2B's arm64 kernels); the device is missing and may not be made (docker: --device /dev/fuse); a device policy forbids
 * it (EPERM, EACCES).
 */
int fuse_open(struct err *e);

/* Is CAP_SYS_ADMIN in effect? Without it mount(2) and umount2(2) fail with EPERM. */
bool fuse_may_mount(void);

/*
 * The system's set-uid fusermount3 (or fusermount), owned by root, at one of its fixed paths; NULL when there is none, or when
 * it could not help: CAP_SYS_ADMIN is out of reach for root too, or set-uid has no effect (no_new_privs, a nosuid file system).
 */
const char *fuse_system_helper(void);

/*
 * Can this process mount a FUSE file system, by itself or with the system's helper? Opens and closes the device, checks
 * CAP_SYS_ADMIN and looks for the helper. Returns 0 or -1 with *E set (CODE_MOUNT). *ALLOW_OTHER: may other users be let in
 * (CAP_SYS_ADMIN, root, or user_allow_other in /etc/fuse.conf)?
 */
int fuse_usable(bool *allow_other, struct err *e);

/* Sets *E (CODE_MOUNT): without CAP_SYS_ADMIN or a helper, VERB ("mount") WHAT is not allowed. Returns -1. */
int fuse_err_no_rights(struct err *e, const char *verb, const char *what);

#endif
