/*
 * verify_test.c - chains of certificates that are made and signed here, and what becomes of each. Servers that show such to rclone too:
 * test_certificates.py.
 */

#include "unit.h"

#include "http/der.h"
#include "http/verify.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define NOW 1790000000 /* September 2026 */

#define BYTES(literal)                       \
	{                                    \
		literal, sizeof(literal) - 1 \
	}

/* From when until when. */
#define VALID "260101000000Z270101000000Z"
#define EXPIRED "250101000000Z260101000000Z"
#define TO_COME "270101000000Z280101000000Z"
#define UNTIL_NOW "250101000000Z260921141320Z"
#define UNTIL_THEN "250101000000Z260921141319Z"
#define FROM_NOW "260921141320Z270101000000Z"

#define ID "\x06\x03\x55\x1d" /* of extensions */
#define SERVERS "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"
#define CLIENTS "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02"
#define POLICY(n) "\x30\x04\x06\x02\x2a" n
#define ANY_POLICY "\x30\x06\x06\x04\x55\x1d\x20\x00"
#define LOCALHOST "\x82\x09localhost"
#define LOOPBACK "\x87\x04\x7f\x00\x00\x01"
#define ONLY(name) "\xa0\x0d\x30\x0b\x82\x09" name /* of nine letters */
#define NOT(name) "\xa1\x0d\x30\x0b\x82\x09" name

/* What a certificate says; nothing of what is empty. Lists without what is around them. */
struct spec {
	const char *dates; /* NULL: VALID */
	struct span names, purposes, limits, policies;
	char usage; /* SIGNS or another; 0: nothing */
	enum { NO_WORD, NONE, AUTHORITY } is;
	int length; /* of the path below it; -1: nothing */
	bool wants_policy, maps_policy, maps_any;
	bool strange; /* has a critical extension that nobody knows */
	bool old;     /* version 1, which has no extensions */
	bool forged;  /* its signature is that of something else */
	bool padded;  /* it has a zero too many in front of its first number */
	bool alike;   /* has the name of the one above it */
};

#define SIGNS 0x04
#define ENCRYPTS 0x20
#define LEAF .names = BYTES(LOCALHOST LOOPBACK), .length = -1
#define ABOVE .is = AUTHORITY, .usage = SIGNS, .length = -1

static const unsigned char secret[32] = { 1, 2, 3 };
static const br_ec_private_key private_key = { BR_EC_secp256r1, (unsigned char *)secret, sizeof secret };

static void put(struct buf *out, unsigned tag, const struct buf *content)
{
	der_put(out, tag, buf_all(content));
}

/* VALUE inside HEAD and TAG as an extension. */
static void extend(struct buf *out, const char *id, bool critical, unsigned tag, struct span value)
{
	char mem[3][600];
	struct buf inner = buf_over(mem[0], 600), one = buf_over(mem[1], 600);

	der_put(&inner, tag, value);
	buf_add(&one, ID, 4);
	buf_str(&one, id);
	if (critical)
		buf_add(&one, "\x01\x01\xff", 3);
	put(&one, DER_OCTETS, &inner);
	put(out, DER_SEQUENCE, &one);
}

static void extend_basic(struct buf *out, const struct spec *s)
{
	char length[] = { 2, 1, (char)s->length }, all[6] = "\x01\x01\xff";
	struct span value = { all, s->is == AUTHORITY ? 3 : 0 };

	if (s->length >= 0) {
		memcpy(all + value.n, length, sizeof length);
		value.n += sizeof length;
	}
	extend(out, "\x13", true, DER_SEQUENCE, value);
}

static void extensions(struct buf *out, const struct spec *s)
{
	char usage[] = { s->usage == SIGNS ? 2 : 5, s->usage };

	if (s->is)
		extend_basic(out, s);
	if (s->usage)
		extend(out, "\x0f", true, DER_BITS, (struct span){ usage, 2 });
	if (s->names.n)
		extend(out, "\x11", false, DER_SEQUENCE, s->names);
	if (s->limits.n)
		extend(out, "\x1e", false, DER_SEQUENCE, s->limits);
	if (s->policies.n)
		extend(out, "\x20", false, DER_SEQUENCE, s->policies);
	if (s->maps_policy)
		extend(out, "\x21", false, DER_SEQUENCE, SPAN("\x30\x08\x06\x02\x2a\x01\x06\x02\x2a\x02"));
	if (s->maps_any)
		extend(out, "\x21", false, DER_SEQUENCE, SPAN("\x30\x0a\x06\x04\x55\x1d\x20\x00\x06\x02\x2a\x02"));
	if (s->wants_policy)
		extend(out, "\x24", false, DER_SEQUENCE, SPAN("\x80\x01\x00"));
	if (s->purposes.n)
		extend(out, "\x25", false, DER_SEQUENCE, s->purposes);
	if (s->strange)
		extend(out, "\x7f", true, DER_NULL, SPAN(""));
}

