/* Which rclone it is: what it says, what is noted of it, and what is known of that version. */

#include "folder.h"

#include "base/clock.h"
#include "rclone/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *output, *text;
	bool known;
	unsigned major, minor, patch;
} outputs[] = {
	{ "rclone v1.60.1-DEV\n- os/version: debian 12\n", "1.60.1-DEV", true, 1, 60, 1 },
	{ "rclone v1.75.2\n", "1.75.2", true, 1, 75, 2 },
	{ "rclone v2.0.0\n", "2.0.0", true, 2, 0, 0 },
	{ "rclone v1.76.0-beta.9000.0123abcd\n", "1.76.0-beta.9000.0123abcd", false, 1, 76, 0 },
	{ "rclone v1.76\n", "1.76", false, 1, 76, 0 },
	{ "rclone v1.76.\n", "1.76.", false, 1, 76, 0 },
	{ "rclone v1.76.0 \n", "1.76.0 ", false, 1, 76, 0 },
	{ "rclone v1.99999.0\n", "1.99999.0", false, 1, 0, 0 },
	{ "rclone v\x1b[2J\n", "?[2J", false, 0, 0, 0 },
	{ "rclone v1.75.2", "", false, 0, 0, 0 }, /* cut off: it might go on */
	{ "rclone 1.75.2\n", "", false, 0, 0, 0 },
	{ "Rclone v1.75.2\n", "", false, 0, 0, 0 },
	{ "\nrclone v1.75.2\n", "", false, 0, 0, 0 },
	{ "", "", false, 0, 0, 0 },
};

static void reads_what_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
		struct rclone_version v;

		rclone_version_parse(&v, span_of(outputs[i].output));
		assert_int_equal(v.known, outputs[i].known);
		assert_string_equal(v.text, outputs[i].text);
		assert_int_equal(v.debian, v.known && strstr(v.text, "-DEV"));
		if (v.known) {
			assert_int_equal(v.major, outputs[i].major);
			assert_int_equal(v.minor, outputs[i].minor);
			assert_int_equal(v.patch, outputs[i].patch);
		}
	}
}

static const struct {
	bool known, debian;
	unsigned major, minor;
	bool rc, queue;
	size_t losses;
} abilities[] = {
	{ true, true, 1, 60, false, false, 4 },
	{ true, false, 1, 60, false, false, 3 },
	{ true, true, 1, 61, true, false, 2 },
	{ true, false, 1, 61, true, false, 2 },
	{ true, false, 1, 67, true, false, 2 },
	{ true, false, 1, 68, true, true, 2 },
	{ true, false, 1, 75, true, true, 2 },
	{ true, false, 1, 76, true, true, 0 },
	{ true, false, 2, 0, true, true, 0 },
	{ false, false, 1, 76, false, false, 0 },
	{ false, false, 1, 60, false, false, 0 },
};

static void knows_what_it_can(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof abilities / sizeof *abilities; i++) {
		const struct rclone_version v = {
			.known = abilities[i].known,
			.debian = abilities[i].debian,
			.major = abilities[i].major,
			.minor = abilities[i].minor,
		};
		const char *const *list;

		assert_int_equal(rclone_version_has_rc_socket(&v), abilities[i].rc);
		assert_int_equal(rclone_version_has_queue(&v), abilities[i].queue);
		assert_int_equal(rclone_version_losses(&v, &list), abilities[i].losses);
		assert_int_equal(rclone_version_fails_xattrs(&v), abilities[i].losses == 4);
		if (abilities[i].losses == 4)
			assert_non_null(strstr(list[0], "extended attributes"));
		if (abilities[i].losses == 2)
			assert_non_null(strstr(list[0], "65,536"));
	}
}

static const char *at(const char *name)
{
	static char path[200];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* A program that adds a line to "ran" below the folder of the test for each time it is run, and does BODY. */
static void write_program(const char *body)
{
	FILE *f = fopen(at("rclone"), "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\necho \"$*\" >> %s/ran\n%s\n", folder, body);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(at("rclone"), 0755), 0);
}

static int runs(void)
{
	FILE *f = fopen(at("ran"), "r");
	char line[100];
	int n = 0;

	while (f && fgets(line, sizeof line, f)) {
		assert_string_equal(line, "version\n");
		n++;
	}
	if (f)
		fclose(f);
	return n;
}

static int read_it(struct rclone_version *v, struct err *e)
{
	char program[200];

	strcpy(program, at("rclone"));
	return rclone_version_read(v, program, folder, e);
}

