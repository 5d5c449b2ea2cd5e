/* s3_error_test.c - S3's error documents, the XML below them, and the verdict on each kind of answer. */

#include "unit.h"

#include "s3/verdict.h"
#include "s3/xml.h"

#include <stdio.h>

/* "<a>text</a>" as "a(text)": each document's tokens as one line; "!" where it is refused. */
static void show(struct buf *out, struct span document)
{
	enum xml_token t;
	struct xml x;

	buf_clear(out);
	xml_start(&x, document);
	while ((t = xml_next(&x)) != XML_END) {
		if (t == XML_BAD) {
			buf_char(out, '!');
			assert_int_equal(xml_next(&x), XML_BAD);
			return;
		}
		if (t == XML_TEXT)
			xml_text(out, x.text);
		if (t == XML_OPEN) {
			buf_span(out, x.name);
			buf_char(out, '(');
		}
		if (t == XML_CLOSE)
			buf_char(out, ')');
	}
}

static const struct {
	const char *document, *tokens;
} documents[] = {
	{ "<a/>", "a()" },
	{ "<a></a>", "a()" },
	{ "\xef\xbb\xbf<?xml version=\"1.0\"?>\n<!-- <x> --><a b='>' c=\"/\"><b/>t</a >\n", "a(b()t)" },
	{ "<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&#xe9;&#x20ac;&#x1F600;&#x10FFFF;</a>",
		"a(<>&\"'AB\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf)" },
	{ "<a>&nbsp;&#;&#x;&#x110000;&#99999999999999999999;&</a>", "a(&nbsp;&#;&#x;&#x110000;&#99999999999999999999;&)" },
	{ "<a><![CDATA[<b>]]]></a>", "a(<b>])" },
	{ "", "!" },
	{ "text", "!" },
	{ "<a>", "a(!" },
	{ "<a", "!" },
	{ "<>", "!" },
	{ "</a>", "!" },
	{ "<a></b>", "a(!" },
	{ "<a><b></a></b>", "a(b(!" },
	{ "<a/><b/>", "a()!" },
	{ "<a/>x", "a()!" },
	{ "x<a/>", "!" },
	{ "<!DOCTYPE html><html/>", "!" },
	{ "<a><!ENTITY x \"y\"></a>", "a(!" },
	{ "<a><!-- </a>", "a(!" },
	{ "<a b=\"></a>", "!" },
	{ "<a></a/>", "a(!" },
	{ "<1><2><3><4><5><6><7><8><9><10><11><12><13><14><15><16><17>", "1(2(3(4(5(6(7(8(9(10(11(12(13(14(15(16(!" },
};

static void test_xml(void **state)
{
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		size_t n = strlen(documents[i].document);
		char *heap = test_malloc(n + 1);

		memcpy(heap, documents[i].document, n);
		show(&out, (struct span){ heap, n });
		assert_string_equal(out.p, documents[i].tokens);
		/* Cut off anywhere it must not be taken for whole. */
		for (size_t cut = 0; i < 6 && cut < n; cut++) {
			show(&out, (struct span){ heap, cut });
			if (out.p[out.len - 1] != '!' && cut < n - 1)
				fail_msg("%s cut at %zu: %s", documents[i].document, cut, out.p);
		}
		test_free(heap);
	}
}

static void test_read(void **state)
{
	struct s3_error e;

	(void)state;
	assert_int_equal(
		s3_error_read(&e, SPAN("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code>"
				       "<Message>a &amp; b</Message><Region>eu-west-1</Region><X><Code>no</Code></X></Error>")),
		0);
	assert_string_equal(e.code, "NoSuchBucket");
	assert_string_equal(e.message, "a & b");
	assert_string_equal(e.region, "eu-west-1");
	assert_int_equal(s3_error_read(&e, SPAN("<Error><Code>a b</Code></Error>")), -1);
	assert_string_equal(e.code, "");
	assert_int_equal(s3_error_read(&e, SPAN("<Error><Message>x</Message></Error>")), -1);
	assert_string_equal(e.message, "");
	assert_int_equal(s3_error_read(&e, SPAN("<Error><Code>A</Code>")), -1);
	assert_int_equal(s3_error_read(&e, SPAN("<html><Code>A</Code></html>")), -1);
	assert_int_equal(s3_error_read(&e, SPAN("")), -1);
	assert_true(
		s3_document_is(SPAN("<ListBucketResult xmlns=\"u\"><Name>b</Name></ListBucketResult>"), "ListBucketResult"));
	assert_false(s3_document_is(SPAN("<ListBucketResult><Name>b</Name>"), "ListBucketResult"));
	assert_false(s3_document_is(SPAN("<html></html>"), "ListBucketResult"));
}

