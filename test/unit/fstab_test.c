/* Lines of fstab(5), each read flush against an unreadable page. */

#include "unit.h"

#include "plan/parts.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static char *wall; /* no byte from here on can be read */

static struct span flush(const char *text)
{
	size_t n = strlen(text);

	return (struct span){ memcpy(wall - n, text, n), n };
}

static int set_up(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	wall = p + 2 * page;
	return p == MAP_FAILED ? -1 : mprotect(wall, page, PROT_NONE);
}

static const char *const type_names[] = { "auto", "rclone", "native" };

static const struct {
	const char *line, *parts; /* source|target|type|options, NULL: none */
} lines[] = {
	{ "", NULL },
	{ "  \t ", NULL },
	{ "# a comment", NULL },
	{ " \t#", NULL },
	{ "a /m auto rw", "a|/m|auto|rw" },
	{ "a /m auto rw 0", "a|/m|auto|rw" },
	{ "a /m auto rw 0 0", "a|/m|auto|rw" },
	{ "\ta \t /m\tnative  ro,uid=1\t0\t2 \t", "a|/m|native|ro,uid=1" },
	{ "a#b /m#c rclone x=#", "a#b|/m#c|rclone|x=#" },
	{ "s3://b/p /m auto rw", "s3://b/p|/m|auto|rw" },
	{ "threads/${X} /m/${X} auto rw", "threads/${X}|/m/${X}|auto|rw" },
	{ "\\043a\\040b /m\\011\\012\\134 auto x\\040y", "#a b|/m\t\n\\|auto|x\\040y" },
	{ "\\001\\377 /\\0400 auto rw", "\x01\xff|/ 0|auto|rw" },
	{ "Zo\xc3\xab /\xff auto rw", "Zo\xc3\xab|/\xff|auto|rw" },
};

static void reads_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct arena a = { 0 };
		struct plan_line l = { 0 };
		struct err e = { 0 };
		char parts[256];

		assert_int_equal(plan_fstab_line(&a, flush(lines[i].line), &l, &e), lines[i].parts ? 1 : 0);
		assert_int_equal(e.code, 0);
		if (lines[i].parts) {
			snprintf(parts, sizeof parts, "%s|%s|%s|%.*s", l.source, l.target, type_names[l.type], (int)l.options.n,
				l.options.p);
			assert_string_equal(parts, lines[i].parts);
			assert_true(l.octal);
		}
		arena_free(&a);
	}
}

static const struct {
	const char *line, *says;
} bad[] = {
	{ "a", "a line has four to six fields, this one has fewer" },
	{ "a /m auto", "a line has four to six fields, this one has fewer" },
	{ "a /m auto rw 0 0 x", "a line has four to six fields, this one has more" },
	{ "a /m auto rw 0 0 #", "a comment (\"#…\") stands behind the fields of a mount" },
	{ "a /m s3fs rw", "type \"s3fs\" is none of auto, rclone, native" },
	{ "a /m AUTO rw", "type \"AUTO\" is none of auto, rclone, native" },
	{ "a /m auto rw x", "fifth field \"x\" is not a number" },
	{ "a /m auto rw 0 -1", "sixth field \"-1\" is not a number" },
	{ "a /m auto rw\r\r", "byte 13 of the line is a control byte (13)" },
	{ "\r\r", "byte 1 of the line is a control byte (13)" },
	{ "\xef\xbb\xbf"
	  "a /m auto rw",
		SPAN_BOM_INSIDE },
	{ "a\rb /m auto rw", "byte 2 of the line is a control byte (13)" },
	{ "a /m auto r\x1bw", "byte 12 of the line is a control byte (27)" },
	{ "a\x7f /m auto rw", "byte 2 of the line is a control byte (127)" },
	{ "a\\ /m auto rw", "\"a\\\": the backslash at byte 2 does not begin an escape" },
	{ "a /m\\04 auto rw", "\"/m\\04\": the backslash at byte 3 does not begin an escape" },
	{ "a /m\\n auto rw", "\"/m\\n\": the backslash at byte 3 does not begin an escape" },
	{ "a /m\\048 auto rw", "\"/m\\048\": the backslash at byte 3 does not begin an escape" },
	{ "a /m\\400 auto rw", "\"/m\\400\": the backslash at byte 3 does not begin an escape" },
	{ "a /m\\000 auto rw", "\"/m\\000\": the backslash at byte 3 does not begin an escape" },
	{ "\\\\040a /m auto rw", "\"\\\\040a\": the backslash at byte 1 does not begin an escape" },
};

static void refuses_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct arena a = { 0 };
		struct plan_line l = { 0 };
		struct err e = { 0 };

		assert_int_equal(plan_fstab_line(&a, flush(bad[i].line), &l, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_string_equal(e.text, bad[i].says);
		arena_free(&a);
	}
}

/* A NUL cannot come in a C string, but it can in a file. */
static void refuses_nul(void **state)
{
	struct arena a = { 0 };
	struct plan_line l;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(plan_fstab_line(&a, SPAN("a\0b /m auto rw"), &l, &e), -1);
	assert_string_equal(e.text, "byte 2 of the line is a control byte (0)");
	arena_free(&a);
}

/* Whatever is cut off a line, nothing behind it is read, and there is a verdict. */
static void reads_no_byte_too_far(void **state)
{
	static const char line[] = "a\\040b /m\\134 auto rw,x\\040y 0 0";

	(void)state;
	for (size_t n = 0; n < sizeof line; n++) {
		char cut[sizeof line] = { 0 };
		struct arena a = { 0 };
		struct plan_line l = { 0 };
		struct err e = { 0 };
		int got;

		memcpy(cut, line, n);
		got = plan_fstab_line(&a, flush(cut), &l, &e);
		assert_int_equal(got, n == 0 ? 0 : n < strlen("a\\040b /m\\134 auto r") ? -1 : 1);
		assert_int_equal(e.code, got < 0 ? CODE_USAGE : 0);
		arena_free(&a);
	}
}

static void decodes_no_byte_too_far(void **state)
{
	static const char *const cut[] = { "a\\", "a\\0", "a\\04" };

	(void)state;
	for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
		char mem[16];
		struct buf out = buf_over(mem, sizeof mem);
		struct err e = { 0 };

		assert_int_equal(plan_unescape(&out, flush(cut[i]), &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
	}
}

static void limits_a_field(void **state)
{
	(void)state;
	for (size_t n = PLAN_TEXT_MAX - 2; n <= PLAN_TEXT_MAX; n++) {
		char line[PLAN_TEXT_MAX + 32];
		struct arena a = { 0 };
		struct plan_line l;
		struct err e = { 0 };

		memset(line, 'a', n);
		strcpy(line + n, " /m auto rw");
		assert_int_equal(plan_fstab_line(&a, flush(line), &l, &e), n < PLAN_TEXT_MAX ? 1 : -1);
		if (n == PLAN_TEXT_MAX)
			assert_string_equal(e.text, "a field is longer than 4095 bytes");
		arena_free(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_lines),
		cmocka_unit_test(refuses_lines),
		cmocka_unit_test(refuses_nul),
		cmocka_unit_test(reads_no_byte_too_far),
		cmocka_unit_test(limits_a_field),
		cmocka_unit_test(decodes_no_byte_too_far),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
