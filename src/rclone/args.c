#include "rclone/args.h"

#include "base/text.h"
#include "rclone/conf.h"

/*
 * Files and folders that their owner can write and everybody can read, as elsewhere. rclone's own default is the umask of
 * whoever starts it.
 */
#define UMASK_DEFAULT 022

static const char *const defaults[] = {
	"--vfs-cache-mode=full", "--vfs-write-back=1s",
	"--use-server-modtime",				     /* otherwise "ls -l" costs a request for each file */
	"--attr-timeout=1s", "--vfs-cache-poll-interval=5s", /* how often it checks whether its cache exceeds its limit */
	"--poll-interval=0", /* S3 does not notify of changes; without this there is a warning at each start */
	"--contimeout=10s", "--timeout=30s",
	"--default-permissions", /* otherwise owner and mode are shown, but keep nobody out */
	"--allow-non-empty",	 /* whether anything may be covered has been decided by then; newer versions would refuse */
};

/* A list of arguments that is being built in an arena. */
struct arg_list {
	struct arena *mem;
	char **items;
	size_t count;
	bool failed;
};

static void append_arg(struct arg_list *l, char *item)
{
	if (l->failed || !item) {
		l->failed = true;
		return;
	}
	l->items = arena_grow(l->mem, l->items, l->count, sizeof *l->items);
	l->failed = !l->items;
	if (l->items)
		l->items[l->count++] = item;
}

/* Ends the list with a NULL and returns it; NULL when memory was short at any step. */
static char **end_arg_list(struct arg_list *l)
{
	l->items = l->failed ? NULL : arena_grow(l->mem, l->items, l->count, sizeof *l->items);
	if (l->items)
		l->items[l->count] = NULL;
	return l->items;
}

static char *join_strings(struct arena *a, const char *head, const char *middle, const char *tail)
{
	size_t h = strlen(head), m = strlen(middle), t = strlen(tail);
	char *s = arena_get(a, h + m + t + 1);

	if (!s)
		return NULL;
	memcpy(s, head, h);
	memcpy(s + h, middle, m);
	memcpy(s + h + m, tail, t);
	return s;
}

static void append_text(struct arg_list *l, const char *flag, const char *value)
{
	append_arg(l, join_strings(l->mem, flag, value, ""));
}

static void append_number(struct arg_list *l, const char *flag, long value)
{
	char text[24];

	text_fmt(text, sizeof text, "%ld", value);
	append_text(l, flag, text);
}

/* With a leading zero every version of rclone reads it as octal. */
static void append_umask(struct arg_list *l, int umask)
{
	char text[24];

	text_fmt(text, sizeof text, "--umask=%04o", (unsigned)umask);
	append_text(l, text, "");
}

char *rclone_source(struct arena *a, const struct plan_mount *m)
{
	char *head = join_strings(a, RCLONE_REMOTE ":", m->bucket, "/");

	return head ? join_strings(a, head, m->prefix, "") : NULL;
}

char *rclone_devname(struct arena *a, const struct plan_mount *m)
{
	char *s = rclone_source(a, m);

	if (s)
		s[strlen(s) - 1] = 0;
	return s;
}

/* "vfs_write_back=1s" becomes "--vfs-write-back=1s": in the name '_' stands for '-', as in rclone's own mount helper. */
static char *flag_of_option(struct arena *a, const char *option)
{
	char *flag = join_strings(a, "--", option, "");

	for (char *s = flag; s && *s && *s != '='; s++)
		if (*s == '_')
			*s = '-';
	return flag;
}

/*
 * Up to 1.75, a file that is truncated while it is not in the cache ends in wrong bytes. With the server's time in the
 * fingerprint, each of the mount's own files drops out of the cache at the next listing (an upload reports whole seconds, a
 * listing milliseconds). The fast fingerprint has no time. It is less certain about others' files: an object that was uploaded
 * in parts has no hash in it, so another one of the same size is not noticed. Hence only where it is needed.
 */
static bool needs_fast_fingerprint(const struct plan_mount *m, const struct rclone_version *v)
{
	return !m->ro && !rclone_version_least(v, 1, 76);
}

/*
 * How long a listing serves, and so how soon it is seen what others have put there or removed. Up to 1.69 its age counts from when it was begun: a
 * folder whose listing takes longer than that is listed again for each name that is looked up in it, and "ls -l" never ends.
 */
static const char *dir_cache_time(const struct rclone_version *v)
{
	return rclone_version_least(v, 1, 70) ? "--dir-cache-time=5s" : "--dir-cache-time=20s";
}

/* The limit precedes the options of the mount, which may replace it. In KiB, which every version can read. */
static void append_launch_options(struct arg_list *l, const struct rclone_paths *p)
{
	if (p->room.cache_max)
		append_number(l, "--vfs-cache-max-size=", (long)(p->room.cache_max / 1024));
	if (p->rc_socket && *p->rc_socket) {
		append_text(l, "--rc", "");
		append_text(l, "--rc-addr=unix://", p->rc_socket);
		append_text(l, "--rc-no-auth", "");
	}
}