/* What is longer than its place is cut, never written behind it. */
static void test_long_fields(void **state)
{
	struct buf b = buf_heap(100000);
	struct s3_error e;

	(void)state;
	buf_str(&b, "<Error><Code>Code</Code><Message>");
	for (int i = 0; i < 2000; i++)
		buf_str(&b, i % 2 ? "&amp;" : "m");
	buf_str(&b, "</Message><Region>");
	for (int i = 0; i < 200; i++)
		buf_str(&b, "r<!-- -->");
	buf_str(&b, "</Region></Error>");
	assert_int_equal(s3_error_read(&e, buf_all(&b)), 0);
	assert_string_equal(e.code, "Code");
	assert_true(strlen(e.message) > 50 && strlen(e.message) < sizeof e.message);
	assert_int_equal(strlen(e.region), sizeof e.region - 1);
	buf_free(&b);
}

static const struct s3_endpoint site = { .host = "s3.test", .port = 80, .region = "us-east-1" };

static void judge(struct verdict *v, int status, const char *code, const char *token)
{
	struct s3_answer a = { .status = status };
	struct creds c = { .token = "" };

	memset(v, 0, sizeof *v);
	snprintf(a.error.code, sizeof a.error.code, "%s", code);
	snprintf(c.token, sizeof c.token, "%s", token);
	verdict_refusal(v, &site, &c, &a);
}

static const struct {
	int status;
	const char *s3_code, *token, *kind;
	enum code code;
} verdicts[] = {
	{ 403, "InvalidAccessKeyId", "", "unknown-key", CODE_REFUSED },
	{ 403, "SignatureDoesNotMatch", "", "wrong-secret", CODE_REFUSED },
	{ 403, "RequestTimeTooSkewed", "", "clock-skew", CODE_REFUSED },
	{ 403, "AccessDenied", "", "access-denied", CODE_REFUSED },
	{ 403, "SomethingNew", "", "access-denied", CODE_REFUSED },
	{ 403, "", "", "not-s3", CODE_UNREACHABLE },
	{ 400, "AuthorizationHeaderMalformed", "", "wrong-region", CODE_REFUSED },
	{ 400, "InvalidRegionName", "", "wrong-region", CODE_REFUSED },
	{ 301, "PermanentRedirect", "", "wrong-region", CODE_REFUSED },
	{ 307, "TemporaryRedirect", "", "wrong-region", CODE_REFUSED },
	{ 301, "", "", "not-s3", CODE_UNREACHABLE },
	{ 400, "IllegalLocationConstraintException", "", "wrong-region", CODE_REFUSED },
	{ 400, "ExpiredToken", "t", "expired-token", CODE_REFUSED },
	{ 400, "InvalidToken", "t", "invalid-token", CODE_REFUSED },
	{ 400, "InvalidArgument", "t", "invalid-token", CODE_REFUSED },
	{ 400, "InvalidArgument", "", "refused", CODE_REFUSED },
	{ 403, "InvalidPathAccess", "", "wrong-address", CODE_REFUSED },
	{ 403, "SecondLevelDomainForbidden", "", "wrong-address", CODE_REFUSED },
	{ 403, "PathStyleDomainForbidden", "", "wrong-address", CODE_REFUSED },
	{ 400, "VirtualHostDomainRequired", "", "wrong-address", CODE_REFUSED },
	{ 404, "NoSuchBucket", "", "no-such-bucket", CODE_REFUSED },
	{ 404, "", "", "not-s3", CODE_UNREACHABLE },
	{ 401, "Unauthorized", "", "access-denied", CODE_REFUSED },
	{ 401, "", "", "access-denied", CODE_REFUSED },
	{ 407, "", "", "egress-blocked", CODE_UNREACHABLE },
	{ 429, "", "", "throttled", CODE_UNREACHABLE },
	{ 503, "SlowDown", "", "throttled", CODE_UNREACHABLE },
	{ 503, "", "", "server-error", CODE_UNREACHABLE },
	{ 500, "InternalError", "", "server-error", CODE_UNREACHABLE },
	{ 502, "", "", "server-error", CODE_UNREACHABLE },
	{ 501, "NotImplemented", "", "server-error", CODE_UNREACHABLE },
	{ 403, "QuotaExceeded", "", "quota", CODE_REFUSED },
	{ 403, "UserSuspended", "", "access-denied", CODE_REFUSED },
	{ 400, "KeyTooLongError", "", "bad-name", CODE_REFUSED },
	{ 400, "EntityTooLarge", "", "too-large", CODE_REFUSED },
	{ 507, "XMinioStorageFull", "", "quota", CODE_REFUSED },
};

/* It was asked by path style: which was right for it, and what to set; or already not, since the bucket's name leaves no other way. */
static void test_a_wrong_style(void **state)
{
	struct s3_answer a = { .status = 403, .error = { .code = "SecondLevelDomainForbidden" } };
	struct s3_endpoint path = site;
	struct creds c = { .token = "" };
	struct verdict v = { .kind = "" };

	(void)state;
	path.path_style = true;
	verdict_refusal(&v, &path, &c, &a);
	assert_string_equal(v.cause, "it refuses requests of path style (https://host/bucket): it wants https://bucket.host");
	assert_string_equal(v.hint, "set S3_ADDRESSING_STYLE=virtual");
	verdict_refusal(&v, &site, &c, &a);
	assert_non_null(strstr(v.hint, "take a bucket of another name"));
}

