/* The command line and the environment that rclone gets. */

#include "unit.h"

#include "base/buf.h"
#include "driver/driver.h"
#include "rclone/args.h"

#include <stdio.h>
#include <stdlib.h>

static const struct rclone_paths paths = {
	.rclone = "/opt/rclone",
	.config = "/run/s3mounts/rclone.conf",
	.cache_dir = "/var/cache/s3mounts/1",
	.ca_cert = "",
	.helper_dir = "/run/s3mounts/bin",
	.home = "/run/s3mounts",
};

static struct plan_mount mount_of(const char *bucket, const char *prefix)
{
	return (struct plan_mount){ .target = "/m", .bucket = bucket, .prefix = prefix, .uid = -1, .gid = -1, .umask = -1 };
}

/* The list with a blank behind each. */
static void show(struct buf *out, char **list)
{
	for (; *list; list++)
		buf_fmt(out, "%s ", *list);
}

#define HEAD "/opt/rclone mount "
#define FIRST "--config=/run/s3mounts/rclone.conf --cache-dir=/var/cache/s3mounts/1 "
#define USUAL                                                                               \
	"--vfs-cache-mode=full --vfs-write-back=1s --use-server-modtime --attr-timeout=1s " \
	"--vfs-cache-poll-interval=5s --poll-interval=0 --contimeout=10s --timeout=30s --default-permissions --allow-non-empty "
#define LISTED(seconds) "--dir-cache-time=" seconds "s "
#define FAST "--vfs-fast-fingerprint "

static void makes_the_usual_call(void **state)
{
	struct plan_mount m = mount_of("bkt", "skills/system/");
	struct arena a = { 0 };
	struct err e = { 0 };
	char mem[1024];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	show(&out, rclone_args(&a, &m, &paths, "/mnt/real", 1000, 1001, true, &e));
	assert_string_equal(mem,
		HEAD "s3mounts:bkt/skills/system/ /mnt/real " FIRST
		     "--devname=s3mounts:bkt/skills/system --uid=1000 --gid=1001 --umask=0022 --allow-other " USUAL LISTED("20")
			     FAST);
	assert_int_equal(e.code, 0);
	arena_free(&a);
}

static void makes_a_special_call(void **state)
{
	const char *options[] = { "vfs_cache_mode=off", "no-modtime", "user_agent=a_b -x" };
	struct plan_mount m = mount_of("bkt", "");
	struct rclone_paths p = paths;
	struct arena a = { 0 };
	struct err e;
	char mem[1024];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	p.ca_cert = "/etc/ca.pem";
	m.ro = true;
	m.umask = 07;
	m.options = options;
	m.option_count = 3;
	show(&out, rclone_args(&a, &m, &p, "-m", 0, 4294967294, false, &e));
	assert_string_equal(mem,
		HEAD "s3mounts:bkt/ -m " FIRST "--devname=s3mounts:bkt --ca-cert=/etc/ca.pem --uid=0 --gid=4294967294 "
		     "--umask=0007 --read-only " USUAL LISTED("20") "--vfs-cache-mode=off --no-modtime --user-agent=a_b -x ");
	arena_free(&a);
}

/* What is known at the launch alone, in its place: before the options of the mount, which may replace it. */
static void adds_what_is_known_at_the_launch(void **state)
{
	const char *options[] = { "vfs_cache_max_size=1G" };
	struct plan_mount m = mount_of("bkt", "a/");
	struct rclone_paths p = paths;
	struct arena a = { 0 };
	struct err e;
	char mem[1024];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	p.room.cache_max = (5ull << 40) + 1023;
	p.rc_socket = "/run/s3mounts/rc";
	p.version = (struct rclone_version){ .known = true, .major = 1, .minor = 76 };
	m.options = options;
	m.option_count = 1;
	show(&out, rclone_args(&a, &m, &p, "/m", 0, 0, true, &e));
	assert_non_null(strstr(mem,
		USUAL LISTED("5") "--vfs-cache-max-size=5368709120 --rc --rc-addr=unix:///run/s3mounts/rc --rc-no-auth "
				  "--vfs-cache-max-size=1G "));
	buf_clear(&out);
	p.version.minor = 75;
	show(&out, rclone_args(&a, &m, &p, "/m", 0, 0, true, &e));
	assert_non_null(strstr(mem, USUAL LISTED("5") FAST "--vfs-cache-max-size="));
	buf_clear(&out);
	p.version.minor = 69;
	show(&out, rclone_args(&a, &m, &p, "/m", 0, 0, true, &e));
	assert_non_null(strstr(mem, USUAL LISTED("20") FAST "--vfs-cache-max-size="));
	buf_clear(&out);
	p.version.minor = 70;
	show(&out, rclone_args(&a, &m, &p, "/m", 0, 0, true, &e));
	assert_non_null(strstr(mem, USUAL LISTED("5") FAST));
	arena_free(&a);
}