static void put_name(struct buf *out, size_t number)
{
	char text[64];

	buf_fmt(out, "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04%s",
		(snprintf(text, sizeof text, "n%03zu", number), text));
}

static void put_key(struct buf *out)
{
	static const struct span head = BYTES(
		"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00");
	unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];

	buf_span(out, head);
	buf_add(out, point, br_ec_compute_pub(&br_ec_prime_i31, NULL, point, &private_key));
}

static const struct span ecdsa = BYTES("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02");

/* SEQUENCE { INTEGER r, INTEGER s }, all shorter than 128 bytes. */
static size_t pad(unsigned char *signature, size_t n)
{
	memmove(signature + 5, signature + 4, n - 4);
	signature[4] = 0;
	signature[3]++;
	signature[1]++;
	return n + 1;
}

static void sign(struct buf *out, struct span what, const struct spec *s)
{
	unsigned char digest[32], bits[1 + BR_EC_KBUF_PUB_MAX_SIZE * 2] = { 0 };
	br_sha256_context c;
	size_t n;

	br_sha256_init(&c);
	br_sha256_update(&c, what.p, what.n - s->forged);
	br_sha256_out(&c, digest);
	n = br_ecdsa_i31_sign_asn1(&br_ec_prime_i31, &br_sha256_vtable, digest, &private_key, bits + 1);
	assert_true(n);
	if (s->padded)
		n = pad(bits + 1, n);
	der_put(out, DER_BITS, (struct span){ (char *)bits, n + 1 });
}

/* The certificate NUMBER, which NUMBER + 1 has signed. All of them have one key. */
static void make(struct buf *out, const struct spec *s, size_t number)
{
	const char *from = s->dates ? s->dates : VALID;
	char mem[5][2000];
	struct buf list = buf_over(mem[0], 2000), wrapped = buf_over(mem[1], 2000), tbs = buf_over(mem[2], 2000),
		   whole = buf_over(mem[3], 2000), dates = buf_over(mem[4], 2000);

	extensions(&list, s);
	put(&wrapped, DER_SEQUENCE, &list);
	if (!s->old)
		buf_add(&tbs, "\xa0\x03\x02\x01\x02", 5);
	buf_add(&tbs, "\x02\x01\x01", 3);
	buf_span(&tbs, ecdsa);
	put_name(&tbs, number + 1);
	der_put(&dates, DER_UTC_TIME, (struct span){ from, 13 });
	der_put(&dates, DER_UTC_TIME, (struct span){ from + 13, 13 });
	put(&tbs, DER_SEQUENCE, &dates);
	put_name(&tbs, number + s->alike);
	put_key(&tbs);
	if (list.len)
		put(&tbs, DER_CONTEXT_CONS + 3, &wrapped);
	put(&whole, DER_SEQUENCE, &tbs);
	buf_span(&whole, ecdsa);
	sign(&whole, (struct span){ whole.p, whole.len - ecdsa.n }, s);
	buf_clear(out);
	put(out, DER_SEQUENCE, &whole);
	assert_false(out->full);
}

static void show(struct verify *v, struct span der)
{
	v->vtable->start_cert(&v->vtable, (uint32_t)der.n);
	for (size_t i = 0; i < der.n; i += 100)
		v->vtable->append(&v->vtable, (const unsigned char *)der.p + i, der.n - i < 100 ? der.n - i : 100);
	v->vtable->end_cert(&v->vtable);
}

static struct verify v; /* too large for the stack */
static char root[2000];
static struct trust_anchor anchor;
static const struct trust trust = { .anchors = &anchor, .count = 1 };

/* What NUMBER is becomes the bundle. */
static void believe_in(const struct spec *s, size_t number)
{
	struct buf der = buf_over(root, sizeof root);

	make(&der, s, number);
	assert_true(cert_read(&anchor.cert, buf_all(&der)) && cert_key(anchor.cert.key, &anchor.key));
}

