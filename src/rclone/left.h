/* rclone/left.h - where the files in a cache of rclone's belong, where nobody has written that down. */

#ifndef RCLONE_LEFT_H
#define RCLONE_LEFT_H

#include "base/arena.h"

/*
 * From the paths in CACHE_DIR alone, vfsMeta/REMOTE/BUCKET/…: as far as there is but one way. It may lead deeper than the mount did: a mount of that
 * folder alone finds its files in the cache all the same. Sets *BUCKET and *PREFIX, in A. Returns 1; 0: with options of the remote that are not
 * known; -1: the paths tell nothing.
 */
int rclone_left_place(struct arena *a, const char *cache_dir, const char **bucket, const char **prefix);

#endif
