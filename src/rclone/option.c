#include "base/chars.h"
#include "rclone/args.h"

enum option_kind {
	SWITCH, /* alone, or with =true or =false */
	VALUE,	/* needs a value: without one rclone would take the next argument as its value */
	DENIED,
};

/*
 * What may be passed on, for rclone 1.60 to 1.7x: options that change speed, caching and appearance. Everything else is
 * refused. DENIED are those that people ask for, with the reason. An option that this rclone does not know ends it, with a
 * message of its own.
 *
 * An --s3-… option changes the name of rclone's cache folder ("s3mounts{appNz}"): files that are still unsent then stay pending
 * until it is changed back.
 */
static const struct option_group {
	enum option_kind kind;
	const char *why;   /* for DENIED */
	const char *names; /* separated by blanks: a pointer for each would double their size */
} groups[] = {
	{ VALUE, NULL,
		"attr-timeout bind buffer-size bwlimit bwlimit-file checkers contimeout daemon-timeout dir-cache-time "
		"dir-perms expect-continue-timeout file-perms link-perms log-level low-level-retries "
		"max-buffer-memory max-read-ahead multi-thread-cutoff multi-thread-streams poll-interval retries "
		"s3-chunk-size s3-copy-cutoff s3-list-chunk s3-list-url-encode s3-max-upload-parts s3-server-side-encryption "
		"s3-sse-kms-key-id s3-storage-class s3-upload-concurrency s3-upload-cutoff stats timeout tpslimit "
		"tpslimit-burst transfers user-agent vfs-cache-max-age vfs-cache-max-size vfs-cache-min-free-space "
		"vfs-cache-mode vfs-cache-poll-interval vfs-disk-space-total-size vfs-read-ahead vfs-read-chunk-size "
		"vfs-read-chunk-size-limit vfs-read-chunk-streams vfs-read-wait vfs-write-back vfs-write-wait" },
	{ SWITCH, NULL,
		"async-read default-permissions direct-io disable-http2 links no-checksum no-gzip-encoding no-modtime "
		"no-seek noappledouble noapplexattr s3-disable-checksum s3-no-head s3-no-system-metadata "
		"s3-force-path-style s3-requester-pays stats-one-line use-mmap use-server-modtime "
		"vfs-block-norm-dupes vfs-case-insensitive vfs-fast-fingerprint vfs-links vfs-refresh "
		"vfs-used-is-size" },
	{ DENIED, "s3mounts sets it itself",
		"allow-root ca-cert cache-dir config daemon daemon-wait devname log-file rc volname" },
	{ DENIED, "the kernel would hold back writes that no flush knows of", "write-back-cache" },
	{ DENIED, "s3mounts reads the log of rclone as it is by default", "log-format use-json-log" },
	{ DENIED, "a file that was renamed would be taken for an empty one", "s3-no-head-object" },
	{ DENIED, "credentials would go to whoever answers", "no-check-certificate" },
	{ DENIED, "its value would stand on a command line, where all can read it",
		"s3-access-key-id s3-secret-access-key s3-session-token s3-sse-customer-key" },
};

static bool is_write_caching_mode(struct span value)
{
	return span_is_nocase(value, "writes") || span_is_nocase(value, "full");
}

static bool is_on(struct span value)
{
	return !value.n || span_is(value, "true");
}

static bool is_boolean(struct span value)
{
	return span_is(value, "true") || span_is(value, "false");
}

static bool is_log_level_taken(struct span value)
{
	return span_is_nocase(value, "error") || span_is_nocase(value, "notice") || span_is_nocase(value, "info");
}

static bool begins_with_digit(struct span value)
{
	return value.n && char_is_digit(value.p[0]);
}

/* One or more digits, with a dot among them or not; cut off the front of *REST. */
static bool take_decimal(struct span *rest)
{
	size_t digits = span_take_while(rest, char_is_digit).n;

	if (rest->n && rest->p[0] == '.') {
		*rest = span_skip(*rest, 1);
		digits += span_take_while(rest, char_is_digit).n;
	}
	return digits > 0;
}

/* The unit at the start of VALUE, cut off: up to the next number. */
static struct span take_unit(struct span *value)
{
	struct span unit = *value;

	while (value->n && !char_is_digit(value->p[0]) && value->p[0] != '.')
		*value = span_skip(*value, 1);
	unit.n -= value->n;
	return unit;
}

