/* leftover_test.c - which cache is whose, and what is found in those of nobody. */

#include "folder.h"

#include "driver/driver.h"
#include "sup/cache.h"
#include "sup/leftover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcdef"
#define DIRTY "{\"Size\": 5, \"Dirty\": true}"

static const struct leftover_scope nobody = { .known = NULL, .deadline = -1 };

static void an_id_is_of_the_source(void **state)
{
	struct plan_mount a = { .bucket = "b", .prefix = "p/", .target = "/one" }, moved = a, deeper = a;
	char id[MOUNT_ID], other[MOUNT_ID];

	(void)state;
	moved.target = "/two";
	deeper.prefix = "p/q/";
	driver_identify(id, "http://h", &a, false);
	assert_true(cache_is_id(id));
	driver_identify(other, "http://h", &moved, false);
	assert_string_equal(id, other);
	driver_identify(other, "http://h", &deeper, false);
	assert_string_not_equal(id, other);
	driver_identify(other, "http://i", &a, false);
	assert_string_not_equal(id, other);
	driver_identify(other, "http://h", &a, true);
	assert_string_not_equal(id, other);
	driver_identify(id, "http://h", &moved, true);
	assert_string_not_equal(id, other);
}

static void a_name_is_an_id(void **state)
{
	static const char *const bad[] = { "", "0123", ID "0", "0123456789ABCDEF0123456789ABCDEF",
		"../456789abcdef0123456789abcdef" };

	(void)state;
	assert_true(cache_is_id(ID));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(cache_is_id(bad[i]));
}

static void a_lock_is_seen(void **state)
{
	int driver, looker;

	(void)state;
	assert_int_equal(cache_held(ID), 0);
	assert_int_equal(mkdir(ID, 0700), 0);
	assert_int_equal(cache_held(ID), 0);
	driver = open(ID, O_RDONLY);
	looker = open(ID, O_RDONLY);
	assert_int_equal(flock(looker, LOCK_SH), 0);
	assert_int_equal(cache_held(ID), 0);
	close(looker);
	assert_int_equal(flock(driver, LOCK_EX), 0);
	assert_int_equal(cache_held(ID), 1);
	close(driver);
	assert_int_equal(cache_held(ID), 0);
	assert_int_equal(symlink(ID, "link"), 0);
	assert_int_equal(cache_held("link"), -1);
}

static const struct {
	const char *file, *bucket, *prefix, *name;
	bool placeable;
} paths[] = {
	{ "s3mounts/b/p/q/f", "b", "p/q/", "f", true },
	{ "s3mounts/b/f", "b", "", "f", true },
	{ "s3mounts{x}/b/p/f", "b", "p/", "f", false },
	{ "other/b/p/f", "b", "p/", "f", false },
	{ "s3mounts/f", "", "", "f", false },
	{ "f", "", "", "f", false },
	{ "s3mounts/b/a b/\x1b\n/f", "b", "a b/\x1b\n/", "f", true },
};

static void paths_tell_the_place(void **state)
{
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct leftovers l = { 0 };
		char file[256];

		snprintf(file, sizeof file, ID "/vfsMeta/%s", paths[i].file);
		put_str(file, DIRTY);
		leftover_find(&l, folder, &nobody);
		assert_int_equal(l.count, 1);
		assert_string_equal(l.list[0].endpoint, "");
		assert_string_equal(l.list[0].bucket, paths[i].bucket);
		assert_string_equal(l.list[0].prefix, paths[i].prefix);
		assert_int_equal(l.list[0].placeable, paths[i].placeable);
		assert_int_equal(l.list[0].files, 1);
		assert_int_equal(l.list[0].name_count, 1);
		assert_string_equal(l.list[0].names[0], paths[i].name);
		leftover_free(&l);
		leave(state);
		enter(state);
	}
}

static void a_fork_in_the_way_ends_the_prefix(void **state)
{
	struct leftovers l = { 0 };

	(void)state;
	put_str(ID "/vfsMeta/s3mounts/b/p/x/f", DIRTY);
	put_str(ID "/vfsMeta/s3mounts/b/p/y/f", DIRTY);
	put_str(ID "/origin", "nothing that we have written");
	leftover_find(&l, folder, &nobody);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.list[0].prefix, "p/");
	assert_int_equal(l.list[0].files, 2);
	leftover_free(&l);
}

/* As an earlier version has written it down, when there was one driver. */
#define OLD_ORIGIN                                                                                                       \
	"kind=1\0timeout_ms=0\0keep=0\0lazy=0\0abandon=0\0mount_ns=0\0endpoint=http://h\0region=us-east-1\0"             \
	"provider=Ceph\0rclone=/usr/bin/rclone\0rclone_version=1.60.1-DEV\0config=/r/rclone.conf\0cache_dir=/c/" ID "\0" \
	"allow_other=1\0target=/mnt/a\0bucket=b\0prefix=p/\0type=0\0ro=0\0nofail=0\0allow_other=1\0uid=0\0gid=0\0"       \
	"umask=-1\0option=s3_chunk_size=6M\0"

