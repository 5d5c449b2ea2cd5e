/* s3_check_test.c - from what a server answers to a verdict: against one on loopback that follows a script. */

#include "unit.h"

#include "base/clock.h"
#include "base/file.h"
#include "http/anchors.h"
#include "http/pem.h"
#include "s3/check.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ANSWERS 6

#define ANSWER(status, fields, body) "HTTP/1.1 " status "\r\n" fields "Connection: close\r\n\r\n" body
#define LIST ANSWER("200 OK", "", "<ListBucketResult><Name>b</Name></ListBucketResult>")
#define ERROR(code, message) "<Error><Code>" code "</Code><Message>" message "</Message></Error>"
#define REFUSED(code) ANSWER("403 Forbidden", "", ERROR(code, "words"))
#define BUSY ANSWER("503 Slow Down", "", ERROR("SlowDown", "words"))
#define BAD_GATEWAY ANSWER("502 Bad", "", "<html>")
#define DONE ANSWER("204 No Content", "", "")
#define OTHER_REGION "x-amz-bucket-region: eu-west-1\r\n"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

/* What came in last, up to the end of its head. */
static char *asked;

static void serve_one(int fd, const char *text)
{
	size_t have = 0;
	ssize_t n;

	memset(asked, 0, 8192);
	while (!strstr(asked, "\r\n\r\n") && (n = read(fd, asked + have, 8191 - have)) > 0)
		have += (size_t)n;
	if (write(fd, text, strlen(text)) < 0)
		_exit(1);
	shutdown(fd, SHUT_WR);
	while (read(fd, (char[512]){ 0 }, 512) > 0)
		;
	close(fd);
}

/* One connection for each answer; with none left nobody listens. */
static pid_t serve(const char *const *answers, int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	pid = fork();
	if (pid == 0) {
		for (; *answers; answers++)
			serve_one(accept(fd, NULL, NULL), *answers);
		_exit(0);
	}
	close(fd);
	return pid;
}

struct question {
	const char *key_id, *token; /* NULL: a usual one, none */
	bool write, late;	    /* LATE: the time for all prefixes is over */
	const char *proxy;	    /* "user:password@": the server is the proxy on the way to s3.test; NULL: it is S3 */
	bool payer;
	const char *called; /* the variable that names the endpoint */
	bool lower;	    /* the proxy came by its variable's lower-case name */
	bool plain;	    /* names in listings are not to be encoded */
};