/* "1h30m", "1.5s", "off"; "1d" and "30" (seconds), which older versions do not take. */
static bool is_duration(struct span value)
{
	static const char *const units[] = { "ns", "us", "µs", "ms", "s", "m", "h" }, *const alone[] = { "", "d", "w", "M",
		"y" };
	int numbers = 0;

	if (span_is(value, "off"))
		return true;
	if (span_starts(value, SPAN("-")))
		value = span_skip(value, 1);
	do {
		struct span unit;

		if (!take_decimal(&value))
			return false;
		unit = take_unit(&value);
		if (!span_is_any(unit, units, sizeof units / sizeof *units))
			return !numbers && !value.n && span_is_any(unit, alone, sizeof alone / sizeof *alone);
		numbers++;
	} while (value.n);
	return true;
}

/* "1G", "1.5MiB", "64k", "100", "off". */
static bool is_size(struct span value)
{
	static const char *const ends[] = { "", "i", "iB" };

	if (span_is_nocase(value, "off"))
		return true;
	if (!take_decimal(&value))
		return false;
	if (value.n && strchr("bBkKmMgGtTpPeE", value.p[0]))
		value = span_skip(value, 1);
	return span_is_any(value, ends, sizeof ends / sizeof *ends);
}

static bool is_time_from_now(struct span value)
{
	return begins_with_digit(value) && is_duration(value);
}

static bool is_integer(struct span value)
{
	return value.n && span_all(span_skip(value, value.p[0] == '-' && value.n > 1), char_is_digit, "");
}

static bool is_decimal(struct span value)
{
	if (span_starts(value, SPAN("-")))
		value = span_skip(value, 1);
	return take_decimal(&value) && !value.n;
}

static bool is_mode(struct span value)
{
	unsigned long mode;

	return span_octal(value, 07777, &mode);
}

/* A time-table too: "10M", "10M:1M", "off", "08:00,512k". */
static bool is_bandwidth(struct span value)
{
	for (size_t i = 0; i < value.n; i++)
		if (char_is_digit(value.p[i]))
			return true;
	return span_is_nocase(value, "off");
}

static bool is_any_caching_mode(struct span value)
{
	return is_write_caching_mode(value) || span_is_nocase(value, "off") || span_is_nocase(value, "minimal");
}

/* "0", "0s" and "0.0G" are not; nor are "off" and "-1". */
static bool is_positive(struct span value)
{
	for (size_t i = 0; begins_with_digit(value) && i < value.n; i++)
		if (value.p[i] >= '1' && value.p[i] <= '9')
			return true;
	return false;
}

/*
 * The form is judged before anything is mounted: rclone would end at its start. For some options only these values are accepted: rclone reads values in more than one way ("OFF" in new versions), so the
 * safe ones are listed. Measured with 1.60.1 and 1.75.2.
 */
static const struct value_rule {
	const char *names;
	bool (*fits)(struct span value);
	const char *why;
	bool ro; /* for read-only mounts too */
} rules[] = {
	{ "attr-timeout contimeout daemon-timeout dir-cache-time expect-continue-timeout poll-interval stats timeout "
	  "vfs-cache-max-age vfs-cache-poll-interval vfs-read-wait vfs-write-wait",
		is_duration, "it must be a time, as 1s, 5m or 1h30m", true },
	{ "buffer-size max-buffer-memory max-read-ahead multi-thread-cutoff s3-chunk-size s3-copy-cutoff s3-upload-cutoff "
	  "vfs-cache-max-size vfs-cache-min-free-space vfs-disk-space-total-size vfs-read-ahead vfs-read-chunk-size "
	  "vfs-read-chunk-size-limit",
		is_size, "it must be a size, as 64k, 10M or 1G", true },
	{ "checkers low-level-retries multi-thread-streams retries s3-list-chunk s3-max-upload-parts s3-upload-concurrency "
	  "tpslimit-burst transfers vfs-read-chunk-streams",
		is_integer, "it must be a whole number", true },
	{ "tpslimit", is_decimal, "it must be a number, as 10 or 0.5", true },
	{ "dir-perms file-perms link-perms", is_mode, "it must be an octal number, as 0755", true },
	{ "bwlimit bwlimit-file", is_bandwidth, "it must be bytes a second, as 10M, or off", true },
	{ "vfs-cache-mode", is_write_caching_mode,
		"on a writable mount it must be writes or full: without its cache nobody can tell what is not in S3 yet",
		false },
	{ "vfs-cache-mode", is_any_caching_mode, "it must be off, minimal, writes or full", true },
	{ "vfs-fast-fingerprint", is_on,
		"on a writable mount it must be true: a file of its own that is made shorter would end in wrong bytes", false },
	{ "vfs-write-back", is_time_from_now, "it must be a time, as 1s: nothing would ever be uploaded", true },
	{ "vfs-cache-max-size vfs-cache-poll-interval", is_positive,
		"it must be more than 0: the mount would hang for good when the disk of its cache is full", true },
	{ "s3-list-chunk", is_positive, "it must be more than 0: every folder would look empty", true },
	{ "s3-list-url-encode", is_boolean, "it must be true or false", true },
	{ "log-level", is_log_level_taken,
		"it must be ERROR, NOTICE or INFO: with less nobody learns why a file does not arrive, with DEBUG rclone 1.63 "
		"writes the keys into its log",
		true },
};

