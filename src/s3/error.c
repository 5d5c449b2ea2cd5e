#include "s3/error.h"

#include "s3/xml.h"

#define KEY_HINT "compare S3_ACCESS_KEY_ID with the one that was issued, and that it belongs to this endpoint and account"
#define SECRET_HINT "compare S3_ACCESS_SECRET with the one that was issued; look for a cut-off or quoted value"
#define TOKEN_HINT "issue new temporary credentials; S3_SESSION_TOKEN, key id and secret belong together"
#define BUCKET_HINT "check S3_BUCKET_NAME, and that the endpoint is the one of the bucket's account"
#define REGION_HINT "set S3_REGION to the bucket's region"
#define GRANT_HINT "grant the key s3:ListBucket on the bucket for this prefix, or give the key that was meant for it"
#define CLOCK_HINT "set this machine's clock (after a resume of a snapshot it may stand still); S3 allows 15 minutes"
#define AGAIN_HINT "try again; this says nothing about the credentials"
#define SERVER_HINT "look at the server's state or its log; this says nothing about the credentials"
#define PLACE_HINT "check host, port and path in S3_ENDPOINT_URL, and what proxy stands between"

static const struct s3_meaning meanings[] = {
	{ "InvalidAccessKeyId", 0, "unknown-key", CODE_REFUSED, "S3 does not know this key id", KEY_HINT, false },
	{ "SignatureDoesNotMatch", 0, "wrong-secret", CODE_REFUSED, "the secret key does not belong to this key id",
		SECRET_HINT, false },
	{ "RequestTimeTooSkewed", 0, "clock-skew", CODE_REFUSED, "this machine's clock differs too much from S3's", CLOCK_HINT,
		false },
	{ "RequestExpired", 0, "clock-skew", CODE_REFUSED, "this machine's clock differs too much from S3's", CLOCK_HINT,
		false },
	{ "ExpiredToken", 0, "expired-token", CODE_REFUSED, "the session token has expired", TOKEN_HINT, false },
	{ "TokenRefreshRequired", 0, "expired-token", CODE_REFUSED, "the session token must be renewed", TOKEN_HINT, false },
	{ "InvalidToken", 0, "invalid-token", CODE_REFUSED, "the session token is malformed or not of this key", TOKEN_HINT,
		false },
	{ "AccessDenied", 0, "access-denied", CODE_REFUSED, "the key is valid but not allowed to do this here", GRANT_HINT,
		false },
	{ "AllAccessDisabled", 0, "access-denied", CODE_REFUSED, "all access to this bucket has been switched off",
		"ask who owns the bucket", false },
	{ "AccountProblem", 0, "access-denied", CODE_REFUSED, "there is a problem with the bucket's account", "ask who owns it",
		false },
	{ "NotSignedUp", 0, "access-denied", CODE_REFUSED, "the account has not signed up for S3", "ask who owns it", false },
	{ "QuotaExceeded", 0, "access-denied", CODE_REFUSED, "the bucket's or the user's quota is used up",
		"free space or raise it", false },
	{ "Unauthorized", 0, "access-denied", CODE_REFUSED, "S3 does not take this key for this bucket", KEY_HINT, false },
	{ "NoSuchBucket", 0, "no-such-bucket", CODE_REFUSED, "there is no such bucket here", BUCKET_HINT, false },
	{ "InvalidBucketName", 0, "no-such-bucket", CODE_REFUSED, "no bucket can have this name", BUCKET_HINT, false },
	{ "AuthorizationHeaderMalformed", 0, "wrong-region", CODE_REFUSED,
		"the signature is for another region than the bucket's", REGION_HINT, false },
	{ "PermanentRedirect", 0, "wrong-region", CODE_REFUSED, "the bucket is in another region", REGION_HINT, false },
	{ "TemporaryRedirect", 0, "wrong-region", CODE_REFUSED, "the bucket is in another region", REGION_HINT, false },
	{ "Redirect", 0, "wrong-region", CODE_REFUSED, "the bucket is in another region", REGION_HINT, false },
	{ "IllegalLocationConstraintException", 0, "wrong-region", CODE_REFUSED, "the bucket is in another region", REGION_HINT,
		false },
	{ "InvalidRegionName", 0, "wrong-region", CODE_REFUSED, "the server does not know this region",
		"set S3_REGION to one that it knows (Cloudflare: auto)", false },
	{ "SlowDown", 0, "throttled", CODE_UNREACHABLE, "S3 asks to slow down", AGAIN_HINT, true },
	{ "SlowDownRead", 0, "throttled", CODE_UNREACHABLE, "S3 asks to slow down", AGAIN_HINT, true },
	{ "SlowDownWrite", 0, "throttled", CODE_UNREACHABLE, "S3 asks to slow down", AGAIN_HINT, true },
	{ "TooManyRequests", 0, "throttled", CODE_UNREACHABLE, "S3 asks to slow down", AGAIN_HINT, true },
	{ "RequestLimitExceeded", 0, "throttled", CODE_UNREACHABLE, "S3 asks to slow down", AGAIN_HINT, true },
	{ "InternalError", 0, "server-error", CODE_UNREACHABLE, "S3 has an internal error", SERVER_HINT, true },
	{ "ServiceUnavailable", 0, "server-error", CODE_UNREACHABLE, "S3 is not available now", AGAIN_HINT, true },
	{ NULL, 401, "access-denied", CODE_REFUSED, "S3 does not take these credentials", KEY_HINT, false },
	{ NULL, 403, "access-denied", CODE_REFUSED, "S3 refuses and tells no cause that is known", GRANT_HINT, false },
	{ NULL, 407, "egress-blocked", CODE_UNREACHABLE, "a proxy asks for a login", "let this host through without a proxy",
		false },
	{ NULL, 429, "throttled", CODE_UNREACHABLE, "S3 asks to slow down", AGAIN_HINT, true },
	{ NULL, 503, "server-error", CODE_UNREACHABLE, "S3 is not available now", AGAIN_HINT, true },
	{ NULL, 500, "server-error", CODE_UNREACHABLE, "S3 has an internal error", SERVER_HINT, true },
	{ NULL, 502, "server-error", CODE_UNREACHABLE, "a gateway before S3 has no answer", SERVER_HINT, true },
	{ NULL, 504, "server-error", CODE_UNREACHABLE, "a gateway before S3 waited too long", SERVER_HINT, true },
};

