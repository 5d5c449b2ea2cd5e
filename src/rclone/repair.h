/*
 * rclone/repair.h - before rclone is started on a cache: repairs files whose metadata a killed rclone has left empty or
 * half-written.
 *
 * At its start rclone deletes cached data whose metadata is missing or cannot be decoded, even if it is the only copy. What it
 * must do instead depends on the data:
 *
 * - All of it is there (no hole): it gets new metadata that makes rclone upload the whole of it.
 * - Nothing was ever written to it: the file had just been created, by an open(2) that had not returned, or had just been
 *   opened for reading and consists of a hole of the object's size. rclone may delete it; an upload would put zeros in place of
 *   the object.
 * - Parts of it are there: an object that was read in part, a new sparse file, or an object that was being overwritten in part.
 *   Whether zeros or the object's bytes belong into the holes is not known here, and rclone would decide it by one request whose
 *   failure it takes for "no such object". It is neither uploaded nor deleted, but moved to
 *   CACHE/quarantine/N/REMOTE/BUCKET/PREFIX/…, where rclone/pending.h counts it.
 *
 * A file that was open for writing has good metadata, but as of the first write: rclone would fetch the object's bytes over what
 * was written since (1.60 hangs if that lies after the object's end). If all of the data is there it is marked so (one with
 * zeros inside is moved to quarantine: they may stand for bytes of the object), else what lies after the object's end is. What
 * still has to be fetched must be fetched first: rclone uploads zeros in its place when its one request for the object fails.
 */

#ifndef RCLONE_REPAIR_H
#define RCLONE_REPAIR_H

#include "base/err.h"

struct rclone_repaired {
	unsigned files;	      /* got new metadata */
	unsigned partial;     /* dirty, with parts that rclone must fetch first: do not start it while S3 does not answer */
	unsigned quarantined; /* moved there by this call */
};

/*
 * Examines every file below CACHE_DIR/vfs, which nobody may use meanwhile. Never follows a symbolic link. A cache that does not
 * exist has nothing to repair. Returns 0, or -1 with *E set (CODE_FAULT): then rclone must not be started on it.
 */
int rclone_repair(const char *cache_dir, struct rclone_repaired *r, struct err *e);

#endif
