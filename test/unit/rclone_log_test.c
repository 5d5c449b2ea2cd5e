/* What rclone's log says of uploads that S3 refuses, and of the end of a driver. The lines are those of 1.60.1 and 1.75.2. */

#include "unit.h"

#include "rclone/log.h"
#include "s3/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT "2026/11/26 14:39:08 "
#define UPLOAD(name, words)                                                                                                   \
	AT "ERROR : " name ": vfs cache: failed to upload try #1, will retry in 2s: vfs cache: failed to transfer file from " \
	   "cache to remote: " words "\n"
#define V1(words, status) words "\n\tstatus code: " status ", request id: tx0000023dd1e7704825b7b-006b08448c, host id: "
#define V2(status, words)                                                         \
	"operation error S3: PutObject, https response error StatusCode: " status \
	", RequestID: tx000009496f661b3b9c249, HostID: "                          \
	"100f-default-default, " words
#define GONE "\"http://127.0.0.1:60487/sandbox/pre/gone.txt?x-id=PutObject\": "
#define NO_CODE \
	"operation error S3: PutObject, exceeded maximum number of attempts, 1, https response error StatusCode: 0, RequestID: , HostID: , "
#define TOKEN "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQD2"

static struct rclone_log l; /* too large for some stacks */
static struct failures f;

static void begin(void)
{
	memset(&l, 0, sizeof l);
	failures_init(&f, "rclone");
}

static void feed(const char *text)
{
	rclone_log_feed(&l, span_of(text), &f);
}

static const char *sentence(const struct verdict *v)
{
	static char out[512];

	verdict_sentence(v, "the upload failed", out, sizeof out);
	return out;
}

/* What is known of the file NAME, as one sentence; "" where nothing is. */
static const char *why(const char *name)
{
	struct verdict v;

	return failures_why(&f, name, &v) ? sentence(&v) : "";
}

static const char *worst(void)
{
	struct verdict v;

	return failures_worst(&f, &v) ? sentence(&v) : "";
}

