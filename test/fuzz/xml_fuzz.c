/* xml_fuzz.c - what an S3 server answers: tokens in order, an error's code and words, and the verdict made of them. */

#include "fuzz.h"

#include "s3/verdict.h"
#include "s3/xml.h"

static void check_text(struct span raw)
{
	char *mem = malloc(raw.n + 1);
	struct buf out = buf_over(mem, raw.n + 1);

	xml_text(&out, raw);
	CHECK(!out.full); /* decoding makes nothing longer: take_text() of error.c counts on it */
	free(mem);
}

static enum xml_token walk(struct span in)
{
	int open = 0, roots = 0;
	enum xml_token t;
	struct xml x;

	xml_start(&x, in);
	while ((t = xml_next(&x)) != XML_END && t != XML_BAD) {
		CHECK(fuzz_inside(t == XML_TEXT ? x.text : x.name, in));
		roots += t == XML_OPEN && open == 0;
		open += t == XML_OPEN ? 1 : t == XML_CLOSE ? -1 : 0;
		CHECK(open == x.depth && open >= 0 && open <= XML_DEPTH && (t != XML_TEXT || open));
		if (t == XML_TEXT)
			check_text(x.text);
	}
	CHECK(t == XML_BAD || (open == 0 && roots == 1));
	CHECK(xml_next(&x) == t);
	return t;
}

/* Told to people: one line, and an end. */
static void check_verdict(const struct verdict *v)
{
	CHECK(v->code != CODE_OK && v->kind && v->cause[0]);
	CHECK(memchr(v->cause, 0, sizeof v->cause) && memchr(v->hint, 0, sizeof v->hint) &&
		memchr(v->region, 0, sizeof v->region));
	CHECK(!strpbrk(v->cause, "\r\n\033") && !strpbrk(v->hint, "\r\n\033") && !strpbrk(v->region, "\r\n\033"));
}

static void check_error(struct span body, int status)
{
	static const struct s3_endpoint site = { .host = "s3.eu-west-1.amazonaws.com",
		.port = 443,
		.tls = true,
		.aws = true,
		.region = "eu-west-1",
		.provider = "AWS" };
	static const struct creds creds = { .key_id = "AKIAIOSFODNN7EXAMPLE", .secret = "secret" };
	struct s3_answer a = { .status = status, .body = body };
	struct verdict v = { 0 }, more;

	if (s3_error_read(&a.error, body) == 0) {
		CHECK(a.error.code[0] && s3_document_is(body, "Error"));
		CHECK(strspn(a.error.code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.") ==
			strlen(a.error.code));
	} else {
		CHECK(!a.error.code[0] && !a.error.message[0] && !a.error.region[0]);
	}
	memcpy(a.location, body.n ? body.p : "", body.n < sizeof a.location ? body.n : sizeof a.location - 1);
	a.skew = (long)body.n * 100 - 5000;
	verdict_refusal(&v, &site, &creds, &a);
	check_verdict(&v);
	verdict_write(&more, &v, "writing");
	check_verdict(&more);
	if (v.region[0])
		verdict_region(&v, "us-east-1", &more);
	check_verdict(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int status[] = { 200, 301, 307, 400, 403, 404, 500, 503 };
	struct span in = fuzz_input(data, size);
	enum xml_token end = walk(in);

	CHECK(!s3_document_is(in, "ListBucketResult") || end == XML_END);
	check_error(in, status[in.n % 8]);
	return 0;
}
