/*
 * ctl/run.h - the run directory (RUN, mode 0700): what the supervisor and its drivers keep while they run.
 *
 *	control		the socket			lock		taken while a supervisor is started
 *	log		the supervisor's log		*.conf		drivers' settings, 0600
 *	run		locked by `s3mounts run`, with the targets that it has to take down
 *	ca.pem		built-in trust, for drivers	bin/		fusermount3 and fusermount: links to this program
 *	ID.log		a driver's stderr		ID.driver	its pid and fingerprint
 *	log.1, ID.log.1	what the logs were before
 *	left/		the same again, while flush --left is at work; its mounts stand in left/mnt
 */

#ifndef CTL_RUN_H
#define CTL_RUN_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RUN_PATH_MAX 96 /* sun_path has 108 bytes, and the names in it must fit */

struct run {
	char dir[RUN_PATH_MAX];
};

/*
 * The run directory: OPTION, else S3MOUNTS_RUN_DIR, else for root /run/s3mounts; for others $XDG_RUNTIME_DIR/s3mounts where that can be written to,
 * else s3mounts-UID below $TMPDIR or /tmp. 0, or -1 with *E set (CODE_USAGE).
 */
int run_find(struct run *r, const char *option, struct err *e);

/*
 * Where caches go: OPTION, else S3MOUNTS_CACHE_DIR, else for root /var/cache/s3mounts; for others "/s3mounts" in $XDG_CACHE_HOME or in ~/.cache
 * where that can be written to, else s3mounts-UID/cache below $TMPDIR or /tmp. 0, or -1 with *E set (CODE_USAGE; CODE_FAULT: somebody else has put
 * something there).
 */
int run_cache_dir(char *out, size_t size, const char *option, struct err *e);

/* Sees to it that drivers can make their folders in CACHE, and that nobody else can. 0, or -1 with *E set (CODE_FAULT). */
int run_cache_prepare(const char *cache, struct err *e);

/* RUN/NAME. */
struct run_path {
	char s[PATH_MAX];
};
struct run_path run_path(const struct run *r, const char *name);

/* The name of the layers of RUN in the mount table (mnt/layer.h). */
struct run_path run_layer_name(const struct run *r);

/* Whose folder RUN is; -1: it is none, nor is a link. */
long run_owner(const struct run *r);

/* Is it there, and not this user's? */
bool run_is_anothers(const struct run *r);

/* Makes RUN, and RUN/bin with its links. Returns 0 or -1 with *E set. */
int run_prepare(const struct run *r, struct err *e);

/* Takes RUN/lock, waiting until DEADLINE for whoever holds it. Returns a descriptor to close, or -1 with *E set (CODE_FAULT). */
int run_lock(const struct run *r, int64_t deadline, struct err *e);

/* The same without waiting: -1 with e->code CODE_PENDING where somebody else holds it. */
int run_try_lock(const struct run *r, struct err *e);

/*
 * Makes this process the one `s3mounts run` of RUN, for as long as it lives. Returns a descriptor of RUN/run, which is for what that notes for the
 * next one, or -1 with *E set (CODE_FAULT; naming the process that is it already).
 */
int run_claim(const struct run *r, struct err *e);

/* Removes what the supervisor put there; logs stay. */
void run_clean(const struct run *r);

#endif
