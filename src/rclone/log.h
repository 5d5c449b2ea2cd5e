/*
 * rclone/log.h - what rclone's log tells: which uploads fail and what S3 answered, whether S3 still takes the mount's key, and why a driver ended.
 * Pure: whoever calls reads the file.
 */

#ifndef RCLONE_LOG_H
#define RCLONE_LOG_H

#include "unsent/failures.h"

#define RCLONE_LOG_RECORD 6144

/* How far the log of one driver has been read. The caller's memory, private to log.c; all zero: at the start of a line. */
struct rclone_log {
	size_t len, line;		/* of RECORD: its length, and where its last line begins */
	char record[RCLONE_LOG_RECORD]; /* the line that is read, behind those that it continues */
};

/* Takes what was appended since the last call; it may begin and end in the middle of a line. What has failed goes to *F. */
void rclone_log_feed(struct rclone_log *l, struct span text, struct failures *f);

/* How many bytes of LINE are a date and a level ("2026/11/23 14:00:00 ERROR : "); 0: it continues another line, or is not rclone's. */
size_t rclone_log_head(struct span line);

/*
 * The cause in LOG, of a driver that has ended or never mounted: the first of the lines that weigh most (the mount helper's, then what rclone or Go
 * calls fatal, an error, any line), without date and level. HINT is what the helper's "hint:" line says, or what helps against a limit of processes
 * or memory. Both "" where there is none.
 */
void rclone_log_cause(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size);

#endif