static void check(const struct question *q, const char *const *answers, struct verdict *v, int times)
{
	struct creds creds = { .secret = SECRET };
	struct s3_check_options o = {
		.write = q->write, .timeout_ms = 1000, .connect_ms = 1000, .deadline = q->late ? clock_ms() : -1
	};
	struct s3_place place = { .bucket = "b", .prefix = "p/", .requester_pays = q->payer };
	struct s3_checker *c;
	struct s3_endpoint endpoint;
	struct err e;
	char url[64];
	int port;
	pid_t server = serve(answers, &port);

	strcpy(creds.key_id, q->key_id ? q->key_id : "AKIAIOSFODNN7EXAMPLE");
	strcpy(creds.token, q->token ? q->token : "");
	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
	if (q->proxy) {
		snprintf(creds.proxy, sizeof creds.proxy, "http://%s127.0.0.1:%d", q->proxy, port);
		strcpy(url, "http://s3.test");
	}
	assert_int_equal(s3_endpoint_parse(&endpoint, url, "", "us-east-1", &e), 0);
	endpoint.encode_listings = !q->plain;
	endpoint.called = q->called;
	creds.proxy_lower = q->lower;
	place.site = endpoint;
	c = s3_checker_open(&endpoint, &creds, &o, &e);
	assert_non_null(c);
	while (times--)
		s3_check(c, &place, v);
	s3_checker_close(c);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static const struct {
	const char *what;
	struct question question;
	const char *answers[ANSWERS];
	enum code code;
	const char *kind;
	int status;
	const char *s3_code, *cause, *hint; /* of cause and hint a part */
} cases[] = {
	{ "good", { 0 }, { LIST }, CODE_OK, "ok", 200, "", "", "give the mount the option s3_list_url_encode=false" },
	{ "another document", { 0 }, { ANSWER("200 OK", "", "<html>ListBucketResult</html>") }, CODE_UNREACHABLE, "not-s3", 200,
		"", "is no S3 server: status 200 with a body that S3 does not send", "check host, port and path" },
	{ "by another variable", { .called = "AWS_ENDPOINT_URL" }, { DONE }, CODE_UNREACHABLE, "not-s3", 204, "",
		"is no S3 server", "check host, port and path in AWS_ENDPOINT_URL, and" },
	{ "nothing to list", { 0 }, { DONE }, CODE_UNREACHABLE, "not-s3", 204, "", "is no S3 server", "" },
	{ "wrong secret", { 0 }, { REFUSED("SignatureDoesNotMatch") }, CODE_REFUSED, "wrong-secret", 403,
		"SignatureDoesNotMatch", "the secret key does not belong to this key id", "compare S3_ACCESS_SECRET" },
	{ "unknown key", { 0 }, { REFUSED("InvalidAccessKeyId") }, CODE_REFUSED, "unknown-key", 403, "InvalidAccessKeyId", "",
		"" },
	{ "not allowed", { 0 }, { REFUSED("AccessDenied") }, CODE_REFUSED, "access-denied", 403, "AccessDenied", "", "" },
	{ "no bucket", { 0 }, { ANSWER("404 Not Found", "", ERROR("NoSuchBucket", "words")) }, CODE_REFUSED, "no-such-bucket",
		404, "NoSuchBucket", "", "" },
	{ "a code that nobody knows", { 0 }, { REFUSED("Whatever") }, CODE_REFUSED, "access-denied", 403, "Whatever", ": words",
		"" },
	{ "an argument", { 0 }, { ANSWER("400 Bad", "", ERROR("InvalidArgument", "words")) }, CODE_REFUSED, "refused", 400,
		"InvalidArgument", ": words", "" },
	{ "an argument, with a token", { .token = "FwoGZXIvYXdz" },
		{ ANSWER("400 Bad", "", ERROR("InvalidArgument", "words")) }, CODE_REFUSED, "invalid-token", 400,
		"InvalidArgument", "", "" },
	{ "a temporary key without its token", { .key_id = "ASIAIOSFODNN7EXAMPLE" }, { LIST }, CODE_REFUSED, "invalid-token", 0,
		"", "there is no session token", "set S3_SESSION_TOKEN" },
	{ "a temporary key with it", { .key_id = "ASIAIOSFODNN7EXAMPLE", .token = "FwoGZXIvYXdz" }, { LIST }, CODE_OK, "ok",
		200, "", "", "" },

	{ "403 of a proxy", { 0 }, { ANSWER("403 Forbidden", "", "no") }, CODE_UNREACHABLE, "not-s3", 403, "", "status 403",
		"" },
	{ "401 of anybody", { 0 }, { ANSWER("401 Unauthorized", "", "no") }, CODE_REFUSED, "access-denied", 401, "", "", "" },
	{ "a redirect", { 0 }, { ANSWER("302 Found", "Location: http://login.example/?token=x\r\n", "") }, CODE_UNREACHABLE,
		"not-s3", 302, "", "it redirects to http://login.example/", "check host, port and path" },
	{ "a redirect to TLS", { 0 }, { ANSWER("301 Moved", "Location: https://s3.example/\r\n", "") }, CODE_UNREACHABLE,
		"not-s3", 301, "", "it redirects to https://s3.example/", "the server wants TLS" },
	{ "the words of one that wants TLS", { 0 }, { ANSWER("400 Bad", "", "The plain HTTP request was sent to HTTPS port") },
		CODE_UNREACHABLE, "not-s3", 400, "", "status 400", "the server wants TLS" },
	{ "the same words of a good one", { 0 }, { ANSWER("404 Bad", "", "HTTPS") }, CODE_UNREACHABLE, "not-s3", 404, "",
		"status 404", "check host, port and path" },

	{ "busy once", { 0 }, { BUSY, LIST }, CODE_OK, "ok", 200, "", "", "" },
	{ "busy for long", { 0 }, { BUSY, BUSY, BUSY, BUSY, BUSY }, CODE_UNREACHABLE, "throttled", 503, "SlowDown", "", "" },
	{ "refused is not asked again", { 0 }, { REFUSED("AccessDenied"), LIST }, CODE_REFUSED, "access-denied", 403,
		"AccessDenied", "", "" },

	{ "may write", { .write = true }, { LIST, ANSWER("200 OK", "", ""), DONE }, CODE_OK, "ok", 200, "", "", "" },
	{ "may not write", { .write = true }, { LIST, REFUSED("AccessDenied") }, CODE_REFUSED, "access-denied", 403,
		"AccessDenied", "listing works, but not writing: ", "" },
	{ "may not delete", { .write = true }, { LIST, ANSWER("200 OK", "", ""), REFUSED("AccessDenied") }, CODE_REFUSED,
		"access-denied", 403, "AccessDenied", "listing works, but not deleting p/.s3mounts-probe-", "" },
	{ "may not list", { .write = true }, { REFUSED("AccessDenied"), DONE, DONE }, CODE_REFUSED, "access-denied", 403,
		"AccessDenied", "", "" },

	{ "by a proxy", { .proxy = "" }, { LIST }, CODE_OK, "ok", 200, "", "", "" },
	{ "S3 refuses by a proxy", { .proxy = "" }, { REFUSED("AccessDenied") }, CODE_REFUSED, "access-denied", 403,
		"AccessDenied", "", "" },
	{ "no login", { .proxy = "" }, { ANSWER("407 Proxy", "", "<html>") }, CODE_UNREACHABLE, "proxy", 0, "",
		"wants a user and a password", "HTTP_PROXY=http://user:password@" },
	{ "no login, by the lower-case name", { .proxy = "", .lower = true }, { ANSWER("407 Proxy", "", "<html>") },
		CODE_UNREACHABLE, "proxy", 0, "", "and http_proxy has none", "http_proxy=http://user:password@" },
	{ "a wrong login", { .proxy = "user:wrong@" }, { ANSWER("407 Proxy", "", ERROR("AccessDenied", SECRET)) },
		CODE_UNREACHABLE, "proxy", 0, "", "does not take the user and the password in HTTP_PROXY", "" },
	{ "a wrong login, to tinyproxy", { .proxy = "user:wrong@" }, { ANSWER("401 Unauthorized", "", "<html>") },
		CODE_UNREACHABLE, "proxy", 0, "", "does not take the user and the password in HTTP_PROXY", "" },
	{ "the proxy's rules", { .proxy = "" }, { ANSWER("403 Filtered", "", "<html>") }, CODE_UNREACHABLE, "egress-blocked", 0,
		"", "status 403, in words that are not S3's, comes by the proxy 127.0.0.1 port ", "the proxy in HTTP_PROXY" },
	{ "the proxy's gateway", { .proxy = "" }, { BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY, BAD_GATEWAY },
		CODE_UNREACHABLE, "proxy", 0, "", "status 502, in words that are not S3's, comes by",
		"the proxy in HTTP_PROXY" },
	{ "the proxy is busy once", { .proxy = "" }, { ANSWER("503 Busy", "", "<html>"), LIST }, CODE_OK, "ok", 200, "", "",
		"" },

	{ "the proxy's password in its words", { .proxy = "user:open%20sesame@" },
		{ ANSWER("403 Forbidden", "", ERROR("Whatever", "no dXNlcjpvcGVuIHNlc2FtZQ==")) }, CODE_REFUSED,
		"access-denied", 403, "Whatever", "tells no cause that is known; the server's own words are withheld", "" },
	{ "the proxy's password in the clear", { .proxy = "user:open%20sesame@" },
		{ ANSWER("403 Forbidden", "", ERROR("Whatever", "no open sesame")) }, CODE_REFUSED, "access-denied", 403,
		"Whatever", "tells no cause that is known; the server's own words are withheld", "" },
	{ "the secret in its words", { 0 }, { ANSWER("403 Forbidden", "", ERROR("Whatever", "not " SECRET)) }, CODE_REFUSED,
		"access-denied", 403, "Whatever", "tells no cause that is known; the server's own words are withheld", "" },
	{ "a part of the secret as a code", { 0 }, { REFUSED("bPxRfiCYEXAMPLEKEY") }, CODE_REFUSED, "access-denied", 403,
		"withheld", "tells no cause that is known: words; the server's own words are withheld", "" },
	{ "the secret in a redirect", { 0 }, { ANSWER("302 Found", "Location: http://x/" SECRET "\r\n", "") }, CODE_UNREACHABLE,
		"not-s3", 302, "", "that S3 does not send; the server's own words are withheld", "" },
};

static void test_verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct verdict v;

		check(&cases[i].question, cases[i].answers, &v, 1);
		if (v.code != cases[i].code || strcmp(v.kind, cases[i].kind) != 0 || v.http_status != cases[i].status)
			fail_msg("%s: %d %s %d %s", cases[i].what, v.code, v.kind, v.http_status, v.cause);
		if (strcmp(v.s3_code, cases[i].s3_code) != 0 || !strstr(v.cause, cases[i].cause) ||
			!strstr(v.hint, cases[i].hint))
			fail_msg("%s: %s: %s (%s)", cases[i].what, v.s3_code, v.cause, v.hint);
		if (strstr(v.cause, SECRET) || strstr(v.cause, "token=") || v.region[0] ||
			(cases[i].code == CODE_OK && v.cause[0]))
			fail_msg("%s: %s", cases[i].what, v.cause);
	}
}