static const struct {
	const char *log;
	enum code code;
	const char *kind, *sentence, *hint; /* the hint has this in it */
} uploads[] = {
	{ UPLOAD("f", V1("AccessDenied: ", "403")), CODE_REFUSED, "access-denied",
		"S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here", "s3:PutObject" },
	{ UPLOAD("f", V2("403", "api error AccessDenied: UnknownError")), CODE_REFUSED, "access-denied",
		"S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here", "s3:PutObject" },
	{ UPLOAD("f", V1("multipart upload failed to initialise: AccessDenied: ", "403")), CODE_REFUSED, "access-denied",
		"S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here", "s3:PutObject" },
	{ UPLOAD("f", "multipart upload failed to initialise: create multipart upload failed: " V2(
			      "403", "api error AccessDenied: no")),
		CODE_REFUSED, "access-denied",
		"S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here", "s3:PutObject" },
	{ UPLOAD("f", V1("ExpiredToken: scripted ExpiredToken", "400")), CODE_REFUSED, "expired-token",
		"S3 refuses (400 ExpiredToken): the session token has expired", "S3_SESSION_TOKEN" },
	{ UPLOAD("f", V2("400", "api error ExpiredToken: scripted ExpiredToken")), CODE_REFUSED, "expired-token",
		"S3 refuses (400 ExpiredToken): the session token has expired", "S3_SESSION_TOKEN" },
	{ UPLOAD("f", V1("InvalidAccessKeyId: ", "403")), CODE_REFUSED, "unknown-key",
		"S3 refuses (403 InvalidAccessKeyId): S3 does not know this key id", "S3_ACCESS_KEY_ID" },
	{ UPLOAD("f", V2("403", "api error SignatureDoesNotMatch: x")), CODE_REFUSED, "wrong-secret",
		"S3 refuses (403 SignatureDoesNotMatch): the secret key does not belong to this key id", "S3_ACCESS_SECRET" },
	{ UPLOAD("f", V2("403", "api error RequestTimeTooSkewed: x")), CODE_REFUSED, "clock-skew",
		"S3 refuses (403 RequestTimeTooSkewed): this machine's clock differs too much from S3's", "clock" },
	{ UPLOAD("f", V1("UserSuspended: ", "403")), CODE_REFUSED, "access-denied",
		"S3 refuses (403 UserSuspended): the key's user has been suspended", "another user" },
	{ UPLOAD("f", V2("403", "api error QuotaExceeded: UnknownError")), CODE_REFUSED, "quota",
		"S3 refuses (403 QuotaExceeded): the bucket's or the user's quota is used up", "free space" },
	{ UPLOAD("f", V1("InvalidObjectName: ", "400")), CODE_REFUSED, "bad-name",
		"S3 refuses (400 InvalidObjectName): S3 takes no key of this name or length (at most 1,024 bytes, prefix and folders included)",
		"rename" },
	{ UPLOAD("f", V2("400", "api error KeyTooLongError: Your key is too long")), CODE_REFUSED, "bad-name",
		"S3 refuses (400 KeyTooLongError): S3 takes no key of this name or length (at most 1,024 bytes, prefix and folders included)",
		"rename" },
	{ UPLOAD("f", V1("EntityTooLarge: scripted", "400")), CODE_REFUSED, "too-large",
		"S3 refuses (400 EntityTooLarge): the object is larger than S3 takes", "split" },
	{ UPLOAD("f", V1("NoSuchBucket: scripted NoSuchBucket", "404")), CODE_REFUSED, "no-such-bucket",
		"S3 refuses (404 NoSuchBucket): there is no such bucket here", "S3_BUCKET_NAME" },
	{ UPLOAD("f", V2("404", "NoSuchBucket: a code of its own type")), CODE_REFUSED, "no-such-bucket",
		"S3 refuses (404 NoSuchBucket): there is no such bucket here", "S3_BUCKET_NAME" },
	{ UPLOAD("f", V1("BucketRegionError: incorrect region, the bucket is not in 'us-east-1' region at endpoint 'http://h'",
			      "301")),
		CODE_REFUSED, "wrong-region", "S3 refuses (301 BucketRegionError): the bucket is in another region",
		"S3_REGION" },
	/* No code of S3's: the SDKs make one of the status. */
	{ UPLOAD("f", V1("Forbidden: Forbidden", "403")), CODE_REFUSED, "access-denied",
		"S3 refuses (403 Forbidden): S3 refuses and tells no cause that is known", "s3:PutObject" },
	{ UPLOAD("f", V2("403", "api error Forbidden: Forbidden")), CODE_REFUSED, "access-denied",
		"S3 refuses (403 Forbidden): S3 refuses and tells no cause that is known", "s3:PutObject" },
	{ UPLOAD("f", V1("Unauthorized: Unauthorized", "401")), CODE_REFUSED, "access-denied",
		"S3 refuses (401 Unauthorized): S3 does not take this key for this bucket", "S3_ACCESS_KEY_ID" },
	{ UPLOAD("f", V1("SerializationError: failed to unmarshal error message", "403")), CODE_REFUSED, "access-denied",
		"S3 refuses (403): S3 refuses and tells no cause that is known: failed to unmarshal error message",
		"s3:PutObject" },
	{ UPLOAD("f", V2("403", "deserialization failed, failed to decode response body, EOF")), CODE_REFUSED, "access-denied",
		"S3 refuses (403): S3 refuses and tells no cause that is known", "s3:PutObject" },
	/* Codes that nobody knows: S3's own words. */
	{ UPLOAD("f", V1("FluxCapacitor: it broke: again", "409")), CODE_REFUSED, "refused",
		"S3 refuses (409 FluxCapacitor): S3 refuses the request: it broke: again", "" },
	{ UPLOAD("f", V2("409", "api error FluxCapacitor: it broke: again")), CODE_REFUSED, "refused",
		"S3 refuses (409 FluxCapacitor): S3 refuses the request: it broke: again", "" },
	{ UPLOAD("f", V2("409", "api error FluxCapacitor: a\tb\x01 \xff c")), CODE_REFUSED, "refused",
		"S3 refuses (409 FluxCapacitor): S3 refuses the request: a?b? ? c", "" },
	{ UPLOAD("f", V2("409", "api error FluxCapacitor: UnknownError")), CODE_REFUSED, "refused",
		"S3 refuses (409 FluxCapacitor): S3 refuses the request", "" },
	/* Says nothing lasting. */
	{ UPLOAD("f", V1("SlowDown: scripted SlowDown", "503")), CODE_UNREACHABLE, "throttled",
		"S3 is out of reach (503 SlowDown): S3 asks to slow down", "" },
	{ UPLOAD("f", V2("502", "api error BadGateway: Bad Gateway")), CODE_UNREACHABLE, "server-error",
		"S3 is out of reach (502 BadGateway): a gateway before S3 has no answer: Bad Gateway", "" },
	/* The network. */
	{ UPLOAD("f", "RequestError: send request failed\ncaused by: Put " GONE
		      "dial tcp 127.0.0.1:60487: connect: connection refused"),
		CODE_UNREACHABLE, "connection-refused",
		"S3 is out of reach: dial tcp 127.0.0.1:60487: connect: connection refused", "again" },
	{ UPLOAD("f", NO_CODE "request send failed, Put " GONE "dial tcp 127.0.0.1:60487: connect: connection refused"),
		CODE_UNREACHABLE, "connection-refused",
		"S3 is out of reach: dial tcp 127.0.0.1:60487: connect: connection refused", "again" },
	{ UPLOAD("f",
		  NO_CODE "request send failed, Put " GONE "dial tcp: lookup s3.no-such.invalid on 10.0.0.53:53: no such host"),
		CODE_UNREACHABLE, "name-not-found",
		"S3 is out of reach: dial tcp: lookup s3.no-such.invalid on 10.0.0.53:53: no such host", "" },
	{ UPLOAD("f", "RequestError: send request failed\ncaused by: Put " GONE "net/http: timeout awaiting response headers"),
		CODE_UNREACHABLE, "timeout", "S3 is out of reach: net/http: timeout awaiting response headers", "" },
	{ UPLOAD("f", NO_CODE "request send failed, Put " GONE "EOF"), CODE_UNREACHABLE, "unreachable",
		"S3 is out of reach: EOF", "" },
	{ UPLOAD("f",
		  NO_CODE "request send failed, Put " GONE "tls: failed to verify certificate: x509: certificate has expired"),
		CODE_UNREACHABLE, "tls", "S3 is out of reach: tls: failed to verify certificate: x509: certificate has expired",
		"" },
	{ UPLOAD("f", "expected element type <Error> but have <html>"), CODE_UNREACHABLE, "not-s3",
		"S3 is out of reach: expected element type <Error> but have <html>", "" },
	/* rclone's own. */
	{ UPLOAD("f", "corrupted on transfer: sizes differ 5 vs 6"), CODE_PENDING, "fault",
		"the upload failed: corrupted on transfer: sizes differ 5 vs 6", "log" },
	{ AT "ERROR : f: vfs cache: failed to upload try #7, will retry in 5m0s: open /c/vfs/f: no such file or directory\n",
		CODE_PENDING, "fault", "the upload failed: open /c/vfs/f: no such file or directory", "log" },
};

