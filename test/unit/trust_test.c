/* trust_test.c - the built-in authorities as anchors and as certificates, bundles, PEM and DER. */

#include "unit.h"

#include "base/file.h"
#include "http/anchors.h"
#include "http/cert.h"
#include "http/der.h"
#include "http/names.h"
#include "http/pem.h"
#include "http/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct span builtin(void)
{
	return (struct span){ (const char *)anchors_builtin, anchors_builtin_size };
}

static char bundle[] = "/tmp/s3mounts-trust-XXXXXX";

static void write_bundle(struct span content)
{
	struct err e;

	assert_int_equal(file_replace(bundle, 0644, content, &e), 0);
}

static int make_file(void **state)
{
	int fd = mkstemp(bundle);

	(void)state;
	close(fd);
	unsetenv("AWS_CA_BUNDLE");
	unsetenv("SSL_CERT_FILE");
	return fd < 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(bundle);
}

static void set_dn(void *b, const void *p, size_t n)
{
	buf_add(b, p, n);
}

/* BearSSL's own decoder reads of each synthesised certificate what ours has read of its record. */
static void test_builtin_round_trip(void **state)
{
	struct buf pem = buf_heap(1 << 20), der = buf_heap(1 << 16), dn = buf_heap(1 << 16);
	struct span text;
	struct trust t;
	struct err e;
	size_t n = 0;

	(void)state;
	assert_int_equal(trust_pem(&pem, builtin()), 0);
	write_bundle(buf_all(&pem));
	setenv("SSL_CERT_FILE", bundle, 1);
	assert_int_equal(trust_load(&t, &e), 0);
	assert_string_equal(t.file, bundle);
	assert_int_equal(t.count, anchors_builtin_count);
	for (text = buf_all(&pem); pem_next(&text, &der) == 1; n++) {
		const struct trust_anchor *a = &t.anchors[n];
		br_x509_decoder_context d;
		const br_x509_pkey *k;

		buf_clear(&dn);
		br_x509_decoder_init(&d, set_dn, &dn);
		br_x509_decoder_push(&d, der.p, der.len);
		k = br_x509_decoder_get_pkey(&d);
		assert_non_null(k);
		assert_true(br_x509_decoder_isCA(&d));
		assert_true(a->cert.authority && a->cert.path_length == -1);
		assert_true(span_eq(buf_all(&dn), a->cert.subject));
		assert_int_equal(k->key_type, a->key.key_type);
		assert_int_equal(br_x509_decoder_get_signer_key_type(&d), k->key_type); /* OpenSSL wants it so */
		if (k->key_type == BR_KEYTYPE_RSA) {
			assert_int_equal(k->key.rsa.nlen, a->key.key.rsa.nlen);
			assert_memory_equal(k->key.rsa.n, a->key.key.rsa.n, k->key.rsa.nlen);
			assert_int_equal(k->key.rsa.elen, a->key.key.rsa.elen);
			assert_memory_equal(k->key.rsa.e, a->key.key.rsa.e, k->key.rsa.elen);
		} else {
			assert_int_equal(k->key.ec.curve, a->key.key.ec.curve);
			assert_int_equal(k->key.ec.qlen, a->key.key.ec.qlen);
			assert_memory_equal(k->key.ec.q, a->key.key.ec.q, k->key.ec.qlen);
		}
	}
	assert_int_equal(n, anchors_builtin_count);
	trust_free(&t);
	buf_free(&pem);
	buf_free(&der);
	buf_free(&dn);
}

static void test_damaged_records(void **state)
{
	struct span cut = builtin();
	struct buf pem = buf_heap(1 << 20);

	(void)state;
	cut.n--;
	assert_int_equal(trust_pem(&pem, cut), -1);
	buf_free(&pem);
	pem = buf_heap(1000);
	assert_int_equal(trust_pem(&pem, builtin()), -1);
	buf_free(&pem);
}

