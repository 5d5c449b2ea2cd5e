/* mnt/errno_text.h - what an errno of the mounting system calls means. For src/mnt only. */

#ifndef MNT_ERRNO_TEXT_H
#define MNT_ERRNO_TEXT_H

#include "base/err.h"

struct mnt_errno_text {
	int no; /* an errno; 0 ends the table */
	const char *text;
	const char *hint; /* NULL: none */
};

/* Docker's way to provide what FUSE needs; other engines take the same options. */
#define MNT_HINT_CONTAINER "in a container: --device /dev/fuse --cap-add SYS_ADMIN"

/* umount2(2) */
extern const struct mnt_errno_text mnt_umount_errors[];

/*
 * Sets *E (CODE_MOUNT) to FMT, ": " and TABLE's text for errno, or strerror(3)'s when the table has none. Returns -1. errno is
 * kept.
 */
int mnt_err_sys(struct err *e, const struct mnt_errno_text *table, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