static void test_what_s3_answered(void **state)
{
	struct verdict v;

	(void)state;
	for (size_t i = 0; i < sizeof uploads / sizeof *uploads; i++) {
		begin();
		feed(uploads[i].log);
		assert_true(failures_why(&f, "f", &v));
		assert_string_equal(sentence(&v), uploads[i].sentence);
		assert_int_equal(v.code, uploads[i].code);
		assert_string_equal(v.kind, uploads[i].kind);
		assert_non_null(strstr(v.hint, uploads[i].hint));
		assert_true(v.hint[0]);
		assert_string_equal(worst(), uploads[i].sentence);
		assert_false(failures_why(&f, "g", &v));
	}
}

/* rclone writes when it likes, and the file is read when we like. */
static void test_any_pieces(void **state)
{
	static const char log[] = AT "NOTICE: x\n" UPLOAD("a", V1("AccessDenied: ", "403"))
		UPLOAD("b: c/d", V2("403", "api error QuotaExceeded: x"))
			UPLOAD("new\nline", V1("FluxCapacitor: two\nlines", "409")) AT "INFO  : c: y\n" AT "ERROR : ";

	(void)state;
	for (size_t cut = 0; cut < sizeof log; cut++) {
		begin();
		rclone_log_feed(&l, (struct span){ log, cut }, &f);
		rclone_log_feed(&l, (struct span){ log + cut, sizeof log - 1 - cut }, &f);
		assert_string_equal(
			why("a"), "S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here");
		assert_string_equal(
			why("b: c/d"), "S3 refuses (403 QuotaExceeded): the bucket's or the user's quota is used up");
		assert_string_equal(why("new\nline"), "S3 refuses (409 FluxCapacitor): S3 refuses the request: two");
		assert_string_equal(why("c"), "");
	}
}