/* What becomes of COUNT certificates, the last of which is in the bundle and not shown. */
static unsigned verdict(const struct spec *specs, size_t count, const char *host, struct span ip)
{
	char mem[2000];
	struct buf one = buf_over(mem, sizeof mem);

	believe_in(&specs[count - 1], count - 1);
	verify_init(&v, &trust, ip, NOW);
	v.vtable->start_chain(&v.vtable, host);
	for (size_t i = 0; i + 1 < count; i++) {
		make(&one, &specs[i], i);
		show(&v, buf_all(&one));
	}
	return v.vtable->end_chain(&v.vtable);
}

#define GOOD 0
#define NO_CA BR_ERR_X509_NOT_CA
#define USE BR_ERR_X509_FORBIDDEN_KEY_USAGE
#define CRITICAL BR_ERR_X509_CRITICAL_EXTENSION
#define DATES BR_ERR_X509_EXPIRED
#define NAME BR_ERR_X509_BAD_SERVER_NAME
#define STRANGER BR_ERR_X509_NOT_TRUSTED

static const struct {
	const char *what;
	struct spec chain[4]; /* from the server's to that in the bundle */
	unsigned error;
} cases[] = {
	{ "two", { { LEAF }, { ABOVE } }, GOOD },
	{ "three", { { LEAF }, { ABOVE }, { ABOVE } }, GOOD },
	{ "four", { { LEAF }, { ABOVE }, { ABOVE }, { ABOVE } }, GOOD },

	{ "no names", { { .length = -1 }, { ABOVE } }, NAME },
	{ "in capitals", { { .names = BYTES("\x82\11LocalHosT"), .length = -1 }, { ABOVE } }, GOOD },
	{ "another's name alone", { { .names = BYTES("\x82\11localhos_"), .length = -1 }, { ABOVE } }, NAME },

	{ "in the middle no authority", { { LEAF }, { .is = NONE, .usage = SIGNS, .length = -1 }, { ABOVE } }, NO_CA },
	{ "in the middle no word of it", { { LEAF }, { .usage = SIGNS, .length = -1 }, { ABOVE } }, NO_CA },
	{ "in the bundle no authority", { { LEAF }, { .is = NONE, .usage = SIGNS, .length = -1 } }, NO_CA },
	{ "in the bundle no word of it", { { LEAF }, { .usage = SIGNS, .length = -1 } }, NO_CA },
	{ "in the middle no word of a use", { { LEAF }, { .is = AUTHORITY, .length = -1 }, { ABOVE } }, GOOD },
	{ "in the middle another use", { { LEAF }, { .is = AUTHORITY, .usage = ENCRYPTS, .length = -1 }, { ABOVE } }, USE },
	{ "in the bundle another use", { { LEAF }, { .is = AUTHORITY, .usage = ENCRYPTS, .length = -1 } }, USE },

	{ "in the bundle an old one, without a word", { { LEAF }, { .old = true, .length = -1 } }, GOOD },
	{ "in the middle an old one", { { LEAF }, { .old = true, .length = -1 }, { ABOVE } }, NO_CA },

	{ "path as long as it may be", { { LEAF }, { ABOVE }, { .is = AUTHORITY, .usage = SIGNS, .length = 1 } }, GOOD },
	{ "path too long for the bundle", { { LEAF }, { ABOVE }, { .is = AUTHORITY, .usage = SIGNS, .length = 0 } }, NO_CA },
	{ "path too long in the middle", { { LEAF }, { ABOVE }, { .is = AUTHORITY, .usage = SIGNS, .length = 0 }, { ABOVE } },
		NO_CA },

	{ "expired", { { LEAF, .dates = EXPIRED }, { ABOVE } }, DATES },
	{ "to come", { { LEAF, .dates = TO_COME }, { ABOVE } }, DATES },
	{ "its first second", { { LEAF, .dates = FROM_NOW }, { ABOVE } }, GOOD },
	{ "its last second", { { LEAF, .dates = UNTIL_NOW }, { ABOVE } }, GOOD },
	{ "a second too late", { { LEAF, .dates = UNTIL_THEN }, { ABOVE } }, DATES },
	{ "the middle expired", { { LEAF }, { ABOVE, .dates = EXPIRED }, { ABOVE } }, DATES },
	{ "the bundle expired", { { LEAF }, { ABOVE, .dates = EXPIRED } }, DATES },

	{ "for servers", { { LEAF, .purposes = BYTES(CLIENTS SERVERS) }, { ABOVE, .purposes = BYTES(SERVERS) } }, GOOD },
	{ "for clients", { { LEAF, .purposes = BYTES(CLIENTS) }, { ABOVE } }, VERIFY_PURPOSE },
	{ "below one for clients", { { LEAF }, { ABOVE, .purposes = BYTES(CLIENTS) }, { ABOVE } }, VERIFY_PURPOSE },
	{ "below one for clients in the bundle", { { LEAF }, { ABOVE, .purposes = BYTES(CLIENTS) } }, VERIFY_PURPOSE },

	{ "critical", { { LEAF, .strange = true }, { ABOVE } }, CRITICAL },
	{ "critical in the middle", { { LEAF }, { ABOVE, .strange = true }, { ABOVE } }, CRITICAL },
	{ "critical in the bundle", { { LEAF }, { ABOVE, .strange = true } }, CRITICAL },

	{ "permitted",
		{ { .names = BYTES(LOCALHOST), .length = -1 }, { ABOVE, .limits = BYTES(ONLY("localhost")) }, { ABOVE } },
		GOOD },
	{ "not permitted", { { LEAF }, { ABOVE, .limits = BYTES(ONLY("b.example")) }, { ABOVE } }, VERIFY_CONSTRAINT },
	{ "excluded", { { LEAF }, { ABOVE, .limits = BYTES(NOT("localhost")) }, { ABOVE } }, VERIFY_CONSTRAINT },
	{ "excluded by the bundle", { { LEAF }, { ABOVE }, { ABOVE, .limits = BYTES(NOT("localhost")) } }, VERIFY_CONSTRAINT },
	{ "the middle's name excluded",
		{ { LEAF }, { ABOVE, .names = BYTES("\x82\11b.example") }, { ABOVE, .limits = BYTES(NOT("b.example")) } },
		VERIFY_CONSTRAINT },
	{ "another excluded", { { LEAF }, { ABOVE }, { ABOVE, .limits = BYTES(NOT("b.example")) } }, GOOD },

	{ "wants a policy, has none", { { LEAF }, { ABOVE, .wants_policy = true }, { ABOVE } }, VERIFY_POLICY },
	{ "wants a policy of its own", { { LEAF, .wants_policy = true }, { ABOVE } }, VERIFY_POLICY },
	{ "a policy in common",
		{ { LEAF, .policies = BYTES(POLICY("\3") POLICY("\2")) },
			{ ABOVE, .wants_policy = true, .policies = BYTES(POLICY("\1") POLICY("\2")) }, { ABOVE } },
		GOOD },
	{ "policies of their own",
		{ { LEAF, .policies = BYTES(POLICY("\3")) }, { ABOVE, .wants_policy = true, .policies = BYTES(POLICY("\1")) },
			{ ABOVE } },
		VERIFY_POLICY },
	{ "one of three lacks it",
		{ { LEAF, .policies = BYTES(POLICY("\1")) }, { ABOVE, .policies = BYTES(POLICY("\2")) },
			{ ABOVE, .wants_policy = true, .policies = BYTES(POLICY("\1")) }, { ABOVE } },
		VERIFY_POLICY },
	{ "any policy is none",
		{ { LEAF, .policies = BYTES(ANY_POLICY) }, { ABOVE, .wants_policy = true, .policies = BYTES(ANY_POLICY) },
			{ ABOVE } },
		VERIFY_POLICY },
	{ "mapped, and none wanted", { { LEAF }, { ABOVE, .maps_policy = true }, { ABOVE } }, GOOD },
	{ "mapped, and one wanted",
		{ { LEAF, .policies = BYTES(POLICY("\2")) },
			{ ABOVE, .wants_policy = true, .maps_policy = true, .policies = BYTES(POLICY("\2")) }, { ABOVE } },
		VERIFY_POLICY },
	{ "any policy mapped", { { LEAF }, { ABOVE, .maps_any = true }, { ABOVE } }, VERIFY_POLICY },

	{ "a padded signature", { { LEAF, .padded = true }, { ABOVE } }, VERIFY_MALFORMED },
	{ "a padded signature in the middle", { { LEAF }, { ABOVE, .padded = true }, { ABOVE } }, VERIFY_MALFORMED },
	{ "an address of five bytes", { { .names = BYTES(LOCALHOST "\x87\5abcde"), .length = -1 }, { ABOVE } },
		VERIFY_MALFORMED },

	{ "forged", { { LEAF, .forged = true }, { ABOVE } }, STRANGER },
	{ "forged below the middle", { { LEAF, .forged = true }, { ABOVE }, { ABOVE } }, BR_ERR_X509_BAD_SIGNATURE },
	{ "forged in the middle", { { LEAF }, { ABOVE, .forged = true }, { ABOVE } }, STRANGER },
	{ "of the authority's own name", { { LEAF, .alike = true }, { ABOVE } }, GOOD },
};