static const struct s3_meaning other_refusal = { NULL, 0, "refused", CODE_REFUSED, "S3 refuses the request", PLACE_HINT,
	false };
static const struct s3_meaning other_fault = { NULL, 0, "server-error", CODE_UNREACHABLE, "S3 has failed", SERVER_HINT, false };

const struct s3_meaning *s3_meaning_of(const char *s3_code, int status)
{
	const struct s3_meaning *by_status = status >= 500 ? &other_fault : &other_refusal;

	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		const struct s3_meaning *m = &meanings[i];

		if (m->s3_code && strcmp(m->s3_code, s3_code) == 0)
			return m;
		if (!m->s3_code && m->status == status)
			by_status = m;
	}
	return by_status;
}

static bool is_code(const char *s)
{
	for (; *s; s++)
		if (!(*s >= 'A' && *s <= 'Z') && !(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= '9') && *s != '.')
			return false;
	return true;
}

/* What fits of TEXT goes into the field; a second piece of text (CDATA, a comment between) is added. */
static void add_field(char *field, size_t size, struct span text)
{
	size_t have = strlen(field);
	struct buf b = buf_over(field + have, size - have);
	size_t room = size - have - 1;

	if (text.n > room)
		text.n = room; /* decoding makes nothing longer */
	xml_text(&b, text);
}

static void take_text(struct s3_error *out, struct span element, struct span text)
{
	if (span_is(element, "Code"))
		add_field(out->code, sizeof out->code, text);
	else if (span_is(element, "Message"))
		add_field(out->message, sizeof out->message, text);
	else if (span_is(element, "Region"))
		add_field(out->region, sizeof out->region, text);
}

/* Goes through the whole of BODY; OUT may be NULL. */
static bool read_document(struct span body, const char *root, struct s3_error *out)
{
	enum xml_token t;
	struct xml x;

	xml_start(&x, body);
	if (xml_next(&x) != XML_OPEN || !span_is(x.name, root))
		return false;
	while ((t = xml_next(&x)) != XML_END && t != XML_BAD)
		if (out && t == XML_TEXT && x.depth == 2)
			take_text(out, x.open[1], x.text);
	return t == XML_END;
}

bool s3_document_is(struct span body, const char *name)
{
	return read_document(body, name, NULL);
}

int s3_error_read(struct s3_error *out, struct span body)
{
	*out = (struct s3_error){ 0 };
	if (read_document(body, "Error", out) && out->code[0] && is_code(out->code))
		return 0;
	*out = (struct s3_error){ 0 };
	return -1;
}