/* '_' and '-' are equal in a name. */
static bool same_option_name(struct span a, struct span b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++)
		if ((a.p[i] == '_' ? '-' : a.p[i]) != b.p[i])
			return false;
	return a.n == b.n;
}

static bool is_among_names(struct span name, const char *names)
{
	struct span rest = span_of(names), one;
	bool more = true;

	while (more) {
		more = span_cut(&rest, ' ', &one);
		if (same_option_name(name, one))
			return true;
	}
	return false;
}

static const struct option_group *find_group(struct span name)
{
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
		if (is_among_names(name, groups[i].names))
			return &groups[i];
	return NULL;
}

static int check_option_value(const char *option, struct span name, struct span value, bool ro, struct err *e)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if ((!ro || rules[i].ro) && is_among_names(name, rules[i].names) && !rules[i].fits(value))
			return err_set(e, CODE_USAGE, "option %s is not taken: %s", option, rules[i].why);
	return 0;
}

static int check_option_kind(enum option_kind kind, struct span name, bool given, struct span value, struct err *e)
{
	int n = (int)name.n;

	if (kind == VALUE && !value.n)
		return err_set(e, CODE_USAGE, "option %.*s: it needs a value (%.*s=…)", n, name.p, n, name.p);
	if (kind == SWITCH && given && !span_is(value, "true") && !span_is(value, "false"))
		return err_set(e, CODE_USAGE, "option %.*s: its value is true or false", n, name.p);
	return 0;
}

bool rclone_option_on(const struct plan_mount *m, const char *name)
{
	bool on = false;

	for (size_t i = 0; i < m->option_count; i++) {
		struct span value = span_of(m->options[i]), which;

		span_cut(&value, '=', &which);
		if (same_option_name(which, span_of(name)))
			on = is_on(value);
	}
	return on;
}

int rclone_option_check(const char *option, bool ro, struct err *e)
{
	struct span value = span_of(option), name;
	bool given = span_cut(&value, '=', &name);
	const struct option_group *group;

	if (span_has_control(span_of(option), ""))
		return err_set(e, CODE_USAGE, "option %.*s: it holds a control byte", (int)name.n, name.p);
	group = find_group(name);
	if (group && group->kind == DENIED)
		return err_set(e, CODE_USAGE, "option %.*s is not taken: %s", (int)name.n, name.p, group->why);
	if (group)
		return check_option_kind(group->kind, name, given, value, e) ? -1 :
									       check_option_value(option, name, value, ro, e);
	err_set(e, CODE_USAGE, "option %.*s is not known", (int)name.n, name.p);
	return err_hint(e,
		"beside ro, rw, uid=, gid=, umask=, allow_other and nofail those of \"rclone mount\" are taken that change "
		"its speed and caching, as vfs_cache_max_size=1G");
}

static int set_site_style(struct s3_endpoint *site, const char *option, bool path, struct err *e)
{
	struct err inner;

	if (path && !site->path_style && s3_endpoint_ignores_path_style(site)) {
		err_set(e, CODE_USAGE, "option %s: rclone does not look at it with the provider %s", option, site->provider);
		return err_hint(e, "S3_ADDRESSING_STYLE=path does it, for all mounts");
	}
	if (s3_endpoint_set_style(site, path ? "path" : "virtual", &inner) == 0)
		return 0;
	return err_set(e, CODE_USAGE, "option %s: %s", option, inner.text);
}

int rclone_site(const struct plan_mount *m, struct s3_endpoint *site, struct err *e)
{
	for (size_t i = 0; i < m->option_count; i++) {
		struct span value = span_of(m->options[i]), name;

		span_cut(&value, '=', &name);
		if (same_option_name(name, SPAN("s3-force-path-style")) && set_site_style(site, m->options[i], is_on(value), e))
			return -1;
		if (same_option_name(name, SPAN("s3-list-url-encode")))
			site->encode_listings = is_on(value);
	}
	return 0;
}