static size_t length_of(const struct spec *chain)
{
	size_t n = 0;

	while (n < COUNT(cases->chain) && (chain[n].length || chain[n].is))
		n++;
	return n;
}

static void test_chains(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		unsigned error = verdict(cases[i].chain, length_of(cases[i].chain), "localhost", SPAN(""));

		if (error != cases[i].error)
			fail_msg("%s: %u, not %u", cases[i].what, error, cases[i].error);
	}
}

/* A name proves nothing of an address, nor an address of a name. */
static void test_addresses(void **state)
{
	static const struct spec names[] = { { .names = BYTES("\x82\11"
							      "127.0.0.1"),
						     .length = -1 },
		{ ABOVE } };
	static const struct spec both[] = { { LEAF }, { ABOVE } };
	static const struct spec address[] = { { .names = BYTES(LOOPBACK), .length = -1 }, { ABOVE } };

	(void)state;
	assert_int_equal(verdict(both, 2, NULL, SPAN("\x7f\0\0\1")), GOOD);
	assert_int_equal(verdict(both, 2, NULL, SPAN("\x7f\0\0\2")), NAME);
	assert_int_equal(verdict(names, 2, NULL, SPAN("\x7f\0\0\1")), NAME);
	assert_int_equal(verdict(address, 2, NULL, SPAN("\x7f\0\0\1")), GOOD);
	assert_int_equal(verdict(address, 2, "localhost", SPAN("")), NAME);
	assert_int_equal(verdict(both, 2, "localhos", SPAN("")), NAME);
}