static void test_the_latest_answer_counts(void **state)
{
	(void)state;
	begin();
	feed(UPLOAD("f", NO_CODE "request send failed, Put " GONE "EOF"));
	assert_string_equal(why("f"), "S3 is out of reach: EOF");
	feed(UPLOAD("f", V2("403", "api error QuotaExceeded: x")));
	assert_string_equal(why("f"), "S3 refuses (403 QuotaExceeded): the bucket's or the user's quota is used up");
	assert_string_equal(worst(), why("f"));
}

/* Each weighs more than those before it, in whatever order they come. */
static void test_the_worst(void **state)
{
	static const struct {
		const char *log, *code;
	} answers[] = {
		{ UPLOAD("0", "corrupted on transfer"), "corrupted" },
		{ UPLOAD("1", NO_CODE "request send failed, Put " GONE "EOF"), "EOF" },
		{ UPLOAD("2", V2("400", "api error EntityTooLarge: x")), "EntityTooLarge" },
		{ UPLOAD("3", V2("403", "api error QuotaExceeded: x")), "QuotaExceeded" },
		{ UPLOAD("4", V2("404", "api error NoSuchBucket: x")), "NoSuchBucket" },
		{ UPLOAD("5", V2("403", "api error AccessDenied: x")), "AccessDenied" },
		{ UPLOAD("6", V2("403", "api error InvalidAccessKeyId: x")), "InvalidAccessKeyId" },
	};
	static const size_t count = sizeof answers / sizeof *answers;

	(void)state;
	for (size_t a = 0; a < count; a++)
		for (size_t b = 0; b < count; b++) {
			begin();
			assert_string_equal(worst(), "");
			feed(answers[a].log);
			feed(answers[b].log);
			assert_non_null(strstr(worst(), answers[a > b ? a : b].code));
		}
	begin();
	feed(UPLOAD("a", V2("403", "api error InvalidAccessKeyId: x")) UPLOAD("b", V2("400", "api error ExpiredToken: x")));
	assert_non_null(strstr(worst(), "ExpiredToken")); /* the later one */
}