static const struct {
	uint64_t available;
	unsigned mounts;
	uint64_t cache_max, min_free;
} rooms[] = {
	{ 8ull << 30, 1, 7ull << 30, 512ull << 20 },
	{ 8ull << 30, 7, 1ull << 30, 512ull << 20 },
	{ 80ull << 40, 1, 70ull << 40, 5ull << 40 },
	{ 8 << 20, 1, 7 << 20, 512 << 10 },
	{ 8 << 20, 256, 1 << 20, 512 << 10 },
	{ 0, 3, 1 << 20, 0 },
	{ 8 << 20, 0, 7 << 20, 512 << 10 },
};

static void divides_the_room(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		struct rclone_room r = rclone_room(rooms[i].available, rooms[i].mounts);

		assert_int_equal(r.cache_max, rooms[i].cache_max);
		assert_int_equal(r.min_free, rooms[i].min_free);
	}
}

static void names_the_source(void **state)
{
	static const struct {
		const char *prefix, *source, *devname;
	} cases[] = {
		{ "", "s3mounts:bkt/", "s3mounts:bkt" },
		{ "a/", "s3mounts:bkt/a/", "s3mounts:bkt/a" },
		{ "a b/c:d,e\\/", "s3mounts:bkt/a b/c:d,e\\/", "s3mounts:bkt/a b/c:d,e\\" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct plan_mount m = mount_of("bkt", cases[i].prefix);
		struct arena a = { 0 };

		assert_string_equal(rclone_source(&a, &m), cases[i].source);
		assert_string_equal(rclone_devname(&a, &m), cases[i].devname);
		arena_free(&a);
	}
}

static const char *const taken[] = {
	"vfs_cache_mode=full",
	"vfs-cache-mode=writes",
	"vfs_cache_mode=Full",
	"vfs_fast_fingerprint",
	"vfs_fast_fingerprint=true",
	"vfs_write_back=1s",
	"vfs_write_back=0",
	"vfs_cache_max_size=1G",
	"vfs_cache_max_size=0.5G",
	"vfs_cache_poll_interval=10s",
	"s3_list_chunk=10",
	"log-level=info",
	"log_level=ERROR",
	"vfs_cache_max_age=0s",
	"transfers=0",
	"dir_cache_time=1m",
	"buffer-size=1M",
	"transfers=8",
	"bwlimit=10M",
	"bwlimit=08:00,512k 12:00,off",
	"no_modtime",
	"no-modtime=true",
	"no_checksum=false",
	"s3-chunk-size=8Mi",
	"vfs-read-chunk-size=1M",
	"max-read-ahead=128Ki",
	"noappledouble",
	"file-perms=0644",
	"dir_perms=755",
	"use-mmap",
	"vfs_cache_max_age=1h30m",
	"dir_cache_time=1.5s",
	"dir_cache_time=-1s",
	"dir_cache_time=300",
	"vfs_cache_max_age=1d",
	"vfs_read_wait=20ms",
	"vfs_write_wait=1µs",
	"vfs_read_chunk_size_limit=off",
	"vfs_cache_min_free_space=1.5GiB",
	"vfs_read_ahead=100B",
	"multi_thread_cutoff=64ki",
	"retries=-1",
	"tpslimit=0.5",
	"bwlimit=off",
	"poll_interval=0",
};

static const struct {
	const char *option, *says;
} refused[] = {
	{ "config=/x", "option config is not taken: s3mounts sets it itself" },
	{ "cache_dir=/x", "option cache_dir is not taken: s3mounts sets it itself" },
	{ "daemon", "option daemon is not taken: s3mounts sets it itself" },
	{ "log-file=/x", "option log-file is not taken: s3mounts sets it itself" },
	{ "devname=x", "option devname is not taken: s3mounts sets it itself" },
	{ "write_back_cache",
		"option write_back_cache is not taken: the kernel would hold back writes that no flush knows of" },
	{ "s3_secret_access_key=SeCrEt",
		"option s3_secret_access_key is not taken: its value would stand on a command line, where all can read it" },
	{ "no-check-certificate", "option no-check-certificate is not taken: credentials would go to whoever answers" },
	{ "use_json_log=false", "option use_json_log is not taken: s3mounts reads the log of rclone as it is by default" },
	{ "log-format=date", "option log-format is not taken: s3mounts reads the log of rclone as it is by default" },
	{ "s3_no_head_object",
		"option s3_no_head_object is not taken: a file that was renamed would be taken for an empty one" },
	{ "s3_list_url_encode=yes", "option s3_list_url_encode=yes is not taken: it must be true or false" },
	{ "s3_list_url_encode", "option s3_list_url_encode: it needs a value (s3_list_url_encode=…)" },
	{ "s3_force_path_style=1", "option s3_force_path_style: its value is true or false" },
	{ "xfs_write_back=1s", "option xfs_write_back is not known" },
	{ "password-command=sh", "option password-command is not known" },
	{ "rc-addr=:1", "option rc-addr is not known" },
	{ "fuse_flag=x", "option fuse_flag is not known" },
	{ "o=x", "option o is not known" },
	{ "dump=headers", "option dump is not known" },
	{ "noexec", "option noexec is not known" },
	{ "uid=0", "option uid is not known" },
	{ "", "option  is not known" },
	{ "=x", "option  is not known" },
	{ "--vfs-cache-mode=full", "option --vfs-cache-mode is not known" },
	{ "vfs-cache-mod=full", "option vfs-cache-mod is not known" },
	{ "vfs-cache-modes=full", "option vfs-cache-modes is not known" },
	{ "VFS-cache-mode=full", "option VFS-cache-mode is not known" },
	{ "transfers", "option transfers: it needs a value (transfers=…)" },
	{ "vfs_write_back=", "option vfs_write_back: it needs a value (vfs_write_back=…)" },
	{ "no-modtime=1", "option no-modtime: its value is true or false" },
	{ "no-modtime=", "option no-modtime: its value is true or false" },
	{ "transfers=1\n--rc", "option transfers: it holds a control byte" },
	{ "bwlimit=\x7f", "option bwlimit: it holds a control byte" },
};

#define UNSEEN "on a writable mount it must be writes or full: without its cache nobody can tell what is not in S3 yet"
#define WRONG "on a writable mount it must be true: a file of its own that is made shorter would end in wrong bytes"
#define HANGS "it must be more than 0: the mount would hang for good when the disk of its cache is full"
#define EMPTY "it must be more than 0: every folder would look empty"
#define LEVELS                                                                                                                 \
	"it must be ERROR, NOTICE or INFO: with less nobody learns why a file does not arrive, with DEBUG rclone 1.63 writes " \
	"the keys into its log"

#define TIME "it must be a time, as 1s, 5m or 1h30m"
#define SIZE "it must be a size, as 64k, 10M or 1G"

/* By their value: with the reason, and whether a read-only mount may have it. */
static const struct {
	const char *option, *why;
	bool ro;
} values[] = {
	{ "vfs_cache_mode=off", UNSEEN, true },
	{ "vfs-cache-mode=OFF", UNSEEN, true },
	{ "vfs-cache_mode=Minimal", UNSEEN, true },
	{ "vfs_cache_mode=0", UNSEEN, false },
	{ "vfs_cache_mode= full", UNSEEN, false },
	{ "vfs_fast_fingerprint=false", WRONG, true },
	{ "vfs_write_back=off", "it must be a time, as 1s: nothing would ever be uploaded", false },
	{ "vfs_write_back=-1s", "it must be a time, as 1s: nothing would ever be uploaded", false },
	{ "vfs_cache_max_size=off", HANGS, false },
	{ "vfs_cache_max_size=0", HANGS, false },
	{ "vfs_cache_max_size=0.0G", HANGS, false },
	{ "vfs_cache_poll_interval=0s", HANGS, false },
	{ "vfs_cache_poll_interval=off", HANGS, false },
	{ "vfs_cache_poll_interval=-1s", HANGS, false },
	{ "s3_list_chunk=0", EMPTY, false },
	{ "s3-list-chunk=-5", EMPTY, false },
	{ "log_level=DEBUG", LEVELS, false },
	{ "log_level=Emergency", LEVELS, false },
	{ "log_level=off", LEVELS, false },
	{ "dir_cache_time=abc", TIME, false },
	{ "dir-cache-time=5 m", TIME, false },
	{ "attr_timeout=1x", TIME, false },
	{ "poll_interval=s", TIME, false },
	{ "vfs_write_back=1x", "it must be a time, as 1s: nothing would ever be uploaded", false },
	{ "vfs_cache_max_size=lots", SIZE, false },
	{ "vfs_cache_max_age=1d12h", TIME, false },
	{ "buffer_size=1Q", SIZE, false },
	{ "buffer_size=1kB", SIZE, false },
	{ "vfs_disk_space_total_size=-1", SIZE, false },
	{ "vfs-read-ahead=1GBs", SIZE, false },
	{ "s3_chunk_size=.", SIZE, false },
	{ "transfers=abc", "it must be a whole number", false },
	{ "checkers=1.5", "it must be a whole number", false },
	{ "retries=-", "it must be a whole number", false },
	{ "tpslimit=1,5", "it must be a number, as 10 or 0.5", false },
	{ "file_perms=rw", "it must be an octal number, as 0755", false },
	{ "dir-perms=0788", "it must be an octal number, as 0755", false },
	{ "bwlimit=fast", "it must be bytes a second, as 10M, or off", false },
};

static void checks_values(void **state)
{
	struct err e;
	char says[400];

	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		snprintf(says, sizeof says, "option %s is not taken: %s", values[i].option, values[i].why);
		e = (struct err){ 0 };
		assert_int_equal(rclone_option_check(values[i].option, false, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_string_equal(e.text, says);
		assert_int_equal(rclone_option_check(values[i].option, true, &e), values[i].ro ? 0 : -1);
	}
}

/* The last one counts for rclone; here each does. */
static void checks_each_of_two(void **state)
{
	const char *options[] = { "vfs_cache_mode=off", "vfs_cache_mode=full" };
	struct plan_mount m = mount_of("bkt", "a/");
	struct arena a = { 0 };
	struct err e;

	(void)state;
	m.options = options;
	m.option_count = 2;
	assert_null(rclone_args(&a, &m, &paths, "/m", 0, 0, true, &e));
	m.ro = true;
	assert_non_null(rclone_args(&a, &m, &paths, "/m", 0, 0, true, &e));
	arena_free(&a);
}

static void checks_options(void **state)
{
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		assert_int_equal(rclone_option_check(taken[i], false, &e), 0);
	assert_int_equal(e.code, 0);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		assert_int_equal(rclone_option_check(refused[i].option, true, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_string_equal(e.text, refused[i].says);
		assert_null(strstr(e.text, "SeCrEt"));
	}
}

static void refuses_a_call_with_a_bad_option(void **state)
{
	const char *options[] = { "transfers=2", "rc" };
	struct plan_mount m = mount_of("bkt", "a/");
	struct arena a = { 0 };
	struct err e;

	(void)state;
	m.options = options;
	m.option_count = 2;
	assert_null(rclone_args(&a, &m, &paths, "/m", 0, 0, true, &e));
	assert_int_equal(e.code, CODE_USAGE);
	assert_string_equal(e.text, "option rc is not taken: s3mounts sets it itself");
	arena_free(&a);
}

static void refuses_a_prefix_that_rclone_rewrites(void **state)
{
	static const struct {
		const char *prefix;
		bool taken;
	} cases[] = {
		{ "a‛/", false },
		{ "a␀b/", false },
		{ "␊/", false },
		{ "x/␡/", false },
		{ "é‛/", false },
		{ "a’/", true },
		{ "a␢/", true },
		{ "a／b/", true },
		{ "．．/", true },
		{ "€/", true },
		{ "␢␡/", false },
		{ "a\b ~%:/", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct plan_mount m = mount_of("bkt", cases[i].prefix);
		struct arena a = { 0 };
		struct err e = { 0 };

		assert_int_equal(rclone_args(&a, &m, &paths, "/m", 0, 0, true, &e) != NULL, cases[i].taken);
		assert_int_equal(e.code, cases[i].taken ? CODE_OK : CODE_USAGE);
		arena_free(&a);
	}
}

#define LED "PATH=/run/s3mounts/bin:"
#define HOME "HOME=/run/s3mounts RCLONE_VFS_HANDLE_CACHING=0 "
#define USUAL_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "

static const struct {
	const char *old[8], *shows;
} environments[] = {
	{ { NULL }, LED USUAL_PATH HOME },
	{ { "PATH=", NULL }, LED USUAL_PATH HOME },
	{ { "PATH=/a:/b", "LANG=C", "HOME=/root", NULL }, "LANG=C " LED "/a:/b " HOME },
	{ { "AWS_CA_BUNDLE=x", "AWS_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "RCLONE_VFS_HANDLE_CACHING=9s", "PATH=/a", NULL },
		LED "/a " HOME },
	{ { "THREAD_ID=x", "USER_ID=x", "USER_IDS=1", "XAWS_A=2", "S3=3", "PATH=/a", NULL },
		"USER_IDS=1 XAWS_A=2 S3=3 " LED "/a " HOME },
	{ { "HTTPS_PROXY=x", "https_proxy=x", "NO_PROXY=x", "no_proxy=x", "REQUEST_METHOD=x", "PATH=/a", NULL },
		LED "/a " HOME },
	{ { "HTTP_PROXY=x", "http_proxy=x", "ALL_PROXY=x", "all_proxy=x", "FTP_PROXY=1", "PATH=/a", NULL },
		"FTP_PROXY=1 " LED "/a " HOME },
};

static void cleans_the_environment(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof environments / sizeof *environments; i++) {
		struct arena a = { 0 };
		char mem[512];
		struct buf out = buf_over(mem, sizeof mem);

		show(&out, rclone_env(&a, &paths, (char *const *)environments[i].old));
		assert_string_equal(mem, environments[i].shows);
		arena_free(&a);
	}
}

static void gives_settings_that_old_versions_ignore(void **state)
{
	const char *old[] = { "RCLONE_VFS_CACHE_MIN_FREE_SPACE=1", "PATH=/a", NULL };
	struct rclone_paths p = paths;
	struct arena a = { 0 };
	char mem[512];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	p.helper_dir = "";
	p.room.min_free = 3 << 20;
	show(&out, rclone_env(&a, &p, (char *const *)old));
	assert_string_equal(mem, "PATH=/a " HOME "RCLONE_VFS_CACHE_MIN_FREE_SPACE=3072 ");
	arena_free(&a);
}

static void gives_the_proxy(void **state)
{
	static const struct {
		const char *proxy, *no_proxy, *shows;
	} cases[] = {
		{ "http://u:p@x:1", "", "HTTPS_PROXY=http://u:p@x:1 " },
		{ "x", "a, b", "HTTPS_PROXY=x NO_PROXY=a, b " },
		{ "socks5://x", "", "HTTPS_PROXY=socks5://x " },
		{ "SOCKS5h://x://y", "", "HTTPS_PROXY=socks5://x://y " },
	};
	const char *old[] = { "HTTPS_PROXY=old", "NO_PROXY=old", "PATH=/a", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rclone_paths p = paths;
		struct arena a = { 0 };
		char mem[512];
		struct buf out = buf_over(mem, sizeof mem);

		p.proxy_variable = "HTTPS_PROXY";
		p.proxy = cases[i].proxy;
		p.no_proxy = cases[i].no_proxy;
		show(&out, rclone_env(&a, &p, (char *const *)old));
		assert_int_equal(strncmp(mem, LED "/a " HOME, strlen(LED "/a " HOME)), 0);
		assert_string_equal(mem + strlen(LED "/a " HOME), cases[i].shows);
		arena_free(&a);
	}
}

/* By the last of its kind, in either spelling. */
static void knows_who_pays(void **state)
{
	static const struct {
		const char *options[3];
		bool on;
	} cases[] = {
		{ { NULL }, false },
		{ { "s3_requester_pays" }, true },
		{ { "s3-requester-pays=true" }, true },
		{ { "s3_requester-pays=false" }, false },
		{ { "s3_requester_pays", "s3-requester-pays=false" }, false },
		{ { "s3_requester_pays=false", "vfs_links", "s3_requester_pays" }, true },
		{ { "s3_requester_pays_x" }, false },
	};

	const struct s3_endpoint site = { .host = "s3.test", .port = 443, .tls = true, .provider = "Other" };
	struct s3_place place;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *options[3];
		struct plan_mount m = mount_of("bkt", "p/");

		memcpy(options, cases[i].options, sizeof options);
		m.options = options;
		while (m.option_count < 3 && options[m.option_count])
			m.option_count++;
		assert_int_equal(rclone_option_on(&m, "s3-requester-pays"), cases[i].on);
		m.type = PLAN_RCLONE;
		assert_int_equal(driver_place(&m, &site, &place, &e), 0);
		assert_int_equal(place.requester_pays, cases[i].on);
	}
}

/* Whatever the names of credentials are, by one list. */
static void drops_every_credential(void **state)
{
	(void)state;
	for (size_t i = 0; i < creds_variable_count; i++) {
		char variable[128];
		char *const old[] = { variable, NULL };
		struct arena a = { 0 };
		char **env;

		snprintf(variable, sizeof variable, "%s=SeCrEt", creds_variables[i].name);
		env = rclone_env(&a, &paths, old);
		for (assert_non_null(env); *env; env++)
			assert_null(strstr(*env, "SeCrEt"));
		arena_free(&a);
	}
}

/* What the check must ask likewise. */
static void options_change_how_s3_is_asked(void **state)
{
	static const struct {
		const char *endpoint, *provider, *option;
		bool path_style, encodes;
		const char *says;
	} cases[] = {
		{ "http://h", "", "vfs_cache_mode=full", true, true, NULL },
		{ "http://h", "", "s3_force_path_style=false", false, true, NULL },
		{ "http://h", "", "s3-force-path-style=true", true, true, NULL },
		{ "http://h", "", "s3_list_url_encode=false", true, false, NULL },
		{ "http://h", "SeaweedFS", "s3_list_url_encode=true", true, true, NULL },
		{ "https://a.r2.cloudflarestorage.com", "", "s3_force_path_style=false", false, false, NULL },
		{ "https://t3.storage.dev", "", "s3_force_path_style", true, true, NULL },
		{ "http://127.0.0.1:1", "", "s3_force_path_style=false", true, true,
			"option s3_force_path_style=false: S3_ADDRESSING_STYLE=virtual: 127.0.0.1 is an address, before which no bucket's name can stand" },
		{ "", "", "s3_force_path_style", false, false,
			"option s3_force_path_style: rclone does not look at it with the provider AWS" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *option = cases[i].option;
		struct plan_mount m = { .options = &option, .option_count = 1 };
		struct s3_endpoint site;
		struct err e = { .text = "" };

		assert_int_equal(s3_endpoint_parse(&site, cases[i].endpoint, cases[i].provider, "", &e), 0);
		assert_int_equal(rclone_site(&m, &site, &e), cases[i].says ? -1 : 0);
		assert_string_equal(e.text, cases[i].says ? cases[i].says : "");
		if (site.path_style != cases[i].path_style || site.encode_listings != cases[i].encodes)
			fail_msg("%s: %d %d", option, site.path_style, site.encode_listings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_change_how_s3_is_asked),
		cmocka_unit_test(makes_the_usual_call),
		cmocka_unit_test(makes_a_special_call),
		cmocka_unit_test(adds_what_is_known_at_the_launch),
		cmocka_unit_test(divides_the_room),
		cmocka_unit_test(names_the_source),
		cmocka_unit_test(checks_values),
		cmocka_unit_test(checks_each_of_two),
		cmocka_unit_test(gives_settings_that_old_versions_ignore),
		cmocka_unit_test(checks_options),
		cmocka_unit_test(cleans_the_environment),
		cmocka_unit_test(refuses_a_call_with_a_bad_option),
		cmocka_unit_test(refuses_a_prefix_that_rclone_rewrites),
		cmocka_unit_test(drops_every_credential),
		cmocka_unit_test(gives_the_proxy),
		cmocka_unit_test(knows_who_pays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
