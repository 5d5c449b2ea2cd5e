#include "http/trust.h"

#include "base/file.h"
#include "http/anchors.h"
#include "http/der.h"
#include "http/pem.h"

#include <stdlib.h>

#define BUNDLE_MAX (8 * 1024 * 1024) /* 140 authorities have 220 KB */
#define CERT_MAX (64 * 1024)

static const char *const named_by[] = { "AWS_CA_BUNDLE", "SSL_CERT_FILE" };

static const char *const usual_places[] = {
	"/etc/ssl/certs/ca-certificates.crt",		     /* Debian, Ubuntu, Alpine, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",		     /* Fedora, RHEL, Amazon Linux */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later */
	"/etc/ssl/ca-bundle.pem",			     /* SUSE */
	"/etc/ssl/cert.pem",				     /* Alpine's other name, BSDs */
};

static bool take_bits(struct span *in, struct span *content)
{
	if (!der_take(in, DER_BITS, content, NULL) || !content->n || content->p[0])
		return false;
	*content = span_skip(*content, 1);
	return true;
}

static struct span strip_zeros(struct span n)
{
	while (n.n && !n.p[0])
		n = span_skip(n, 1);
	return n;
}

static bool rsa_key(struct span bits, br_x509_pkey *k)
{
	struct span seq, n, e;

	if (!der_take(&bits, DER_SEQUENCE, &seq, NULL) || !der_take(&seq, DER_INTEGER, &n, NULL) ||
		!der_take(&seq, DER_INTEGER, &e, NULL))
		return false;
	n = strip_zeros(n);
	e = strip_zeros(e);
	k->key_type = BR_KEYTYPE_RSA;
	k->key.rsa = (br_rsa_public_key){ (unsigned char *)n.p, n.n, (unsigned char *)e.p, e.n };
	return true;
}

static bool ec_key(struct span curve, struct span bits, br_x509_pkey *k)
{
	static const struct {
		struct span oid;
		int id;
	} curves[] = {
		{ { "\x2a\x86\x48\xce\x3d\x03\x01\x07", 8 }, BR_EC_secp256r1 },
		{ { "\x2b\x81\x04\x00\x22", 5 }, BR_EC_secp384r1 },
		{ { "\x2b\x81\x04\x00\x23", 5 }, BR_EC_secp521r1 },
	};

	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
		if (!span_eq(curve, curves[i].oid))
			continue;
		k->key_type = BR_KEYTYPE_EC;
		k->key.ec = (br_ec_public_key){ curves[i].id, (unsigned char *)bits.p, bits.n };
		return true;
	}
	return false;
}

/* SPKI: SubjectPublicKeyInfo. The key points into it. */
static bool read_key(struct span spki, br_x509_pkey *k)
{
	struct span alg, oid, curve, bits;

	if (!der_take(&spki, DER_SEQUENCE, &spki, NULL) || !der_take(&spki, DER_SEQUENCE, &alg, NULL) ||
		!der_take(&alg, DER_OID, &oid, NULL) || !take_bits(&spki, &bits))
		return false;
	if (span_eq(oid, SPAN("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")))
		return rsa_key(bits, k);
	return span_eq(oid, SPAN("\x2a\x86\x48\xce\x3d\x02\x01")) && der_take(&alg, DER_OID, &curve, NULL) &&
	       ec_key(curve, bits, k);
}

static int no_memory(struct err *e)
{
	return err_set(e, CODE_FAULT, "read the certificate authorities: no memory");
}

/* NAME and SPKI must live as long as T. */
static int add(struct trust *t, struct span name, struct span spki, bool ca, struct err *e)
{
	br_x509_trust_anchor a = { .dn = { (unsigned char *)name.p, name.n }, .flags = ca ? BR_X509_TA_CA : 0 };

	if (!read_key(spki, &a.pkey))
		return 0;
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 128;
		br_x509_trust_anchor *more = arena_get(&t->mem, room * sizeof *more);

		if (!more)
			return no_memory(e);
		if (t->count)
			memcpy(more, t->anchors, t->count * sizeof *more);
		t->anchors = more;
		t->room = room;
	}
	t->anchors[t->count++] = a;
	return 0;
}

/* Version 1 knows no extensions: such a root is one by being in the bundle. */
static bool is_authority(const struct der_cert *c)
{
	struct span value, flag;

	if (!c->extensions.n)
		return true;
	return der_extension(c, DER_OID_BASIC_CONSTRAINTS, &value) && der_take(&value, DER_SEQUENCE, &value, NULL) &&
	       der_take(&value, DER_BOOLEAN, &flag, NULL) && flag.n == 1 && flag.p[0];
}

static int add_cert(struct trust *t, struct span der, struct err *e)
{
	struct der_cert c;
	char *name, *key;

	if (!der_cert(der, &c))
		return 0;
	name = arena_str(&t->mem, c.subject);
	key = arena_str(&t->mem, c.key);
	if (!name || !key)
		return no_memory(e);
	return add(t, (struct span){ name, c.subject.n }, (struct span){ key, c.key.n }, is_authority(&c), e);
}