/* Without any upload: what other requests are refused concerns the mount where it is the key, the bucket, or the root's listing. */
static void test_other_requests(void **state)
{
	static const struct {
		const char *log, *worst;
	} requests[] = {
		{ AT "ERROR : IO error: " V1("InvalidAccessKeyId: ", "403") "\n", "InvalidAccessKeyId" },
		{ AT "ERROR : IO error: " V2("400", "api error ExpiredToken: x") "\n", "ExpiredToken" },
		{ AT "ERROR : IO error: " V2("404", "api error NoSuchBucket: x") "\n", "NoSuchBucket" },
		{ AT "ERROR : /: Dir.Stat error: " V1("AccessDenied: ", "403") "\n", "AccessDenied" },
		{ AT "ERROR : /: Dir.ReadDirAll error: " V2("403", "api error AccessDenied: x") "\n", "AccessDenied" },
		{ AT "ERROR : IO error: " V1("AccessDenied: ", "403") "\n", NULL },
		{ AT "ERROR : sub: Dir.Stat error: " V1("AccessDenied: ", "403") "\n", NULL },
		{ AT "ERROR : old.txt: Couldn't delete: " V1("AccessDenied: ", "403") "\n", NULL },
		{ AT "ERROR : old.txt: Failed to copy: " V1("AccessDenied: ", "403") "\n", NULL },
		{ AT "ERROR : IO error: " V2("503", "api error SlowDown: x") "\n", NULL },
		{ AT "NOTICE: IO error: " V1("InvalidAccessKeyId: ", "403") "\n", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		begin();
		feed(requests[i].log);
		if (requests[i].worst)
			assert_non_null(strstr(worst(), requests[i].worst));
		else
			assert_string_equal(worst(), "");
		failures_answered(&f);
		assert_string_equal(worst(), "");
	}
	/* Of a listing, the hint is not that for a write. */
	feed(AT "ERROR : /: Dir.Stat error: " V1("AccessDenied: ", "403") "\n");
	struct verdict v;
	assert_true(failures_worst(&f, &v));
	assert_non_null(strstr(v.hint, "s3:ListBucket"));
}

static void test_keeps_what_is_pending(void **state)
{
	struct pending p = { .files = 2, .named = 2, .names = { "b", "other" } };

	(void)state;
	begin();
	feed(UPLOAD("a", V1("InvalidAccessKeyId: ", "403")) UPLOAD("b", V1("QuotaExceeded: ", "403")));
	p.files = 17; /* some of which have no name here: a may be one */
	failures_keep(&f, &p);
	assert_non_null(strstr(why("a"), "InvalidAccessKeyId"));
	p.files = 2;
	failures_keep(&f, &p);
	assert_string_equal(why("a"), "");
	assert_non_null(strstr(why("b"), "QuotaExceeded"));
	assert_non_null(strstr(worst(), "QuotaExceeded"));
	p = (struct pending){ .files = 0 };
	failures_keep(&f, &p);
	assert_string_equal(worst(), "");
}

static void upload_of(const char *name, const char *words)
{
	char *line = malloc(strlen(name) + strlen(words) + 256);

	assert_non_null(line);
	sprintf(line,
		AT
		"ERROR : %s: vfs cache: failed to upload try #12, will retry in 5m0s: vfs cache: failed to transfer file from cache "
		"to remote: %s\n",
		name, words);
	feed(line);
	free(line);
}

/* As long as a path can be, and rclone tells it twice more in the URL. */
static void test_long_names(void **state)
{
	static char name[4096], words[20000], form[PENDING_NAME];

	(void)state;
	begin();
	for (size_t n = 200; n < sizeof name; n += 97) {
		memset(name, 'n', n);
		memcpy(name + n - 4, "/end", 5);
		upload_of(name, V2("400", "api error KeyTooLongError: x"));
		pending_name(form, span_of(name));
		assert_non_null(strstr(why(form), "KeyTooLongError"));
		sprintf(words, "RequestError: send request failed\ncaused by: Put \"http://h/b/%s%s%s\": EOF", name, name,
			name);
		upload_of(name, words);
		assert_string_equal(why(form), "S3 is out of reach: EOF");
	}
	upload_of("short", V1("AccessDenied: ", "403"));
	assert_non_null(strstr(why("short"), "AccessDenied"));
}

/* Whatever the length of what stands before it. */
static void test_behind_a_long_line(void **state)
{
	static char line[RCLONE_LOG_RECORD + 64];

	(void)state;
	for (size_t n = 4300; n < sizeof line - 1; n++) {
		memset(line, 'x', n);
		memcpy(line, AT "ERROR : ", sizeof AT "ERROR : " - 1);
		line[n - 1] = '\n';
		begin();
		rclone_log_feed(&l, (struct span){ line, n }, &f);
		feed(UPLOAD("f", V1("AccessDenied: ", "403")));
		assert_non_null(strstr(why("f"), "AccessDenied"));
	}
}

static void test_many_files(void **state)
{
	char name[32];

	(void)state;
	begin();
	for (int i = 0; i < 3 * FAILURES_FILES; i++) {
		snprintf(name, sizeof name, "file %d", i);
		upload_of(name, V1("QuotaExceeded: ", "403"));
	}
	for (int i = 2 * FAILURES_FILES; i < 3 * FAILURES_FILES; i++) {
		snprintf(name, sizeof name, "file %d", i);
		assert_non_null(strstr(why(name), "QuotaExceeded"));
	}
	assert_string_equal(why("file 0"), "");
}

/* Of more reasons than there is room for the latest are known; a file never shows another one's. */
static void test_many_reasons(void **state)
{
	char name[32], text[128];
	int known = 0;

	(void)state;
	begin();
	for (int i = 0; i < 3 * FAILURES_REASONS; i++) {
		snprintf(name, sizeof name, "file %d", i);
		snprintf(text, sizeof text, V1("Code%d: failure %d.", "409"), i, i);
		upload_of(name, text);
	}
	for (int i = 0; i < 3 * FAILURES_REASONS; i++) {
		snprintf(name, sizeof name, "file %d", i);
		snprintf(text, sizeof text, "S3 refuses (409 Code%d): S3 refuses the request: failure %d.", i, i);
		known += why(name)[0] != 0;
		assert_true(!why(name)[0] || strcmp(why(name), text) == 0);
	}
	assert_int_equal(known, FAILURES_REASONS);
	assert_non_null(strstr(why("file 47"), "failure 47."));
}

static void test_no_token_is_told(void **state)
{
	static const char *const words[] = {
		V1("InvalidToken: " TOKEN, "400"),
		V1("FluxCapacitor: the token " TOKEN " is bad", "400"),
		V2("400", "api error FluxCapacitor: the token " TOKEN),
		V2("400", "api error IQoJb3JpZ2luX2VjEJr: x"),
		V2("400", "api error IQoJb3JpZ2luEJrwEaCXVzLWVhc3QtMSJHMEUCIQD2: x"),
		NO_CODE "request send failed, Put \"http://h/b/k?X-Amz-Security-Token=" TOKEN "\": EOF",
		NO_CODE "request send failed, Put \"http://h/b/k\": net/http: malformed HTTP response \"" TOKEN "\"",
		"something about " TOKEN,
	};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		begin();
		upload_of("f", words[i]);
		assert_true(why("f")[0]);
		assert_null(strstr(why("f"), "JpZ2lu"));
		assert_null(strstr(why("f"), "CXVz"));
	}
	/* Nor a piece of one at the end of what fits. */
	for (size_t n = 100; n < 260; n++) {
		char text[512];

		memset(text, '.', n);
		memcpy(text + n, TOKEN, sizeof TOKEN);
		begin();
		upload_of("f", text);
		assert_null(strstr(why("f"), "IQ"));
	}
}