static void asks_once(void **state)
{
	struct rclone_version v;
	struct stat st;
	struct err e;

	(void)state;
	write_program("echo rclone v1.68.2; echo more");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(read_it(&v, &e), 0);
		assert_true(v.known);
		assert_int_equal(v.minor, 68);
		assert_string_equal(v.text, "1.68.2");
	}
	assert_int_equal(runs(), 1);
	assert_int_equal(stat(at(".rclone-version"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	write_program("echo rclone v1.68.3"); /* of the same size */
	assert_int_equal(read_it(&v, &e), 0);
	assert_string_equal(v.text, "1.68.3");
	assert_int_equal(runs(), 2);
}

static void notes_nothing_that_is_not_known(void **state)
{
	struct rclone_version v;
	struct err e;

	(void)state;
	write_program("echo rclone v1.77.0-beta.1.x");
	assert_int_equal(read_it(&v, &e), 0);
	assert_false(v.known);
	assert_string_equal(v.text, "1.77.0-beta.1.x");
	assert_int_not_equal(access(at(".rclone-version"), F_OK), 0);
}

static void believes_no_damaged_note(void **state)
{
	struct rclone_version v;
	struct err e;

	(void)state;
	write_program("echo rclone v1.68.2");
	assert_int_equal(read_it(&v, &e), 0);
	assert_int_equal(truncate(at(".rclone-version"), 20), 0);
	assert_int_equal(read_it(&v, &e), 0);
	assert_true(v.known);
	assert_int_equal(runs(), 2);
}

static void works_without_a_place_for_notes(void **state)
{
	struct rclone_version v;
	struct err e;
	char program[200];

	(void)state;
	write_program("echo rclone v1.68.2");
	strcpy(program, at("rclone"));
	assert_int_equal(rclone_version_read(&v, program, at("none/such"), &e), 0);
	assert_true(v.known);
}

static void gives_it_no_credentials(void **state)
{
	struct rclone_version v;
	struct err e;

	(void)state;
	setenv("S3_ACCESS_SECRET", "SeCrEt", 1);
	setenv("RCLONE_CONFIG", "/x", 1);
	setenv("OTHER", "kept", 1);
	write_program("echo rclone v1.$OTHER-$S3_ACCESS_SECRET$RCLONE_CONFIG");
	assert_int_equal(read_it(&v, &e), 0);
	assert_string_equal(v.text, "1.kept-");
}

static void tells_what_gives_no_answer(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "exit 1", "it says nothing" },
		{ "exec sleep 60", "no answer within 5 s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		int64_t begin = clock_ms();
		struct rclone_version v;
		struct err e;

		write_program(cases[i].body);
		assert_int_equal(read_it(&v, &e), -1);
		assert_false(v.known);
		assert_int_equal(e.code, CODE_MOUNT);
		assert_non_null(strstr(e.text, cases[i].says));
		assert_true(clock_ms() - begin < 7000);
	}
}

/* The one that the tests drive. */
static void knows_debians(void **state)
{
	FILE *p = popen("/usr/bin/rclone version", "r");
	struct rclone_version v;
	char first[100], says[100];
	struct err e;

	(void)state;
	assert_non_null(p);
	assert_non_null(fgets(first, sizeof first, p));
	pclose(p);
	assert_int_equal(rclone_version_read(&v, "/usr/bin/rclone", folder, &e), 0);
	assert_true(v.known && rclone_version_least(&v, 1, 60));
	snprintf(says, sizeof says, "rclone v%s\n", v.text);
	assert_string_equal(says, first);
}

static void tells_of_no_program(void **state)
{
	struct rclone_version v;
	struct err e;

	(void)state;
	assert_int_equal(read_it(&v, &e), -1);
	assert_int_equal(e.code, CODE_MOUNT);
	assert_non_null(strstr(e.text, "No such file"));
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_says),
		cmocka_unit_test(knows_what_it_can),
		IN_A_FOLDER(asks_once),
		IN_A_FOLDER(notes_nothing_that_is_not_known),
		IN_A_FOLDER(believes_no_damaged_note),
		IN_A_FOLDER(works_without_a_place_for_notes),
		IN_A_FOLDER(gives_it_no_credentials),
		IN_A_FOLDER(tells_what_gives_no_answer),
		IN_A_FOLDER(knows_debians),
		IN_A_FOLDER(tells_of_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