/* What encodes is not warned of; what is not asked to encode neither. */
static void test_encoding_is_asked_for(void **state)
{
	struct verdict v;

	(void)state;
	check(&cases[0].question,
		(const char *const[]){
			ANSWER("200 OK", "", "<ListBucketResult><EncodingType>url</EncodingType></ListBucketResult>"), NULL },
		&v, 1);
	assert_string_equal(v.kind, "ok");
	assert_string_equal(v.hint, "");
	assert_non_null(strstr(asked, "encoding-type=url"));
	check(&(struct question){ .plain = true }, (const char *const[]){ LIST, NULL }, &v, 1);
	assert_string_equal(v.hint, "");
	assert_null(strstr(asked, "encoding-type"));
}

/* The right one is asked too: one answer tells all that must be mended. */
static void test_regions(void **state)
{
	static const struct {
		const char *answers[3], *region, *cause, *hint;
	} rows[] = {
		{ { ANSWER("301 Moved", OTHER_REGION, ""), LIST }, "eu-west-1",
			"the bucket is in region eu-west-1, not us-east-1; there these credentials are accepted",
			"set S3_REGION=eu-west-1" },
		{ { ANSWER("400 Bad", OTHER_REGION, ERROR("AuthorizationHeaderMalformed", "words")), REFUSED("AccessDenied") },
			"eu-west-1", "not us-east-1; and there: ", "set S3_REGION=eu-west-1" },
		{ { ANSWER("301 Moved", "x-amz-bucket-region: us-east-1\r\n", ERROR("PermanentRedirect", "words")) }, "", "",
			"" },
		{ { ANSWER("301 Moved", "x-amz-bucket-region: a/b\r\n", ERROR("PermanentRedirect", "words")) }, "", "", "" },
	};
	static const struct question usual = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct verdict v;

		check(&usual, rows[i].answers, &v, 1);
		assert_int_equal(v.code, CODE_REFUSED);
		assert_string_equal(v.kind, "wrong-region");
		assert_string_equal(v.region, rows[i].region);
		assert_non_null(strstr(v.cause, rows[i].cause));
		assert_non_null(strstr(v.hint, rows[i].hint));
	}
	assert_non_null(strstr(asked, "/us-east-1/s3/aws4_request"));
}

