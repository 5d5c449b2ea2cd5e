/* http_msg_test.c - the request writer and the response parser: every answer is fed whole and split at every offset. */

#include "unit.h"

#include "http/request.h"
#include "http/response.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define TEXT(literal)                          \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static struct http_response r;

/* Feeds TEXT in two pieces; the body is collected. Returns 0, or -1 as the parser did. */
static int feed(struct span text, size_t split, struct buf *body)
{
	struct span pieces[2] = { { text.p, split }, span_skip(text, split) };

	http_response_start(&r, false);
	buf_clear(body);
	for (int i = 0; i < 2; i++) {
		while (pieces[i].n && r.phase != HTTP_DONE) {
			struct span piece;

			if (http_response_feed(&r, &pieces[i], &piece))
				return -1;
			buf_span(body, piece);
		}
	}
	return 0;
}

/* A copy whose last byte stands before an unreadable page. */
static struct span fenced(struct span s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (s.n + page) / page * page;
	char *p = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(mprotect(p + room, page, PROT_NONE), 0);
	memcpy(p + room - s.n, s.p, s.n);
	return (struct span){ p + room - s.n, s.n };
}

static const struct {
	const char *name;
	struct span text;
	int status;
	const char *body;
	bool keep_alive;
	bool by_close; /* complete only at the end of the connection */
} good[] = {
	{ "length", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), 200, "hello", true, false },
	{ "no body", TEXT("HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n"), 200, "", true, false },
	{ "no reason", TEXT("HTTP/1.1 403 \r\nContent-Length: 0\r\n\r\n"), 403, "", true, false },
	{ "no blank before no reason", TEXT("HTTP/1.1 403\r\nContent-Length: 0\r\n\r\n"), 403, "", true, false },
	{ "204", TEXT("HTTP/1.1 204 No Content\r\n\r\n"), 204, "", true, false },
	{ "304 has none, whatever its length", TEXT("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), 304, "", true,
		false },
	{ "chunks", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), 200,
		"abc0123456789", true, false },
	{ "each hexadecimal digit",
		TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n0123456789abcde\r\nF\r\n0123456789abcde\r\n"
		     "9\r\n012345678\r\na\r\n0123456789\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"),
		200, "0123456789abcde0123456789abcde01234567801234567890123456789abcdef", true, false },
	{ "chunk extension and trailer",
		TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=\"b\"\r\nx\r\n000\r\nx-sum: 1\r\n\r\n"), 200,
		"x", true, false },
	{ "close", TEXT("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"), 200, "x", false, false },
	{ "close in a list", TEXT("HTTP/1.1 200 OK\r\nConnection: TE , Close\r\nContent-Length: 1\r\n\r\nx"), 200, "x", false,
		false },
	{ "until close", TEXT("HTTP/1.1 200 OK\r\n\r\nall of it"), 200, "all of it", false, true },
	{ "HTTP/1.0", TEXT("HTTP/1.0 400 Bad\r\nContent-Length: 1\r\n\r\nx"), 400, "x", false, false },
	{ "continue first", TEXT("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), 200, "x", true,
		false },
	{ "the same length twice", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 200, "x", true,
		false },
};

static void test_good(void **state)
{
	char mem[256];
	struct buf body = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct span text = fenced(good[i].text);

		for (size_t split = 0; split <= text.n; split++) {
			if (feed(text, split, &body))
				fail_msg("%s, split at %zu: %s", good[i].name, split, r.why);
			assert_int_equal(r.phase == HTTP_DONE, !good[i].by_close);
			assert_int_equal(http_response_eof(&r), 0);
			assert_int_equal(r.status, good[i].status);
			assert_string_equal(body.p, good[i].body);
			assert_int_equal(r.keep_alive, good[i].keep_alive);
		}
	}
}

