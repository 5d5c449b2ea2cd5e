/* base_test.c - spans, buffers, arena, errors, JSON, records: what every floor stands on. */

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/record.h"
#include "base/span.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void span_number_takes_only_numbers(void **state)
{
	static const struct {
		const char *text;
		unsigned long max, value;
		bool ok;
	} rows[] = {
		{ "0", 10, 0, true },
		{ "10", 10, 10, true },
		{ "11", 10, 0, false },
		{ "", 10, 0, false },
		{ "-1", 10, 0, false },
		{ "+1", 10, 0, false },
		{ " 1", 10, 0, false },
		{ "1 ", 10, 0, false },
		{ "0x1", 100, 0, false },
		{ "007", 10, 7, true },
		{ "9", 8, 0, false },
		{ "1a", 100, 0, false },
		{ "18446744073709551615", ULONG_MAX, ULONG_MAX, true },
		{ "18446744073709551616", ULONG_MAX, 0, false },
		{ "99999999999999999999999", ULONG_MAX, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned long got = 12345;

		assert_int_equal(span_number(span_of(rows[i].text), rows[i].max, &got), rows[i].ok);
		assert_int_equal(got, rows[i].ok ? rows[i].value : 12345);
	}
}

static void span_cut_splits(void **state)
{
	struct span rest = SPAN("a::b"), head;

	(void)state;
	assert_true(span_cut(&rest, ':', &head) && span_is(head, "a"));
	assert_true(span_cut(&rest, ':', &head) && span_is(head, ""));
	assert_false(span_cut(&rest, ':', &head));
	assert_true(span_is(head, "b"));
	assert_int_equal(rest.n, 0);
	assert_false(span_cut(&rest, ':', &head));
	assert_int_equal(head.n, 0);
	assert_true(span_is(span_trim(SPAN(" \t x y \t")), "x y"));
	assert_true(span_is_nocase(SPAN("Content-LENGTH"), "content-length"));
	assert_false(span_is_nocase(SPAN("content-lengt"), "content-length"));
	assert_false(span_is_nocase(SPAN("content-lengthx"), "content-length"));
}

static void spans_are_found_in_lists(void **state)
{
	static const char *const list[] = { "ab", "x" };

	(void)state;
	assert_true(span_is_any(SPAN("x"), list, COUNT(list)));
	assert_false(span_is_any(SPAN("abc"), list, COUNT(list)));
	assert_false(span_is_any(SPAN("x"), list, 1));
	assert_true(span_starts_any(SPAN("abc"), list, COUNT(list)));
	assert_false(span_starts_any(SPAN("a"), list, COUNT(list)));
	assert_false(span_starts_any(SPAN(""), list, COUNT(list)));
}

static void span_utf8_knows_the_forms(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\x80", 0 },
		{ "\xc1\x80", 0 },
		{ "\xc2\x80", 2 },
		{ "\xc2", 0 },
		{ "\xc2x", 0 },
		{ "\xe0\x9f\x80", 0 },
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 },
		{ "\xef\xbf\xbf", 3 },
		{ "\xf0\x8f\xbf\xbf", 0 },
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 },
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xe2\x82", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(span_utf8(span_of(rows[i].bytes)), rows[i].length);
}

static void buf_over_drops_what_does_not_fit(void **state)
{
	char mem[6];
	struct buf b = buf_over(mem, sizeof mem);

	(void)state;
	buf_str(&b, "abc");
	buf_str(&b, "def");
	assert_true(b.full);
	assert_string_equal(b.p, "abc");
	buf_fmt(&b, "%d", 12);
	assert_string_equal(b.p, "abc12");
	buf_char(&b, 'x');
	assert_string_equal(b.p, "abc12");
	buf_clear(&b);
	assert_false(b.full);
	assert_string_equal(b.p, "");
}

static void buf_heap_grows_to_its_limit(void **state)
{
	struct buf b = buf_heap(5000);
	char piece[100];

	(void)state;
	memset(piece, 'p', sizeof piece);
	assert_string_equal(b.p, "");
	for (int i = 0; i < 60; i++)
		buf_add(&b, piece, sizeof piece);
	assert_true(b.full);
	assert_int_equal(b.len, 4900);
	assert_int_equal(b.p[4899], 'p');
	assert_int_equal(b.p[4900], 0);
	buf_free(&b);
	assert_int_equal(b.len, 0);
	buf_hex(&b, "\x00\xff\x1a", 3);
	assert_string_equal(b.p, "00ff1a");
	buf_wipe(&b);
}

