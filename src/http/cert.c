#include "http/cert.h"

#include "base/chars.h"
#include "http/der.h"
#include "http/names.h"

#define RSA_BITS_MAX 8192
#define EXTENSIONS_MAX 64 /* no two may be the same; certificates have a dozen */
#define POLICIES_MAX 64

/* UTF-16 without surrogates and non-characters. */
static bool is_bmp(struct span s)
{
	for (; s.n >= 2; s = span_skip(s, 2)) {
		unsigned c = (unsigned)(unsigned char)s.p[0] << 8 | (unsigned char)s.p[1];

		if (c >= 0xfffe || (c >= 0xfdd0 && c <= 0xfdef) || (c >= 0xd800 && c <= 0xdfff))
			return false;
	}
	return !s.n;
}

static bool is_string_of_tag(unsigned tag, struct span s)
{
	switch (tag) {
	case DER_UTF8:
		return span_is_utf8(s);
	case DER_PRINTABLE:
		return span_all(s, char_is_alnum, "'()+,-./ :=?*&");
	case DER_NUMERIC:
		return span_all(s, char_is_digit, " ");
	case DER_IA5:
		return span_all(s, char_is_ascii, "");
	case DER_BMP:
		return is_bmp(s);
	default:
		return tag == DER_T61;
	}
}

static bool read_attribute(struct span *set)
{
	struct span attribute, id, value;
	unsigned tag;

	return der_sequence(set, &attribute) && der_oid(&attribute, &id) && der_take_any(&attribute, &tag, &value) &&
	       is_string_of_tag(tag, value);
}

/* A Name: NAME gets the whole element. */
static bool read_name(struct span *in, struct span *name)
{
	struct span sets, set;

	if (!der_take(in, DER_SEQUENCE, &sets, name))
		return false;
	while (sets.n) {
		if (!der_take(&sets, DER_SET, &set, NULL))
			return false;
		while (set.n)
			if (!read_attribute(&set))
				return false;
	}
	return true;
}

static struct span strip_zero(struct span n)
{
	return n.n > 1 && !n.p[0] ? span_skip(n, 1) : n;
}

static unsigned bit_length(struct span number)
{
	unsigned bits = (unsigned)number.n * 8;

	for (unsigned char c = (unsigned char)number.p[0]; bits && !(c & 0x80); c = (unsigned char)(c << 1))
		bits--;
	return bits;
}

/* Odd and more than 1, or a signature proves nothing; at most 31 bits, as in Go. */
static bool rsa_exponent(struct span in, struct span *e)
{
	struct span number = in;
	long value;

	if (!der_number(&number, DER_INTEGER, 0x7fffffff, &value) || !der_integer(&in, e))
		return false;
	*e = strip_zero(*e);
	return value > 1 && value & 1;
}

static bool rsa_key(struct span alg, struct span bits, br_x509_pkey *k)
{
	struct span none, seq, n, e;

	if (!der_take(&alg, DER_NULL, &none, NULL) || none.n || alg.n || !der_sequence(&bits, &seq) || !der_integer(&seq, &n) ||
		!rsa_exponent(seq, &e))
		return false;
	if ((unsigned char)n.p[0] >= 0x80 || !(n.p[n.n - 1] & 1) || bit_length(n = strip_zero(n)) > RSA_BITS_MAX)
		return false;
	k->key_type = BR_KEYTYPE_RSA;
	k->key.rsa = (br_rsa_public_key){ (unsigned char *)n.p, n.n, (unsigned char *)e.p, e.n };
	return true;
}

