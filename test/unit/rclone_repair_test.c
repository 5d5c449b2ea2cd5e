/* Metadata that a killed rclone has left broken: what becomes of the data. */

#include "folder.h"

#include "base/json.h"
#include "rclone/meta.h"
#include "rclone/pending.h"
#include "rclone/repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define META "vfsMeta/s3mounts/bkt/p/"
#define DATA "vfs/s3mounts/bkt/p/"
#define QUARANTINE "quarantine/1/s3mounts/bkt/p/"
#define BLOCK 4096

#define WHEN "\"2026-11-23T14:14:35.945337974Z\""
#define TEXT(mtime, atime, size, rs, fingerprint, dirty)                                              \
	"{\n\t\"ModTime\": " mtime ",\n\t\"ATime\": " atime ",\n\t\"Size\": " size ",\n\t\"Rs\": " rs \
	",\n\t\"Fingerprint\": " fingerprint ",\n\t\"Dirty\": " dirty "\n}\n"
#define RANGE "[{\"Pos\": 0, \"Size\": 5}]"
#define GOOD TEXT(WHEN, WHEN, "5", RANGE, "\"5,2026-11-23 14:14:35 +0000 UTC,5d41402a\"", "false")

static const struct plan_mount m = { .bucket = "bkt", .prefix = "p/" };

/* SIZE bytes that are nothing but a hole, and then WRITTEN ones at OFFSET. */
static void put_sparse(const char *path, off_t size, off_t offset, size_t written)
{
	char *bytes = malloc(written + 1);
	int fd;

	assert_non_null(bytes);
	memset(bytes, 'w', written);
	make_folders(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, bytes, written, offset), written);
	close(fd);
	free(bytes);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static struct rclone_repaired repair(void)
{
	struct rclone_repaired done;
	struct err e = { 0 };

	if (rclone_repair(folder, &done, &e))
		fail_msg("%s", e.text);
	assert_int_equal(e.code, 0);
	return done;
}

static uint64_t pending(void)
{
	struct pending p;
	struct err e;

	assert_int_equal(rclone_pending(folder, &m, -1, &p, &e), 0);
	return p.files;
}

static void assert_content(const char *path, const char *bytes, size_t n)
{
	static char have[2 << 20];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(have, 1, sizeof have, f), n);
	assert_memory_equal(have, bytes, n);
	fclose(f);
}

/* PATH is metadata that says: SIZE bytes, all there and dirty, unknown to S3; RANGES as they stand there without blanks. */
static void assert_dirty(const char *path, const char *size, const char *ranges)
{
	static const char *const members[] = { "Size", "Rs", "Fingerprint", "Dirty" };
	const char *want[] = { size, ranges, "\"\"", "true" };
	struct buf text = buf_heap(META_MAX);
	struct span value;
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0644);
	assert_int_equal(meta_read(AT_FDCWD, path, &text), 0);
	assert_true(meta_whole(buf_all(&text)));
	for (size_t i = 0; i < 4; i++) {
		char squeezed[128];
		size_t n = 0;

		assert_int_equal(json_member(buf_all(&text), members[i], &value), 1);
		for (size_t k = 0; k < value.n && n + 1 < sizeof squeezed; k++)
			if (!strchr(" \t\n", value.p[k]))
				squeezed[n++] = value.p[k];
		squeezed[n] = 0;
		assert_string_equal(squeezed, want[i]);
	}
	buf_free(&text);
}

static void finds_nothing_in_nothing(void **state)
{
	struct rclone_repaired done;
	struct err e;

	(void)state;
	assert_int_equal(rclone_repair("/nonexistent/cache", &done, &e), 0);
	assert_int_equal(repair().files, 0);
	assert_false(is_there("vfsMeta"));
}

