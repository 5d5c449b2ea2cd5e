#include "s3/verdict.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define DATE_DOUBT 60 /* seconds; a Date nearer than this does not explain a refusal for clock skew */

static const struct {
	enum fail_kind fail;
	const char *kind;
} kinds[] = {
	{ FAIL_NAME, "name-not-found" },
	{ FAIL_REFUSED, "connection-refused" },
	{ FAIL_UNREACHABLE, "unreachable" },
	{ FAIL_TIMEOUT, "timeout" },
	{ FAIL_BLOCKED, "egress-blocked" },
	{ FAIL_PROXY, "proxy" },
	{ FAIL_TLS, "tls" },
	{ FAIL_PROTOCOL, "not-s3" },
	{ FAIL_FAULT, "fault" },
};

/* Truncates and sanitizes: what a server sent may hold anything. */
static void put_sanitized(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

static void put_sanitized(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vfmt(out, size, fmt, ap);
	va_end(ap);
	text_sanitize(out);
}

void verdict_set(struct verdict *v, enum code code, const char *kind, const char *cause, const char *hint)
{
	v->code = code;
	v->kind = kind;
	put_sanitized(v->cause, sizeof v->cause, "%s", cause);
	put_sanitized(v->hint, sizeof v->hint, "%s", hint);
}

void verdict_answer(struct verdict *v, const char *s3_code, int status, const char *message)
{
	const struct s3_meaning *m = s3_meaning_of(s3_code, status);

	verdict_set(v, m->code, m->kind, m->cause, m->hint);
	if (!s3_code_known(s3_code) && *message)
		put_sanitized(v->cause, sizeof v->cause, "%s: %s", m->cause, message);
}

void verdict_sentence(const struct verdict *v, const char *failed, char *out, size_t size)
{
	const char *who = v->code == CODE_REFUSED ? "S3 refuses" : v->code == CODE_UNREACHABLE ? "S3 is out of reach" : failed;
	char answer[96] = "";

	if (v->http_status)
		text_fmt(answer, sizeof answer, " (%d%s%s)", v->http_status, v->s3_code[0] ? " " : "", v->s3_code);
	text_fmt(out, size, "%s%s: %s", who, answer, v->cause);
}

void verdict_failure(struct verdict *v, const struct fail *f)
{
	verdict_set(v, f->err.code, "fault", f->err.text, f->err.hint);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].fail == f->kind)
			v->kind = kinds[i].kind;
}

void verdict_proxy(struct verdict *v, const struct proxy *via, int status)
{
	struct fail f;

	/* tinyproxy says 401 to a login that is wrong. */
	if (status == 407 || status == 401) {
		fail_proxy_login(&f, via);
	} else {
		fail_set(&f, status == 403 ? FAIL_BLOCKED : FAIL_PROXY,
			"status %d, in words that are not S3's, comes by the proxy %s port %u", status, via->host, via->port);
		err_hint(&f.err,
			"the proxy in %s may not let us to this host, or not find or reach it (check S3_ENDPOINT_URL); NO_PROXY goes around it",
			via->variable);
	}
	verdict_failure(v, &f);
}

static void mention_withheld(struct verdict *v, const struct s3_answer *a)
{
	char cause[sizeof v->cause];

	if (!a->withheld)
		return;
	text_fmt(cause, sizeof cause, "%s", v->cause);
	put_sanitized(v->cause, sizeof v->cause, "%s; the server's own words are withheld: %s", cause, VERDICT_WITHHELD);
}

void verdict_not_s3(struct verdict *v, const struct s3_endpoint *endpoint, const struct s3_answer *a)
{
	verdict_set(v, CODE_UNREACHABLE, "not-s3", "",
		"check host, port and path in S3_ENDPOINT_URL, and what proxy stands between");
	if (a->location[0])
		put_sanitized(v->cause, sizeof v->cause, "what answers at %s is no S3 server: it redirects to %s",
			endpoint->host, a->location);
	else
		put_sanitized(v->cause, sizeof v->cause,
			"what answers at %s is no S3 server: status %d with a body that S3 does not send", endpoint->host,
			a->status);
	/* nginx, Apache, Go and Envoy all mention "HTTPS" when they refuse plain HTTP. */
	if (!endpoint->tls && ((a->status == 400 && a->body.n && memmem(a->body.p, a->body.n, "HTTPS", 5)) ||
				      strncmp(a->location, "https:", 6) == 0))
		put_sanitized(v->hint, sizeof v->hint, "the server wants TLS: write https:// in S3_ENDPOINT_URL");
	mention_withheld(v, a);
}