static int add_bundle(struct trust *t, struct span text, struct err *e)
{
	struct buf der = buf_heap(CERT_MAX);
	int got, ret = 0;

	while (!ret && (got = pem_next(&text, &der)) != 0)
		if (got > 0)
			ret = add_cert(t, buf_all(&der), e);
	buf_free(&der);
	return ret;
}

/* Returns 0 with the anchors of PATH added (perhaps none); 1: no such file; -1. */
static int read_bundle(struct trust *t, const char *path, struct err *e)
{
	struct buf text = buf_heap(BUNDLE_MAX);
	int ret = file_read(path, &text, e);

	if (!ret)
		ret = add_bundle(t, buf_all(&text), e);
	buf_free(&text);
	if (t->count)
		t->file = path;
	return ret;
}

/* The next of RECORDS (http/anchors.h). */
static bool take_record(struct span *records, struct span *name, struct span *spki)
{
	struct span *parts[] = { name, spki };

	for (int i = 0; i < 2; i++) {
		const unsigned char *p = (const unsigned char *)records->p;
		size_t n;

		if (records->n < 2 || (n = (size_t)p[0] << 8 | p[1]) > records->n - 2)
			return false;
		*parts[i] = (struct span){ records->p + 2, n };
		*records = span_skip(*records, 2 + n);
	}
	return true;
}

static int add_builtin(struct trust *t, struct err *e)
{
	struct span rest = { (const char *)anchors_builtin, anchors_builtin_size }, name = { 0 }, spki = { 0 };

	while (take_record(&rest, &name, &spki))
		if (add(t, name, spki, true, e))
			return -1;
	return 0;
}

/* The file at PATH, which VARIABLE names: it must serve. */
static int read_named(struct trust *t, const char *variable, const char *path, struct err *e)
{
	struct err why;
	int ret = read_bundle(t, path, &why);

	if (!ret && t->count)
		return 0;
	if (ret < 0)
		err_set(e, CODE_USAGE, "%s: %s", variable, why.text);
	else
		err_set(e, CODE_USAGE, ret ? "%s: there is no file %s" : "%s: %s holds no usable certificate in PEM", variable,
			path);
	return err_hint(e, "name a file of certificates in PEM by %s, or unset it", variable);
}

int trust_load(struct trust *t, struct err *e)
{
	struct err ignored;

	*t = (struct trust){ 0 };
	for (size_t i = 0; i < sizeof named_by / sizeof *named_by; i++) {
		const char *path = getenv(named_by[i]);

		if (path && *path)
			return read_named(t, named_by[i], path, e);
	}
	for (size_t i = 0; i < sizeof usual_places / sizeof *usual_places && !t->count; i++)
		read_bundle(t, usual_places[i], &ignored);
	return t->count ? 0 : add_builtin(t, e);
}

void trust_free(struct trust *t)
{
	arena_free(&t->mem);
	*t = (struct trust){ 0 };
}

/*
 * A certificate that says of a name and a key what a root's does: version 3, CA:TRUE, valid from 2000 to 2049. Its
 * signature is empty: nobody checks that of a root; but OpenSSL takes it for a root only if the algorithm is one of
 * its key. All pieces are DER.
 */
static void synthesise(struct buf *out, struct buf *tbs, struct buf *cert, struct span name, struct span spki)
{
	static const struct span version_serial = { "\xa0\x03\x02\x01\x02\x02\x01\x01", 8 };
	static const struct span with_rsa = { "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 15 };
	static const struct span with_ecdsa = { "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 12 };
	static const struct span validity = { "\x30\x1e\x17\x0d"
					      "000101000000Z"
					      "\x17\x0d"
					      "491231235959Z",
		32 };
	static const struct span authority = {
		"\xa3\x13\x30\x11\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff", 21
	};
	br_x509_pkey key = { 0 };
	struct span sha256 = read_key(spki, &key) && key.key_type == BR_KEYTYPE_EC ? with_ecdsa : with_rsa;
	const struct span parts[] = { version_serial, sha256, name, validity, name, spki, authority };

	buf_clear(tbs);
	buf_clear(cert);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		buf_span(tbs, parts[i]);
	der_put(cert, DER_SEQUENCE, buf_all(tbs));
	buf_span(cert, sha256);
	der_put(cert, DER_BITS, SPAN("\0\0"));
	buf_clear(tbs);
	der_put(tbs, DER_SEQUENCE, buf_all(cert));
	pem_write(out, buf_all(tbs));
}

int trust_pem(struct buf *out, struct span records)
{
	struct buf tbs = buf_heap(CERT_MAX), cert = buf_heap(CERT_MAX);
	struct span name = { 0 }, spki = { 0 };

	while (records.n && take_record(&records, &name, &spki))
		synthesise(out, &tbs, &cert, name, spki);
	out->full = out->full || tbs.full || cert.full;
	buf_free(&tbs);
	buf_free(&cert);
	return records.n || out->full ? -1 : 0;
}
