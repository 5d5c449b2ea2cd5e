/* Variables from files and descriptors: what is taken, what is refused by line and name, and that they win and can be wiped. */

#include "unit.h"

#include "base/creds.h"
#include "base/env.h"
#include "base/env_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the form ---- */

static const struct {
	const char *text, *value; /* of X; NULL: it was not given, or is empty */
} good[] = {
	{ "X=v", "v" },
	{ "X=v\n", "v" },
	{ "\xef\xbb\xbfX=v\r\n", "v" },
	{ "\n# X=a\n; X=b\n \t# X=c\nX=v\n", "v" },
	{ "  X=v\n", "v" },
	{ "export X=v\n", "v" },
	{ "export \t X='v'\n", "v" },
	{ "export=1\nX=v", "v" },
	{ "X = v", "v" },
	{ "X =v", "v" },
	{ "X=", NULL },
	{ "X=''", NULL },
	{ "X=a=b==", "a=b==" },
	{ "X=a#b;c", "a#b;c" },
	{ "X=#", "#" },
	{ "X=a b", "a b" },
	{ "X=$HOME `id` $(id) ${Y} %Y%", "$HOME `id` $(id) ${Y} %Y%" },
	{ "X=a\"b'c", "a\"b'c" },
	{ "X='a b \\ \" $Y '", "a b \\ \" $Y " },
	{ "X=\"a b ' $Y \"", "a b ' $Y " },
	{ "X=\"a\\\"b\\\\c\\`d\\$e\\n\"", "a\"b\\c`d$e\\n" },
	{ "X='v' \t", "v" },
	{ "X= 'v'", "v" },
	{ "X=\t'v'", "v" },
	{ "X=a\tb", "a\tb" },
	{ "X=a\nX=v", "v" },
	{ "X=a\nX=", NULL },
	{ "spring.data-source=1\n_Y9=2\nX=v", "v" },
	{ "X=Zo\xc3\xab", "Zo\xc3\xab" },
	{ "X", "outer" },
	{ "X \r\n", "outer" },
	{ "export X", "outer" },
	{ "X=v\nX", "outer" },
	{ "NOBODY_HAS_THIS", NULL },
};

static void reads(void **state)
{
	(void)state;
	setenv("X", "outer", 1);
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct err e = { 0 };
		size_t n = strlen(good[i].text);
		char *copy = malloc(n ? n : 1);

		memcpy(copy, good[i].text, n);
		if (env_parse((struct span){ copy, n }, "f", &e))
			fail_msg("\"%s\": %s", good[i].text, e.text);
		free(copy);
		if (good[i].value)
			assert_string_equal(env_given("X"), good[i].value);
		else
			assert_null(env_given("X"));
		env_wipe();
		assert_null(env_given("X"));
	}
	unsetenv("X");
}

#define BLANK ": a blank stands at an end of its value, without quotes"
#define NO_NAME ": no variable's name begins this line"

static const struct {
	const char *text, *says;
} bad[] = {
	{ "KEY=SeC\\rEt", "f:1: variable KEY: its value holds a backslash, without quotes" },
	{ "KEY=SeCrEt\\\nmore", "f:1: variable KEY: its value holds a backslash, without quotes" },
	{ "\n# x\nKEY=SeCrEt ", "f:3: variable KEY" BLANK },
	{ "KEY= SeCrEt", "f:1: variable KEY" BLANK },
	{ "KEY = SeCrEt ", "f:1: variable KEY" BLANK },
	{ "KEY=SeCrEt\t\r\n", "f:1: variable KEY" BLANK },
	{ "KEY=\"SeCrEt", "f:1: variable KEY: its value begins with a quote that is not closed on its line" },
	{ "KEY='SeCrEt\n'", "f:1: variable KEY: its value begins with a quote that is not closed on its line" },
	{ "KEY=\"SeCrEt\\\"", "f:1: variable KEY: its value begins with a quote that is not closed on its line" },
	{ "KEY='", "f:1: variable KEY: its value begins with a quote that is not closed on its line" },
	{ "KEY='SeC'rEt", "f:1: variable KEY: text stands behind the closing quote of its value" },
	{ "KEY='SeC'\"'\"'rEt'", "f:1: variable KEY: text stands behind the closing quote of its value" },
	{ "KEY='SeCrEt' # new", "f:1: variable KEY: text stands behind the closing quote of its value" },
	{ "KEY=SeCrEt\r\r\n", "f:1: variable KEY: its value ends with a carriage return (CR) before that of the line's end" },
	{ "X=v\n\xef\xbb\xbfKEY=SeCrEt\n", "f:2: " SPAN_BOM_INSIDE },
	{ "\xff\xfeK", "f: it is UTF-16 text" },
	{ "\xfe\xffK", "f: it is UTF-16 text" },
	{ "KEY=SeC\rrEt", "f:1: variable KEY: its value holds a control byte" },
	{ "KEY='SeC\x1brEt'", "f:1: variable KEY: its value holds a control byte" },
	{ "KEY=SeCrEt\x7f", "f:1: variable KEY: its value holds a control byte" },
	{ "A=1\n=SeCrEt", "f:2" NO_NAME },
	{ "9KEY=SeCrEt", "f:1" NO_NAME },
	{ "SeC+rEt/==", "f:1" NO_NAME },
	{ "KEY: SeCrEt", "f:1" NO_NAME },
	{ "set KEY=SeCrEt", "f:1" NO_NAME },
	{ "{\"KEY\": \"SeCrEt\"}", "f:1" NO_NAME },
	{ "SeC rEt", "f:1" NO_NAME },
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct err e = { 0 };

		assert_int_equal(env_parse(span_of(bad[i].text), "f", &e), -1);
		assert_string_equal(e.text, bad[i].says);
		assert_int_equal(e.code, CODE_USAGE);
		assert_null(strstr(e.text, "SeC"));
		assert_null(strstr(e.hint, "SeC"));
		env_wipe();
	}
}

