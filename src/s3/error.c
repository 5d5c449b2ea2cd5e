#include "s3/error.h"

#include "base/chars.h"
#include "s3/xml.h"

#define KEY_HINT "compare S3_ACCESS_KEY_ID with the one that was issued, and that it belongs to this endpoint and account"
#define SECRET_HINT "compare S3_ACCESS_SECRET with the one that was issued; look for a cut-off or quoted value"
#define TOKEN_HINT "issue new temporary credentials; S3_SESSION_TOKEN, key id and secret belong together"
#define BUCKET_HINT \
	"check S3_BUCKET_NAME, or the bucket that the mount names, and that the endpoint is the one of the bucket's account"
#define REGION_HINT "set S3_REGION to the bucket's region"
#define GRANT_HINT "grant the key s3:ListBucket on the bucket for this prefix, or give the key that was meant for it"
#define WRITE_HINT "grant the key s3:PutObject and s3:DeleteObject for this prefix, or mount it ro"
#define CLOCK_HINT "set this machine's clock (after a resume of a snapshot it may stand still); S3 allows 15 minutes"
#define AGAIN_HINT "try again; this says nothing about the credentials"
#define SERVER_HINT "look at the server's state or its log; this says nothing about the credentials"
#define OWNER_HINT "ask who owns the bucket"
#define ENDPOINT_HINT "check host, port and path in S3_ENDPOINT_URL, and what proxy stands between"

enum {
	UNKNOWN_KEY,
	WRONG_SECRET,
	CLOCK_SKEW,
	TOKEN_EXPIRED,
	TOKEN_OLD,
	TOKEN_INVALID,
	DENIED,
	SWITCHED_OFF,
	ACCOUNT,
	SUSPENDED,
	NOT_SIGNED_UP,
	QUOTA,
	FULL,
	TOO_LARGE,
	BAD_NAME,
	KEY_NOT_HERE,
	NO_BUCKET,
	NO_NAME,
	VIRTUAL_ONLY,
	SIGNED_REGION,
	OTHER_REGION,
	NO_REGION,
	THROTTLED,
	INTERNAL,
	NOT_NOW,
	CREDENTIALS,
	NO_CAUSE,
	PROXY,
	GATEWAY,
	GATEWAY_SLOW,
	REFUSED,
	FAILED,
};

