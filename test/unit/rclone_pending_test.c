/* What rclone's cache says about files that are not in S3 yet. */

#include "folder.h"

#include "rclone/pending.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOP "vfsMeta/s3mounts/bkt/p/q/"
#define DATA "vfs/s3mounts/bkt/p/q/"

/* As rclone 1.60.1 writes it. */
#define META(size, dirty)                                                                                           \
	"{\n\t\"ModTime\": \"2026-11-23T14:14:35.945337974Z\",\n\t\"ATime\": \"2026-11-23T14:14:35.945337974Z\",\n" \
	"\t\"Size\": " size ",\n\t\"Rs\": [\n\t\t{\n\t\t\t\"Pos\": 0,\n\t\t\t\"Size\": 5\n\t\t}\n\t],\n"            \
	"\t\"Fingerprint\": \"\",\n\t\"Dirty\": " dirty "\n}"

static const struct plan_mount m = { .bucket = "bkt", .prefix = "p/q/" };

static void look(struct pending *p)
{
	struct err e = { 0 };

	assert_int_equal(rclone_pending(folder, &m, -1, p, &e), 0);
	assert_int_equal(e.code, 0);
}

static void finds_nothing_in_nothing(void **state)
{
	struct pending p;
	struct err e;

	(void)state;
	look(&p);
	assert_int_equal(p.files, 0);
	assert_int_equal(rclone_pending("/nonexistent/cache", &m, -1, &p, &e), 0);
	make_folders(TOP);
	look(&p);
	assert_int_equal(p.files, 0);
}

static void counts_dirty_files(void **state)
{
	struct pending p;

	(void)state;
	put_str(TOP "clean", META("100", "false"));
	put_str(TOP "sub/dir/dirty", META("7", "true"));
	put_str(DATA "sub/dir/dirty", "1234567");
	put_str(TOP "sub/clean", META("5", "false"));
	look(&p);
	assert_int_equal(p.files, 1);
	assert_int_equal(p.bytes, 7);
	assert_int_equal(p.named, 1);
	assert_string_equal(p.names[0], "sub/dir/dirty");
}

static void takes_the_size_of_the_data(void **state)
{
	struct pending p;

	(void)state;
	put_str(TOP "open", META("0", "true"));
	put_str(DATA "open", "12345");
	put_str(TOP "no data", META("30", "true"));
	look(&p);
	assert_int_equal(p.files, 2);
	assert_int_equal(p.bytes, 35);
}

/* Every beginning of a clean file's metadata is a half-written one, and what it will say is not known. */
static void counts_half_written_metadata(void **state)
{
	static const char text[] = META("5", "false");
	struct pending p;

	(void)state;
	for (size_t n = 0; n < sizeof text; n++) {
		put(TOP "file", text, n);
		look(&p);
		assert_int_equal(p.files, n < sizeof text - 1);
	}
}

static void counts_what_it_cannot_read(void **state)
{
	static const char *const texts[] = { "", "{}", "null", "true", "[]", "{\"Dirty\":1}", "{\"Dirty\":\"false\"}",
		"{\"dirty\":false}", META("1", "false") "x", "{\"X\":{\"Dirty\":false}}", "\xff\xfe" };
	struct pending p;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		put_str(TOP "file", texts[i]);
		look(&p);
		assert_int_equal(p.files, 1);
		assert_string_equal(p.names[0], "file");
	}
}

static void names_a_few_of_many(void **state)
{
	struct pending p;

	(void)state;
	for (int i = 0; i < 300; i++) {
		char path[128];

		snprintf(path, sizeof path, TOP "d%d/%d", i % 7, i);
		put_str(path, META("2", "true"));
	}
	look(&p);
	assert_int_equal(p.files, 300);
	assert_int_equal(p.bytes, 600);
	assert_int_equal(p.named, PENDING_NAMES);
}

static void cuts_long_names_at_the_front(void **state)
{
	struct pending p;

	(void)state;
	for (size_t n = 250; n <= 258; n++) {
		char path[512] = TOP "x/";
		size_t top = strlen(TOP), fill = n - strlen("x/") - strlen("/end");

		/* "é" is two bytes: a cut may fall inside one. */
		for (size_t i = 0; i < fill; i++)
			path[top + 2 + i] = i < fill - fill % 2 ? "\xc3\xa9"[i % 2] : 'o';
		strcpy(path + top + 2 + fill, "/end");
		put_str(path, META("1", "true"));
		look(&p);
		assert_int_equal(p.files, 1);
		if (n < 256) {
			assert_string_equal(p.names[0], path + top);
		} else {
			assert_true(strlen(p.names[0]) >= 254 && strlen(p.names[0]) <= 255);
			assert_memory_equal(p.names[0], "…\xc3\xa9", 5);
			assert_string_equal(p.names[0] + strlen(p.names[0]) - 4, "/end");
		}
		assert_int_equal(unlink(path), 0);
	}
}

/* Below another remote's name, and beside our prefix: whatever is there belongs to this mount's cache. */
static void looks_everywhere(void **state)
{
	struct pending p;

	(void)state;
	put_str("vfsMeta/s3mounts{appNz}/bkt/p/q/a", META("1", "true"));
	look(&p);
	assert_int_equal(p.files, 1);
	assert_string_equal(p.names[0], "a");
	put_str("vfsMeta/b", META("1", "true"));
	look(&p);
	assert_int_equal(p.files, 2);
}