static void limits_a_name(void **state)
{
	char text[400];
	struct err e;

	(void)state;
	memset(text, 'N', sizeof text);
	text[128] = '=';
	assert_int_equal(env_parse((struct span){ text, 200 }, "f", &e), 0);
	env_wipe();
	text[128] = 'N';
	text[129] = '=';
	assert_int_equal(env_parse((struct span){ text, 200 }, "f", &e), -1);
	assert_string_equal(e.text, "f:1: no variable's name begins this line");
}

static void refuses_nul(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(env_parse(SPAN("X=a\0b"), "f", &e), -1);
	assert_string_equal(e.text, "f:1: variable X: its value holds a control byte");
	assert_int_equal(env_parse(SPAN("X\0=\0a\0"), "f", &e), -1);
	assert_string_equal(e.text, "f: it is UTF-16 text");
	assert_int_equal(env_parse(SPAN("\0X\0=\0a"), "f", &e), -1);
	assert_string_equal(e.text, "f: it is UTF-16 text");
	assert_int_equal(env_parse(SPAN("X\0Y=a"), "f", &e), -1);
	assert_string_equal(e.text, "f:1: no variable's name begins this line");
}

/* ---- the two sources ---- */

static void wins_over_the_environment(void **state)
{
	struct err e;

	(void)state;
	setenv("X", "outer", 1);
	assert_string_equal(env("X"), "outer");
	assert_int_equal(env_set(SPAN("X"), SPAN("inner"), &e), 0);
	assert_string_equal(env("X"), "inner");
	assert_string_equal(getenv("X"), "outer");
	assert_int_equal(env_set(SPAN("X"), SPAN(""), &e), 0);
	assert_null(env("X")); /* given as empty: the other does not come back */
	env_wipe();
	assert_string_equal(env("X"), "outer");
	unsetenv("X");
}

static void keeps_settings_alone(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < creds_variable_count; i++)
		assert_int_equal(env_set(span_of(creds_variables[i].name), SPAN("SeCrEt"), &e), 0);
	assert_int_equal(
		env_parse(SPAN("DATABASE_PASSWORD=SeCrEt\nTHREAD_ID=t\nS3MOUNTS_RUN_DIR=/r\nRCLONE_CONFIG=/c"), "f", &e), 0);
	env_wipe();
	for (size_t i = 0; i < creds_variable_count; i++)
		assert_null(env_given(creds_variables[i].name));
	assert_null(env_given("DATABASE_PASSWORD"));
	assert_null(env_given("THREAD_ID"));
	assert_string_equal(env_given("S3MOUNTS_RUN_DIR"), "/r");
	assert_string_equal(env_given("RCLONE_CONFIG"), "/c");
	env_set(SPAN("S3MOUNTS_RUN_DIR"), SPAN(""), &e);
	env_set(SPAN("RCLONE_CONFIG"), SPAN(""), &e);
}

static void exports_for_a_child(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(env_set(SPAN("GIVEN"), SPAN("earlier"), &e), 0);
	assert_int_equal(env_set(SPAN("GIVEN"), SPAN("v"), &e), 0);
	assert_null(getenv("GIVEN"));
	assert_int_equal(env_export(), 0);
	assert_string_equal(getenv("GIVEN"), "v");
	unsetenv("GIVEN");
	env_wipe();
}

/* Longer ones than a file may have are given by nobody; none is cut off. */
static void exports_no_part_of_a_name(void **state)
{
	char name[257];
	struct err e;

	(void)state;
	memset(name, 'N', sizeof name);
	for (size_t n = 254; n < sizeof name; n++) {
		assert_int_equal(env_set((struct span){ name, n }, SPAN("v"), &e), 0);
		assert_int_equal(env_export(), n < 256 ? 0 : -1);
		env_wipe();
	}
	name[255] = 0;
	assert_string_equal(getenv(name), "v");
	unsetenv(name);
	unsetenv(name + 1);
}

/* ---- where it stands ---- */

static char folder[] = "/tmp/env_file_test.XXXXXX", place[128];

