/* sigv4_test.c - the published examples, the order of what is signed, and how a request to S3 is addressed. */

#include "unit.h"

#include "s3/request.h"

#include <stdio.h>

static const struct creds creds = { .key_id = "AKIAIOSFODNN7EXAMPLE", .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" };

#define HOST                                                         \
	{                                                            \
		SPAN("host"), SPAN("examplebucket.s3.amazonaws.com") \
	}
#define DATE                                                 \
	{                                                    \
		SPAN("x-amz-date"), SPAN("20130524T000000Z") \
	}
#define NO_BODY                                                 \
	{                                                       \
		SPAN("x-amz-content-sha256"), SPAN(SIGV4_EMPTY) \
	}
#define PUT_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

/* From AWS's page "Authenticating Requests: Using the Authorization Header". */
static void test_examples(void **state)
{
	const struct sigv4_pair get[] = { HOST, { SPAN("range"), SPAN("bytes=0-9") }, NO_BODY, DATE };
	const struct sigv4_pair put[] = {
		DATE,
		{ SPAN("date"), SPAN("Fri, 24 May 2013 00:00:00 GMT") },
		HOST,
		{ SPAN("x-amz-content-sha256"), SPAN(PUT_HASH) },
		{ SPAN("x-amz-storage-class"), SPAN("REDUCED_REDUNDANCY") },
	};
	const struct sigv4_pair plain[] = { HOST, NO_BODY, DATE };
	const struct sigv4_pair lifecycle[] = { { SPAN("lifecycle"), SPAN("") } };
	const struct sigv4_pair list[] = { { SPAN("prefix"), SPAN("J") }, { SPAN("max-keys"), SPAN("2") } };
	const struct {
		struct sigv4_request r;
		const char *signature;
	} examples[] = {
		{ { SPAN("GET"), SPAN("/test.txt"), NULL, 0, get, 4, SPAN(SIGV4_EMPTY) },
			"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
		{ { SPAN("PUT"), SPAN("/test$file.text"), NULL, 0, put, 5, SPAN(PUT_HASH) },
			"98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
		{ { SPAN("GET"), SPAN("/"), lifecycle, 1, plain, 3, SPAN(SIGV4_EMPTY) },
			"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
		{ { SPAN("GET"), SPAN("/"), list, 2, plain, 3, SPAN(SIGV4_EMPTY) },
			"34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		char mem[2048], text[1024];
		struct buf canonical = buf_over(mem, sizeof mem), a = buf_over(text, sizeof text);

		sigv4_canonical(&canonical, &examples[i].r);
		sigv4_authorization(&a, &examples[i].r, buf_all(&canonical), &creds, "us-east-1", "20130524T000000Z");
		assert_false(canonical.full || a.full);
		assert_string_equal(strstr(text, "Signature=") + 10, examples[i].signature);
	}
}

static void test_query_order(void **state)
{
	const struct sigv4_pair q[] = {
		{ SPAN("b"), SPAN("~") },
		{ SPAN("a-b"), SPAN("1") },
		{ SPAN("a"), SPAN("2") },
		{ SPAN("b"), SPAN("\x80") },
		{ SPAN("b"), SPAN("A") },
		{ SPAN("a!"), SPAN("") },
		{ SPAN("a"), SPAN("10") },
		{ SPAN("b"), SPAN("/") },
	};
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	sigv4_query(&out, q, sizeof q / sizeof *q);
	assert_string_equal(out.p, "a=10&a=2&a%21=&a-b=1&b=%2F&b=%80&b=A&b=~");
}

static void test_values_are_folded(void **state)
{
	const struct sigv4_pair fields[] = { { SPAN("x-amz-meta-a"), SPAN(" \t a  b\t c ") }, { SPAN("host"), SPAN("h") } };
	const struct sigv4_request r = { SPAN("GET"), SPAN("/a b/%/\xc3\xbc"), NULL, 0, fields, 2, SPAN("UNSIGNED-PAYLOAD") };
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	sigv4_canonical(&out, &r);
	assert_string_equal(
		out.p, "GET\n/a%20b/%25/%C3%BC\n\nhost:h\nx-amz-meta-a:a b c\n\nhost;x-amz-meta-a\nUNSIGNED-PAYLOAD");
}

static void test_too_many(void **state)
{
	struct sigv4_pair many[SIGV4_PAIRS_MAX + 1];
	char mem[1024];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t i = 0; i <= SIGV4_PAIRS_MAX; i++)
		many[i] = (struct sigv4_pair){ SPAN("n"), SPAN("v") };
	sigv4_query(&out, many, SIGV4_PAIRS_MAX);
	assert_false(out.full);
	sigv4_query(&out, many, SIGV4_PAIRS_MAX + 1);
	assert_true(out.full);
}

#define LONGEST "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0" /* label of a host: 63 */

static void test_addresses(void **state)
{
	static const struct {
		const char *endpoint, *bucket, *key;
		const char *start, *host, *origin;
	} cases[] = {
		{ "", "bucket", "", "GET / HTTP", "bucket.s3.us-east-1.amazonaws.com", "bucket.s3.us-east-1.amazonaws.com" },
		{ "", "buc.ket", "", "GET /buc.ket HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "", "Bucket", "k", "GET /Bucket/k HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "", "bucket/", "", "GET /bucket/ HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "", "b-9", "k", "GET /k HTTP", "b-9.s3.us-east-1.amazonaws.com", "b-9.s3.us-east-1.amazonaws.com" },
		{ "", "b9", "", "GET /b9 HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "", "a.bucket", "", "GET /a.bucket HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "http://s3.amazonaws.com", "a.bucket", "", "GET / HTTP", "a.bucket.s3.us-east-1.amazonaws.com",
			"a.bucket.s3.us-east-1.amazonaws.com" },
		{ "http://s3.amazonaws.com", "a..bucket", "", "GET /a..bucket HTTP", "s3.us-east-1.amazonaws.com",
			"s3.us-east-1.amazonaws.com" },
		{ "", "-bucket", "", "GET /-bucket HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "", "bucket-", "", "GET /bucket- HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "", LONGEST, "", "GET / HTTP", LONGEST ".s3.us-east-1.amazonaws.com", LONGEST ".s3.us-east-1.amazonaws.com" },
		{ "", LONGEST "z", "", "GET /" LONGEST "z HTTP", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com" },
		{ "http://localhost:9000", "bucket", "a/b c", "GET /bucket/a/b%20c HTTP", "localhost:9000", "localhost" },
		{ "http://localhost", "bucket", "", "GET /bucket HTTP", "localhost", "localhost" },
		{ "https://h:80/base/", "bucket", "k", "GET /base/bucket/k HTTP", "h:80", "h" },
		{ "https://[::1]", "bucket", "k", "GET /bucket/k HTTP", "[::1]", "::1" },
		{ "http://[::1]:8080", "bucket", "k", "GET /bucket/k HTTP", "[::1]:8080", "::1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct s3_request r = {
			.method = SPAN("GET"), .bucket = span_of(cases[i].bucket), .key = span_of(cases[i].key)
		};
		struct buf out = buf_heap(S3_REQUEST_MAX);
		struct http_origin o;
		struct s3_endpoint site;
		struct err e;
		char host[300];

		assert_int_equal(s3_endpoint_parse(&site, cases[i].endpoint, "", "us-east-1", &e), 0);
		assert_int_equal(s3_request_write(&out, &site, &creds, &r, 1369353600, &e), 0);
		s3_request_origin(&site, r.bucket, &o);
		assert_string_equal(o.host, cases[i].origin);
		assert_int_equal(strncmp(out.p, cases[i].start, strlen(cases[i].start)), 0);
		snprintf(host, sizeof host, "\r\nhost: %s\r\n", cases[i].host);
		assert_non_null(strstr(out.p, host));
		assert_null(strstr(out.p, "security-token"));
		buf_wipe(&out);
	}
}

static int write_with(const char *key_id, const char *token, const char *bucket, struct span field, size_t key, struct buf *out,
	struct err *e)
{
	static const char keys[4096] = "";
	struct creds c = creds;
	const struct sigv4_pair f = { SPAN("x-amz-meta-a"), field };
	struct s3_request r = {
		.method = SPAN("PUT"), .bucket = span_of(bucket), .key = { keys, key }, .fields = &f, .field_count = 1
	};
	struct s3_endpoint site;

	snprintf(c.key_id, sizeof c.key_id, "%s", key_id);
	snprintf(c.token, sizeof c.token, "%s", token);
	assert_int_equal(s3_endpoint_parse(&site, "http://h", "", "", e), 0);
	return s3_request_write(out, &site, &c, &r, 0, e);
}

/* Nothing that comes from outside can add a line to a request. */
static void test_no_injection(void **state)
{
	struct buf out = buf_heap(S3_REQUEST_MAX);
	struct err e;

	(void)state;
	assert_int_equal(write_with("AK", "t", "b", SPAN("v"), 1024, &out, &e), 0);
	assert_non_null(strstr(out.p, "\r\nx-amz-security-token: t\r\n"));
	assert_non_null(strstr(out.p, ";x-amz-meta-a;x-amz-security-token,"));
	assert_non_null(strstr(out.p, "\r\ncontent-length: 0\r\n"));
	assert_int_equal(write_with("A\r\nK", "t", "b", SPAN("v"), 1, &out, &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_int_equal(write_with("AK", "t\nx: y", "b", SPAN("v"), 1, &out, &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_null(strstr(e.text, "x: y"));
	assert_int_equal(write_with("AK", "", "b", SPAN("v\0w"), 1, &out, &e), -1);
	assert_int_equal(write_with("AK", "", "b\r\nx", SPAN("v"), 1, &out, &e), 0);
	assert_non_null(strstr(out.p, "PUT /b%0D%0Ax/%00 HTTP/1.1\r\n"));
	assert_int_equal(write_with("AK", "", "b", SPAN("v"), 4096, &out, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	buf_wipe(&out);
}

static void test_date(void **state)
{
	char date[SIGV4_DATE];

	(void)state;
	sigv4_date(date, 1369353600);
	assert_string_equal(date, "20130524T000000Z");
	sigv4_date(date, 4102444799);
	assert_string_equal(date, "20991231T235959Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_query_order),
		cmocka_unit_test(test_values_are_folded),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_no_injection),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