static void test_named_files(void **state)
{
	struct buf pem = buf_heap(1 << 20);
	struct trust t;
	struct err e;

	(void)state;
	setenv("SSL_CERT_FILE", "/nonexistent/bundle", 1);
	assert_int_equal(trust_load(&t, &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_non_null(strstr(e.text, "SSL_CERT_FILE"));
	assert_non_null(strstr(e.text, "/nonexistent/bundle"));
	trust_free(&t);
	/* AWS_CA_BUNDLE is asked first, and never passed over. */
	write_bundle(SPAN("junk\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
	setenv("AWS_CA_BUNDLE", bundle, 1);
	assert_int_equal(trust_load(&t, &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_non_null(strstr(e.text, "AWS_CA_BUNDLE"));
	assert_non_null(strstr(e.text, bundle));
	trust_free(&t);
	/* A damaged certificate costs itself alone. */
	buf_str(&pem, "-----BEGIN CERTIFICATE-----\nMI!!\n-----END CERTIFICATE-----\n");
	assert_int_equal(trust_pem(&pem, builtin()), 0);
	write_bundle(buf_all(&pem));
	assert_int_equal(trust_load(&t, &e), 0);
	assert_int_equal(t.count, anchors_builtin_count);
	trust_free(&t);
	setenv("AWS_CA_BUNDLE", "", 1);
	setenv("SSL_CERT_FILE", "", 1);
	assert_int_equal(trust_load(&t, &e), 0);
	assert_true(t.count > 50);
	trust_free(&t);
	buf_free(&pem);
}

/* A real certificate (openssl ca -selfsign, P-256): CA:FALSE, two names, valid for the year 2020. */
static const char leaf[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIBfjCCASSgAwIBAgIUFrgQAIAOriByUxtzWT8EF9DmOm4wCgYIKoZIzj0EAwIw\n"
			   "FzEVMBMGA1UEAwwMbGVhZi5leGFtcGxlMB4XDTIwMDEwMTAwMDAwMFoXDTIwMTIz\n"
			   "MTIzNTk1OVowFzEVMBMGA1UEAwwMbGVhZi5leGFtcGxlMFkwEwYHKoZIzj0CAQYI\n"
			   "KoZIzj0DAQcDQgAEkeDJghii8mGpYY9hhDYzUCzYrrP7FZ+d/Lz3F4SyGTeuYDlT\n"
			   "6XuWazBAYMcWiMfDpSH6vTKjOw5YtNq/LcRfJ6NOMEwwDAYDVR0TAQH/BAIwADAd\n"
			   "BgNVHREEFjAUggxsZWFmLmV4YW1wbGWHBH8AAAEwHQYDVR0OBBYEFBcxjptsrLqJ\n"
			   "DJmermnXGdJ+kAewMAoGCCqGSM49BAMCA0gAMEUCIQDx4kXHEG+lE5P+cZqivjt7\n"
			   "IJ+UrD4FTO/LoI1VlGCQ0AIgEj4yAWNyiRcXxCi7iPwvKKowW43b6OOI+THDfwbU\n"
			   "DwM=\n"
			   "-----END CERTIFICATE-----\n";

static void test_leaf(void **state)
{
	struct span text = span_of(leaf), names, one;
	struct buf der = buf_heap(1 << 16);
	struct cert c;
	struct trust t;
	struct err e;
	unsigned tag;

	(void)state;
	assert_int_equal(pem_next(&text, &der), 1);
	assert_true(cert_read(&c, buf_all(&der)));
	assert_int_equal(c.not_before, 1577836800);
	assert_int_equal(c.not_after, 1609459199);
	names = c.alt_names;
	assert_true(der_take_any(&names, &tag, &one) && tag == DER_CONTEXT + 2 && span_is(one, "leaf.example"));
	assert_true(der_take_any(&names, &tag, &one) && tag == DER_CONTEXT + 7 && span_eq(one, SPAN("\x7f\0\0\1")));
	assert_false(der_take_any(&names, &tag, &one));
	write_bundle(span_of(leaf));
	setenv("SSL_CERT_FILE", bundle, 1);
	assert_int_equal(trust_load(&t, &e), 0);
	assert_int_equal(t.count, 1);
	assert_true(span_eq(t.anchors[0].cert.der, buf_all(&der)) && !t.anchors[0].cert.authority);
	trust_free(&t);
	for (size_t n = 0; n < der.len; n++) {
		/* On the heap, so that a read too far is seen. */
		char *cut = test_malloc(n + 1);

		memcpy(cut, der.p, n);
		assert_false(cert_read(&c, (struct span){ cut, n }));
		test_free(cut);
	}
	buf_free(&der);
}

static void test_pem(void **state)
{
	char bytes[300], mem[600], back[400];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7);
	for (size_t n = 0; n <= sizeof bytes; n++) {
		struct buf pem = buf_over(mem, sizeof mem), der = buf_over(back, sizeof back);
		struct span text;

		pem_write(&pem, (struct span){ bytes, n });
		text = buf_all(&pem);
		assert_int_equal(pem_next(&text, &der), 1);
		assert_true(span_eq(buf_all(&der), (struct span){ bytes, n }));
		assert_int_equal(pem_next(&text, &der), 0);
	}
}

static void test_damaged_pem(void **state)
{
	struct span text = SPAN("-----BEGIN CERTIFICATE-----\nAAAAA\n-----END CERTIFICATE-----\n"
				"-----BEGIN CERTIFICATE-----\nAA*A\n-----END CERTIFICATE-----\n"
				"-----BEGIN CERTIFICATE-----\nAAAAAAAAAAAAAAAA\n-----END CERTIFICATE-----\n"
				"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
				"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
				"-----BEGIN CERTIFICATE-----\nAAAA\n");
	static const int want[] = { -1, -1, -1, 1, 0 };
	char mem[8];

	(void)state;
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		struct buf der = buf_over(mem, sizeof mem);

		assert_int_equal(pem_next(&text, &der), want[i]);
	}
}

static void test_der_lengths(void **state)
{
	static char content[70000];
	static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct buf b = buf_heap(100000);
		struct span in, got;

		der_put(&b, DER_OCTETS, (struct span){ content, lengths[i] });
		in = buf_all(&b);
		assert_false(der_take(&in, DER_SEQUENCE, &got, NULL));
		assert_true(der_take(&in, DER_OCTETS, &got, NULL));
		assert_int_equal(got.n, lengths[i]);
		assert_int_equal(in.n, 0);
		in = (struct span){ b.p, b.len - 1 };
		assert_false(der_take(&in, DER_OCTETS, &got, NULL));
		buf_free(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin_round_trip),
		cmocka_unit_test(test_damaged_records),
		cmocka_unit_test(test_named_files),
		cmocka_unit_test(test_leaf),
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_damaged_pem),
		cmocka_unit_test(test_der_lengths),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
