/* Our section in somebody's file on disk: what is refused untouched, who may read it meanwhile, and that all comes back. */

#include "unit.h"

#include "base/file.h"
#include "rclone/conf.h"
#include "rclone/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTION "[s3mounts]\ntype = `s3`\nsecret_access_key = `SeCrEt`\n"
#define RENEWED "[s3mounts]\ntype = `s3`\nsecret_access_key = `new`\n"

static char folder[] = "/tmp/rclone_store_test.XXXXXX", path[128];

static void put(const char *text, mode_t mode, gid_t group)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chown(path, 0, group), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void holds(const char *text, mode_t mode, gid_t group)
{
	struct buf b = buf_heap(4096);
	struct stat st;
	struct err e;

	assert_int_equal(file_read(path, &b, &e), 0);
	assert_string_equal(b.p, text);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, group);
	buf_free(&b);
}

static mode_t mode_now(void)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static const struct {
	const char *text;
	mode_t mode, meanwhile;
	gid_t group;
} files[] = {
	{ "[a]\ntype = local\n", 0600, 0600, 0 },
	{ "[a]\ntype = local\n", 0644, 0600, 0 },
	{ "[a]\ntype = local", 0640, 0600, 4711 },
	{ "[a]\r\ntype = local\r\n\r\n", 0400, 0400, 4711 },
	{ "", 0644, 0600, 0 },
	{ "# mine", 0755, 0700, 0 },
};

static void gives_all_of_it_back(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		put(files[i].text, files[i].mode, files[i].group);
		for (int again = 0; again < 3; again++) {
			assert_int_equal(rclone_store(path, again < 2 ? SPAN(SECTION) : SPAN(RENEWED), &e), 0);
			assert_int_equal(mode_now(), files[i].meanwhile);
		}
		assert_int_equal(rclone_store_remove(path, &e), 0);
		holds(files[i].text, files[i].mode, files[i].group);
		assert_int_equal(rclone_store_remove(path, &e), 0); /* again: nothing */
		holds(files[i].text, files[i].mode, files[i].group);
	}
	unlink(path);
}

static void removes_its_own_file(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(rclone_store(path, SPAN(SECTION), &e), 0);
	holds(SECTION, 0600, getegid());
	assert_int_equal(rclone_store(path, SPAN(RENEWED), &e), 0);
	holds(RENEWED, 0600, getegid());
	assert_int_equal(rclone_store_remove(path, &e), 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rclone_store_remove(path, &e), 0);
}

/* What somebody has put behind ours since keeps its last newline. */
static void keeps_what_came_behind(void **state)
{
	struct err e;
	FILE *f;

	(void)state;
	put("[a]\ntype = local", 0600, 0);
	assert_int_equal(rclone_store(path, SPAN(SECTION), &e), 0);
	f = fopen(path, "a");
	fputs("[b]\ntype = local\n", f);
	fclose(f);
	assert_int_equal(rclone_store_remove(path, &e), 0);
	holds("[a]\ntype = local\n[b]\ntype = local\n", 0600, 0);
	unlink(path);
}

static void touches_nothing_else(void **state)
{
	static const char *const texts[] = { "root:x:0:0:root:/root:/bin/bash\n", "#!/bin/sh\nx=1\n", "[default]\nkey = AKIA\n",
		"{}\n", "RCLONE_ENCRYPT_V0:\nabcd\n" };
	struct stat before, after;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		put(texts[i], 0644, 4711);
		assert_int_equal(stat(path, &before), 0);
		assert_int_equal(rclone_store(path, SPAN(SECTION), &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_true(strstr(e.text, path) || strstr(e.text, "encrypted"));
		rclone_store_remove(path, &e);
		holds(texts[i], 0644, 4711);
		assert_int_equal(stat(path, &after), 0);
		assert_int_equal(before.st_ino, after.st_ino);
	}
	unlink(path);
}

static void refuses_another_users_file(void **state)
{
	struct err e;

	(void)state;
	put("[a]\ntype = local\n", 0600, 0);
	assert_int_equal(chown(path, 65534, 0), 0);
	assert_int_equal(rclone_store(path, SPAN(SECTION), &e), -1);
	assert_non_null(strstr(e.text, "it belongs to user 65534, who could read the keys"));
	unlink(path);
}

/* Whoever may write to a folder can put another file in the place of ours. */
static void refuses_a_folder_of_others(void **state)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		const char *why; /* NULL: it is taken */
	} folders[] = {
		{ 0700, 0, NULL },
		{ 0755, 0, NULL },
		{ 0775, 0, "others may write to its folder (mode 775)" },
		{ 0757, 0, "others may write to its folder (mode 757)" },
		{ 01777, 0, "others may write to its folder (mode 777)" },
		{ 0755, 65534, "others may write to its folder (mode 755)" },
	};
	char inner[200], file[220];
	struct err e;

	(void)state;
	snprintf(inner, sizeof inner, "%s/inner", folder);
	snprintf(file, sizeof file, "%s/rclone.conf", inner);
	assert_int_equal(mkdir(inner, 0700), 0);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		assert_int_equal(chown(inner, folders[i].owner, 0), 0);
		assert_int_equal(chmod(inner, folders[i].mode), 0);
		assert_int_equal(rclone_store(file, SPAN(SECTION), &e), folders[i].why ? -1 : 0);
		if (folders[i].why)
			assert_non_null(strstr(e.text, folders[i].why));
		assert_int_equal(access(file, F_OK), folders[i].why ? -1 : 0);
		unlink(file);
	}
	assert_int_equal(rmdir(inner), 0);
}

static void makes_a_folder_for_us_alone(void **state)
{
	char inner[200], file[220];
	struct stat st;
	struct err e;

	(void)state;
	snprintf(inner, sizeof inner, "%s/inner", folder);
	snprintf(file, sizeof file, "%s/rclone.conf", inner);
	assert_int_equal(rclone_store(file, SPAN(SECTION), &e), 0);
	assert_int_equal(stat(inner, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(rclone_store_remove(file, &e), 0);
	assert_int_equal(rmdir(inner), 0);
}

static void follows_no_link(void **state)
{
	char victim[200];
	struct err e;

	(void)state;
	snprintf(victim, sizeof victim, "%s/victim", folder);
	assert_int_equal(symlink(victim, path), 0);
	assert_int_equal(rclone_store(path, SPAN(SECTION), &e), -1);
	assert_non_null(strstr(e.text, "it is a symbolic link, which is not followed"));
	assert_int_equal(access(victim, F_OK), -1);
	unlink(path);
}

/* Told, and nothing is written: neither half of a section, nor one that is cut off. */
static void refuses_what_is_too_large(void **state)
{
	struct buf section = buf_heap(2 * RCLONE_CONF_MAX);
	struct err e;

	(void)state;
	buf_str(&section, SECTION "token = `");
	while (section.len < RCLONE_CONF_MAX)
		buf_char(&section, 'x');
	buf_str(&section, "`\n");
	assert_int_equal(rclone_store(path, buf_all(&section), &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_int_equal(access(path, F_OK), -1);
	buf_free(&section);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/rclone.conf", folder);
	return 0;
}

static int drop_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_all_of_it_back),
		cmocka_unit_test(removes_its_own_file),
		cmocka_unit_test(keeps_what_came_behind),
		cmocka_unit_test(touches_nothing_else),
		cmocka_unit_test(refuses_another_users_file),
		cmocka_unit_test(refuses_a_folder_of_others),
		cmocka_unit_test(makes_a_folder_for_us_alone),
		cmocka_unit_test(follows_no_link),
		cmocka_unit_test(refuses_what_is_too_large),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
