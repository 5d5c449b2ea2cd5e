#include "rclone/args.h"

enum kind {
	SWITCH, /* alone, or with =true or =false */
	VALUE,	/* needs a value: without one rclone would take the next argument for it */
	DENIED,
};

static const char control[] = "s3mounts sets it itself";
static const char loses[] = "the kernel would hold back writes that no flush knows of";
static const char insecure[] = "credentials would go to whoever answers";
static const char secret[] = "its value would stand on a command line, where all can read it";

/*
 * What may be handed on, of rclone 1.60 to 1.7x: what changes speed, caching and looks. Everything that is not here
 * is refused. DENIED are those that people ask for, with the reason. One that this rclone does not know ends it with
 * its own words.
 *
 * An --s3-… option gives rclone's cache folder another name ("s3mounts{appNz}"): files that are still unsent when it
 * is changed stay pending until it is changed back.
 */
static const struct {
	const char *name;
	enum kind kind;
	const char *why;
} known[] = {
	{ "allow-root", DENIED, control },
	{ "async-read", SWITCH, NULL },
	{ "attr-timeout", VALUE, NULL },
	{ "bind", VALUE, NULL },
	{ "buffer-size", VALUE, NULL },
	{ "bwlimit", VALUE, NULL },
	{ "bwlimit-file", VALUE, NULL },
	{ "ca-cert", DENIED, control },
	{ "cache-dir", DENIED, control },
	{ "checkers", VALUE, NULL },
	{ "config", DENIED, control },
	{ "contimeout", VALUE, NULL },
	{ "daemon", DENIED, control },
	{ "daemon-timeout", VALUE, NULL },
	{ "daemon-wait", DENIED, control },
	{ "default-permissions", SWITCH, NULL },
	{ "devname", DENIED, control },
	{ "dir-cache-time", VALUE, NULL },
	{ "dir-perms", VALUE, NULL },
	{ "direct-io", SWITCH, NULL },
	{ "disable-http2", SWITCH, NULL },
	{ "expect-continue-timeout", VALUE, NULL },
	{ "file-perms", VALUE, NULL },
	{ "link-perms", VALUE, NULL },
	{ "links", SWITCH, NULL },
	{ "log-file", DENIED, control },
	{ "log-format", VALUE, NULL },
	{ "log-level", VALUE, NULL },
	{ "low-level-retries", VALUE, NULL },
	{ "max-buffer-memory", VALUE, NULL },
	{ "max-read-ahead", VALUE, NULL },
	{ "multi-thread-cutoff", VALUE, NULL },
	{ "multi-thread-streams", VALUE, NULL },
	{ "no-check-certificate", DENIED, insecure },
	{ "no-checksum", SWITCH, NULL },
	{ "no-gzip-encoding", SWITCH, NULL },
	{ "no-modtime", SWITCH, NULL },
	{ "no-seek", SWITCH, NULL },
	{ "noappledouble", SWITCH, NULL },
	{ "noapplexattr", SWITCH, NULL },
	{ "poll-interval", VALUE, NULL },
	{ "rc", DENIED, control },
	{ "retries", VALUE, NULL },
	{ "s3-access-key-id", DENIED, secret },
	{ "s3-chunk-size", VALUE, NULL },
	{ "s3-copy-cutoff", VALUE, NULL },
	{ "s3-disable-checksum", SWITCH, NULL },
	{ "s3-list-chunk", VALUE, NULL },
	{ "s3-max-upload-parts", VALUE, NULL },
	{ "s3-no-head", SWITCH, NULL },
	{ "s3-no-head-object", SWITCH, NULL },
	{ "s3-no-system-metadata", SWITCH, NULL },
	{ "s3-requester-pays", SWITCH, NULL },
	{ "s3-secret-access-key", DENIED, secret },
	{ "s3-server-side-encryption", VALUE, NULL },
	{ "s3-session-token", DENIED, secret },
	{ "s3-sse-customer-key", DENIED, secret },
	{ "s3-sse-kms-key-id", VALUE, NULL },
	{ "s3-storage-class", VALUE, NULL },
	{ "s3-upload-concurrency", VALUE, NULL },
	{ "s3-upload-cutoff", VALUE, NULL },
	{ "stats", VALUE, NULL },
	{ "stats-one-line", SWITCH, NULL },
	{ "timeout", VALUE, NULL },
	{ "tpslimit", VALUE, NULL },
	{ "tpslimit-burst", VALUE, NULL },
	{ "transfers", VALUE, NULL },
	{ "use-json-log", SWITCH, NULL },
	{ "use-mmap", SWITCH, NULL },
	{ "use-server-modtime", SWITCH, NULL },
	{ "user-agent", VALUE, NULL },
	{ "vfs-block-norm-dupes", SWITCH, NULL },
	{ "vfs-cache-max-age", VALUE, NULL },
	{ "vfs-cache-max-size", VALUE, NULL },
	{ "vfs-cache-min-free-space", VALUE, NULL },
	{ "vfs-cache-mode", VALUE, NULL },
	{ "vfs-cache-poll-interval", VALUE, NULL },
	{ "vfs-case-insensitive", SWITCH, NULL },
	{ "vfs-disk-space-total-size", VALUE, NULL },
	{ "vfs-fast-fingerprint", SWITCH, NULL },
	{ "vfs-links", SWITCH, NULL },
	{ "vfs-read-ahead", VALUE, NULL },
	{ "vfs-read-chunk-size", VALUE, NULL },
	{ "vfs-read-chunk-size-limit", VALUE, NULL },
	{ "vfs-read-chunk-streams", VALUE, NULL },
	{ "vfs-read-wait", VALUE, NULL },
	{ "vfs-refresh", SWITCH, NULL },
	{ "vfs-used-is-size", SWITCH, NULL },
	{ "vfs-write-back", VALUE, NULL },
	{ "vfs-write-wait", VALUE, NULL },
	{ "volname", DENIED, control },
	{ "write-back-cache", DENIED, loses },
};

/* '_' and '-' are the same in a name. */
static bool same_name(struct span a, const char *b)
{
	for (size_t i = 0; i < a.n; i++)
		if ((a.p[i] == '_' ? '-' : a.p[i]) != b[i])
			return false;
	return !b[a.n];
}

static int check_kind(enum kind kind, struct span name, bool given, struct span value, struct err *e)
{
	int n = (int)name.n;

	if (kind == VALUE && !value.n)
		return err_set(e, CODE_USAGE, "option %.*s: it needs a value (%.*s=…)", n, name.p, n, name.p);
	if (kind == SWITCH && given && !span_is(value, "true") && !span_is(value, "false"))
		return err_set(e, CODE_USAGE, "option %.*s: its value is true or false", n, name.p);
	return 0;
}

int rclone_option_check(const char *option, struct err *e)
{
	struct span value = span_of(option), name;
	bool given = span_cut(&value, '=', &name);

	for (const char *s = option; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return err_set(e, CODE_USAGE, "option %.*s: it holds a control byte", (int)name.n, name.p);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!same_name(name, known[i].name))
			continue;
		if (known[i].kind == DENIED)
			return err_set(e, CODE_USAGE, "option %.*s is not taken: %s", (int)name.n, name.p, known[i].why);
		return check_kind(known[i].kind, name, given, value, e);
	}
	err_set(e, CODE_USAGE, "option %.*s is not known", (int)name.n, name.p);
	return err_hint(e,
		"beside ro, rw, uid=, gid=, umask=, allow_other and nofail those of \"rclone mount\" are taken that change "
		"its speed and caching, as vfs_cache_max_size=1G");
}