/* "75 h 3 min" */
static void put_duration(long seconds, char *out, size_t size)
{
	if (seconds >= 7200)
		put_sanitized(out, size, "%ld h %ld min", seconds / 3600, seconds / 60 % 60);
	else
		put_sanitized(out, size, "%ld min %ld s", seconds / 60, seconds % 60);
}

static void explain_skew(struct verdict *v, long skew)
{
	char how_much[64];

	v->skew_seconds = skew;
	if (labs(skew) < DATE_DOUBT)
		return; /* the Date was rewritten on the way: the table's sentence is all that is known */
	put_duration(labs(skew), how_much, sizeof how_much);
	put_sanitized(v->cause, sizeof v->cause, "this machine's clock is %s (%ld s) %s the server's", how_much, labs(skew),
		skew < 0 ? "behind" : "ahead of");
}

/* radosgw says InvalidArgument for a token that it cannot parse; R2 says it for a key id of the wrong length. */
static const char *effective_code(const struct s3_answer *a, const struct creds *creds)
{
	return strcmp(a->error.code, "InvalidArgument") == 0 && creds->token[0] ? "InvalidToken" : a->error.code;
}

/* Is it believable without an <Error> document? */
static bool is_credible_refusal(const struct s3_answer *a, const struct s3_meaning *m)
{
	return a->error.code[0] || a->error.region[0] || m->again || a->status == 401 || a->status == 407;
}

void verdict_refusal(
	struct verdict *v, const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_answer *a)
{
	const struct s3_meaning *m = s3_meaning_of(effective_code(a, creds), a->status);

	if (!is_credible_refusal(a, m)) {
		verdict_not_s3(v, endpoint, a);
		return;
	}
	put_sanitized(v->s3_code, sizeof v->s3_code, "%s", a->error.code);
	if (!a->error.code[0] && a->error.region[0] && a->status < 400)
		verdict_answer(v, "PermanentRedirect", a->status, "");
	else
		verdict_answer(v, effective_code(a, creds), a->status, a->error.message);
	if (strcmp(v->kind, "clock-skew") == 0)
		explain_skew(v, a->skew);
	if (strcmp(v->kind, "wrong-region") == 0)
		put_sanitized(v->region, sizeof v->region, "%s", a->error.region);
	if (strcmp(v->kind, "wrong-address") == 0 && !endpoint->path_style)
		put_sanitized(v->hint, sizeof v->hint,
			"no host can have this bucket's name in it (a dot, a capital letter, an underscore): take a bucket of another name");
	mention_withheld(v, a);
}

void verdict_region(struct verdict *v, const char *asked_in, const struct verdict *second)
{
	put_sanitized(v->hint, sizeof v->hint, "set S3_REGION=%s", v->region);
	if (second->code == CODE_OK)
		put_sanitized(v->cause, sizeof v->cause,
			"the bucket is in region %s, not %s; there these credentials are accepted", v->region, asked_in);
	else
		put_sanitized(v->cause, sizeof v->cause, "the bucket is in region %s, not %s; and there: %s", v->region,
			asked_in, second->cause);
}

void verdict_write(struct verdict *v, const struct verdict *failed, const char *doing)
{
	const char *hint = s3_meaning_of(failed->s3_code, failed->http_status)->write_hint;

	*v = *failed;
	put_sanitized(v->cause, sizeof v->cause, "listing works, but not %s: %s", doing, failed->cause);
	if (hint && failed->code == CODE_REFUSED)
		put_sanitized(v->hint, sizeof v->hint, "%s", hint);
}
