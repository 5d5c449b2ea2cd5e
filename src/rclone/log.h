/*
 * rclone/log.h - what rclone's log tells: which uploads fail and what S3 answered, whether S3 still takes the mount's key, and why a driver ended.
 * Pure: whoever calls reads the file.
 */

#ifndef RCLONE_LOG_H
#define RCLONE_LOG_H

#include "rclone/pending.h"
#include "rclone/reason.h"

#include <stdint.h>

#define RCLONE_LOG_FILES 256  /* failed uploads that are remembered, the latest */
#define RCLONE_LOG_REASONS 16 /* different ones among them */
#define RCLONE_LOG_RECORD 6144

/* The caller's memory, private to log.c; needs no destructor. */
struct rclone_log {
	struct rclone_log_reason {
		struct rclone_reason why;
		unsigned seen; /* when, counted in records; 0: free */
	} reasons[RCLONE_LOG_REASONS];
	struct rclone_log_file {
		uint64_t name; /* its hash */
		unsigned seen; /* 0: free */
		unsigned reason;
	} files[RCLONE_LOG_FILES];
	struct rclone_log_reason request; /* other than an upload, refused in a way that concerns the whole mount */
	struct rclone_log_reason last;	  /* the last request that has failed for a user, other than an upload */
	char dropped
		[192]; /* what it has said of a file that it has dropped from its cache, sent or not; "": nothing of the kind */
	unsigned seen;
	size_t len, line;		/* of RECORD: its length, and where its last line begins */
	char record[RCLONE_LOG_RECORD]; /* the line that is read, behind those that it continues */
};

/* For the log of one driver, from the line on that it began with; again for the next driver, and when it got other keys. */
void rclone_log_init(struct rclone_log *l);

/* Takes what was appended since the last call; it may begin and end in the middle of a line. */
void rclone_log_feed(struct rclone_log *l, struct span text);

/*
 * Why the file NAME (as in struct pending) is not in S3. Fills *V and returns true where its last upload has failed. v->code is CODE_REFUSED: S3 has
 * said no; CODE_UNREACHABLE: no answer, or one that says nothing lasting; CODE_PENDING: rclone's own failure. v->kind is one of struct verdict's,
 * "fault" for the last. verdict_sentence() and check_error() put it in words.
 */
bool rclone_log_why(const struct rclone_log *l, const char *name, struct verdict *v);

/*
 * The worst failure that is known, for the state of the whole mount: the key first (expired, unknown, suspended, clock), then what it may do here
 * (PutObject; listing the mount's root), the bucket, quota, single objects (name, size), the network and the server; of equal ones the latest.
 * Returns false where nothing is known to fail.
 */
bool rclone_log_worst(const struct rclone_log *l, struct verdict *v);

/* Only what is pending now is of interest: forgets the other files. */
void rclone_log_keep(struct rclone_log *l, const struct pending *p);

/* The last request that has failed was a listing of the mount's root: what S3 has said of it concerns the whole mount. */
void rclone_log_of_root(struct rclone_log *l);

/* S3 has just answered a listing of the mount's root by this driver: forgets what other requests than uploads were refused. */
void rclone_log_answered(struct rclone_log *l);

/* How many bytes of LINE are a date and a level ("2026/11/23 14:00:00 ERROR : "); 0: it continues another line, or is not rclone's. */
size_t rclone_log_head(struct span line);

/*
 * The cause in LOG, of a driver that has ended or never mounted: the first of the lines that weigh most (the mount helper's, then what rclone or Go
 * calls fatal, an error, any line), without date and level. HINT is what the helper's "hint:" line says, or what helps against a limit of processes
 * or memory. Both "" where there is none.
 */
void rclone_log_cause(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size);

#endif
