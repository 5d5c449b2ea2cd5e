/*
 * sup/below.h - the plain folder under a mount: what appears in it while the mount shall be up is not in S3, and nobody sees it. Where the layer
 * (mnt/layer.h) stands that takes an old working directory; where there may be none it takes a moment without a driver.
 */

#ifndef SUP_BELOW_H
#define SUP_BELOW_H

#include "base/err.h"
#include "unsent/pending.h"

#include <limits.h>
#include <stdbool.h>

/*
 * Opens the folder PATH, on which nothing of ours is mounted. *SINCE is a time (nanoseconds since 1970) behind the changes of the files that it
 * holds, and before the changes of those that come. Changes the working directory. -1: it cannot be.
 */
int below_open(const char *path, int64_t *since);

/*
 * The same folder where layers and mounts stand on it already, by a copy of the mount that the folder above it is on (open_tree(2), Linux 5.2;
 * needs CAP_SYS_ADMIN). -1: it cannot be reached.
 */
int below_reach(const char *path);

/*
 * That files lie in the folder PATH is noted in the mount's cache folder CACHE_DIR, with SINCE: they are reported until they are gone, also when the
 * mount is down, and after the next one. A note that cannot be written is logged by nobody: the mount that stands reports them all the same.
 */
void below_note(const char *cache_dir, const char *path, int64_t since);
bool below_noted(const char *cache_dir, char path[PATH_MAX], int64_t *since);
void below_forget(const char *cache_dir);

/*
 * Adds to P the files in the folder FD that were made or changed after SINCE (nanoseconds since 1970), named by PATH and where they are in it.
 * Returns 0, or -1 with *E set (CODE_FAULT): unknown.
 */
int below_look(int fd, const char *path, int64_t since, struct pending *p, struct err *e);

#endif