/* For the message: which dates did not hold, whose name is in it. */
static void test_what_is_known_of_a_refused_one(void **state)
{
	static const struct spec expired[] = { { LEAF, .dates = EXPIRED }, { ABOVE, .dates = TO_COME }, { ABOVE } };
	static const struct spec good[] = { { LEAF }, { ABOVE } };

	(void)state;
	assert_int_equal(verdict(expired, 3, "localhost", SPAN("")), DATES);
	assert_int_equal(v.not_before, 1735689600);
	assert_int_equal(v.not_after, 1767225600);
	assert_string_equal(v.name, "localhost");
	assert_int_equal(verdict(good, 2, "other", SPAN("")), NAME);
	assert_int_equal(v.not_after, 0);
	assert_string_equal(v.name, "localhost");
}

/* What is in the bundle byte for byte vouches for itself, and for nothing that is only like it. */
static void test_pinned(void **state)
{
	static const struct spec server = { LEAF }, renewed = { LEAF, .dates = UNTIL_NOW };
	const struct spec *shown[] = { &server, &renewed };
	static const unsigned errors[] = { GOOD, STRANGER };
	char mem[2000];
	struct buf one = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t i = 0; i < COUNT(shown); i++) {
		believe_in(&server, 0);
		make(&one, shown[i], 0);
		verify_init(&v, &trust, SPAN(""), NOW);
		v.vtable->start_chain(&v.vtable, "localhost");
		show(&v, buf_all(&one));
		assert_int_equal(v.vtable->end_chain(&v.vtable), errors[i]);
	}
}

/* Go reads all that is sent, also what nobody needs. */
static void test_malformed_behind_a_good_chain(void **state)
{
	static const struct spec server = { LEAF }, authority = { ABOVE };
	char mem[2000];
	struct buf one = buf_over(mem, sizeof mem);

	(void)state;
	for (size_t cut = 0; cut < 2; cut++) {
		believe_in(&authority, 1);
		verify_init(&v, &trust, SPAN(""), NOW);
		v.vtable->start_chain(&v.vtable, "localhost");
		make(&one, &server, 0);
		show(&v, buf_all(&one));
		make(&one, &authority, 1);
		show(&v, (struct span){ one.p, one.len - cut });
		assert_int_equal(v.vtable->end_chain(&v.vtable), cut ? VERIFY_MALFORMED : GOOD);
	}
}

static void test_a_long_chain(void **state)
{
	static struct spec specs[VERIFY_CHAIN_MAX + 2] = { { LEAF } };

	(void)state;
	for (size_t i = 1; i < COUNT(specs); i++)
		specs[i] = (struct spec){ ABOVE };
	assert_int_equal(verdict(specs, VERIFY_CHAIN_MAX + 1, "localhost", SPAN("")), GOOD);
	assert_int_equal(verdict(specs, VERIFY_CHAIN_MAX + 2, "localhost", SPAN("")), STRANGER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_what_is_known_of_a_refused_one),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_malformed_behind_a_good_chain),
		cmocka_unit_test(test_a_long_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
