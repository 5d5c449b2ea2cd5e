/* chars_test.c - classes of bytes against what ctype(3) says in the C locale, and what spans are asked by them. */

#include "base/chars.h"
#include "base/span.h"

#include <ctype.h>
#include <stdlib.h>

#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static void classes_are_those_of_the_c_locale(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++) {
		char c = (char)i;

		assert_int_equal(char_is_blank(c), isblank(i) != 0);
		assert_int_equal(char_is_space(c), isspace(i) && i != '\v' && i != '\f');
		assert_int_equal(char_is_control(c), iscntrl(i) != 0);
		assert_int_equal(char_is_visible(c), isgraph(i) != 0);
		assert_int_equal(char_is_ascii(c), i < 128);
		assert_int_equal(char_is_digit(c), isdigit(i) != 0);
		assert_int_equal(char_is_upper(c), isupper(i) != 0);
		assert_int_equal(char_is_letter(c), isalpha(i) != 0);
		assert_int_equal(char_is_alnum(c), isalnum(i) != 0);
		assert_int_equal((unsigned char)char_lower(c), tolower(i));
		assert_int_equal(char_is_octal(c), i >= '0' && i <= '7');
	}
}

static void hexadecimal_digits_have_a_value(void **state)
{
	static const char digits[] = "0123456789abcdef";

	(void)state;
	for (int i = 0; i < 256; i++) {
		const char *at = isxdigit(i) ? strchr(digits, tolower(i)) : NULL;

		assert_int_equal(char_hex((char)i), at ? at - digits : -1);
	}
}

/* The list of RFC 9110, 5.6.2. */
static void tokens_are_those_of_http(void **state)
{
	(void)state;
	for (int i = 0; i < 256; i++)
		assert_int_equal(char_is_token((char)i), isalnum(i) || (i && strchr("!#$%&'*+-.^_`|~", i)));
}

static void span_octal_takes_only_octal_numbers(void **state)
{
	static const struct {
		const char *text;
		unsigned long max, value;
		bool ok;
	} rows[] = {
		{ "0", 0777, 0, true },
		{ "777", 0777, 0777, true },
		{ "0777", 0777, 0777, true },
		{ "1000", 0777, 0, false },
		{ "8", 0777, 0, false },
		{ "78", 0777, 0, false },
		{ "", 0777, 0, false },
		{ "-1", 0777, 0, false },
		{ " 7", 0777, 0, false },
		{ "7 ", 0777, 0, false },
		{ "0x7", 0777, 0, false },
		{ "1777777777777777777777", (unsigned long)-1, (unsigned long)-1, true },
		{ "2000000000000000000000", (unsigned long)-1, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned long got = 12345;

		assert_int_equal(span_octal(span_of(rows[i].text), rows[i].max, &got), rows[i].ok);
		assert_int_equal(got, rows[i].ok ? rows[i].value : 12345);
	}
}

static void span_octal_escape_is_a_byte(void **state)
{
	static const struct {
		const char *text;
		int byte;
	} rows[] = {
		{ "\\040", ' ' },
		{ "\\0401", ' ' },
		{ "\\000", 0 },
		{ "\\377", 0xff },
		{ "\\400", -1 },
		{ "\\04", -1 },
		{ "\\048", -1 },
		{ "\\", -1 },
		{ "", -1 },
		{ "040", -1 },
		{ "x\\040", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].text);
		char *flush = malloc(n + !n); /* an exact block: the sanitizer sees a read behind it */

		memcpy(flush, rows[i].text, n);
		assert_int_equal(span_octal_escape((struct span){ flush, n }), rows[i].byte);
		free(flush);
	}
}

static void span_all_asks_each_byte(void **state)
{
	(void)state;
	assert_true(span_all(SPAN(""), char_is_digit, ""));
	assert_true(span_all(SPAN("0123"), char_is_digit, ""));
	assert_true(span_all(SPAN("1.2-3"), char_is_digit, ".-"));
	assert_false(span_all(SPAN("1.2-3"), char_is_digit, "."));
	assert_false(span_all(SPAN("12x"), char_is_digit, ""));
	assert_false(span_all(SPAN("x12"), char_is_digit, ""));
	assert_false(span_all((struct span){ "1\0", 2 }, char_is_digit, ".")); /* the NUL that ends OTHERS is none of them */
}