static void an_old_description_is_believed(void **state)
{
	static const char body[] = OLD_ORIGIN;
	uint32_t length = sizeof body - 1;
	struct leftovers l = { 0 };
	struct arena a = { 0 };
	struct request r;
	FILE *f;

	(void)state;
	put_str(ID "/vfsMeta/s3mounts{x}/b/p/d/f", DIRTY);
	f = fopen(ID "/origin", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(&length, sizeof length, 1, f), 1);
	assert_int_equal(fwrite(body, 1, length, f), length);
	fclose(f);
	assert_int_equal(cache_origin(ID, &a, &r), 0);
	assert_string_equal(r.program, "/usr/bin/rclone");
	assert_string_equal(r.program_version, "1.60.1-DEV");
	arena_free(&a);
	leftover_find(&l, folder, &nobody);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.list[0].endpoint, "http://h");
	assert_string_equal(l.list[0].target, "/mnt/a");
	assert_string_equal(l.list[0].options[0], "s3_chunk_size=6M");
	assert_string_equal(l.list[0].driver->name, "rclone");
	assert_true(l.list[0].placeable);
	leftover_free(&l);
}

static void a_description_is_believed(void **state)
{
	static const char *options[] = { "s3_chunk_size=6M" };
	struct plan_mount m = {
		.target = "/mnt/a", .bucket = "b", .prefix = "p/", .options = options, .option_count = 1, .uid = -1, .gid = -1
	};
	struct request r = { .kind = REQUEST_UP, .endpoint = "http://h", .mounts = &m, .mount_count = 1 };
	struct buf b = buf_heap(WIRE_MAX);
	struct leftovers l = { 0 };
	FILE *f;

	(void)state;
	put_str(ID "/vfsMeta/s3mounts{x}/b/p/d/f", DIRTY);
	wire_put_request(&b, &r);
	f = fopen(ID "/origin", "w");
	assert_non_null(f);
	assert_int_equal(fwrite(b.p, 1, b.len, f), b.len);
	fclose(f);
	leftover_find(&l, folder, &nobody);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.list[0].endpoint, "http://h");
	assert_string_equal(l.list[0].target, "/mnt/a");
	assert_string_equal(l.list[0].options[0], options[0]);
	assert_string_equal(l.list[0].names[0], "d/f");
	assert_true(l.list[0].placeable);
	leftover_free(&l);
	/* Cut off anywhere it is no description: the paths tell. */
	for (size_t n = 0; n < b.len; n++) {
		assert_int_equal(truncate(ID "/origin", (off_t)n), 0);
		leftover_find(&l, folder, &nobody);
		assert_string_equal(l.list[0].endpoint, "");
		assert_string_equal(l.list[0].prefix, "p/d/");
		leftover_free(&l);
		put_str(ID "/origin", "");
		f = fopen(ID "/origin", "w");
		assert_non_null(f);
		assert_int_equal(fwrite(b.p, 1, b.len, f), b.len);
		fclose(f);
	}
	buf_free(&b);
}

static void what_is_told_already_is_left_out(void **state)
{
	char cache[4096];
	struct report_mount m = { .state = "down", .cache = cache };
	struct report r = { .mounts = &m, .mount_count = 1 };
	struct leftover_scope all = { .known = &r, .deadline = -1 }, live = { .known = &r, .live = true, .deadline = -1 };
	struct leftovers l = { 0 };

	(void)state;
	put_str(ID "/vfsMeta/s3mounts/b/f", DIRTY);
	snprintf(cache, sizeof cache, "%s/./%s", folder, ID);
	leftover_find(&l, folder, &all);
	assert_int_equal(l.folders, 0);
	leftover_free(&l);
	leftover_find(&l, folder, &live);
	assert_int_equal(l.folders, 1);
	leftover_free(&l);
	m.state = "restarting";
	leftover_find(&l, folder, &live);
	assert_int_equal(l.folders, 0);
	leftover_free(&l);
	snprintf(cache, sizeof cache, "/elsewhere/%s", ID);
	leftover_find(&l, folder, &all);
	assert_int_equal(l.folders, 1);
	leftover_free(&l);
}

static void a_root_is_looked_at_once(void **state)
{
	struct leftovers l = { 0 };
	char again[4096];

	(void)state;
	put_str(ID "/vfsMeta/s3mounts/b/f", DIRTY);
	snprintf(again, sizeof again, "%s/.", folder);
	leftover_find(&l, folder, &nobody);
	leftover_find(&l, again, &nobody);
	leftover_find(&l, "/nonexistent/root", &nobody);
	assert_int_equal(l.folders, 1);
	leftover_free(&l);
}

static void what_cannot_be_looked_at_is_unknown(void **state)
{
	struct leftovers l = { 0 };
	struct err e;

	(void)state;
	put_str("file", "");
	leftover_find(&l, "file", &nobody);
	assert_int_equal(l.folders, 1);
	assert_int_equal(l.list[0].files, -1);
	assert_int_equal(leftover_error(&l, &e), -1);
	assert_int_equal(e.code, CODE_PENDING);
	assert_non_null(strstr(e.text, "Not a directory"));
	leftover_free(&l);
	assert_int_equal(leftover_error(&l, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_is_of_the_source),
		cmocka_unit_test(a_name_is_an_id),
		cmocka_unit_test_setup_teardown(a_lock_is_seen, enter, leave),
		cmocka_unit_test_setup_teardown(paths_tell_the_place, enter, leave),
		cmocka_unit_test_setup_teardown(a_fork_in_the_way_ends_the_prefix, enter, leave),
		cmocka_unit_test_setup_teardown(an_old_description_is_believed, enter, leave),
		cmocka_unit_test_setup_teardown(a_description_is_believed, enter, leave),
		cmocka_unit_test_setup_teardown(what_is_told_already_is_left_out, enter, leave),
		cmocka_unit_test_setup_teardown(a_root_is_looked_at_once, enter, leave),
		cmocka_unit_test_setup_teardown(what_cannot_be_looked_at_is_unknown, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
