#include "s3/sigv4.h"

#include "base/chars.h"
#include "base/text.h"

#include <bearssl.h>
#include <time.h>

#define HASH 32

void sigv4_date(char out[SIGV4_DATE], int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm t = { 0 };

	gmtime_r(&when, &t);
	text_fmt(out, SIGV4_DATE, "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min,
		t.tm_sec);
}

void sigv4_hash(char out[65], struct span data)
{
	struct buf b = buf_over(out, 65);
	br_sha256_context h;
	unsigned char sum[HASH];

	br_sha256_init(&h);
	br_sha256_update(&h, data.p, data.n);
	br_sha256_out(&h, sum);
	buf_hex(&b, sum, sizeof sum);
}

/* RFC 3986, 2.3 */
static bool is_unreserved(unsigned char c)
{
	return char_is_alnum((char)c) || c == '-' || c == '.' || c == '_' || c == '~';
}

static void percent_encode(struct buf *out, struct span s, bool keep_slash)
{
	static const char digit[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (is_unreserved(c) || (keep_slash && c == '/'))
			buf_char(out, (char)c);
		else
			buf_add(out, (const char[]){ '%', digit[c >> 4], digit[c & 15] }, 3);
	}
}

void sigv4_path(struct buf *out, struct span path)
{
	percent_encode(out, path, true);
}

/* Compares two strings as they sort when encoded; then an encoded byte begins with '%'. */
static int compare_encoded(struct span a, struct span b)
{
	size_t i = 0;
	int x, y, px, py;

	while (i < a.n && i < b.n && a.p[i] == b.p[i])
		i++;
	if (i == a.n || i == b.n)
		return (a.n > b.n) - (a.n < b.n);
	x = (unsigned char)a.p[i];
	y = (unsigned char)b.p[i];
	px = is_unreserved((unsigned char)x) ? x : '%';
	py = is_unreserved((unsigned char)y) ? y : '%';
	return px != py ? px - py : x - y;
}

static bool sorts_before(const struct sigv4_pair *a, const struct sigv4_pair *b)
{
	int order = compare_encoded(a->name, b->name);

	return order ? order < 0 : compare_encoded(a->value, b->value) < 0;
}

/* Fills SORTED with the pairs in order. False when there are too many. */
static bool sort_pairs(const struct sigv4_pair *sorted[SIGV4_PAIRS_MAX], const struct sigv4_pair *pairs, size_t count)
{
	if (count > SIGV4_PAIRS_MAX)
		return false;
	for (size_t n = 0; n < count; n++) {
		size_t at = n;

		for (; at && sorts_before(&pairs[n], sorted[at - 1]); at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &pairs[n];
	}
	return true;
}

void sigv4_query(struct buf *out, const struct sigv4_pair *query, size_t count)
{
	const struct sigv4_pair *sorted[SIGV4_PAIRS_MAX];

	if (!sort_pairs(sorted, query, count)) {
		out->full = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(out, '&');
		percent_encode(out, sorted[i]->name, false);
		buf_char(out, '=');
		percent_encode(out, sorted[i]->value, false);
	}
}

/* Without blanks at its ends, and with each run of blanks inside as one. */
static void add_header_value(struct buf *out, struct span value)
{
	value = span_trim(value);
	for (size_t i = 0; i < value.n; i++) {
		if (!char_is_blank(value.p[i]))
			buf_char(out, value.p[i]);
		else if (!char_is_blank(value.p[i - 1]))
			buf_char(out, ' ');
	}
}

static void add_signed_names(struct buf *out, const struct sigv4_pair *const *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_char(out, ';');
		buf_span(out, sorted[i]->name);
	}
}

void sigv4_canonical(struct buf *out, const struct sigv4_request *r)
{
	const struct sigv4_pair *sorted[SIGV4_PAIRS_MAX];

	if (!sort_pairs(sorted, r->fields, r->field_count)) {
		out->full = true;
		return;
	}
	buf_span(out, r->method);
	buf_char(out, '\n');
	sigv4_path(out, r->path);
	buf_char(out, '\n');
	sigv4_query(out, r->query, r->query_count);
	buf_char(out, '\n');
	for (size_t i = 0; i < r->field_count; i++) {
		buf_span(out, sorted[i]->name);
		buf_char(out, ':');
		add_header_value(out, sorted[i]->value);
		buf_char(out, '\n');
	}
	buf_char(out, '\n');
	add_signed_names(out, sorted, r->field_count);
	buf_char(out, '\n');
	buf_span(out, r->payload_hash);
}

static void hmac_sha256(unsigned char out[HASH], const void *key, size_t n, struct span data)
{
	br_hmac_key_context k;
	br_hmac_context h;

	br_hmac_key_init(&k, &br_sha256_vtable, key, n);
	br_hmac_init(&h, &k, 0);
	br_hmac_update(&h, data.p, data.n);
	br_hmac_out(&h, out);
	explicit_bzero(&k, sizeof k);
	explicit_bzero(&h, sizeof h);
}

/* The signing key for a secret, day, region and service. */
static void derive_signing_key(unsigned char key[HASH], const struct creds *creds, const char *region, struct span day)
{
	const struct span steps[] = { day, span_of(region), SPAN("s3"), SPAN("aws4_request") };
	char first[4 + sizeof creds->secret];
	size_t n = text_fmt(first, sizeof first, "AWS4%s", creds->secret);

	hmac_sha256(key, first, n, steps[0]);
	for (size_t i = 1; i < sizeof steps / sizeof *steps; i++)
		hmac_sha256(key, key, HASH, steps[i]);
	explicit_bzero(first, sizeof first);
}

void sigv4_authorization(struct buf *out, const struct sigv4_request *r, struct span canonical, const struct creds *creds,
	const char *region, const char date[SIGV4_DATE])
{
	const struct sigv4_pair *sorted[SIGV4_PAIRS_MAX];
	unsigned char key[HASH], signature[HASH];
	char scope[128], to_sign[256], hash[65];
	struct buf s = buf_over(scope, sizeof scope), t = buf_over(to_sign, sizeof to_sign);

	if (!sort_pairs(sorted, r->fields, r->field_count)) {
		out->full = true;
		return;
	}
	sigv4_hash(hash, canonical);
	buf_fmt(&s, "%.8s/%s/s3/aws4_request", date, region);
	buf_fmt(&t, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash);
	derive_signing_key(key, creds, region, (struct span){ date, 8 });
	hmac_sha256(signature, key, sizeof key, buf_all(&t));
	explicit_bzero(key, sizeof key);
	buf_fmt(out, "AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=", creds->key_id, scope);
	add_signed_names(out, sorted, r->field_count);
	buf_str(out, ",Signature=");
	buf_hex(out, signature, sizeof signature);
	out->full = out->full || s.full || t.full;
}
