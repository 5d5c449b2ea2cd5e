/*
 * rclone/pending.h - which files of a mount are not in S3 yet, read from rclone's cache (rclone/meta.h). What cannot be parsed
 * counts as pending: in doubt nothing is flushed.
 */

#ifndef RCLONE_PENDING_H
#define RCLONE_PENDING_H

#include "base/err.h"
#include "plan/plan.h"
#include "unsent/pending.h"

/*
 * Scans CACHE_DIR, which belongs to the mount M alone; M tells which part of a path is above the mount. Counted are metadata
 * that is not clean, data without metadata, and what is in quarantine. Files that an earlier run with other --s3-… options has
 * left under another remote's name are found too. Never follows a symbolic link. A cache that does not exist has nothing
 * pending. A file that vanishes during the scan is no error. Returns 0, or -1 with *E set (CODE_FAULT): then it is unknown what
 * is pending, as it is where the scan has not ended at DEADLINE (-1: it takes its time).
 */
int rclone_pending(const char *cache_dir, const struct plan_mount *m, int64_t deadline, struct pending *p, struct err *e);

#endif
