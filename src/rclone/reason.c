#include "rclone/reason.h"

#include "base/chars.h"
#include "base/text.h"
#include "s3/error.h"

#define TOKEN_LENGTH 16 /* letters and digits in a row: not a word, but possibly a part of a token */

static struct span first_line(struct span in)
{
	struct span line;

	span_cut(&in, '\n', &line);
	return line;
}

/* The number at the start of S; 0 when there is none. */
static int leading_number(struct span s)
{
	unsigned long number;

	return span_number(span_take_while(&s, char_is_digit), 999, &number) ? (int)number : 0;
}

/* A server's answer may hold the session token, or a part of it. */
static void mask_tokens(char *s)
{
	for (size_t n; *s; s += n) {
		bool letter = false, digit = false;

		for (n = 0; char_is_alnum(s[n]) || (s[n] && strchr("+/=_-%", s[n])); n++) {
			letter |= char_is_letter(s[n]);
			digit |= char_is_digit(s[n]);
		}
		if (n >= TOKEN_LENGTH && letter && digit) {
			memcpy(s, "****", 4);
			memmove(s + 4, s + n, strlen(s + n) + 1);
			n = 4;
		}
		n += !n;
	}
}

/* Masked before it is cut: the rest of a token at the end could be too short to be recognized. */
void reason_text(char *out, size_t size, struct span text)
{
	char whole[1024];

	text = span_trim(first_line(text));
	text_fmt(whole, sizeof whole, "%.*s", text.n < sizeof whole ? (int)text.n : (int)sizeof whole, text.n ? text.p : "");
	mask_tokens(whole);
	text_fmt(out, size, "%s", whole);
}

static bool is_s3_code(struct span word)
{
	return word.n && word.n < sizeof((struct failure *)0)->s3_code && char_is_upper(word.p[0]) &&
	       span_all(word, char_is_alnum, ".");
}

/* Text of the SDKs in place of S3's. */
static bool is_sdks_own(struct span word)
{
	return span_is(word, "UnknownError") || span_is(word, "SerializationError");
}

static void put_answer(struct failure *r, struct span code, struct span message)
{
	if (!is_sdks_own(code))
		text_fmt(r->s3_code, sizeof r->s3_code, "%.*s", (int)code.n, code.p);
	if (!s3_code_known(r->s3_code))
		mask_tokens(r->s3_code);
	message = span_trim(first_line(message));
	if (!s3_code_known(r->s3_code) && !is_sdks_own(message) && !span_eq(message, code))
		reason_text(r->message, sizeof r->message, message);
}

/*
 * SDK v1: "multipart upload failed to initialise: AccessDenied: MESSAGE", where the code is the first part that is a single
 * word; in the next line "\tstatus code: 403, …".
 */
static bool answer_v1(struct failure *r, struct span text)
{
	struct span part, rest = first_line(text);

	r->http_status = leading_number(span_after(text, "\n\tstatus code: "));
	while (r->http_status && span_cut_at(&rest, ": ", &part))
		if (is_s3_code(part)) {
			put_answer(r, part, rest);
			break;
		}
	return r->http_status != 0;
}

/*
 * SDK v2: "… https response error StatusCode: 403, RequestID: X, HostID: Y, api error CODE: MESSAGE"; for some codes without
 * "api error".
 */
static bool answer_v2(struct failure *r, struct span text)
{
	struct span code, rest = span_after(span_after(text, ", HostID: "), ", ");

	r->http_status = leading_number(span_after(text, "StatusCode: "));
	if (!r->http_status)
		return false;
	if (span_starts(rest, SPAN("api error ")))
		rest = span_skip(rest, sizeof "api error " - 1);
	if (span_cut_at(&rest, ": ", &code) && is_s3_code(code))
		put_answer(r, code, rest);
	return true;
}

static const char *network_kind(const char *message)
{
	static const struct {
		const char *text, *kind;
	} kinds[] = {
		{ "no such host", "name-not-found" },
		{ "connection refused", "connection-refused" },
		{ "timeout", "timeout" },
		{ "deadline exceeded", "timeout" },
		{ "x509:", "tls" },
		{ "tls:", "tls" },
		{ "expected element type", "not-s3" },
		{ "malformed HTTP", "not-s3" },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (text_find(message, kinds[i].text))
			return kinds[i].kind;
	return "unreachable";
}

/* 'Put "http://…": dial tcp …: connect: connection refused': what follows the URL. */
static bool no_answer(struct failure *r, struct span text)
{
	struct span url, rest = span_after(text, " \"http");

	if (!span_cut_at(&rest, "\": ", &url))
		rest = span_has(text, "expected element type <Error>") ? text : rest;
	if (!rest.n)
		return false;
	reason_text(r->message, sizeof r->message, rest);
	r->unanswered = network_kind(r->message);
	return true;
}

struct failure reason_read(struct span text)
{
	struct failure r = { .http_status = 0 };

	if (!answer_v1(&r, text) && !answer_v2(&r, text) && !no_answer(&r, text))
		reason_text(r.message, sizeof r.message, text);
	return r;
}
