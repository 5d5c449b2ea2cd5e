/* rclone/left.h - where the files in a cache of rclone's belong, when that is recorded nowhere. */

#ifndef RCLONE_LEFT_H
#define RCLONE_LEFT_H

#include "base/arena.h"

/*
 * Derived from the paths in CACHE_DIR alone, vfsMeta/REMOTE/BUCKET/…, as long as they are unambiguous. The result may be deeper
 * than the mount was: a mount of just that folder finds its files in the cache all the same. Sets *BUCKET and *PREFIX, in A.
 * Returns 1; 0: the remote had options that are not known; -1: the paths are ambiguous.
 */
int rclone_left_place(struct arena *a, const char *cache_dir, const char **bucket, const char **prefix);

#endif
