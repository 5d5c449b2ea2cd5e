/* rclone/store.h - our section in an rclone.conf on disk (rclone/conf.h does the text). */

#ifndef RCLONE_STORE_H
#define RCLONE_STORE_H

#include "base/err.h"
#include "base/span.h"

/*
 * Puts SECTION into the file PATH, mode 0600, as a whole or not at all; makes the folder (0700) where it is missing. A file that holds it
 * already is not written. Returns 0 or -1 with *E set (CODE_FAULT: also where others may write to the folder, or PATH is a symbolic link).
 */
int rclone_store(const char *path, struct span section, struct err *e);

/* Takes our section out of PATH; a file that then holds nothing is removed. No file is no error. Returns 0 or -1 with *E set. */
int rclone_unstore(const char *path, struct err *e);

#endif