static void arena_gives_zeroed_aligned_memory(void **state)
{
	struct arena a = { 0 };
	int *list = NULL;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char *p = arena_get(&a, (size_t)(i * 7 % 9000));

		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (int k = 0; k < i * 7 % 9000; k++)
			assert_int_equal(p[k], 0);
		memset(p, 1, (size_t)(i * 7 % 9000));
		list = arena_grow(&a, list, (size_t)i, sizeof *list);
		list[i] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(list[i], i);
	assert_string_equal(arena_str(&a, (struct span){ "abcdef", 3 }), "abc");
	arena_free(&a);
	assert_null(a.last);
}

static void errors_are_one_line_and_keep_errno(void **state)
{
	struct err e = { .hint = "old" };

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_set(&e, CODE_REFUSED, "a\nb\r\x1b%s", "c"), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(e.text, "a?b??c");
	assert_string_equal(e.hint, "");
	assert_int_equal(e.code, CODE_REFUSED);
	err_hint(&e, "do\tit");
	assert_string_equal(e.hint, "do?it");
	errno = ENOENT;
	err_sys(&e, CODE_FAULT, "open %s", "x");
	assert_string_equal(e.text, "open x: No such file or directory");
}

static void json_writes(void **state)
{
	struct buf b = buf_heap(1000);
	struct json j = { .out = &b };

	(void)state;
	json_open(&j, NULL, '{');
	json_str(&j, "s", "q\"b\\n\n\x7f\xc3\xa9\xff");
	json_int(&j, "i", INT64_MIN);
	json_bool(&j, "t", true);
	json_null(&j, "n");
	json_open(&j, "a", '[');
	json_str(&j, NULL, "x");
	json_open(&j, NULL, '{');
	json_close(&j, '}');
	json_close(&j, ']');
	json_open(&j, "e", '[');
	json_close(&j, ']');
	json_close(&j, '}');
	assert_string_equal(b.p,
		"{\"s\":\"q\\\"b\\\\n\\u000a\\u007f\xc3\xa9\\ufffd\",\"i\":-9223372036854775808,\"t\":true,\"n\":null,"
		"\"a\":[\"x\",{}],\"e\":[]}");
	buf_free(&b);
}

static void a_wiped_buffer_holds_nothing(void **state)
{
	char mem[64];
	struct buf b = buf_over(mem, sizeof mem);

	(void)state;
	buf_str(&b, "a secret, and what was behind it");
	b.len = 3;
	buf_wipe(&b);
	for (size_t i = 0; i < sizeof mem; i++)
		assert_int_equal(mem[i], 0);
}

static void json_member_finds_or_refuses(void **state)
{
	static const struct {
		const char *text;
		int ret;
		const char *value;
	} rows[] = {
		{ "{\"Dirty\":true}", 1, "true" },
		{ " { \"a\" : [1,{\"Dirty\":false}] , \"Dirty\" : true } \n", 1, "true" },
		{ "{\"a\":{\"Dirty\":true}}", 0, NULL },
		{ "{}", 0, NULL },
		{ "{\"a\":\"\\\"Dirty\\\":true\"}", 0, NULL },
		{ "{\"a\":\"{\",\"Dirty\":1e5}", 1, "1e5" },
		{ "", -1, NULL },
		{ "[]", -1, NULL },
		{ "{\"Dirty\":true", -1, NULL },
		{ "{\"Dirty\":true}x", -1, NULL },
		{ "{\"Dirty\":}", -1, NULL },
		{ "{\"Dirty\" true}", -1, NULL },
		{ "{,}", -1, NULL },
		{ "{\"a\":1,}", -1, NULL },
		{ "{\"a\":[1},\"Dirty\":true}", -1, NULL },
		{ "{\"a\":[1,],\"Dirty\":true}", -1, NULL },
		{ "{\"a\":{\"b\" 1},\"Dirty\":true}", -1, NULL },
		{ "{\"a\":{1:1},\"Dirty\":true}", -1, NULL },
		{ "{\"a\":1.,\"Dirty\":true}", -1, NULL },
		{ "{\"a\":-,\"Dirty\":true}", -1, NULL },
		{ "{\"a\":1e+,\"Dirty\":true}", -1, NULL },
		{ "{\"a\":\"\\u00g0\",\"Dirty\":true}", -1, NULL },
		{ "{\"a\":[-0.5e-3,\"\\u00e0\",null,{}],\"Dirty\":true}", 1, "true" },
		{ "{\"a\":\"\\x\"}", -1, NULL },
		{ "{\"a\":\"\n\"}", -1, NULL },
	};
	struct span value;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(json_member(span_of(rows[i].text), "Dirty", &value), rows[i].ret);
		if (rows[i].ret == 1)
			assert_true(span_is(value, rows[i].value));
	}
}