static void leaves_good_metadata_alone(void **state)
{
	static const char *const texts[] = {
		GOOD,
		TEXT(WHEN, WHEN, "5", "null", "\"\"", "true"),
		TEXT(WHEN, WHEN, "-1", "[]", "\"\"", "true"),
		TEXT("\"2026-11-23T14:14:35Z\"", "\"2026-11-23T14:14:35.9+01:00\"", "0", RANGE, "\"\"", "true"),
		TEXT(WHEN, WHEN, "5", "[{\"Pos\":0,\"Size\":1},{\"Pos\":3,\"Size\":2}]", "\"\\u00e9\\n\"", "false"),
		"{\"New\": {\"x\": [1.5e3]}, \"ModTime\": " WHEN ", \"ATime\": " WHEN
		", \"Size\": 1, \"Rs\": null, \"Fingerprint\": \"\", \"Dirty\": true}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct rclone_repaired done;

		put_sparse(DATA "file", strstr(texts[i], "true") ? 0 : 8 * BLOCK, 0, 0);
		put_str(META "file", texts[i]);
		done = repair();
		assert_int_equal(done.files + done.quarantined, 0);
		assert_content(META "file", texts[i], strlen(texts[i]));
		assert_true(is_there(DATA "file"));
	}
}

/* Whatever rclone's decoder would refuse, it would delete the data for. */
static void renews_what_rclone_cannot_decode(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"{}",
		"null",
		"[]",
		"\xff\xfe garbage",
		"{\"Dirty\": false}",
		TEXT("\"yesterday\"", WHEN, "5", RANGE, "\"\"", "false"),
		TEXT("\"2026-13-23T14:14:35Z\"", WHEN, "5", RANGE, "\"\"", "false"),
		TEXT("\"2026-11-23T14:14:35.Z\"", WHEN, "5", RANGE, "\"\"", "false"),
		TEXT("\"2026-11-23T14:14:35\"", WHEN, "5", RANGE, "\"\"", "false"),
		TEXT(WHEN, "12", "5", RANGE, "\"\"", "false"),
		TEXT(WHEN, WHEN, "\"5\"", RANGE, "\"\"", "false"),
		TEXT(WHEN, WHEN, "5e0", RANGE, "\"\"", "false"),
		TEXT(WHEN, WHEN, "05", RANGE, "\"\"", "false"),
		TEXT(WHEN, WHEN, "9223372036854775808", RANGE, "\"\"", "false"),
		TEXT(WHEN, WHEN, "5", "{}", "\"\"", "false"),
		TEXT(WHEN, WHEN, "5", "[{\"Pos\": 0}]", "\"\"", "false"),
		TEXT(WHEN, WHEN, "5", "[[0, 5]]", "\"\"", "false"),
		TEXT(WHEN, WHEN, "5", "[{\"Pos\": 0, \"Size\": 5},]", "\"\"", "false"),
		TEXT(WHEN, WHEN, "5", RANGE, "null", "false"),
		TEXT(WHEN, WHEN, "5", RANGE, "\"\\u00g0\"", "false"),
		TEXT(WHEN, WHEN, "5", RANGE, "\"\"", "0"),
		TEXT(WHEN, WHEN, "5", RANGE, "\"\"", "falsetrue"),
		GOOD "x",
	};

	(void)state;
	put_str(DATA "file", "12345");
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		put_str(META "file", texts[i]);
		assert_int_equal(repair().files, 1);
		assert_dirty(META "file", "5", "[{\"Pos\":0,\"Size\":5}]");
		assert_content(DATA "file", "12345", 5);
		assert_int_equal(repair().files, 0);
		assert_int_equal(pending(), 1);
	}
}

static void renews_what_was_cut_off(void **state)
{
	static const char text[] = GOOD;
	size_t whole = strlen(text) - 1; /* without the newline */

	(void)state;
	put_str(DATA "file", "12345");
	for (size_t n = 0; n <= whole; n++) {
		put(META "file", text, n);
		assert_int_equal(repair().files, n < whole);
	}
}

/* rclone renames the data first, then the metadata. */
static void renews_what_is_missing(void **state)
{
	(void)state;
	put_str(DATA "new/folder/file", "123456");
	assert_int_equal(pending(), 1);
	assert_int_equal(repair().files, 1);
	assert_dirty(META "new/folder/file", "6", "[{\"Pos\":0,\"Size\":6}]");
}

static void tells_the_time_of_the_data(void **state)
{
	static const struct {
		time_t seconds;
		const char *text;
	} cases[] = {
		{ 1795704148, "\"2026-11-26T14:42:28.000000007Z\"" },
		{ -1, "\"1969-12-31T23:59:59.000000007Z\"" },
	};

	(void)state;
	put_str(DATA "file", "12345");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct timespec times[2] = { { 0, 0 }, { cases[i].seconds, 7 } };
		struct buf text = buf_heap(META_MAX);
		struct span value;

		assert_int_equal(utimensat(AT_FDCWD, DATA "file", times, 0), 0);
		put_str(META "file", "");
		assert_int_equal(repair().files, 1);
		assert_int_equal(meta_read(AT_FDCWD, META "file", &text), 0);
		assert_int_equal(json_member(buf_all(&text), "ModTime", &value), 1);
		assert_true(span_is(value, cases[i].text));
		assert_int_equal(json_member(buf_all(&text), "ATime", &value), 1);
		assert_true(span_is(value, cases[i].text));
		buf_free(&text);
	}
}

