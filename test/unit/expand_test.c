/* ${NAME} in sources, targets and options: what fills a path decides whose data a sandbox sees. */

#include "unit.h"

#include "plan/parts.h"

#include <stdio.h>
#include <stdlib.h>

static const char *value; /* of the variable X */

static const char *env(const char *name)
{
	if (strcmp(name, "X") == 0 || strcmp(name, "_y9") == 0)
		return value;
	return strcmp(name, "EMPTY") == 0 ? "" : strcmp(name, "S3_ACCESS_SECRET") == 0 ? "wJalrXUtnFEMI" : NULL;
}

static const struct {
	const char *text, *x, *result;
} good[] = {
	{ "", "v", "" },
	{ "plain", "v", "plain" },
	{ "${X}", "v", "v" },
	{ "a/${X}/b", "v", "a/v/b" },
	{ "user-${X}.d", "v", "user-v.d" },
	{ "${X}${X}", "v", "vv" },
	{ "${_y9}", "v", "v" },
	{ "$X $ $$ }{", "v", "$X $ $$ }{" },
	{ "$${X}", "v", "$v" },
	{ "a/${X}", "${X}", "a/${X}" }, /* a value is never filled again */
	{ "a/${X}", "\\040", "a/\\040" },
	{ "a/${X}", "...", "a/..." },
	{ "a/${X}", " -o x:y,z ", "a/ -o x:y,z " },
	{ "a/${X}", "Zo\xc3\xab", "a/Zo\xc3\xab" },
};

static void fills(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char mem[256];
		struct buf out = buf_over(mem, sizeof mem);
		struct err e = { 0 };

		value = good[i].x;
		assert_int_equal(plan_expand(&out, good[i].text, env, &e), 0);
		assert_string_equal(mem, good[i].result);
		assert_int_equal(e.code, 0);
	}
}

#define LONG_16 "0123456789abcdef"
#define LONG_128 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16 LONG_16

static const struct {
	const char *text, *x, *says;
} bad[] = {
	{ "${X}", ".", "variable X: it is \".\" or \"..\"" },
	{ "${X}", "..", "variable X: it is \".\" or \"..\"" },
	{ "a-${X}", "..", "variable X: it is \".\" or \"..\"" },
	{ "${X}", "a/b", "variable X: it holds a slash" },
	{ "${X}", "/", "variable X: it holds a slash" },
	{ "${X}", "../other", "variable X: it holds a slash" },
	{ "${X}", "a\n", "variable X: it holds a newline or another control byte" },
	{ "${X}", "\x01", "variable X: it holds a newline or another control byte" },
	{ "${X}", "a\x7f", "variable X: it holds a newline or another control byte" },
	{ "${X}", LONG_128 "x", "variable X: it is longer than 128 bytes" },
	{ "${X}", "\xff", "variable X: it is not valid UTF-8, as S3's keys are" },
	{ "${X}", "\xc0\xae", "variable X: it is not valid UTF-8, as S3's keys are" }, /* an overlong "." */
	{ "ab/${X", "v", "\"${\" at byte 4 of \"ab/${X\" has no \"}\"" },
	{ "${}", "v", "\"${\" is not followed by a variable's name and \"}\"" },
	{ "${9X}", "v", "\"${\" is not followed by a variable's name and \"}\"" },
	{ "${X:-y}", "v", "\"${\" is not followed by a variable's name and \"}\"" },
	{ "${${X}}", "v", "\"${\" is not followed by a variable's name and \"}\"" },
	{ "${ X}", "v", "\"${\" is not followed by a variable's name and \"}\"" },
	{ "${S3_ACCESS_SECRET}", "v", "variable S3_ACCESS_SECRET: a credential cannot be part of a mount" },
	{ "${S3_ACCESS_KEY_ID}", "v", "variable S3_ACCESS_KEY_ID: a credential cannot be part of a mount" },
	{ "${S3_SESSION_TOKEN}", "v", "variable S3_SESSION_TOKEN: a credential cannot be part of a mount" },
	{ "${AWS_SECRET_ACCESS_KEY}", "v", "variable AWS_SECRET_ACCESS_KEY: a credential cannot be part of a mount" },
	{ "${AWS_ACCESS_KEY_ID}", "v", "variable AWS_ACCESS_KEY_ID: a credential cannot be part of a mount" },
	{ "${AWS_SESSION_TOKEN}", "v", "variable AWS_SESSION_TOKEN: a credential cannot be part of a mount" },
};

static void refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char mem[256];
		struct buf out = buf_over(mem, sizeof mem);
		struct err e = { 0 };

		value = bad[i].x;
		assert_int_equal(plan_expand(&out, bad[i].text, env, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_string_equal(e.text, bad[i].says);
	}
}

static void takes_128_bytes(void **state)
{
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);
	struct err e;

	(void)state;
	value = LONG_128;
	assert_int_equal(plan_expand(&out, "${X}", env, &e), 0);
	assert_int_equal(out.len, 128);
}

static void tells_what_is_not_set(void **state)
{
	static const char *const names[] = { "UNSET", "EMPTY" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char mem[256], text[64], says[64];
		struct buf out = buf_over(mem, sizeof mem);
		struct err e = { 0 };

		value = "v";
		snprintf(text, sizeof text, "/a/${X}/b${%s}/${X}", names[i]);
		snprintf(says, sizeof says, "variable %s is not set", names[i]);
		assert_int_equal(plan_expand(&out, text, env, &e), 1);
		assert_string_equal(mem, "/a/v/b");
		assert_int_equal(e.code, CODE_USAGE);
		assert_string_equal(e.text, says);
	}
}

static void refuses_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t room = 1; room < 8; room++) {
		char mem[8];
		struct buf out = buf_over(mem, room);
		struct err e = { 0 };

		value = "1234";
		assert_int_equal(plan_expand(&out, "a${X}b", env, &e), room <= 6 ? -1 : 0);
		assert_int_equal(e.code, room <= 6 ? CODE_USAGE : 0);
	}
}

static const struct {
	const char *text;
	bool valid;
} utf8[] = {
	{ "", true },
	{ "a\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true },
	{ "\xed\x9f\xbf\xee\x80\x80", true },
	{ "\x80", false },
	{ "\xc1\xbf", false },
	{ "\xc2", false },
	{ "\xc2g", false },
	{ "\xe0\x9f\xbf", false },
	{ "\xe2\x82", false },
	{ "\xed\xa0\x80", false },
	{ "\xf0\x8f\xbf\xbf", false },
	{ "\xf4\x90\x80\x80", false },
	{ "\xf8\x88\x80\x80\x80", false },
	{ "\xff", false },
};

static void knows_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof utf8 / sizeof *utf8; i++) {
		/* Exactly as large as the text, so that a checker of memory sees a byte too far. */
		size_t n = strlen(utf8[i].text);
		char *copy = malloc(n ? n : 1);

		memcpy(copy, utf8[i].text, n);
		assert_int_equal(plan_utf8((struct span){ copy, n }), utf8[i].valid);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills),
		cmocka_unit_test(refuses),
		cmocka_unit_test(takes_128_bytes),
		cmocka_unit_test(tells_what_is_not_set),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(knows_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
