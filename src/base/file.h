/* base/file.h - whole files and folders, with the care that secrets and hostile neighbours require. */

#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <limits.h>
#include <sys/types.h>

/*
 * Appends the content of PATH to OUT. Returns 0; 1 when there is no such file; -1 with *E set (CODE_FAULT): not a regular file
 * (a FIFO would block), unreadable, or larger than OUT may grow.
 */
int file_read(const char *path, struct buf *out, struct err *e);

/* Appends the rest of FD to OUT. Returns 0 or -1 with errno set (EFBIG: OUT is full). */
int file_read_fd(int fd, struct buf *out);

/*
 * Writes CONTENT to PATH, atomically: a temporary file beside it, mode MODE, fsync(2), rename(2). Refuses a PATH that is a
 * symbolic link or not a regular file. Returns 0 or -1 with *E set (CODE_FAULT); then PATH is unchanged and nothing is left
 * beside it.
 */
int file_replace(const char *path, mode_t mode, struct span content, struct err *e);

/* The same; the file belongs to GROUP ((gid_t)-1: to the caller's) from the start. */
int file_replace_with_group(const char *path, mode_t mode, gid_t group, struct span content, struct err *e);

/*
 * As file_replace(), for NAME in the open folder DIR, whatever is there: a symbolic link is itself replaced, a folder is an
 * error. Returns 0 or -1 with errno set.
 */
int file_replace_at(int dir, const char *name, mode_t mode, struct span content);

/* The part of PATH after its last slash: basename(3) of a path that does not end with a slash. */
const char *file_basename(const char *path);

/* Writes the folder of PATH to OUT: "." for "x", "/" for "/x". "" when it is too long. Returns the name in that folder. */
const char *file_dirname(char out[PATH_MAX], const char *path);

/*
 * Can nobody but root replace what is at PATH (absolute)? The file, each folder above it and each link among them belong to
 * root, or to the owner of / (in a user namespace its root may map to an unknown user), and are not writable by others (a
 * folder with the sticky bit passes). Where a link leads is not checked.
 */
bool file_is_root_owned(const char *path);

/* mkdir -p; what exists stays as it is, new folders get MODE. Returns 0 or -1 with *E set (CODE_FAULT). */
int dir_make(const char *path, mode_t mode, struct err *e);

/*
 * A folder for our secrets: made with mode 0700 (its parents 0755) if it is missing; an existing one must be a folder, not a
 * link, ours, and closed to everybody else. Returns 0 or -1 with *E set (CODE_FAULT).
 */
int dir_private(const char *path, struct err *e);

/* Writes all N bytes, across short writes and EINTR. Returns 0 or -1 with errno set. */
int write_all(int fd, const void *p, size_t n);

/*
 * Sends all N bytes (at least one) over the stream socket SOCK, with the descriptor FD attached to the first (unix(7),
 * SCM_RIGHTS). As write_all(), but without SIGPIPE.
 */
int send_with_fd(int sock, const void *p, size_t n, int fd);

#endif