static void test_encoded_listings(void **state)
{
	(void)state;
	assert_true(s3_listing_is_encoded(SPAN("<ListBucketResult><EncodingType>url</EncodingType></ListBucketResult>")));
	assert_false(s3_listing_is_encoded(SPAN("<ListBucketResult><EncodingType></EncodingType></ListBucketResult>")));
	assert_false(s3_listing_is_encoded(SPAN("<ListBucketResult><Key>url</Key></ListBucketResult>")));
	assert_false(s3_listing_is_encoded(SPAN("<A><B><EncodingType>url</EncodingType></B></A>")));
	assert_false(s3_listing_is_encoded(SPAN("")));
}

static void test_verdicts(void **state)
{
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
		judge(&v, verdicts[i].status, verdicts[i].s3_code, verdicts[i].token);
		if (strcmp(v.kind, verdicts[i].kind) || v.code != verdicts[i].code)
			fail_msg("%d %s: %s %d", verdicts[i].status, verdicts[i].s3_code, v.kind, v.code);
		assert_true(v.cause[0] && v.hint[0]);
	}
}

/* A right to write helps where that is what is missing, and nowhere else. */
static void test_a_write_that_is_refused(void **state)
{
	static const struct {
		int status;
		const char *s3_code, *hint;
	} writes[] = {
		{ 403, "AccessDenied", "s3:PutObject" },
		{ 403, "SomethingNew", "s3:PutObject" },
		{ 403, "QuotaExceeded", "free space" },
		{ 403, "UserSuspended", "another user" },
		{ 401, "Unauthorized", "S3_ACCESS_KEY_ID" },
		{ 503, "SlowDown", "try again" },
	};
	struct verdict failed, v;

	(void)state;
	for (size_t i = 0; i < sizeof writes / sizeof *writes; i++) {
		judge(&failed, writes[i].status, writes[i].s3_code, "");
		failed.http_status = writes[i].status;
		verdict_write(&v, &failed, "writing");
		assert_int_equal(strncmp(v.cause, "listing works, but not writing: ", 32), 0);
		assert_non_null(strstr(v.hint, writes[i].hint));
	}
}

static void test_skew(void **state)
{
	struct s3_answer a = { .status = 403, .error.code = "RequestTimeTooSkewed", .skew = -270180 };
	const struct creds c = { .token = "" };
	struct verdict v = { .kind = "" };

	(void)state;
	verdict_refusal(&v, &site, &c, &a);
	assert_int_equal(v.skew_seconds, -270180);
	assert_string_equal(v.cause, "this machine's clock is 75 h 3 min (270180 s) behind the server's");
	a.skew = 1000;
	verdict_refusal(&v, &site, &c, &a);
	assert_string_equal(v.cause, "this machine's clock is 16 min 40 s (1000 s) ahead of the server's");
}

static void test_region(void **state)
{
	struct s3_answer a = { .status = 301, .error.region = "eu-west-1" };
	struct verdict v = { .kind = "" }, second = { .code = CODE_OK };
	const struct creds c = { .token = "" };

	(void)state;
	verdict_refusal(&v, &site, &c, &a);
	assert_string_equal(v.kind, "wrong-region");
	assert_string_equal(v.region, "eu-west-1");
	verdict_region(&v, "us-east-1", &second);
	assert_string_equal(v.cause, "the bucket is in region eu-west-1, not us-east-1; there these credentials are accepted");
	assert_string_equal(v.hint, "set S3_REGION=eu-west-1");
	second = (struct verdict){ .code = CODE_REFUSED, .cause = "no" };
	verdict_region(&v, "us-east-1", &second);
	assert_string_equal(v.cause, "the bucket is in region eu-west-1, not us-east-1; and there: no");
}

static void test_foreign(void **state)
{
	struct s3_answer a = { .status = 301, .location = "https://s3.test/\x1b[2J" };
	struct verdict v = { .kind = "" };

	(void)state;
	verdict_not_s3(&v, &site, &a);
	assert_string_equal(v.kind, "not-s3");
	assert_string_equal(v.cause, "what answers at s3.test is no S3 server: it redirects to https://s3.test/?[2J");
	assert_non_null(strstr(v.hint, "https://"));
	a = (struct s3_answer){ .status = 400, .body = SPAN("<h1>The plain HTTP request was sent to HTTPS port</h1>") };
	verdict_not_s3(&v, &site, &a);
	assert_non_null(strstr(v.hint, "https://"));
	a.body = SPAN("<h1>no</h1>");
	verdict_not_s3(&v, &site, &a);
	assert_null(strstr(v.hint, "https://"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xml),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_long_fields),
		cmocka_unit_test(test_a_wrong_style),
		cmocka_unit_test(test_encoded_listings),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_a_write_that_is_refused),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_region),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