static const char *at(const char *name)
{
	snprintf(place, sizeof place, "%s/%s", folder, name);
	return place;
}

static void write_file(const char *text, size_t n, mode_t mode)
{
	FILE *f = fopen(at("f"), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	assert_int_equal(chmod(place, mode), 0);
}

static void takes_a_private_file_alone(void **state)
{
	static const struct {
		mode_t mode;
		bool taken;
	} modes[] = { { 0600, true }, { 0400, true }, { 0700, true }, { 0640, false }, { 0604, false }, { 0620, false },
		{ 0602, false }, { 0610, false }, { 0644, false } };
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		write_file("X=v", 3, modes[i].mode);
		assert_int_equal(env_file_read(at("f"), &e), modes[i].taken ? 0 : -1);
		assert_int_equal(env_given("X") != NULL, modes[i].taken);
		assert_true(modes[i].taken || (e.code == CODE_USAGE && strstr(e.text, place)));
		env_wipe();
		assert_int_equal(env_file_remove(at("f"), &e), 0);
		assert_int_equal(access(at("f"), F_OK), -1);
	}
}

static void refuses_what_is_no_file(void **state)
{
	struct err e;

	(void)state;
	write_file("X=v", 3, 0600);
	assert_int_equal(symlink("f", at("link")), 0);
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(env_file_read(at("link"), &e), -1);
	assert_non_null(strstr(e.text, "it is a symbolic link, which is not followed"));
	assert_int_equal(env_file_read(at("fifo"), &e), -1);
	assert_non_null(strstr(e.text, "it is not a regular file"));
	assert_int_equal(env_file_read(folder, &e), -1);
	assert_non_null(strstr(e.text, "it is not a regular file"));
	assert_int_equal(env_file_read(at("none"), &e), -1);
	assert_non_null(strstr(e.text, "there is no such file"));
	assert_int_equal(e.code, CODE_USAGE);
	assert_null(env_given("X"));
	assert_int_equal(env_file_remove(at("none"), &e), 0);
	assert_int_equal(env_file_remove(at("fifo"), &e), -1);
	assert_int_equal(env_file_remove(at("link"), &e), -1);
	assert_int_equal(access(at("f"), F_OK), 0);
	unlink(at("fifo"));
	unlink(at("link"));
	unlink(at("f"));
}

static void refuses_another_users_file(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(geteuid(), 0); /* the tests run as root */
	write_file("X=v", 3, 0600);
	assert_int_equal(chown(at("f"), 65534, 65534), 0);
	assert_int_equal(env_file_read(at("f"), &e), -1);
	assert_non_null(strstr(e.text, "it belongs to user 65534"));
	assert_int_equal(env_file_remove(at("f"), &e), -1);
	assert_int_equal(unlink(at("f")), 0);
}

static void limits_its_size(void **state)
{
	char *text = malloc(ENV_FILE_MAX + 1);
	struct err e;

	(void)state;
	memset(text, '#', ENV_FILE_MAX + 1);
	for (size_t more = 0; more < 2; more++) {
		write_file(text, ENV_FILE_MAX + more, 0600);
		assert_int_equal(env_file_read(at("f"), &e), more ? -1 : 0);
		assert_true(!more || strstr(e.text, "it is larger than 1048576 bytes"));
	}
	unlink(at("f"));
	free(text);
}

static void reads_a_descriptor(void **state)
{
	struct err e;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "X=v\n", 4), 4);
	close(fds[1]);
	assert_int_equal(env_fd_read(fds[0], "--env-fd 7", &e), 0);
	assert_string_equal(env_given("X"), "v");
	assert_int_equal(fcntl(fds[0], F_GETFD), -1);
	assert_int_equal(env_fd_read(fds[0], "--env-fd 7", &e), -1);
	assert_string_equal(e.text, "--env-fd 7: no such descriptor is open");
	env_wipe();
}

static void leaves_nothing_on_stdin(void **state)
{
	int saved = dup(0), fds[2];
	struct err e;
	char c;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "X=v\n", 4), 4);
	close(fds[1]);
	dup2(fds[0], 0);
	close(fds[0]);
	assert_int_equal(env_fd_read(0, "--env-file -", &e), 0);
	assert_int_equal(read(0, &c, 1), 0);
	dup2(saved, 0);
	close(saved);
	assert_string_equal(env_given("X"), "v");
	env_wipe();
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(refuses),
		cmocka_unit_test(refuses_nul),
		cmocka_unit_test(limits_a_name),
		cmocka_unit_test(wins_over_the_environment),
		cmocka_unit_test(keeps_settings_alone),
		cmocka_unit_test(exports_for_a_child),
		cmocka_unit_test(exports_no_part_of_a_name),
		cmocka_unit_test(takes_a_private_file_alone),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(refuses_another_users_file),
		cmocka_unit_test(limits_its_size),
		cmocka_unit_test(reads_a_descriptor),
		cmocka_unit_test(leaves_nothing_on_stdin),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
