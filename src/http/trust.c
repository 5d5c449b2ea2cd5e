#include "http/trust.h"

#include "base/env.h"
#include "base/file.h"
#include "http/anchors.h"
#include "http/der.h"
#include "http/pem.h"

#include <stdlib.h>

#define BUNDLE_MAX (8 * 1024 * 1024) /* 140 authorities take 220 KB */
#define CERT_MAX (64 * 1024)

static const char *const named_by[] = { "AWS_CA_BUNDLE", "SSL_CERT_FILE" };

static const char *const usual_bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",		     /* Debian, Ubuntu, Alpine, Arch */
	"/etc/pki/tls/certs/ca-bundle.crt",		     /* Fedora, RHEL, Amazon Linux */
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* RHEL 7 and later */
	"/etc/ssl/ca-bundle.pem",			     /* SUSE */
	"/etc/ssl/cert.pem",				     /* Alpine's other name, BSDs */
};

static int err_trust_memory(struct err *e)
{
	return err_set(e, CODE_FAULT, "read the certificate authorities: no memory");
}

/* What C points into must live as long as T. */
static int add_anchor(struct trust *t, const struct cert *c, struct err *e)
{
	struct trust_anchor a = { .cert = *c };
	struct trust_anchor *more;

	if (!cert_key(c->key, &a.key))
		return 0;
	more = arena_grow(&t->mem, t->anchors, t->count, sizeof *more);
	if (!more)
		return err_trust_memory(e);
	t->anchors = more;
	t->anchors[t->count++] = a;
	return 0;
}

static int add_cert(struct trust *t, struct span der, struct err *e)
{
	struct cert c;
	char *copy;

	if (!cert_read(&c, der))
		return 0;
	copy = arena_str(&t->mem, der);
	if (!copy)
		return err_trust_memory(e);
	cert_read(&c, (struct span){ copy, der.n });
	return add_anchor(t, &c, e);
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

/* Returns 0 with the anchors of PATH added (perhaps none); 1 when there is no such file; -1. */
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

/* Takes the next of RECORDS (http/anchors.h). */
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

/* With the properties that trust_pem() gives them for rclone. */
static int add_builtin(struct trust *t, struct err *e)
{
	struct span rest = { (const char *)anchors_builtin, anchors_builtin_size };
	struct cert c = {
		.not_before = 946684800,
		.not_after = 2524607999,
		.path_length = -1,
		.version = 3,
		.constrains = true,
		.authority = true,
		.may_sign = true,
		.for_servers = true,
	};

	while (take_record(&rest, &c.subject, &c.key))
		if (add_anchor(t, &c, e))
			return -1;
	return 0;
}

/* The file at PATH, which VARIABLE names: here it has to be usable. */
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
		const char *path = env(named_by[i]);

		if (path)
			return read_named(t, named_by[i], path, e);
	}
	for (size_t i = 0; i < sizeof usual_bundles / sizeof *usual_bundles && !t->count; i++)
		read_bundle(t, usual_bundles[i], &ignored);
	return t->count ? 0 : add_builtin(t, e);
}

void trust_free(struct trust *t)
{
	arena_free(&t->mem);
	*t = (struct trust){ 0 };
}

/*
 * Writes a certificate that says what a root's does about a name and a key: version 3, CA:TRUE, valid from 2000 to 2049. Its
 * signature is empty: nobody checks that of a root; but OpenSSL takes it for a root only if the algorithm fits its key. All
 * pieces are DER.
 */
static void write_root_certificate(struct buf *out, struct buf *tbs, struct buf *cert, struct span name, struct span spki)
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
	struct span sha256 = cert_key(spki, &key) && key.key_type == BR_KEYTYPE_EC ? with_ecdsa : with_rsa;
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
		write_root_certificate(out, &tbs, &cert, name, spki);
	out->full = out->full || tbs.full || cert.full;
	buf_free(&tbs);
	buf_free(&cert);
	return records.n || out->full ? -1 : 0;
}
