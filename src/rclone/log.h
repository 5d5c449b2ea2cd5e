/*
 * rclone/log.h - what rclone's log reports: which uploads fail and what S3 answered, whether S3 still accepts the mount's key,
 * and why a driver ended. Pure: the caller reads the file.
 */

#ifndef RCLONE_LOG_H
#define RCLONE_LOG_H

#include "unsent/failures.h"

#define RCLONE_LOG_RECORD 6144

/* The state of reading a driver's log. The caller's memory, private to log.c; all zero: at the start of a line. */
struct rclone_log {
	size_t len, line;		/* of RECORD: its length, and where its last line begins */
	char record[RCLONE_LOG_RECORD]; /* the current line, after the lines that it continues */
};

/* Takes what was appended since the last call; it may begin and end in the middle of a line. Failures are added to *F. */
void rclone_log_feed(struct rclone_log *l, struct span text, struct failures *f);

/*
 * Length of the date and level at the start of LINE ("2026/11/23 14:00:00 ERROR : "); 0: it continues another line, or is not
 * rclone's.
 */
size_t rclone_log_head(struct span line);

/*
 * Finds the cause in LOG, of a driver that has ended or never mounted: the first of the lines that weigh most (the mount
 * helper's, then what rclone or Go calls fatal, an error, any line), without date and level. HINT is the text of the helper's
 * "hint:" line, or what helps against a limit of processes or memory. Both are "" when there is none.
 */
void rclone_log_cause(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size);

#endif