static const struct s3_meaning meanings[] = {
	[UNKNOWN_KEY] = { "unknown-key", "S3 does not know this key id", KEY_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[WRONG_SECRET] = { "wrong-secret", "the secret key does not belong to this key id", SECRET_HINT, CODE_REFUSED,
		S3_LACKS_KEY },
	[CLOCK_SKEW] = { "clock-skew", "this machine's clock differs too much from S3's", CLOCK_HINT, CODE_REFUSED,
		S3_LACKS_KEY },
	[TOKEN_EXPIRED] = { "expired-token", "the session token has expired", TOKEN_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[TOKEN_OLD] = { "expired-token", "the session token must be renewed", TOKEN_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[TOKEN_INVALID] = { "invalid-token", "the session token is malformed or not of this key", TOKEN_HINT, CODE_REFUSED,
		S3_LACKS_KEY },
	[DENIED] = { "access-denied", "the key is valid but not allowed to do this here", GRANT_HINT, CODE_REFUSED,
		S3_LACKS_RIGHT, .write_hint = WRITE_HINT },
	[SWITCHED_OFF] = { "access-denied", "all access to this bucket has been switched off", OWNER_HINT, CODE_REFUSED,
		S3_LACKS_BUCKET },
	[ACCOUNT] = { "access-denied", "there is a problem with the bucket's account", OWNER_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[SUSPENDED] = { "access-denied", "the key's user has been suspended",
		"ask who gave the key, or give the key of another user", CODE_REFUSED, S3_LACKS_KEY },
	[NOT_SIGNED_UP] = { "access-denied", "the account has not signed up for S3", OWNER_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[QUOTA] = { "quota", "the bucket's or the user's quota is used up", "free space or raise it", CODE_REFUSED,
		S3_LACKS_SPACE },
	[FULL] = { "quota", "S3's storage is full", "free space, or ask who runs it", CODE_REFUSED, S3_LACKS_SPACE },
	[TOO_LARGE] = { "too-large", "the object is larger than S3 takes", "split it, or move it out of the mount",
		CODE_REFUSED, S3_LACKS_OBJECT },
	[BAD_NAME] = { "bad-name", "S3 takes no key of this name or length (at most 1,024 bytes, prefix and folders included)",
		"rename it", CODE_REFUSED, S3_LACKS_OBJECT },
	[KEY_NOT_HERE] = { "access-denied", "S3 does not take this key for this bucket", KEY_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[NO_BUCKET] = { "no-such-bucket", "there is no such bucket here", BUCKET_HINT, CODE_REFUSED, S3_LACKS_BUCKET },
	[NO_NAME] = { "no-such-bucket", "no bucket can have this name", BUCKET_HINT, CODE_REFUSED, S3_LACKS_BUCKET },
	[VIRTUAL_ONLY] = { "wrong-address",
		"it refuses requests of path style (https://host/bucket): it wants https://bucket.host",
		"set S3_ADDRESSING_STYLE=virtual", CODE_REFUSED, S3_LACKS_BUCKET },
	[SIGNED_REGION] = { "wrong-region", "the signature is for another region than the bucket's", REGION_HINT, CODE_REFUSED,
		S3_LACKS_BUCKET },
	[OTHER_REGION] = { "wrong-region", "the bucket is in another region", REGION_HINT, CODE_REFUSED, S3_LACKS_BUCKET },
	[NO_REGION] = { "wrong-region", "the server does not know this region",
		"set S3_REGION to one that it knows (Cloudflare: auto)", CODE_REFUSED, S3_LACKS_BUCKET },
	[THROTTLED] = { "throttled", "S3 asks to slow down", AGAIN_HINT, CODE_UNREACHABLE, S3_LACKS_SERVER, true },
	[INTERNAL] = { "server-error", "S3 has an internal error", SERVER_HINT, CODE_UNREACHABLE, S3_LACKS_SERVER, true },
	[NOT_NOW] = { "server-error", "S3 is not available now", AGAIN_HINT, CODE_UNREACHABLE, S3_LACKS_SERVER, true },
	[CREDENTIALS] = { "access-denied", "S3 does not take these credentials", KEY_HINT, CODE_REFUSED, S3_LACKS_KEY },
	[NO_CAUSE] = { "access-denied", "S3 refuses and tells no cause that is known", GRANT_HINT, CODE_REFUSED, S3_LACKS_RIGHT,
		.write_hint = WRITE_HINT },
	[PROXY] = { "egress-blocked", "a proxy asks for a login", "let this host through without a proxy", CODE_UNREACHABLE,
		S3_LACKS_SERVER },
	[GATEWAY] = { "server-error", "a gateway before S3 has no answer", SERVER_HINT, CODE_UNREACHABLE, S3_LACKS_SERVER,
		true },
	[GATEWAY_SLOW] = { "server-error", "a gateway before S3 waited too long", SERVER_HINT, CODE_UNREACHABLE,
		S3_LACKS_SERVER, true },
	[REFUSED] = { "refused", "S3 refuses the request", ENDPOINT_HINT, CODE_REFUSED, S3_LACKS_OBJECT },
	[FAILED] = { "server-error", "S3 has failed", SERVER_HINT, CODE_UNREACHABLE, S3_LACKS_SERVER },
};

static const struct {
	const char *s3_code;
	unsigned char meaning;
} codes[] = {
	{ "InvalidAccessKeyId", UNKNOWN_KEY },
	{ "SignatureDoesNotMatch", WRONG_SECRET },
	{ "RequestTimeTooSkewed", CLOCK_SKEW },
	{ "RequestExpired", CLOCK_SKEW },
	{ "ExpiredToken", TOKEN_EXPIRED },
	{ "ExpiredTokenException", TOKEN_EXPIRED },
	{ "TokenRefreshRequired", TOKEN_OLD },
	{ "InvalidToken", TOKEN_INVALID },
	{ "AccessDenied", DENIED },
	{ "AllAccessDisabled", SWITCHED_OFF },
	{ "AccountProblem", ACCOUNT },
	{ "UserProjectAccountProblem", ACCOUNT },
	{ "UserSuspended", SUSPENDED },
	{ "NotSignedUp", NOT_SIGNED_UP },
	{ "QuotaExceeded", QUOTA },
	{ "XMinioAdminBucketQuotaExceeded", QUOTA },
	{ "XMinioStorageFull", FULL },
	{ "InsufficientStorage", FULL },
	{ "EntityTooLarge", TOO_LARGE },
	{ "KeyTooLongError", BAD_NAME },
	{ "KeyTooLong", BAD_NAME },
	{ "InvalidObjectName", BAD_NAME },
	{ "XMinioInvalidObjectName", BAD_NAME },
	{ "Unauthorized", KEY_NOT_HERE },
	{ "NoSuchBucket", NO_BUCKET },
	{ "InvalidBucketName", NO_NAME },
	{ "InvalidPathAccess", VIRTUAL_ONLY },		/* Volcengine TOS */
	{ "SecondLevelDomainForbidden", VIRTUAL_ONLY }, /* Alibaba OSS */
	{ "PathStyleDomainForbidden", VIRTUAL_ONLY },	/* Tencent COS */
	{ "VirtualHostDomainRequired", VIRTUAL_ONLY },	/* Huawei OBS */
	{ "AuthorizationHeaderMalformed", SIGNED_REGION },
	{ "PermanentRedirect", OTHER_REGION },
	{ "TemporaryRedirect", OTHER_REGION },
	{ "Redirect", OTHER_REGION },
	{ "BucketRegionError", OTHER_REGION }, /* not S3's but the AWS SDK's */
	{ "IllegalLocationConstraintException", OTHER_REGION },
	{ "InvalidRegionName", NO_REGION },
	{ "SlowDown", THROTTLED },
	{ "SlowDownRead", THROTTLED },
	{ "SlowDownWrite", THROTTLED },
	{ "TooManyRequests", THROTTLED },
	{ "RequestLimitExceeded", THROTTLED },
	{ "InternalError", INTERNAL },
	{ "ServiceUnavailable", NOT_NOW },
	{ "RequestTimeout", NOT_NOW },
	{ "XMinioServerNotInitialized", NOT_NOW },
};

/* For answers whose code is not known. */
static const struct {
	unsigned short status;
	unsigned char meaning;
} statuses[] = {
	{ 401, CREDENTIALS },
	{ 403, NO_CAUSE },
	{ 407, PROXY },
	{ 413, TOO_LARGE },
	{ 429, THROTTLED },
	{ 500, INTERNAL },
	{ 502, GATEWAY },
	{ 503, NOT_NOW },
	{ 504, GATEWAY_SLOW },
	{ 507, FULL },
};

static const struct s3_meaning *meaning_of_code(const char *s3_code)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (strcmp(codes[i].s3_code, s3_code) == 0)
			return &meanings[codes[i].meaning];
	return NULL;
}

bool s3_code_known(const char *s3_code)
{
	return meaning_of_code(s3_code) != NULL;
}

const struct s3_meaning *s3_meaning_of(const char *s3_code, int status)
{
	const struct s3_meaning *m = meaning_of_code(s3_code);

	if (m)
		return m;
	for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
		if (statuses[i].status == status)
			return &meanings[statuses[i].meaning];
	return &meanings[status >= 500 ? FAILED : REFUSED];
}

/* Appends what fits of TEXT to the field: it may come in several pieces (CDATA, a comment in between). */
static void append_to_field(char *field, size_t size, struct span text)
{
	size_t have = strlen(field);
	struct buf b = buf_over(field + have, size - have);
	size_t room = size - have - 1;

	if (text.n > room)
		text.n = room; /* decoding never makes it longer */
	xml_text(&b, text);
}

static void add_error_text(struct s3_error *out, struct span element, struct span text)
{
	if (span_is(element, "Code"))
		append_to_field(out->code, sizeof out->code, text);
	else if (span_is(element, "Message"))
		append_to_field(out->message, sizeof out->message, text);
	else if (span_is(element, "Region"))
		append_to_field(out->region, sizeof out->region, text);
}

/* Parses all of BODY; OUT may be NULL. */
static bool read_document(struct span body, const char *root, struct s3_error *out)
{
	enum xml_token t;
	struct xml x;

	xml_start(&x, body);
	if (xml_next(&x) != XML_OPEN || !span_is(x.name, root))
		return false;
	while ((t = xml_next(&x)) != XML_END && t != XML_BAD)
		if (out && t == XML_TEXT && x.depth == 2)
			add_error_text(out, x.open[1], x.text);
	return t == XML_END;
}

bool s3_document_is(struct span body, const char *name)
{
	return read_document(body, name, NULL);
}

int s3_error_read(struct s3_error *out, struct span body)
{
	*out = (struct s3_error){ 0 };
	if (read_document(body, "Error", out) && out->code[0] && span_all(span_of(out->code), char_is_alnum, "."))
		return 0;
	*out = (struct s3_error){ 0 };
	return -1;
}

bool s3_listing_is_encoded(struct span body)
{
	enum xml_token t;
	struct xml x;

	xml_start(&x, body);
	while ((t = xml_next(&x)) != XML_END && t != XML_BAD)
		if (t == XML_TEXT && x.depth == 2 && span_is(x.open[1], "EncodingType") && span_is(x.text, "url"))
			return true;
	return false;
}
