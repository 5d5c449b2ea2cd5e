/* rclone/args.h - from a mount of the plan to rclone's argument list and environment. Pure. */

#ifndef RCLONE_ARGS_H
#define RCLONE_ARGS_H

#include "base/arena.h"
#include "base/err.h"
#include "plan/plan.h"

struct rclone_paths {
	const char *rclone;	/* the program, absolute */
	const char *config;	/* rclone.conf */
	const char *cache_dir;	/* of this mount alone */
	const char *ca_cert;	/* "" where TLS is not used */
	const char *helper_dir; /* holds fusermount3 and fusermount; leads PATH */
	const char *home;	/* rclone wants HOME for its paths */
};

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
 * come after the defaults and replace them ("vfs_cache_mode=off"); each has passed rclone_option_check(). No
 * credential is ever in it. Returns NULL with *E set: CODE_USAGE as rclone_option_check(), and for a prefix that
 * rclone would take for another one (U+201B, U+2400 to U+2421 in it); CODE_FAULT.
 */
char **rclone_args(struct arena *a, const struct plan_mount *m, const struct rclone_paths *p, const char *target, long uid,
	long gid, bool allow_other, struct err *e);

/*
 * The NULL-terminated environment for it: OLD without AWS_*, S3_*, RCLONE_* and THREAD_ID/USER_ID (rclone 1.60 dies on
 * AWS_CA_BUNDLE, and a driver needs no key in its environment), PATH led by helper_dir, HOME. NULL: no memory.
 */
char **rclone_env(struct arena *a, const struct rclone_paths *p, char *const *old);

/*
 * May OPTION ("vfs_write_back=1s") be handed on to rclone? A list of what is safe decides, not one of what is not:
 * options that change speed, caching and looks. Refused: what takes control away (config, cache-dir, daemon, devname,
 * rc, …), what reaches a program or a file (password-command), what would put a key on the command line, what lets
 * the kernel hold writes back (write-back-cache), an option without the value that it needs, control bytes. 0, or -1
 * with CODE_USAGE, naming it.
 */
int rclone_option_check(const char *option, struct err *e);

#endif