char **rclone_args(struct arena *a, const struct plan_mount *m, const struct rclone_paths *p, const char *target, long uid,
	long gid, bool allow_other, struct err *e)
{
	const char *devname = rclone_devname(a, m);
	struct arg_list l = { .mem = a };
	char **args;

	/* It would mean another key ("␊" for a newline) than the one that the credential check has asked for. */
	if (span_has_control_picture(span_of(m->prefix))) {
		err_set(e, CODE_USAGE, "source s3://%s/%s: rclone cannot take U+201B or U+2400 to U+2421 literally", m->bucket,
			m->prefix);
		return NULL;
	}
	append_text(&l, p->rclone, "");
	append_text(&l, "mount", "");
	append_arg(&l, rclone_source(a, m));
	append_text(&l, target, "");
	append_text(&l, "--config=", p->config);
	append_text(&l, "--cache-dir=", p->cache_dir);
	append_arg(&l, devname ? join_strings(a, "--devname=", devname, "") : NULL);
	if (*p->ca_cert)
		append_text(&l, "--ca-cert=", p->ca_cert);
	append_number(&l, "--uid=", uid);
	append_number(&l, "--gid=", gid);
	append_umask(&l, m->umask < 0 ? UMASK_DEFAULT : m->umask);
	if (allow_other)
		append_text(&l, "--allow-other", "");
	if (m->ro)
		append_text(&l, "--read-only", "");
	for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
		append_text(&l, defaults[i], "");
	append_text(&l, dir_cache_time(&p->version), "");
	if (needs_fast_fingerprint(m, &p->version))
		append_text(&l, "--vfs-fast-fingerprint", "");
	append_launch_options(&l, p);
	for (size_t i = 0; i < m->option_count; i++) {
		if (rclone_option_check(m->options[i], m->ro, e))
			return NULL;
		append_arg(&l, flag_of_option(a, m->options[i]));
	}
	args = end_arg_list(&l);
	if (!args)
		err_set(e, CODE_FAULT, "start rclone for %s: out of memory", m->target);
	return args;
}

/* A driver needs none of these, and some would change what it does (AWS_CA_BUNDLE, RCLONE_*). */
static const char *const dropped[] = { "AWS_", "S3_", "RCLONE_", "aws_", "s3_", "THREAD_ID=", "USER_ID=", "PATH=", "HOME=",
	/* S3 is reached as the check has reached it; Go refuses HTTP_PROXY where the last is set. */
	"HTTPS_PROXY=", "https_proxy=", "HTTP_PROXY=", "http_proxy=", "ALL_PROXY=", "all_proxy=", "NO_PROXY=", "no_proxy=",
	"REQUEST_METHOD=" };

static bool is_dropped_variable(const char *variable)
{
	return span_starts_any(span_of(variable), dropped, sizeof dropped / sizeof *dropped);
}

/*
 * From 1.74 on a cache item stays open for 5 s after its file is closed. If another file has got its name by then, the one's
 * "clean" is written over the other's "dirty", and whoever ends the driver now loses the file.
 */
#define NO_HANDLE_CACHING "RCLONE_VFS_HANDLE_CACHING=0"

/* socks5h is socks5 by its other name, which rclones before Go 1.24 do not know. */
static void append_proxy(struct arg_list *l, const struct rclone_paths *p)
{
	char *name = join_strings(l->mem, p->proxy_variable, "=", "");
	struct span rest = span_of(p->proxy), scheme;
	bool other = span_cut_at(&rest, "://", &scheme) && span_is_nocase(scheme, "socks5h");

	append_arg(l, name ? join_strings(l->mem, name, other ? "socks5://" : "", other ? rest.p : p->proxy) : NULL);
	if (*p->no_proxy)
		append_text(l, "NO_PROXY=", p->no_proxy);
}

static void append_settings(struct arg_list *l, const struct rclone_paths *p)
{
	append_text(l, NO_HANDLE_CACHING, "");
	if (p->room.min_free)
		append_number(l, "RCLONE_VFS_CACHE_MIN_FREE_SPACE=", (long)(p->room.min_free / 1024));
}

char **rclone_env(struct arena *a, const struct rclone_paths *p, char *const *old)
{
	const char *path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	struct arg_list l = { .mem = a };
	char *head = join_strings(a, "PATH=", p->helper_dir, *p->helper_dir ? ":" : "");

	for (; *old; old++) {
		if (strncmp(*old, "PATH=", 5) == 0 && (*old)[5])
			path = *old + 5;
		if (!is_dropped_variable(*old))
			append_text(&l, *old, "");
	}
	append_arg(&l, head ? join_strings(a, head, path, "") : NULL);
	append_text(&l, "HOME=", p->home);
	append_settings(&l, p);
	if (p->proxy_variable)
		append_proxy(&l, p);
	return end_arg_list(&l);
}

#define ROOM_MIN (1024 * 1024) /* rclone takes 0 for "no limit" */

struct rclone_room rclone_room(uint64_t available, unsigned mounts)
{
	uint64_t spare = available / 8, each = (available - spare) / (mounts ? mounts : 1);

	return (struct rclone_room){ .cache_max = each > ROOM_MIN ? each : ROOM_MIN, .min_free = spare / 2 };
}