/* AT: how many bytes are taken when it is refused. */
static const struct {
	const char *name;
	struct span text;
	size_t at;
} bad[] = {
	{ "no HTTP", TEXT("SSH-2.0-OpenSSH_9.2\r\n"), 1 },
	{ "HTTP/2", TEXT("HTTP/2 200\r\n\r\n"), 6 },
	{ "HTTP/1.2", TEXT("HTTP/1.2 200 OK\r\n\r\n"), 17 },
	{ "status of two digits", TEXT("HTTP/1.1 20 OK\r\n\r\n"), 16 },
	{ "status of letters", TEXT("HTTP/1.1 2x0 OK\r\n\r\n"), 17 },
	{ "status 099", TEXT("HTTP/1.1 099 OK\r\n\r\n"), 17 },
	{ "status of four digits", TEXT("HTTP/1.1 2000 OK\r\n\r\n"), 18 },
	{ "switching protocols", TEXT("HTTP/1.1 101 Switching\r\n\r\n"), 24 },
	{ "bare LF behind the status", TEXT("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n"), 16 },
	{ "bare LF behind a field", TEXT("HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n"), 22 },
	{ "bare LF for the empty line", TEXT("HTTP/1.1 200 OK\r\nA: b\r\n\n"), 24 },
	{ "bare CR", TEXT("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n"), 23 },
	{ "NUL in a value", TEXT("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n"), 25 },
	{ "blank before the colon", TEXT("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"), 37 },
	{ "folded line", TEXT("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n"), 27 },
	{ "no colon", TEXT("HTTP/1.1 200 OK\r\nhello\r\n\r\n"), 24 },
	{ "no name", TEXT("HTTP/1.1 200 OK\r\n: x\r\n\r\n"), 22 },
	{ "negative length", TEXT("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), 37 },
	{ "signed length", TEXT("HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n"), 37 },
	{ "hex length", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\n"), 38 },
	{ "empty length", TEXT("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"), 34 },
	{ "list of lengths", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n"), 39 },
	{ "length of 2^64", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n"), 55 },
	{ "two lengths", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"), 55 },
	{ "length and chunks", TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 66 },
	{ "length 0 and chunks", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"), 66 },
	{ "gzip, chunked", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), 51 },
	{ "chunked twice", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 73 },
	{ "chunks in HTTP/1.0", TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), 45 },
	{ "identity", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"), 46 },
	{ "no chunk size", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n"), 49 },
	{ "chunk size with 0x", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n"), 52 },
	{ "chunk size with a letter too many", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ng\r\n"), 50 },
	{ "chunk size with a blank", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\n"), 51 },
	{ "negative chunk size", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n"), 51 },
	{ "chunk size of 16 digits", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000000000000000\r\n"), 65 },
	{ "bare LF behind a chunk size", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\r\n"), 49 },
	{ "chunk longer than its size", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n"), 54 },
	{ "folded trailer", TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n x\r\n"), 54 },
};

static void test_bad(void **state)
{
	char mem[256];
	struct buf body = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		for (size_t n = 0; n <= bad[i].text.n; n++) {
			int got = feed(fenced((struct span){ bad[i].text.p, n }), n / 2, &body);

			if (got != (n >= bad[i].at ? -1 : 0))
				fail_msg("%s: %d at %zu of %zu", bad[i].name, got, n, bad[i].text.n);
			if (got)
				assert_non_null(r.why);
			if (n > bad[i].at)
				break;
		}
	}
}

static void test_too_long(void **state)
{
	struct span a = SPAN("a"), none;
	struct span start = SPAN("HTTP/1.1 200 OK\r\nx: ");
	size_t taken = start.n;

	(void)state;
	http_response_start(&r, false);
	assert_int_equal(http_response_feed(&r, &start, &none), 0);
	for (; http_response_feed(&r, &a, &none) == 0; a = SPAN("a"))
		taken++;
	assert_int_equal(taken, HTTP_HEAD_MAX);
}

static void test_cut_off(void **state)
{
	static const struct span text = TEXT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
	char mem[64];
	struct buf body = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t n = 0; n < text.n; n++) {
		assert_int_equal(feed((struct span){ text.p, n }, 0, &body), 0);
		assert_int_equal(http_response_eof(&r), -1);
	}
}

/* What follows an answer is not taken for a part of it; the head is told before the body's first byte is taken. */
static void test_boundaries(void **state)
{
	struct span in = SPAN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200"), piece;

	(void)state;
	http_response_start(&r, false);
	assert_int_equal(http_response_feed(&r, &in, &piece), 0);
	assert_true(http_response_head_done(&r));
	assert_true(span_starts(in, SPAN("ab")));
	assert_int_equal(http_response_feed(&r, &in, &piece), 0);
	assert_true(span_is(piece, "ab"));
	assert_int_equal(r.phase, HTTP_DONE);
	assert_int_equal(http_response_feed(&r, &in, &piece), 0);
	assert_true(span_is(in, "HTTP/1.1 200"));
	http_response_start(&r, true);
	in = SPAN("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
	assert_int_equal(http_response_feed(&r, &in, &piece), 0);
	assert_int_equal(r.phase, HTTP_DONE);
}

static void test_fields(void **state)
{
	struct span in = SPAN(
			    "HTTP/1.1 200 OK\r\nDate:\t x y \r\nETag: \"1\"\r\nEmpty:\r\nContent-Length: 0\r\netag: 2\r\n\r\n"),
		    v;

	(void)state;
	http_response_start(&r, false);
	assert_int_equal(http_response_feed(&r, &in, &v), 0);
	assert_true(http_response_field(&r, "date", &v) && span_is(v, "x y"));
	assert_true(http_response_field(&r, "etag", &v) && span_is(v, "\"1\""));
	assert_true(http_response_field(&r, "empty", &v) && v.n == 0);
	assert_false(http_response_field(&r, "x", &v));
}

static void test_date(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} dates[] = {
		{ "Sun, 06 Nov 1994 08:49:37 GMT", 784111777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Tue, 29 Feb 2028 23:59:59 GMT", 1835481599 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", -1 },
		{ "Sun, 06 anF 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 CET", -1 },
		{ "Sun, 0x Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, x6 Nov 1994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 19x4 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov x994 08:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 x8:49:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 08:x9:37 GMT", -1 },
		{ "Sun, 06 Nov 1994 08:49:x7 GMT", -1 },
		{ "", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++)
		assert_int_equal(http_date(span_of(dates[i].text)), dates[i].want);
}

static int write_one(struct buf *out, struct span target, struct span name, struct span value)
{
	struct http_writer w;

	buf_clear(out);
	http_start(&w, out, SPAN("GET"), target);
	http_field(&w, name, value);
	return http_end(&w);
}

static void test_writer(void **state)
{
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	assert_int_equal(write_one(&out, SPAN("/a?b=c"), SPAN("host"), SPAN("x y\xff")), 0);
	assert_string_equal(out.p, "GET /a?b=c HTTP/1.1\r\nhost: x y\xff\r\n\r\n");
	for (int c = 0; c < 256; c++) {
		char one[3] = { 'a', (char)c, 'b' };
		struct span s = { one, 3 };
		bool control = c < 32 || c == 127;

		assert_int_equal(write_one(&out, SPAN("/"), SPAN("x"), s), control && c != '\t' ? -1 : 0);
		assert_int_equal(write_one(&out, s, SPAN("x"), SPAN("y")), c <= 32 || c >= 127 ? -1 : 0);
		assert_int_equal(write_one(&out, SPAN("/"), s, SPAN("y")),
			c <= 32 || c >= 127 || strchr("\"(),/:;<=>?@[\\]{}", c) ? -1 : 0);
	}
	assert_int_equal(write_one(&out, SPAN(""), SPAN("x"), SPAN("y")), -1);
	assert_int_equal(write_one(&out, SPAN("/"), SPAN(""), SPAN("y")), -1);
	out = buf_over(mem, 20);
	assert_int_equal(write_one(&out, SPAN("/long"), SPAN("x"), SPAN("y")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_boundaries),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