/* The end of a driver */

#define TRACE                                                                                                          \
	"\nruntime stack:\nruntime.throw({0x323e38a?, 0x7ffe5f2aff78?})\n\truntime/panic.go:1229 +0x48\n\n"            \
	"goroutine 10 gp=0x2e2733ef4960 m=0 mp=0x55c11e0 [running]:\nruntime.newosproc(0x2e2734375008)\n"              \
	"\truntime/os_linux.go:199 +0x165 fp=0x2e2734299698\ngoroutine 1 [sync.WaitGroup.Wait, locked to thread]:\n\n" \
	"rax    0x0\nfs     0x0\ngs     0x0\n"
#define MAY_NOT \
	"this process may not mount: CAP_SYS_ADMIN is missing in the user namespace that owns the mounts, or seccomp forbids it"
#define AS_ROOT "run as root; in a container: --device /dev/fuse --cap-add SYS_ADMIN"

static const struct {
	const char *log, *cause, *hint;
} ends[] = {
	{ "", "", "" },
	{ "\n \n", "", "" },
	{ AT "mount helper error: fusermount: mount /m: " MAY_NOT "\n" AT "mount helper error: fusermount: hint: " AS_ROOT
	     "\n" AT "Fatal error: failed to mount FUSE fs: fusermount: exit status 1\n",
		"fusermount: mount /m: " MAY_NOT, AS_ROOT },
	{ AT "NOTICE: mount helper error: fusermount3: mount /m: " MAY_NOT "\n" AT
	     "NOTICE: mount helper error: fusermount3: hint: " AS_ROOT "\n" AT
	     "mount helper error: fusermount: hint: second\n" AT
	     "CRITICAL: Fatal error: failed to mount FUSE fs: fusermount: exit status 1\n",
		"fusermount3: mount /m: " MAY_NOT, AS_ROOT },
	{ AT "NOTICE: mount helper error: fusermount3: failed to open /dev/fuse: Permission denied\n" AT
	     "CRITICAL: Fatal error: failed to mount FUSE fs: fusermount: exit status 1\n",
		"fusermount3: failed to open /dev/fuse: Permission denied", "" },
	{ AT "Fatal error: failed to mount FUSE fs: fusermount: fork/exec /r/bin/fusermount: resource temporarily unavailable\n",
		"Fatal error: failed to mount FUSE fs: fusermount: fork/exec /r/bin/fusermount: resource temporarily unavailable",
		ERR_HINT_PIDS },
	{ "runtime/cgo: pthread_create failed: Resource temporarily unavailable\nSIGABRT: abort\nPC=0x7fec887c1eec m=0\n" TRACE,
		"runtime/cgo: pthread_create failed: Resource temporarily unavailable", ERR_HINT_PIDS },
	{ "runtime: failed to create new OS thread (have 2 already; errno=11)\nruntime: may need to increase max user processes (ulimit -u)\n"
	  "fatal error: newosproc\n" TRACE,
		"runtime: failed to create new OS thread (have 2 already; errno=11)", ERR_HINT_PIDS },
	{ "fatal error: failed to reserve page summary memory\n" TRACE, "fatal error: failed to reserve page summary memory",
		ERR_HINT_MEMORY },
	{ "runtime: out of memory: cannot allocate 4194304-byte block (0 in use)\nfatal error: out of memory\n" TRACE,
		"runtime: out of memory: cannot allocate 4194304-byte block (0 in use)", ERR_HINT_MEMORY },
	{ "fatal error: runtime: cannot allocate memory\n" TRACE, "fatal error: runtime: cannot allocate memory",
		ERR_HINT_MEMORY },
	{ AT "ERROR : f: vfs cache: something\npanic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV]\n" TRACE,
		"panic: runtime error: invalid memory address or nil pointer dereference", "" },
	{ AT "ERROR : first\n" AT "ERROR : second\n", "first", "" },
	{ AT "ERROR : first\n" AT "CRITICAL: Failed to create file system: wrong\n" AT "CRITICAL: second\n",
		"Failed to create file system: wrong", "" },
	{ "/usr/bin/rclone: error while loading shared libraries: libx.so.1\nmore\n",
		"/usr/bin/rclone: error while loading shared libraries: libx.so.1", "" },
	{ AT "ERROR : : Entry doesn't belong in directory \"\" (same as directory) - ignoring\n",
		": Entry doesn't belong in directory \"\" (same as directory) - ignoring",
		"an object there has an empty path component (\"//\") in its key: delete or rename it in S3" },
	/* What a request failed of, and how it was unmounted, is not why it ended. */
	{ UPLOAD("f", V2("403", "api error AccessDenied: x")) AT
		"ERROR : IO error: x\n" AT "ERROR : f: Failed to copy: x\n" AT "ERROR : /: Dir.Stat error: x\n" AT
		"ERROR : f: File.Rename error: x\n" AT "NOTICE: y\n" AT "ERROR : /m: Unmounted rclone mount\n",
		"", "" },
	{ AT "CRITICAL: Failed to create file system for \"s3mounts:b/p\": api error Flux: token " TOKEN " bad\n",
		"Failed to create file system for \"s3mounts:b/p\": api error Flux: token **** bad", "" },
	{ "Fatal error: a\x01\x1b[2J\n", "Fatal error: a??[2J", "" },
};