/* An empty file that was created arrives; one that is only about to be created, or to be filled from S3, must not. */
static void tells_an_empty_file_from_none(void **state)
{
	(void)state;
	put_str(DATA "empty", "");
	put_str(META "empty", "");
	put_str(DATA "none", "");
	assert_int_equal(repair().files, 1);
	assert_dirty(META "empty", "0", "[]");
	assert_false(is_there(META "none"));
	assert_true(is_there(DATA "none"));
	assert_int_equal(pending(), 1);
}

/* As rclone leaves a file that it is about to open for reading: with the object's size, without a byte. */
static void leaves_to_rclone_what_nobody_wrote(void **state)
{
	struct rclone_repaired done;

	(void)state;
	put_sparse(DATA "no metadata", 300000, 0, 0);
	put_sparse(DATA "opened", 300000, 0, 0);
	put_str(META "opened", "");
	done = repair();
	assert_int_equal(done.files + done.quarantined, 0);
	assert_true(is_there(DATA "opened") && is_there(DATA "no metadata"));
}

static void assert_quarantined(const char *name)
{
	char data[256], meta[256], kept[256];
	struct rclone_repaired done;
	struct pending p;
	struct err e;

	snprintf(data, sizeof data, DATA "%s", name);
	snprintf(meta, sizeof meta, META "%s", name);
	snprintf(kept, sizeof kept, QUARANTINE "%s", name);
	put_str(meta, "");
	done = repair();
	assert_int_equal(done.files, 0);
	assert_int_equal(done.quarantined, 1);
	assert_false(is_there(data));
	assert_true(is_there(kept));
	unlink(meta); /* rclone does */
	assert_int_equal(rclone_pending(folder, &m, -1, &p, &e), 0);
	assert_int_equal(p.files, 1);
	assert_int_equal(p.quarantined, 1);
	assert_string_equal(p.names[0], name);
	assert_int_equal(unlink(kept), 0);
}

static void quarantines_what_may_lack_a_part(void **state)
{
	static char zeros[100];
	struct timespec later[2] = { { 0, UTIME_OMIT }, { 4000000000, 0 } };

	(void)state;
	put_sparse(DATA "start/read", 30 * BLOCK, 0, BLOCK);
	assert_quarantined("start/read");
	put_sparse(DATA "end/written", 30 * BLOCK, 29 * BLOCK, BLOCK);
	assert_quarantined("end/written");
	/* A user has made it this large: the data has changed since the metadata was there. */
	put_sparse(DATA "all hole", 30 * BLOCK, 0, 0);
	assert_int_equal(utimensat(AT_FDCWD, DATA "all hole", later, 0), 0);
	assert_quarantined("all hole");
	/* Somebody appends to a small object that is not in the cache yet, or writes over its start. */
	put_sparse(DATA "appended", 500, 500, 20);
	assert_quarantined("appended");
	put_sparse(DATA "overwritten", 500, 0, 20);
	assert_quarantined("overwritten");
	put(DATA "one zero", zeros, 1);
	assert_quarantined("one zero");
}

static void takes_zeros_of_a_large_file_for_its_own(void **state)
{
	static char bytes[1200000];
	char size[32] = "1200000";

	(void)state;
	memset(bytes + 10, 'x', sizeof bytes - 20);
	put(DATA "large", bytes, sizeof bytes);
	put_str(META "large", "");
	assert_int_equal(repair().files, 1);
	assert_dirty(META "large", size, "[{\"Pos\":0,\"Size\":1200000}]");
	memset(bytes, 'x', sizeof bytes);
	bytes[0] = bytes[1] = bytes[99998] = bytes[99999] = 0;
	put(DATA "small", bytes, 100000);
	put_str(META "small", "");
	assert_int_equal(repair().files, 1);
}

#define OPEN(rs, fingerprint) TEXT(WHEN, WHEN, "0", rs, fingerprint, "true")

