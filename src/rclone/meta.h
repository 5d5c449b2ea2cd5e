/*
 * rclone/meta.h - what rclone keeps of one cached file: CACHE/vfsMeta/REMOTE/BUCKET/PREFIX/…, JSON with ModTime, ATime, Size, Rs (which
 * ranges of the data are there), Fingerprint (of the object that S3 had) and Dirty (true until S3 has acknowledged the file).
 *
 * rclone writes it by truncate and write, so a reader, or a killed rclone, may leave it empty or half-written.
 */

#ifndef RCLONE_META_H
#define RCLONE_META_H

#include "base/buf.h"

#include <stdint.h>
#include <sys/stat.h>

#define META_MAX (16 * 1024 * 1024) /* a file read in half a million places */

/* Reads the metadata file PATH below TOP into TEXT (of META_MAX). Returns 0, 1 when there is no regular file, -1 with errno set. */
int meta_read(int top, const char *path, struct buf *text);

/*
 * Will rclone take it? One that it cannot decode it removes, and the data with it. All six members must be there and be what they should;
 * further ones may be.
 */
bool meta_whole(struct span text);

/* Is the file still to be uploaded? In doubt it is: a half-written text, one without the member, one too large to be read. */
bool meta_dirty(struct span text);

/* The size that it tells; 0 where it tells none. It is 0 too while the file is open. */
uint64_t meta_size(struct span text);

/*
 * Of whole metadata of a file with SIZE bytes of data: is it dirty, and does it tell of bytes that are not there? rclone fetches these from the
 * object over whatever the data has. It notes no range while a file is open but the first, so after a kill that may be what was written since.
 */
bool meta_lacks(struct span text, uint64_t size);

/*
 * The metadata TEXT with all that lies behind the object's end marked as there: that cannot be the object's. Returns false where that says nothing
 * new; OUT is of no use then.
 */
bool meta_extend(struct buf *out, struct span text, uint64_t size);

/* Metadata for the cached DATA that makes rclone upload all of it. */
void meta_write(struct buf *out, const struct stat *data);

#endif