/* Half-written metadata is cut off somewhere: wherever that is, nothing is found in it. */
static void json_member_refuses_each_cut(void **state)
{
	struct span text = SPAN("{\"ModTime\":\"x\",\"Rs\":[{\"Pos\":0,\"Size\":5}],\"Dirty\":true}"), value;

	(void)state;
	for (size_t n = 0; n < text.n; n++) {
		char *flush = malloc(n + !n); /* an exact block: the sanitizer sees a read behind it */

		memcpy(flush, text.p, n);
		assert_int_equal(json_member((struct span){ flush, n }, "Dirty", &value), -1);
		free(flush);
	}
}

static void json_member_bounds_its_depth(void **state)
{
	char text[400] = "{\"a\":";
	struct span value;

	(void)state;
	memset(text + 5, '[', 100);
	memset(text + 105, ']', 100);
	strcpy(text + 205, "}");
	assert_int_equal(json_member(span_of(text), "a", &value), -1);
}

struct sample {
	const char *str;
	char text[4];
	long number;
	int small;
	bool flag;
	const char **list;
	size_t list_count;
};

static const struct record_field sample_fields[] = {
	RECORD_FIELD(RECORD_STR, struct sample, str),
	RECORD_FIELD(RECORD_TEXT, struct sample, text),
	RECORD_FIELD(RECORD_LONG, struct sample, number),
	RECORD_FIELD(RECORD_INT, struct sample, small),
	RECORD_FIELD(RECORD_BOOL, struct sample, flag),
	{ "item", RECORD_LIST, offsetof(struct sample, list), offsetof(struct sample, list_count) },
};
static const struct record_table sample_table = { sample_fields, COUNT(sample_fields) };

static void records_come_back_as_they_went(void **state)
{
	const char *items[] = { "a=b", "", "c\nd" };
	struct sample in = { "x=y", "abc", LONG_MIN, -5, true, items, 3 }, out = { 0 };
	struct buf b = buf_heap(1000);
	struct arena a = { 0 };
	struct span rest, name;
	const char *value;

	(void)state;
	record_write(&b, &sample_table, &in);
	rest = buf_all(&b);
	while (record_next(&rest, &name, &value) > 0)
		assert_int_equal(record_read(&sample_table, &out, &a, name, value), 0);
	assert_string_equal(out.str, in.str);
	assert_string_equal(out.text, in.text);
	assert_int_equal(out.number, in.number);
	assert_int_equal(out.small, in.small);
	assert_true(out.flag);
	assert_int_equal(out.list_count, 3);
	for (int i = 0; i < 3; i++)
		assert_string_equal(out.list[i], items[i]);
	buf_free(&b);
	arena_free(&a);
}

static void records_refuse_what_does_not_fit(void **state)
{
	static const struct {
		const char *name, *value;
		int ret;
	} rows[] = {
		{ "text", "abc", 0 },
		{ "text", "abcd", -1 },
		{ "small", "2147483648", -1 },
		{ "small", "", -1 },
		{ "small", "1x", -1 },
		{ "number", "9999999999999999999", -1 },
		{ "flag", "2", -1 },
		{ "unknown", "x", 0 },
	};
	struct arena a = { 0 };
	struct span rest = { "no end", 6 }, name;
	struct sample s = { 0 };
	const char *value;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(record_read(&sample_table, &s, &a, span_of(rows[i].name), rows[i].value), rows[i].ret);
	assert_int_equal(record_next(&rest, &name, &value), -1);
	rest = (struct span){ "no equals\0", 10 };
	assert_int_equal(record_next(&rest, &name, &value), -1);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(span_number_takes_only_numbers),
		cmocka_unit_test(span_cut_splits),
		cmocka_unit_test(spans_are_found_in_lists),
		cmocka_unit_test(span_utf8_knows_the_forms),
		cmocka_unit_test(buf_over_drops_what_does_not_fit),
		cmocka_unit_test(buf_heap_grows_to_its_limit),
		cmocka_unit_test(arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(errors_are_one_line_and_keep_errno),
		cmocka_unit_test(json_writes),
		cmocka_unit_test(a_wiped_buffer_holds_nothing),
		cmocka_unit_test(json_member_finds_or_refuses),
		cmocka_unit_test(json_member_refuses_each_cut),
		cmocka_unit_test(json_member_bounds_its_depth),
		cmocka_unit_test(records_come_back_as_they_went),
		cmocka_unit_test(records_refuse_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