static const struct curve {
	struct span oid;
	size_t bytes; /* of one coordinate */
	int id;
} curves[] = {
	{ { "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8 }, 32, BR_EC_secp256r1 },
	{ { "\x2b\x81\x04\x00\x22", 5 }, 48, BR_EC_secp384r1 },
	{ { "\x2b\x81\x04\x00\x23", 5 }, 66, BR_EC_secp521r1 },
};

/* A point in uncompressed form. Go supports P-224 too, which nobody uses. */
static bool ec_key(struct span alg, struct span bits, br_x509_pkey *k)
{
	struct span curve;

	if (!der_oid(&alg, &curve))
		return false;
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
		if (!span_eq(curve, curves[i].oid))
			continue;
		k->key_type = BR_KEYTYPE_EC;
		k->key.ec = (br_ec_public_key){ curves[i].id, (unsigned char *)bits.p, bits.n };
		return bits.n == 1 + 2 * curves[i].bytes && bits.p[0] == 4;
	}
	return false;
}

/* As cert_key(), but true with key_type 0 for a kind of key that BearSSL does not support. */
static bool read_key(struct span spki, br_x509_pkey *k)
{
	struct span alg, id, bits;

	k->key_type = 0;
	if (!der_sequence(&spki, &spki) || !der_sequence(&spki, &alg) || !der_oid(&alg, &id) || !der_bytes(&spki, &bits))
		return false;
	if (span_eq(id, SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")))
		return rsa_key(alg, bits, k);
	return !span_eq(id, SPAN("\x2a\x86\x48\xce\x3d\x02\x01")) || ec_key(alg, bits, k);
}

bool cert_key(struct span spki, br_x509_pkey *k)
{
	return read_key(spki, k) && k->key_type;
}

/* One for each extension that Go knows. Each returns false when VALUE is malformed. */

static bool read_subject_key_id(struct cert *c, struct span value)
{
	(void)c;
	return der_take(&value, DER_OCTETS, &value, NULL);
}

static bool read_authority_key_id(struct cert *c, struct span value)
{
	(void)c;
	return der_sequence(&value, &value) &&
	       (!der_is_next(value, DER_CONTEXT) || der_take(&value, DER_CONTEXT, &value, NULL));
}

/* Nine bits are defined, number 5 is keyCertSign; no bits at all restrict nothing. */
static bool read_key_usage(struct cert *c, struct span value)
{
	const unsigned char *p;
	struct span bits;

	if (!der_take(&value, DER_BITS, &bits, NULL) || !bits.n)
		return false;
	p = (const unsigned char *)bits.p;
	if (p[0] > 7 || (bits.n == 1 ? p[0] : p[bits.n - 1] & ((1 << p[0]) - 1)))
		return false;
	c->may_sign = bits.n == 1 || p[1] & 0x04 || (!p[1] && (bits.n == 2 || !(p[2] & 0x80)));
	return true;
}

static bool read_alt_names(struct cert *c, struct span value)
{
	unsigned known = 0;
	bool good = der_sequence(&value, &c->alt_names) && names_parse(c->alt_names, &known);

	c->unknown = !known;
	return good;
}

static bool read_basic_constraints(struct cert *c, struct span value)
{
	c->constrains = true;
	return der_sequence(&value, &value) && (!der_is_next(value, DER_BOOLEAN) || der_boolean(&value, &c->authority)) &&
	       (!der_is_next(value, DER_INTEGER) || der_number(&value, DER_INTEGER, 0x7fffffff, &c->path_length));
}

static bool read_name_constraints(struct cert *c, struct span value)
{
	struct span lists;

	if (!der_sequence(&value, &lists) || value.n)
		return false;
	if (der_is_next(lists, DER_CONTEXT_CONS) && !der_take(&lists, DER_CONTEXT_CONS, &c->permitted, NULL))
		return false;
	if (der_is_next(lists, DER_CONTEXT_CONS + 1) && !der_take(&lists, DER_CONTEXT_CONS + 1, &c->excluded, NULL))
		return false;
	return !lists.n && (c->permitted.n || c->excluded.n) && names_parse_subtrees(c->permitted, &c->unknown) &&
	       names_parse_subtrees(c->excluded, &c->unknown);
}

/* When a distribution point has a full name, the URIs at its front are checked. */
static bool read_crl_point(struct span point)
{
	struct span name;

	if (!der_is_next(point, DER_CONTEXT_CONS))
		return true;
	if (!der_take(&point, DER_CONTEXT_CONS, &name, NULL) || !der_take(&name, DER_CONTEXT_CONS, &name, NULL))
		return false;
	while (der_is_next(name, DER_CONTEXT + 6))
		if (!der_take(&name, DER_CONTEXT + 6, &point, NULL))
			return false;
	return true;
}

static bool read_crl_points(struct cert *c, struct span value)
{
	struct span point;

	(void)c;
	if (!der_sequence(&value, &value))
		return false;
	while (value.n)
		if (!der_sequence(&value, &point) || !read_crl_point(point))
			return false;
	return true;
}

bool cert_has_policy(struct span policies, struct span id)
{
	struct span one, other;

	while (der_sequence(&policies, &one))
		if (der_take(&one, DER_OID, &other, NULL) && span_eq(id, other))
			return true;
	return false;
}

static bool read_policies(struct cert *c, struct span value)
{
	struct span one, id, before;

	if (!der_sequence(&value, &value))
		return false;
	c->policies = value;
	for (int count = 0; value.n; count++) {
		before = (struct span){ c->policies.p, (size_t)(value.p - c->policies.p) };
		if (count == POLICIES_MAX || !der_sequence(&value, &one) || !der_oid(&one, &id) || cert_has_policy(before, id))
			return false;
	}
	return true;
}

static bool read_policy_mappings(struct cert *c, struct span value)
{
	struct span one, from, to;

	c->maps_policies = true;
	if (!der_sequence(&value, &value))
		return false;
	while (value.n) {
		if (!der_sequence(&value, &one) || !der_oid(&one, &from) || !der_oid(&one, &to))
			return false;
		if (span_eq(from, CERT_ANY_POLICY) || span_eq(to, CERT_ANY_POLICY))
			c->maps_any_policy = true;
	}
	return true;
}

static bool read_policy_constraints(struct cert *c, struct span value)
{
	long skip;

	if (!der_sequence(&value, &value))
		return false;
	c->wants_policy = der_is_next(value, DER_CONTEXT);
	return (!c->wants_policy || der_number(&value, DER_CONTEXT, 0x7fffffff, &skip)) &&
	       (!der_is_next(value, DER_CONTEXT + 1) || der_number(&value, DER_CONTEXT + 1, 0x7fffffff, &skip));
}

static bool read_inhibit_any(struct cert *c, struct span value)
{
	long skip;

	(void)c;
	return der_number(&value, DER_INTEGER, 0x7fffffff, &skip);
}

/* serverAuth or anyExtendedKeyUsage; an empty list restricts nothing. */
static bool read_extended_key_usage(struct cert *c, struct span value)
{
	struct span id;

	if (!der_sequence(&value, &value))
		return false;
	c->for_servers = !value.n;
	while (value.n) {
		if (!der_oid(&value, &id))
			return false;
		if (span_eq(id, SPAN("\x2b\x06\x01\x05\x05\x07\x03\x01")) || span_eq(id, SPAN("\x55\x1d\x25\x00")))
			c->for_servers = true;
	}
	return true;
}

static bool read_authority_access(struct cert *c, struct span value)
{
	struct span one, id;

	(void)c;
	if (!der_sequence(&value, &value))
		return false;
	while (value.n)
		if (!der_sequence(&value, &one) || !der_oid(&one, &id) ||
			(der_is_next(one, DER_CONTEXT + 6) && !der_take(&one, DER_CONTEXT + 6, &id, NULL)))
			return false;
	return true;
}

typedef bool extension_reader(struct cert *c, struct span value);

static const struct extension {
	struct span id;
	extension_reader *read;
	bool never_critical;
} extensions[] = {
	{ { "\x55\x1d\x0e", 3 }, read_subject_key_id, true },
	{ { "\x55\x1d\x0f", 3 }, read_key_usage, false },
	{ { "\x55\x1d\x11", 3 }, read_alt_names, false },
	{ { "\x55\x1d\x13", 3 }, read_basic_constraints, false },
	{ { "\x55\x1d\x1e", 3 }, read_name_constraints, false },
	{ { "\x55\x1d\x1f", 3 }, read_crl_points, false },
	{ { "\x55\x1d\x20", 3 }, read_policies, false },
	{ { "\x55\x1d\x21", 3 }, read_policy_mappings, false },
	{ { "\x55\x1d\x23", 3 }, read_authority_key_id, true },
	{ { "\x55\x1d\x24", 3 }, read_policy_constraints, false },
	{ { "\x55\x1d\x25", 3 }, read_extended_key_usage, false },
	{ { "\x55\x1d\x36", 3 }, read_inhibit_any, false },
	{ { "\x2b\x06\x01\x05\x05\x07\x01\x01", 8 }, read_authority_access, true },
};

static bool read_extension(struct cert *c, struct span id, bool critical, struct span value)
{
	c->unknown = true;
	for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
		if (!span_eq(extensions[i].id, id))
			continue;
		c->unknown = false;
		if ((critical && extensions[i].never_critical) || !extensions[i].read(c, value))
			return false;
	}
	c->unknown_critical = c->unknown_critical || (critical && c->unknown);
	return true;
}

static bool take_extension(struct span *list, struct span *id, bool *critical, struct span *value)
{
	struct span one;

	*critical = false;
	return der_sequence(list, &one) && der_oid(&one, id) &&
	       (!der_is_next(one, DER_BOOLEAN) || der_boolean(&one, critical)) && der_take(&one, DER_OCTETS, value, NULL);
}

static bool read_extensions(struct cert *c, struct span list)
{
	struct span seen[EXTENSIONS_MAX], value;
	bool critical;

	for (size_t n = 0; list.n; n++) {
		if (n == EXTENSIONS_MAX || !take_extension(&list, &seen[n], &critical, &value))
			return false;
		for (size_t i = 0; i < n; i++)
			if (span_eq(seen[i], seen[n]))
				return false;
		if (!read_extension(c, seen[n], critical, value))
			return false;
	}
	return true;
}

/* After the key. Only version 3 has extensions; in an older version they are ignored. */
static bool read_after_key(struct cert *c, struct span tbs)
{
	struct span x;

	if (c->version > 1 && ((der_is_next(tbs, DER_CONTEXT + 1) && !der_take(&tbs, DER_CONTEXT + 1, &x, NULL)) ||
				      (der_is_next(tbs, DER_CONTEXT + 2) && !der_take(&tbs, DER_CONTEXT + 2, &x, NULL))))
		return false;
	if (c->version < 3 || !der_is_next(tbs, DER_CONTEXT_CONS + 3))
		return c->version == 3 || !tbs.n;
	return der_take(&tbs, DER_CONTEXT_CONS + 3, &x, NULL) && der_sequence(&x, &x) && read_extensions(c, x);
}

static bool read_version(struct cert *c, struct span *tbs)
{
	struct span x;
	long number = 0;

	if (der_is_next(*tbs, DER_CONTEXT_CONS) &&
		(!der_take(tbs, DER_CONTEXT_CONS, &x, NULL) || !der_number(&x, DER_INTEGER, 2, &number)))
		return false;
	c->version = (int)number + 1;
	return true;
}

static bool read_validity(struct cert *c, struct span *tbs)
{
	struct span dates;

	return der_sequence(tbs, &dates) && der_time(&dates, &c->not_before) && der_time(&dates, &c->not_after);
}

/*
 * A negative serial number is allowed: rclone is built with Go's switch for that. ALGORITHM is the outer one, which the inner
 * one must equal.
 */
static bool read_tbs(struct cert *c, struct span tbs, struct span algorithm)
{
	struct span serial, inner, key;
	br_x509_pkey k;

	return read_version(c, &tbs) && der_integer(&tbs, &serial) && der_sequence(&tbs, &inner) && span_eq(inner, algorithm) &&
	       read_name(&tbs, &c->issuer) && read_validity(c, &tbs) && read_name(&tbs, &c->subject) &&
	       der_take(&tbs, DER_SEQUENCE, &key, &c->key) && read_key(c->key, &k) && read_after_key(c, tbs);
}

/* For ECDSA: two integers in their shortest form, which BearSSL does not insist on. */
static bool signature_is_strict(struct span algorithm, struct span signature)
{
	struct span id, two, r, s;

	if (!der_oid(&algorithm, &id))
		return false;
	if (!span_starts(id, SPAN("\x2a\x86\x48\xce\x3d\x04")))
		return true;
	return der_sequence(&signature, &two) && !signature.n && der_integer(&two, &r) && der_integer(&two, &s) && !two.n &&
	       (unsigned char)r.p[0] < 0x80 && (unsigned char)s.p[0] < 0x80;
}

bool cert_read(struct cert *c, struct span der)
{
	struct span in, tbs, algorithm, signature;

	*c = (struct cert){ .der = der, .path_length = -1, .may_sign = true, .for_servers = true };
	if (!der_sequence(&der, &in) || der.n || !der_sequence(&in, &tbs) || !der_sequence(&in, &algorithm) ||
		!der_bytes(&in, &signature))
		return false;
	c->strict_signature = signature_is_strict(algorithm, signature);
	return read_tbs(c, tbs, algorithm);
}
