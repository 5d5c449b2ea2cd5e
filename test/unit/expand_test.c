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
	{ "$ $$ }{ 5$", "v", "$ $$ }{ 5$" },
	{ "$${X}", "v", "$v" },
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
	{ "${AWS_SECURITY_TOKEN}", "v", "variable AWS_SECURITY_TOKEN: a credential cannot be part of a mount" },
	{ "${RCLONE_CONFIG_PASS}", "v", "variable RCLONE_CONFIG_PASS: a credential cannot be part of a mount" },
	{ "a/$X", "v", "\"$X\" looks like a variable that was not filled in" },
	{ "a/$X/${X}", "v", "\"$X\" looks like a variable that was not filled in" },
	{ "a/${X}/$(id)", "v", "\"$(\" looks like a variable that was not filled in" },
	{ "a/${X}", "${X}", "variable X: its value holds \"${\", which looks like a variable that was not filled in" },
	{ "a/${X}", "u-{USER_ID}",
		"variable X: its value holds \"{USER_ID}\", which looks like a variable that was not filled in" },
	{ "a/${X}", "X", "variable X: its value holds \"X\", which looks like a variable that was not filled in" },
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

/* ---- what looks like a variable ---- */

static const struct {
	const char *text, *seen;    /* "": a name */
	const char *seen_literally; /* where a mount is written; NULL: the same */
} placeholders[] = {
	/* shells, JavaScript, make, Go, Terraform */
	{ "$THREAD_ID", "$THREAD_ID", NULL },
	{ "threads/$THREAD_ID/x", "$THREAD_ID", NULL },
	{ "t-$thread.d", "$thread", NULL },
	{ "u$USER_ID", "$USER_ID", NULL },
	{ "$$USER", "$USER", NULL },
	{ "$x", "$x", NULL },
	{ "${THREAD_ID}", "${", NULL },
	{ "a${THREAD_ID", "${", NULL },
	{ "$(THREAD_ID)", "$(", NULL },
	{ "x$(id -u)", "$(", NULL },
	{ "ke$ha", "", "$ha" },
	{ "cash$", "", NULL },
	{ "US$100", "", NULL },
	{ "$", "", NULL },
	{ "$1", "", NULL },
	/* braces */
	{ "{THREAD_ID}", "{THREAD_ID}", NULL },
	{ "user-{user_id}.d", "{user_id}", NULL },
	{ "{threadId}", "{threadId}", NULL },
	{ "{thread-id}", "{thread-id}", NULL },
	{ "{var.thread}", "{var.thread}", NULL },
	{ "#{id}", "{id}", NULL },
	{ "%{id}", "{id}", NULL },
	{ "{}", "{}", NULL },
	{ "t-{0}", "{0}", NULL },
	{ "{{THREAD_ID}}", "{{THREAD_ID}}", NULL },
	{ "{{ .Values.thread }}", "{{ .Values.thread }}", NULL },
	{ "{% thread %}", "{% thread %}", NULL },
	{ "<%= thread %>", "<%= thread %>", NULL },
	{ "a{b}", "", NULL },
	{ "{", "", NULL },
	{ "}{", "", NULL },
	{ "{a b}", "", NULL },
	{ "{123}", "", NULL },
	{ "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}", "", NULL },
	{ "{DF2504E0-4F89-11D3-9A0C-0305E82C3301}", "", NULL },
	{ "{{a", "", NULL },
	/* percent signs */
	{ "%THREAD_ID%", "%THREAD_ID%", NULL },
	{ "u%USER_ID%", "%USER_ID%", NULL },
	{ "%thread_id%", "%thread_id%", NULL },
	{ "a/%thread_id%/b", "%thread_id%", NULL },
	{ "%(thread_id)s", "%(thread_id)", NULL },
	{ "%s", "%s", NULL },
	{ "t/%d", "%d", NULL },
	{ "%!s(MISSING)", "%!s(", NULL },
	{ "100%", "", NULL },
	{ "5%to10%", "", NULL },
	{ "100%_of_50%", "", NULL },
	{ "M%C3%BCller", "", NULL },
	{ "%E6%97%A5", "", NULL },
	{ "%C3%Z0", "%C3%", NULL },
	{ "%C3%0Z", "%C3%", NULL },
	{ "%2e%2e%2f", "", NULL },
	{ "100%(net)", "", NULL },
	{ "%s%n%d", "", NULL },
	{ "%", "", NULL },
	{ "%%", "", NULL },
	/* and others */
	{ "<THREAD_ID>", "<THREAD_ID>", NULL },
	{ "<your thread-id>", "<your thread-id>", NULL },
	{ "t-<nil>", "<nil>", NULL },
	{ "<no value>", "<no value>", NULL },
	{ "<a>&amp;", "", NULL },
	{ "a<b", "", NULL },
	{ "@THREAD_ID@", "@THREAD_ID@", NULL },
	{ "@scope", "", NULL },
	{ "a@b@c", "", NULL },
	{ "__THREAD_ID__", "__THREAD_ID__", NULL },
	{ "a/__USER__/b", "__USER__", NULL },
	{ "__pycache__", "", NULL },
	{ "__MACOSX", "", NULL },
	{ "x__USER__", "", NULL },
	{ "____", "", NULL },
	{ ":thread_id", ":thread_id", NULL },
	{ "a:b", "", NULL },
	{ "user_agent=%s", "%s", NULL },
	{ "", "", NULL },
};

static void sees_placeholders(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof placeholders / sizeof *placeholders; i++) {
		bool literal = i % 2;
		const char *text = placeholders[i / 2].text, *says = placeholders[i / 2].seen;
		size_t n = strlen(text);
		char *copy = malloc(n ? n : 1);
		struct span seen;

		if (literal && placeholders[i / 2].seen_literally)
			says = placeholders[i / 2].seen_literally;
		memcpy(copy, text, n);
		seen = plan_unfilled((struct span){ copy, n }, literal);
		if (!span_is(seen, says))
			fail_msg("\"%s\": \"%.*s\" instead of \"%s\"", text, (int)seen.n, seen.p, says);
		free(copy);
	}
}

static const struct {
	const char *text;
	bool no_value;
} values[] = {
	{ "undefined", true },
	{ "null", true },
	{ "NULL", true },
	{ "None", true },
	{ "nil", true },
	{ "NaN", true },
	{ "(null)", true },
	{ "true", true },
	{ "False", true },
	{ "[object Object]", true },
	{ "user-undefined", true },
	{ "undefined_7", true },
	{ "a.b:null", true },
	{ "", false },
	{ "-", false },
	{ "nullable", false },
	{ "Nones", false },
	{ "no-null-checks", false },
	{ "true-crime", false },
	{ "alice", false },
};

static void knows_what_stands_for_no_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++)
		if (plan_looks_unset(span_of(values[i].text)) != values[i].no_value)
			fail_msg("\"%s\"", values[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fills),
		cmocka_unit_test(refuses),
		cmocka_unit_test(takes_128_bytes),
		cmocka_unit_test(tells_what_is_not_set),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(sees_placeholders),
		cmocka_unit_test(knows_what_stands_for_no_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
