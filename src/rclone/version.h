/*
 * rclone/version.h - an rclone program's version, and what is known about it. rclone_version_read() runs the program; the rest
 * is pure.
 */

#ifndef RCLONE_VERSION_H
#define RCLONE_VERSION_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>

struct rclone_version {
	bool known; /* false: only TEXT below has a meaning, and no predicate holds */
	unsigned major, minor, patch;
	bool debian;   /* built by Debian or who follows it ("-DEV"), with other libraries than the release has */
	char text[32]; /* as it reports itself, printable: "1.60.1-DEV"; "" when it did not */
};

/*
 * Runs PROGRAM (absolute) with "version", without a shell and without capabilities, in this process's environment less
 * credentials and rclone's settings, for at most 5 s. The answer is saved in CACHE_ROOT/.rclone-version, together with the
 * program's device, inode, size and times, so that it is run once as long as it stays the same; if that folder is missing or
 * not writable, nothing is saved, silently. A program that PATH or a wrapper leads to is not noticed to change.
 *
 * Returns 0 with *V filled, known or not; or -1 with *E set (CODE_MOUNT: it cannot be run, or does not answer; CODE_FAULT), *V
 * then not known.
 */
int rclone_version_read(struct rclone_version *v, const char *program, const char *cache_root, struct err *e);

/*
 * Parses the output of "rclone version": "rclone v1.60.1-DEV\n…". Debian's suffix -DEV is a release; any other one ("-beta.…")
 * is a build between two of them, and not known.
 */
void rclone_version_parse(struct rclone_version *v, struct span output);

/* From the TEXT of another struct rclone_version: "1.60.1-DEV"; "" is not known. */
void rclone_version_of(struct rclone_version *v, const char *text);

/* Is it known to be MAJOR.MINOR or newer? */
bool rclone_version_least(const struct rclone_version *v, unsigned major, unsigned minor);

/* Can it listen on a Unix socket (--rc-addr=unix://PATH)? An older one exits with "unknown port". */
bool rclone_version_has_rc_socket(const struct rclone_version *v);

/* Can it be told to upload now (vfs/queue, vfs/queue-set-expiry)? */
bool rclone_version_has_queue(const struct rclone_version *v);

/*
 * Is it known to answer each question for an extended attribute of a file with EIO? Debian's 1.60.1 does, the release of that number and later ones
 * say ENOTSUP. Of a version that is not known here it shows when it is asked.
 */
bool rclone_version_fails_xattrs(const struct rclone_version *v);

/*
 * What *V is known to lose or to get wrong on a writable mount, apart from what s3mounts makes up for: each a sentence for
 * people, without a full stop. *LIST points to the first, constant. Returns their number: 0 for a version that is not known.
 */
size_t rclone_version_losses(const struct rclone_version *v, const char *const **list);

#endif
