/* rclone/args.h - rclone's argument list and environment for a mount of the plan. Pure. */

#ifndef RCLONE_ARGS_H
#define RCLONE_ARGS_H

#include "base/arena.h"
#include "base/err.h"
#include "plan/plan.h"
#include "rclone/version.h"
#include "s3/endpoint.h"

#include <stdint.h>

struct rclone_room {
	uint64_t cache_max; /* bytes */
	uint64_t min_free;
};

struct rclone_paths {
	const char *rclone;	/* the program, absolute */
	const char *config;	/* rclone.conf */
	const char *cache_dir;	/* for this mount only */
	const char *ca_cert;	/* "" when TLS is not used */
	const char *helper_dir; /* has fusermount3 and fusermount; comes first in PATH ("": not used) */
	const char *home;	/* rclone needs HOME for its paths */

	/*
	 * Known only right before the launch. All zero: left out, so that two argument lists without it stand for the same
	 * driver.
	 */
	struct rclone_room room;
	const char *rc_socket;	       /* "" or NULL: no rc; else the Unix socket for it to listen on (1.61 on) */
	struct rclone_version version; /* of the program */
	const char *proxy_variable;    /* "HTTPS_PROXY", and its value; NULL: none */
	const char *proxy, *no_proxy;
};

/*
 * How much the cache of one mount may hold, when AVAILABLE bytes are free (f_bavail times f_frsize of statvfs(3), plus what
 * these caches hold already, if the caller knows) on a disk that MOUNTS caches share. cache_max is never 0.
 *
 * A cache without a limit fills the disk with what is already in S3. On a full disk rclone 1.60 hangs for good, in the first
 * file that is made and in every listing of its folder; newer ones fail every write, even if the whole cache could be dropped.
 * With a limit, whatever it is, each of them makes room and tries again when the disk is full, so a limit must be given even if
 * it looks unnecessary. It counts clean and dirty data; rclone drops only clean data. So:
 * - one eighth stays free: rclone checks its limit every 5 s, until then anything may be written, and others write to that disk
 *   too;
 * - the rest is divided: a cache makes room only for itself, so all of them must fit together;
 * - min_free (rclone 1.65 on) is half of what stays free: a cache that gets below it drops clean data even if its own limit is
 *   not reached.
 */
struct rclone_room rclone_room(uint64_t available, unsigned mounts);

/* "s3mounts:bucket/prefix/": with this slash at its end rclone sends S3 no request at its start. NULL when out of memory. */
char *rclone_source(struct arena *a, const struct plan_mount *m);

/*
 * The source as /proc/mounts will show it, passed to rclone by --devname: rclone_source() without the slash at its end. It is
 * compared after unescaping. NULL when out of memory.
 */
char *rclone_devname(struct arena *a, const struct plan_mount *m);

/*
 * The NULL-terminated argument list of "rclone mount" in the foreground for M, in A. TARGET is m->target with its links
 * resolved, UID and GID the owner with defaults filled in, ALLOW_OTHER what is possible here. The options of M follow the
 * defaults and replace them ("vfs_cache_mode=writes"); each has passed rclone_option_check(). It never holds a credential.
 * Returns NULL with *E set: CODE_USAGE as rclone_option_check(), and for a prefix that rclone would take for another one (with
 * U+201B, U+2400 to U+2421); CODE_FAULT.
 */
char **rclone_args(struct arena *a, const struct plan_mount *m, const struct rclone_paths *p, const char *target, long uid,
	long gid, bool allow_other, struct err *e);

/*
 * Its NULL-terminated environment: OLD without AWS_*, S3_*, RCLONE_* and THREAD_ID/USER_ID (rclone 1.60 dies on AWS_CA_BUNDLE,
 * and a driver needs no key in its environment), with the proxy of *P and no other, helper_dir first in PATH, HOME; and the settings that an older rclone has to
 * be able to ignore: it ignores an unknown variable, but not an unknown option. NULL when out of memory.
 */
char **rclone_env(struct arena *a, const struct rclone_paths *p, char *const *old);

/* Do the options of M hold NAME ("s3-requester-pays") as the last of its kind, and on? */
bool rclone_option_on(const struct plan_mount *m, const char *name);

/*
 * May OPTION ("vfs_write_back=1s") be passed to rclone, for a mount that is read-only (RO) or not? An allow list decides:
 * options that change speed, caching and appearance. Refused: what takes control away (config, cache-dir, daemon, devname, rc,
 * …), what reaches a program or a file (password-command), what would put a key on the command line or into the log, what makes
 * the log unreadable, what lets files wait where the search for pending ones does not see them (vfs-cache-mode=off on a mount
 * that is not RO, write-back-cache), what shows a wrong or an empty folder (s3-list-chunk=0, s3-no-head-object), what lets a
 * full disk hang it, an option without the value that it needs, control bytes. Of an option that is given twice the last one
 * counts, and each is checked. 0, or -1 with CODE_USAGE, naming it.
 */
int rclone_option_check(const char *option, bool ro, struct err *e);

/*
 * Changes in *SITE what M's options change in how rclone asks S3: s3_force_path_style, s3_list_url_encode. Returns 0, or -1 with CODE_USAGE: rclone
 * would not look at the option with this provider, or cannot do what it says.
 */
int rclone_site(const struct plan_mount *m, struct s3_endpoint *site, struct err *e);

#endif