static void test_skew(void **state)
{
	static const char *const ahead[] = { ANSWER("403 Forbidden", "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
						     ERROR("RequestTimeTooSkewed", "words")),
		NULL },
				 *const behind[] = { ANSWER("403 Forbidden", "Date: Fri, 01 Jan 2100 00:00:00 GMT\r\n",
							     ERROR("RequestTimeTooSkewed", "words")),
					 NULL },
				 *const unknown[] = { REFUSED("RequestTimeTooSkewed"), NULL };
	static const struct question usual = { 0 };
	struct verdict v;

	(void)state;
	check(&usual, ahead, &v, 1);
	assert_string_equal(v.kind, "clock-skew");
	assert_true(v.skew_seconds > 86400L * 365);
	assert_non_null(strstr(v.cause, "ahead of the server's"));
	check(&usual, behind, &v, 1);
	assert_true(v.skew_seconds < -86400L * 365);
	assert_non_null(strstr(v.cause, "behind the server's"));
	check(&usual, unknown, &v, 1);
	assert_int_equal(v.skew_seconds, 0);
	assert_null(strstr(v.cause, "the server's"));
}

/* What could not be reached is not asked for the next prefix; what has answered is. */
static void test_the_next_prefix(void **state)
{
	static const char *const nobody[] = { "", LIST, NULL }, *const twice[] = { REFUSED("AccessDenied"), LIST, NULL };
	static const struct question usual = { 0 };
	struct verdict v;

	(void)state;
	check(&usual, nobody, &v, 2);
	assert_int_equal(v.code, CODE_UNREACHABLE);
	assert_int_equal(v.http_status, 0);
	check(&usual, twice, &v, 2);
	assert_int_equal(v.code, CODE_OK);
	assert_non_null(strstr(asked, "GET /b?encoding-type=url&list-type=2&max-keys=1&prefix=p%2F HTTP/1.1\r\n"));
}

