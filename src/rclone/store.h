/* rclone/store.h - our section in an rclone.conf on disk (rclone/conf.h does the text). */

#ifndef RCLONE_STORE_H
#define RCLONE_STORE_H

#include "base/err.h"
#include "base/span.h"

/*
 * Puts SECTION into the file PATH, atomically; makes file (0600) and folder (0700) if they are missing. An existing file must
 * be the caller's own, and an rclone.conf. While our keys are in it only its owner may read it (0644 becomes 0600), which a
 * comment in the section records; its group stays. A file that holds the section already is not written. Returns 0 or -1 with
 * *E set and nothing touched: CODE_USAGE (not an rclone.conf, or encrypted), CODE_FAULT (also when others may write to the
 * folder, or PATH is a symbolic link).
 */
int rclone_store(const char *path, struct span section, struct err *e);

/*
 * Removes our section from PATH: bytes, mode and group become what rclone_store() had found; a file that it made, and that
 * holds nothing else by now, is removed. A file without our section is left alone, and a missing file is no error. Returns 0 or
 * -1 with *E set.
 */
int rclone_store_remove(const char *path, struct err *e);

#endif
