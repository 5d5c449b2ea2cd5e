/* text_test.c - our formatting against the host's snprintf(3), whose results are the contract. */

#include "base/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "unit.h"

#pragma GCC diagnostic ignored "-Wformat-truncation"

/* Formats alike into room of every size: same length, same bytes, same end. */
#define SAME(...)                                                                                                 \
	do {                                                                                                      \
		for (size_t room = 0; room <= 80; room++) {                                                       \
			char ours[81], theirs[81];                                                                \
			memset(ours, '#', sizeof ours);                                                           \
			memset(theirs, '#', sizeof theirs);                                                       \
			assert_int_equal(text_fmt(ours, room, __VA_ARGS__), snprintf(theirs, room, __VA_ARGS__)); \
			assert_memory_equal(ours, theirs, sizeof ours);                                           \
		}                                                                                                 \
	} while (0)

static void numbers(void **state)
{
	(void)state;
	SAME("%d %d %d", 0, INT_MAX, INT_MIN);
	SAME("%i|%u|%x|%X|%o", -7, UINT_MAX, 0xbeefu, 0xbeefu, 0755u);
	SAME("%ld %lu %lld %llu", LONG_MIN, ULONG_MAX, LLONG_MIN, ULLONG_MAX);
	SAME("%zu", (size_t)-1);
	SAME("%03d|%03d|%5d|%-5d|%05d|%5d", -1, 1234, 42, 42, -42, -42);
	SAME("%04x|%02X|%03o", 0xau, 0xau, 8u);
	SAME("%*d|%-*d|", 6, 1, 6, 1);
}

static void strings(void **state)
{
	(void)state;
	SAME("plain, and 100%%");
	SAME("%s", "");
	SAME("<%s> <%10s> <%-10s>", "abc", "abc", "abc");
	SAME("%.2s|%.*s|%.0s|%.*s", "abc", 1, "abc", "abc", 9, "abc");
	SAME("%8.2s|%-8.*s|", "abc", 2, "abc");
	SAME("%c%c%5c|%-3c|", 'a', '%', 'z', 'q');
}

/* A precision reads no further than it says: the text needs no end. */
static void not_terminated(void **state)
{
	const char text[3] = { 'a', 'b', 'c' };
	char out[8];

	(void)state;
	assert_int_equal(text_fmt(out, sizeof out, "%.*s", 3, text), 3);
	assert_string_equal(out, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(not_terminated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
