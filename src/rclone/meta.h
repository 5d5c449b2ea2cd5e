/*
 * rclone/meta.h - rclone's metadata of one cached file: CACHE/vfsMeta/REMOTE/BUCKET/PREFIX/…, JSON with ModTime, ATime, Size,
 * Rs (which ranges of the data are present), Fingerprint (of the object in S3) and Dirty (true until S3 has acknowledged the
 * file).
 *
 * rclone writes it by truncate and write, so a reader, or a killed rclone, may find or leave it empty or half-written.
 */

#ifndef RCLONE_META_H
#define RCLONE_META_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/stat.h>

#define META_MAX (16 * 1024 * 1024) /* for a file read in half a million places */

/*
 * Reads the metadata file PATH below TOP into TEXT (of META_MAX). Returns 0, 1 when there is no regular file, -1 with errno
 * set.
 */
int meta_read(int top, const char *path, struct buf *text);

/*
 * Will rclone accept it? If it cannot decode it, it removes it, and the data with it. All six members must be present and
 * valid; there may be more.
 */
bool meta_whole(struct span text);

/*
 * Is the file still to be uploaded? In doubt it is: if the text is half-written, lacks the member, or is too large to be read.
 */
bool meta_dirty(struct span text);

/* The size in it; 0 when there is none. It is also 0 while the file is open. */
uint64_t meta_size(struct span text);

/*
 * For complete metadata of a file with SIZE bytes of data: is it dirty, and are there bytes that it does not list as present?
 * rclone fetches those from the object, over whatever the data has. While a file is open it records only the first range, so
 * after a kill they may be what was written since.
 */
bool meta_lacks(struct span text, uint64_t size);

/*
 * Writes the metadata TEXT with everything after the object's end marked as present: that cannot be the object's. Returns false
 * when this changes nothing; OUT is of no use then.
 */
bool meta_extend(struct buf *out, struct span text, uint64_t size);

/* Writes metadata for the cached DATA that makes rclone upload all of it. */
void meta_write(struct buf *out, const struct stat *data);

#endif