static void test_why_it_ended(void **state)
{
	char cause[640], hint[384];

	(void)state;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		rclone_log_cause(span_of(ends[i].log), cause, sizeof cause, hint, sizeof hint);
		assert_string_equal(cause, ends[i].cause);
		assert_string_equal(hint, ends[i].hint);
	}
}

static void test_a_cause_that_is_too_long(void **state)
{
	static char log[4096];
	char cause[16], hint[8];

	(void)state;
	memset(log, 'x', sizeof log - 1);
	rclone_log_cause(span_of(log), cause, sizeof cause, hint, sizeof hint);
	assert_string_equal(cause, "xxxxxxxxxxxxxxx");
	assert_string_equal(hint, "");
	rclone_log_cause(SPAN("fatal error: out of memory"), cause, sizeof cause, hint, sizeof hint);
	assert_string_equal(cause, "fatal error: ou");
	assert_string_equal(hint, "give it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_s3_answered),
		cmocka_unit_test(test_any_pieces),
		cmocka_unit_test(test_the_latest_answer_counts),
		cmocka_unit_test(test_the_worst),
		cmocka_unit_test(test_other_requests),
		cmocka_unit_test(test_keeps_what_is_pending),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_behind_a_long_line),
		cmocka_unit_test(test_many_files),
		cmocka_unit_test(test_many_reasons),
		cmocka_unit_test(test_no_token_is_told),
		cmocka_unit_test(test_why_it_ended),
		cmocka_unit_test(test_a_cause_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
