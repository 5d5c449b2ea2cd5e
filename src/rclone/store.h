/* rclone/store.h - our section in an rclone.conf on disk (rclone/conf.h does the text). */

#ifndef RCLONE_STORE_H
#define RCLONE_STORE_H

#include "base/err.h"
#include "base/span.h"

/*
 * Puts SECTION into the file PATH, as a whole or not at all; makes file (0600) and folder (0700) where they are missing. A file that is there
 * must be the caller's own, and an rclone.conf. While our keys are in it only its owner may read it (0644 becomes 0600), which a comment in
 * the section remembers; its group stays. A file that holds it already is not written. Returns 0 or -1 with *E set, and nothing was touched:
 * CODE_USAGE (it is no rclone.conf, or encrypted), CODE_FAULT (also where others may write to the folder, or PATH is a symbolic link).
 */
int rclone_store(const char *path, struct span section, struct err *e);

/*
 * Takes our section out of PATH: bytes, mode and group are again what rclone_store() has found; a file that it made, and that holds nothing
 * else now, is removed. A file without our section is left alone, and no file is no error. Returns 0 or -1 with *E set.
 */
int rclone_store_remove(const char *path, struct err *e);

#endif
