/*
 * rclone/rc.h - talks to a running rclone through its remote control (rc) on a Unix socket: --rc --rc-addr unix://PATH
 * --rc-no-auth, from 1.61 on.
 *
 * Blocks until its deadline: for a child process. Whatever answers there is not trusted to keep to the protocol.
 */

#ifndef RCLONE_RC_H
#define RCLONE_RC_H

#include "base/err.h"
#include "base/span.h"

/* "diskCache" in the answer to vfs/stats. Files that are open are not counted. */
struct rclone_rc_stats {
	long uploads_in_progress;
	long uploads_queued;
	long errored_files;
	bool out_of_space;
};

/*
 * Returns 0, or -1 with *E set (CODE_FAULT) and *S unchanged: then it is unknown what is pending. A number that is missing or
 * malformed is such an error; but a read-only mount without a disk cache has none of them, and nothing pending.
 */
int rclone_rc_stats(const char *socket_path, int timeout_ms, struct rclone_rc_stats *s, struct err *e);

/*
 * Makes rclone upload every queued file now, without waiting for its write-back time or for the pause after a failed try: so
 * call it once for a flush, not in a loop. From rclone 1.68 on. Returns 0, or -1 with *E set (CODE_FAULT).
 */
int rclone_rc_upload_now(const char *socket_path, int timeout_ms, struct err *e);

/* The parts that parse an answer: 0, or -1 with *E set. */
int rclone_rc_parse_stats(struct span answer, struct rclone_rc_stats *s, struct err *e);

/*
 * The id of the next file in the queue *LIST that is not being uploaded yet: 1, 0 at its end, -1 when it is not what rclone
 * writes.
 */
int rclone_rc_next_waiting(struct span *list, unsigned long *id);

#endif
