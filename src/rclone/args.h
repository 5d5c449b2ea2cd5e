/* rclone/args.h - from a mount of the plan to rclone's argument list and environment. Pure. */

#ifndef RCLONE_ARGS_H
#define RCLONE_ARGS_H

#include "base/arena.h"
#include "base/err.h"
#include "plan/plan.h"
#include "rclone/version.h"

#include <stdint.h>

struct rclone_room {
	uint64_t cache_max; /* bytes */
	uint64_t min_free;
};

struct rclone_paths {
	const char *rclone;	/* the program, absolute */
	const char *config;	/* rclone.conf */
	const char *cache_dir;	/* of this mount alone */
	const char *ca_cert;	/* "" where TLS is not used */
	const char *helper_dir; /* holds fusermount3 and fusermount; leads PATH ("": nothing does) */
	const char *home;	/* rclone wants HOME for its paths */

	/*
	 * What is known only right before the launch. All zero: left out, so that two lists of arguments without it are
	 * the same driver.
	 */
	struct rclone_room room;
	const char *rc_socket;	       /* "" or NULL: no rc; else the Unix socket that it shall listen on (1.61 on) */
	struct rclone_version version; /* of the program */
};

/*
 * What the cache of one mount may take, when AVAILABLE bytes are free (f_bavail times f_frsize of statvfs(3), and what
 * these caches hold already, where the caller knows) on a disk that MOUNTS caches share. cache_max is never 0.
 *
 * A cache without a limit fills the disk with what is in S3 already. On a full disk rclone 1.60 hangs for good, in the
 * first file that is made and in every listing of its folder; newer ones fail every write, also when all of the cache
 * could go. With a limit, any, each of them makes room and tries again when the disk is full, so the limit must be given
 * even where it looks needless. It counts what is clean and what is not; rclone drops only what is clean. So:
 *  - one part in eight stays free: rclone looks at its limit every 5 s, until then all may be written that comes, and
 *    others write on that disk too;
 *  - the rest is divided: a cache makes room for itself alone, so all of them together must fit;
 *  - min_free (rclone 1.65 on) is half of what stays free: who comes below that drops what is clean though its own limit
 *    is not reached.
 */
struct rclone_room rclone_room(uint64_t available, unsigned mounts);

/* "s3mounts:bucket/prefix/": with its slash rclone asks S3 nothing at its start. NULL: no memory. */
char *rclone_source(struct arena *a, const struct plan_mount *m);

/*
 * The source as /proc/mounts will show it, given to rclone by --devname: equal to rclone_source() but for a slash at
 * the end. It is compared after unescaping. NULL: no memory.
 */
char *rclone_devname(struct arena *a, const struct plan_mount *m);

/*
 * The NULL-terminated argument list of "rclone mount" in the foreground for M, in A. TARGET is m->target with its
 * links resolved, UID and GID the owner with defaults filled in, ALLOW_OTHER what is possible here. The options of M
 * come after the defaults and replace them ("vfs_cache_mode=writes"); each has passed rclone_option_check(). No
 * credential is ever in it. Returns NULL with *E set: CODE_USAGE as rclone_option_check(), and for a prefix that
 * rclone would take for another one (U+201B, U+2400 to U+2421 in it); CODE_FAULT.
 */
char **rclone_args(struct arena *a, const struct plan_mount *m, const struct rclone_paths *p, const char *target, long uid,
	long gid, bool allow_other, struct err *e);

/*
 * The NULL-terminated environment for it: OLD without AWS_*, S3_*, RCLONE_* and THREAD_ID/USER_ID (rclone 1.60 dies on
 * AWS_CA_BUNDLE, and a driver needs no key in its environment), PATH led by helper_dir, HOME; and the settings that an
 * older rclone must be able to ignore, as it does an unknown variable, but not an unknown option. NULL: no memory.
 */
char **rclone_env(struct arena *a, const struct rclone_paths *p, char *const *old);

/*
 * May OPTION ("vfs_write_back=1s") be handed on to rclone, for a mount that is read-only (RO) or not? A list of what is
 * safe decides, not one of what is not: options that change speed, caching and looks. Refused: what takes control away
 * (config, cache-dir, daemon, devname, rc, …), what reaches a program or a file (password-command), what would put a key
 * on the command line or into the log, what makes the log unreadable, what lets files wait where no look-up of pending
 * ones sees them (vfs-cache-mode=off on a mount that is not RO, write-back-cache), what shows a wrong or an empty folder
 * (s3-list-chunk=0, s3-no-head-object), what lets a full disk hang it, an option without the value that it needs,
 * control bytes. An option may be given twice: the last one counts, and each is checked. 0, or -1 with CODE_USAGE,
 * naming it.
 */
int rclone_option_check(const char *option, bool ro, struct err *e);

#endif