/* A server that would answer at once is not waited for. */
static void test_the_time_for_all(void **state)
{
	static const char *const once[] = { LIST, NULL };
	static const struct question late = { .late = true };
	struct verdict v;

	(void)state;
	check(&late, once, &v, 1);
	assert_int_equal(v.code, CODE_UNREACHABLE);
	assert_string_equal(v.kind, "timeout");
}

/* In absolute form; its signature is that of S3's own host. */
static void test_what_goes_to_a_proxy(void **state)
{
	static const char *const answers[] = { LIST, NULL };
	static const struct question by_proxy = { .proxy = "Aladdin:open%20sesame@" };
	struct verdict v;

	(void)state;
	check(&by_proxy, answers, &v, 1);
	assert_int_equal(v.code, CODE_OK);
	assert_ptr_equal(strstr(asked, "GET http://s3.test/b?encoding-type=url&list-type=2"), asked);
	assert_non_null(strstr(asked, "\r\nhost: s3.test\r\n"));
	assert_non_null(strstr(asked, "\r\nproxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"));
}

static void test_who_pays(void **state)
{
	static const char *const written[] = { LIST, ANSWER("200 OK", "", ""), DONE, NULL }, *const listed[] = { LIST, NULL };
	static const struct question payer = { .write = true, .payer = true }, other = { .write = false };
	struct verdict v;

	(void)state;
	check(&payer, written, &v, 1);
	assert_int_equal(v.code, CODE_OK);
	assert_ptr_equal(strstr(asked, "DELETE "), asked);
	assert_non_null(strstr(asked, "\r\nx-amz-request-payer: requester\r\n"));
	assert_non_null(strstr(asked, "x-amz-date;x-amz-request-payer,"));
	check(&other, listed, &v, 1);
	assert_null(strstr(asked, "payer"));
}

/* For rclone, where no file of the system serves. */
static void test_trust_for_others(void **state)
{
	char path[] = "/tmp/s3_check_test.XXXXXX";
	struct buf text = buf_heap(1 << 20), der = buf_heap(1 << 16);
	struct span rest;
	struct stat st;
	struct err e;
	size_t n = 0;

	(void)state;
	close(mkstemp(path));
	assert_int_equal(s3_trust_write(path, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_read(path, &text, &e), 0);
	for (rest = buf_all(&text); pem_next(&rest, &der) == 1;)
		n++;
	assert_int_equal(n, anchors_builtin_count);
	unlink(path);
	assert_int_equal(s3_trust_write("/nonexistent/ca.pem", &e), -1);
	buf_free(&text);
	buf_free(&der);
}

static int share(void **state)
{
	(void)state;
	asked = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return asked == MAP_FAILED;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_encoding_is_asked_for),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_skew),
		cmocka_unit_test(test_the_next_prefix),
		cmocka_unit_test(test_the_time_for_all),
		cmocka_unit_test(test_what_goes_to_a_proxy),
		cmocka_unit_test(test_who_pays),
		cmocka_unit_test(test_trust_for_others),
	};

	return cmocka_run_group_tests(tests, share, NULL);
}