static void counts_for_a_whole_bucket(void **state)
{
	const struct plan_mount whole = { .bucket = "bkt", .prefix = "" };
	struct pending p;
	struct err e;

	(void)state;
	put_str("vfsMeta/s3mounts/bkt/p/a", META("1", "true"));
	assert_int_equal(rclone_pending(folder, &whole, -1, &p, &e), 0);
	assert_string_equal(p.names[0], "p/a");
}

static void follows_no_link(void **state)
{
	struct pending p;
	struct err e;

	(void)state;
	put_str("elsewhere/dirty", META("1", "true"));
	make_folders(TOP);
	assert_int_equal(symlink("../../../../../elsewhere", TOP "folder"), 0);
	assert_int_equal(symlink("../../../../../elsewhere/dirty", TOP "file"), 0);
	assert_int_equal(mkfifo(TOP "fifo", 0600), 0);
	look(&p);
	assert_int_equal(p.files, 0);
	assert_int_equal(rename("vfsMeta", "away"), 0);
	assert_int_equal(symlink("away", "vfsMeta"), 0);
	assert_int_equal(rclone_pending(folder, &m, -1, &p, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
}

static void says_when_it_cannot_look(void **state)
{
	struct pending p;
	struct err e;

	(void)state;
	put_str("vfsMeta", "a file");
	assert_int_equal(rclone_pending(folder, &m, -1, &p, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_non_null(strstr(e.text, "vfsMeta"));
}

/* Half of a cache says nothing: what is not looked through in time is unknown. */
static void says_when_its_time_is_over(void **state)
{
	struct pending p;
	struct err e;

	(void)state;
	put_str(TOP "clean", META("1", "false"));
	assert_int_equal(rclone_pending(folder, &m, 0, &p, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_non_null(strstr(e.text, "in time"));
}

/* As deep as a key of 1,024 bytes can go, with few descriptors. */
static void goes_deep(void **state)
{
	char path[4096] = TOP;
	struct rlimit usual, few;
	struct pending p;

	(void)state;
	for (int i = 0; i < 512; i++)
		strcat(path, "d/");
	strcat(path, "file");
	put_str(path, META("1", "true"));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	few = (struct rlimit){ 16, usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	look(&p);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(p.files, 1);
	assert_int_equal(strlen(p.names[0]), 255);
}

/* Longer than a path may be: it can only be built from inside, and rclone could not. */
static void says_when_it_is_too_deep(void **state)
{
	static char name[201];
	struct pending p;
	struct err e;

	(void)state;
	memset(name, 'n', 200);
	make_folders(TOP);
	assert_int_equal(chdir(TOP), 0);
	for (int i = 0; i < 25; i++)
		assert_true(mkdir(name, 0700) == 0 && chdir(name) == 0);
	assert_int_equal(rclone_pending(folder, &m, -1, &p, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	for (int i = 0; i < 25; i++)
		assert_true(chdir("..") == 0 && rmdir(name) == 0);
	assert_int_equal(chdir(folder), 0);
}

/* fork(2); the child ends with us, also where a test fails. */
static pid_t neighbour(void)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return child;
}

/* Files and folders come and go all the while; one stays dirty and is never missed. */
static void bears_a_busy_cache(void **state)
{
	struct pending p;
	pid_t child;

	(void)state;
	put_str(TOP "z/stays", META("3", "true"));
	child = neighbour();
	while (child == 0) {
		put_str(TOP "a/b/comes", META("1", "false"));
		unlink(TOP "a/b/comes");
		rmdir(TOP "a/b");
		rmdir(TOP "a");
	}
	for (int i = 0; i < 2000; i++) {
		look(&p);
		assert_true(p.files == 1 || p.files == 2); /* the other one half-written */
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* A file that is renamed from a folder yet to come into one already seen must not be missed for that. */
static void finds_a_file_that_moves(void **state)
{
	struct pending p;
	pid_t child;
	int missed = 0;

	(void)state;
	put_str(TOP "a/file", META("3", "true"));
	make_folders(TOP "b/");
	child = neighbour();
	while (child == 0) {
		rename(TOP "a/file", TOP "b/file");
		usleep(2000);
		rename(TOP "b/file", TOP "a/file");
		usleep(2000);
	}
	for (int i = 0; i < 3000; i++) {
		look(&p);
		missed += !p.files;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(missed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_nothing_in_nothing),
		TEST(counts_dirty_files),
		TEST(takes_the_size_of_the_data),
		TEST(counts_half_written_metadata),
		TEST(counts_what_it_cannot_read),
		TEST(names_a_few_of_many),
		TEST(cuts_long_names_at_the_front),
		TEST(looks_everywhere),
		TEST(counts_for_a_whole_bucket),
		TEST(follows_no_link),
		TEST(says_when_it_cannot_look),
		TEST(says_when_its_time_is_over),
		TEST(goes_deep),
		TEST(says_when_it_is_too_deep),
		TEST(bears_a_busy_cache),
		TEST(finds_a_file_that_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