/* Open for writing when rclone was killed: its metadata tells of the first write alone. */
static void completes_the_metadata_of_an_open_file(void **state)
{
	static const struct {
		const char *meta;
		off_t size, offset;
		size_t written;
		unsigned files, partial;
		const char *rs;
	} cases[] = {
		/* all of it is there: written anew over an object, or after that was fetched */
		{ OPEN("null", "\"900000,x\""), 300000, 0, 300000, 1, 0, "[{\"Pos\":0,\"Size\":300000}]" },
		{ OPEN("[{\"Pos\":0,\"Size\":4096}]", "\"300000,x\""), 300000, 0, 300000, 1, 0,
			"[{\"Pos\":0,\"Size\":300000}]" },
		/* a new sparse file: there is no object */
		{ OPEN("null", "\"\""), 300000, 200000, 100000, 1, 0, "[{\"Pos\":0,\"Size\":300000}]" },
		{ OPEN("[]", "\"0,x\""), 300000, 200000, 100000, 1, 0, "[{\"Pos\":0,\"Size\":300000}]" },
		/* appended to an object that is not there */
		{ OPEN("[{\"Pos\":1000,\"Size\":100}]", "\"1000,x\""), 1500, 1000, 500, 1, 1, "[{\"Pos\":1000,\"Size\":500}]" },
		{ OPEN("[{\"Pos\":900,\"Size\":200}]", "\"1000,x\""), 1500, 900, 600, 1, 1, "[{\"Pos\":900,\"Size\":600}]" },
		{ OPEN("[{\"Pos\":0,\"Size\":10},{\"Pos\":1300,\"Size\":10},{\"Pos\":1400,\"Size\":9}]", "\"1000,x\""), 1500,
			1000, 500, 1, 1, "[{\"Pos\":0,\"Size\":10},{\"Pos\":1000,\"Size\":500}]" },
		/* nothing is known that rclone does not know */
		{ OPEN("[{\"Pos\":1000,\"Size\":500}]", "\"1000,x\""), 1500, 1000, 500, 0, 1, "[{\"Pos\":1000,\"Size\":500}]" },
		{ OPEN("[{\"Pos\":8192,\"Size\":9}]", "\"300000,x\""), 300000, 8192, 9, 0, 1, "[{\"Pos\":8192,\"Size\":9}]" },
		{ OPEN("null", "\"x\""), 300000, 8192, 9, 0, 1, "null" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct buf text = buf_heap(META_MAX);
		struct rclone_repaired done;
		char squeezed[256];
		struct span rs;
		size_t n = 0;

		put_sparse(DATA "file", cases[i].size, cases[i].offset, cases[i].written);
		put_str(META "file", cases[i].meta);
		done = repair();
		if (done.files != cases[i].files || done.partial != cases[i].partial || done.quarantined)
			fail_msg("case %zu: %u files, %u partial, %u quarantined", i, done.files, done.partial,
				done.quarantined);
		assert_int_equal(meta_read(AT_FDCWD, META "file", &text), 0);
		assert_true(meta_whole(buf_all(&text)) && meta_dirty(buf_all(&text)));
		assert_int_equal(json_member(buf_all(&text), "Rs", &rs), 1);
		for (size_t k = 0; k < rs.n; k++)
			if (!strchr(" \t\n", rs.p[k]))
				squeezed[n++] = rs.p[k];
		squeezed[n] = 0;
		assert_string_equal(squeezed, cases[i].rs);
		done = repair();
		assert_int_equal(done.files, 0);
		assert_int_equal(done.partial, cases[i].partial);
		buf_free(&text);
	}
}

/* Of a clean file rclone fetches what it lacks when somebody reads it. */
static void lets_a_clean_file_lack_what_it_lacks(void **state)
{
	struct rclone_repaired done;

	(void)state;
	put_sparse(DATA "file", 300000, 0, 5);
	put_str(META "file", GOOD);
	done = repair();
	assert_int_equal(done.files + done.partial + done.quarantined, 0);
	assert_content(META "file", GOOD, strlen(GOOD));
}

static void keeps_two_of_a_path_apart(void **state)
{
	(void)state;
	for (int i = 1; i <= 3; i++) {
		put_sparse(DATA "file", 30 * BLOCK, i * BLOCK, BLOCK);
		put_str(META "file", "");
		assert_int_equal(repair().quarantined, 1);
	}
	assert_true(is_there("quarantine/1/s3mounts/bkt/p/file"));
	assert_true(is_there("quarantine/2/s3mounts/bkt/p/file"));
	assert_true(is_there("quarantine/3/s3mounts/bkt/p/file"));
	assert_int_equal(pending(), 3 + 1); /* and the metadata */
}

static void follows_no_link(void **state)
{
	struct stat st;

	(void)state;
	put_str("elsewhere/data", "data");
	put_str("elsewhere/meta", "");
	make_folders(DATA);
	assert_int_equal(symlink("../../../../elsewhere", DATA "folder"), 0);
	assert_int_equal(symlink("../../../../elsewhere/data", DATA "file"), 0);
	assert_int_equal(mkfifo(DATA "fifo", 0600), 0);
	assert_int_equal(repair().files, 0);
	put_str(DATA "linked", "12345");
	make_folders(META);
	assert_int_equal(symlink("../../../../elsewhere/meta", META "linked"), 0);
	assert_int_equal(repair().files, 1);
	assert_dirty(META "linked", "5", "[{\"Pos\":0,\"Size\":5}]");
	assert_int_equal(stat("elsewhere/meta", &st), 0);
	assert_int_equal(st.st_size, 0);
	/* A folder above it */
	put_str(DATA "deep/file", "12345");
	assert_int_equal(symlink("../../../../elsewhere", META "deep"), 0);
	struct rclone_repaired done;
	struct err e;
	assert_int_equal(rclone_repair(folder, &done, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_false(is_there("elsewhere/file"));
}

static void says_when_it_cannot(void **state)
{
	struct rclone_repaired done;
	struct err e;

	(void)state;
	put_str("vfs", "a file");
	assert_int_equal(rclone_repair(folder, &done, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_non_null(strstr(e.text, "/vfs/"));
	unlink("vfs");
	put_str(DATA "file", "12345");
	put_str("vfsMeta", "a file");
	assert_int_equal(rclone_repair(folder, &done, &e), -1);
	assert_true(is_there(DATA "file"));
}

/* Where a folder has the metadata's name no metadata can be written. */
static void quarantines_what_can_have_no_metadata(void **state)
{
	(void)state;
	put_str(DATA "file", "12345");
	put_str(META "file/other", GOOD);
	assert_int_equal(repair().quarantined, 1);
	assert_content(QUARANTINE "file", "12345", 5);
}

static void leaves_nothing_beside_it(void **state)
{
	char tmp[128];

	(void)state;
	snprintf(tmp, sizeof tmp, META ".s3mounts-new-%ld", (long)getpid());
	put_str(tmp, "of one that died");
	put_str(DATA "file", "12345");
	put_str(META "file", "");
	assert_int_equal(repair().files, 1);
	assert_false(is_there(tmp));
	assert_dirty(META "file", "5", "[{\"Pos\":0,\"Size\":5}]");
}

/* As long as a path may be, with few descriptors. */
static void goes_deep(void **state)
{
	char path[4096] = DATA, meta[4200];
	struct rlimit usual, few;

	(void)state;
	for (int i = 0; i < 2000; i++)
		strcat(path, "d/");
	strcat(path, "file");
	put_str(path, "12345");
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = (struct rlimit){ 16, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(repair().files, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	snprintf(meta, sizeof meta, META "%s", path + strlen(DATA));
	assert_dirty(meta, "5", "[{\"Pos\":0,\"Size\":5}]");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_nothing_in_nothing),
		TEST(leaves_good_metadata_alone),
		TEST(renews_what_rclone_cannot_decode),
		TEST(renews_what_was_cut_off),
		TEST(renews_what_is_missing),
		TEST(tells_the_time_of_the_data),
		TEST(tells_an_empty_file_from_none),
		TEST(leaves_to_rclone_what_nobody_wrote),
		TEST(quarantines_what_may_lack_a_part),
		TEST(takes_zeros_of_a_large_file_for_its_own),
		TEST(completes_the_metadata_of_an_open_file),
		TEST(lets_a_clean_file_lack_what_it_lacks),
		TEST(keeps_two_of_a_path_apart),
		TEST(follows_no_link),
		TEST(says_when_it_cannot),
		TEST(quarantines_what_can_have_no_metadata),
		TEST(leaves_nothing_beside_it),
		TEST(goes_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
