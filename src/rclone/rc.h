/*
 * rclone/rc.h - asks a running rclone by its remote control (rc) on a Unix socket: --rc --rc-addr unix://PATH --rc-no-auth, from 1.61 on.
 *
 * It blocks until its deadline: for a child process. Whatever answers there is not trusted to keep to the protocol.
 */

#ifndef RCLONE_RC_H
#define RCLONE_RC_H

#include "base/err.h"
#include "base/span.h"

/* Of "diskCache" in the answer to vfs/stats. Files that are open are in none of them. */
struct rclone_rc_stats {
	long uploads_in_progress;
	long uploads_queued;
	long errored_files;
	bool out_of_space;
};

/*
 * Returns 0, or -1 with *E set (CODE_FAULT) and *S as it was: then it is unknown what is pending. A number that the answer lacks, or that is
 * none, is such an error.
 */
int rclone_rc_stats(const char *socket_path, int timeout_ms, struct rclone_rc_stats *s, struct err *e);

/*
 * Lets every file that waits in the queue be uploaded now, not after its write-back time, or the pause behind a failed try: so ask it once for
 * a flush, not in a loop. rclone has it from 1.68 on. Returns 0, or -1 with *E set (CODE_FAULT).
 */
int rclone_rc_upload_now(const char *socket_path, int timeout_ms, struct err *e);

/* The parts that read an answer: 0, or -1 with *E set. */
int rclone_rc_parse_stats(struct span answer, struct rclone_rc_stats *s, struct err *e);

/* The next id of the queue *LIST that is not being uploaded yet: 1, 0 at its end, -1 where it is not what rclone writes. */
int rclone_rc_next_waiting(struct span *list, unsigned long *id);

#endif