static void span_take_while_takes_the_front(void **state)
{
	struct span rest = SPAN("12ab3");

	(void)state;
	assert_true(span_is(span_take_while(&rest, char_is_digit), "12"));
	assert_true(span_is(rest, "ab3"));
	assert_true(span_is(span_take_while(&rest, char_is_digit), ""));
	assert_true(span_is(span_take_while(&rest, char_is_letter), "ab"));
	assert_true(span_is(span_take_while(&rest, char_is_digit), "3"));
	assert_int_equal(rest.n, 0);
	assert_int_equal(span_take_while(&rest, char_is_digit).n, 0);
}

static void control_bytes_are_found(void **state)
{
	static const struct {
		struct span text;
		const char *allowed;
		bool has;
	} rows[] = {
		{ BYTES(""), "", false },
		{ BYTES("a b\xc3\xa4"), "", false },
		{ BYTES("a\tb"), "", true },
		{ BYTES("a\tb"), "\t", false },
		{ BYTES("a\tb\n"), "\t", true },
		{ BYTES("\x7f"), "\t", true },
		{ BYTES("a\0"), "\t", true },
		{ BYTES("\x1f"), "", true },
		{ BYTES("\x80\xff"), "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(span_has_control(rows[i].text, rows[i].allowed), rows[i].has);
}

static void control_pictures_are_found(void **state)
{
	static const struct {
		const char *text;
		bool has;
	} rows[] = {
		{ "", false }, { "\xe2\x90", false }, { "\xe2\x90\x80", true },			 /* U+2400 */
		{ "a\xe2\x90\x8a", true }, { "\xe2\x90\xa1z", true },				 /* U+2421 */
		{ "\xe2\x90\xa2", false }, { "\xe2\x8f\xbf", false }, { "\xe2\x80\x9b", true },	 /* U+201B */
		{ "\xe2\x80\x9c", false }, { "\xe2\xe2\x90\x80", true }, { "\xe2\x90y", false }, /* no UTF-8 */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(span_has_control_picture(span_of(rows[i].text)), rows[i].has);
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
	for (size_t i = 0; i < COUNT(utf8); i++) {
		/* Exactly as large as the text, so that a checker of memory sees a byte too far. */
		size_t n = strlen(utf8[i].text);
		char *copy = malloc(n ? n : 1);

		memcpy(copy, utf8[i].text, n);
		assert_int_equal(span_is_utf8((struct span){ copy, n }), utf8[i].valid);
		free(copy);
	}
}

static void one_byte_order_mark_is_skipped(void **state)
{
	(void)state;
	assert_true(span_is(span_skip_bom(SPAN("\xef\xbb\xbfx")), "x"));
	assert_true(span_is(span_skip_bom(SPAN("\xef\xbb\xbf\xef\xbb\xbf")), "\xef\xbb\xbf"));
	assert_true(span_is(span_skip_bom(SPAN("\xef\xbbx")), "\xef\xbbx"));
	assert_true(span_is(span_skip_bom(SPAN("x")), "x"));
}

static void span_has_form_of_digits(void **state)
{
	(void)state;
	assert_true(span_has_form(SPAN("2026-11-23T"), "dddd-dd-dd"));
	assert_true(span_has_form(SPAN("x"), ""));
	assert_false(span_has_form(SPAN("2026-11"), "dddd-dd-dd"));
	assert_false(span_has_form(SPAN("2026-1x-23"), "dddd-dd-dd"));
	assert_false(span_has_form(SPAN("2026/11/23"), "dddd-dd-dd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classes_are_those_of_the_c_locale),
		cmocka_unit_test(hexadecimal_digits_have_a_value),
		cmocka_unit_test(tokens_are_those_of_http),
		cmocka_unit_test(span_octal_takes_only_octal_numbers),
		cmocka_unit_test(span_octal_escape_is_a_byte),
		cmocka_unit_test(span_all_asks_each_byte),
		cmocka_unit_test(span_take_while_takes_the_front),
		cmocka_unit_test(control_bytes_are_found),
		cmocka_unit_test(control_pictures_are_found),
		cmocka_unit_test(knows_utf8),
		cmocka_unit_test(one_byte_order_mark_is_skipped),
		cmocka_unit_test(span_has_form_of_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
