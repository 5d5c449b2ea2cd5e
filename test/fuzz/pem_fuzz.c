/* pem_fuzz.c - a bundle of certificate authorities (PEM, or one certificate's DER), and the same as what a server sends. */

#include "fuzz.h"

#include "http/cert.h"
#include "http/names.h"
#include "http/pem.h"
#include "http/verify.h"

#include <sys/mman.h>
#include <unistd.h>

static void put_dn(void *b, const void *p, size_t n)
{
	buf_add(b, p, n);
}

/* Where BearSSL's decoder takes a certificate too, both have read the same name and key out of it. */
static void compare(const struct cert *c, struct span der)
{
	struct buf dn = buf_heap(1 << 16);
	br_x509_decoder_context d;

	br_x509_decoder_init(&d, put_dn, &dn);
	br_x509_decoder_push(&d, der.p, der.n);
	if (br_x509_decoder_get_pkey(&d))
		CHECK(span_eq(c->subject, buf_all(&dn)));
	buf_free(&dn);
}

static void read_cert(struct span der)
{
	struct cert c;

	if (!cert_read(&c, der))
		return;
	CHECK(fuzz_inside(c.subject, der) && fuzz_inside(c.key, der));
	CHECK(!c.alt_names.p || fuzz_inside(c.alt_names, der));
	CHECK(!c.permitted.n || fuzz_inside(c.permitted, der));
	names_have_host(c.alt_names, SPAN("leaf.example"));
	names_permitted(c.alt_names, c.permitted, c.excluded);
	compare(&c, der);
}

static void verify_chain(const struct trust *t, struct span der)
{
	static struct verify v;

	verify_init(&v, t, SPAN("\x7f\0\0\1"), 1600000000);
	v.vtable->start_chain(&v.vtable, "leaf.example");
	for (int certs = 0; certs < 2; certs++) {
		v.vtable->start_cert(&v.vtable, (uint32_t)der.n);
		v.vtable->append(&v.vtable, (const unsigned char *)der.p, der.n);
		v.vtable->end_cert(&v.vtable);
	}
	if (v.vtable->end_chain(&v.vtable) == 0)
		CHECK(v.links && names_have_ip(v.chain[0].alt_names, SPAN("\x7f\0\0\1")));
	CHECK(memchr(v.name, 0, sizeof v.name));
}

static void read_certs(const struct trust *t, struct span text)
{
	struct buf der = buf_heap(1 << 16), again = buf_heap(1 << 16), back = buf_heap(1 << 16);
	int got;

	while ((got = pem_next(&text, &der))) {
		struct span pem;

		if (got < 0)
			continue;
		buf_clear(&again);
		pem_write(&again, buf_all(&der));
		pem = buf_all(&again);
		CHECK(pem_next(&pem, &back) == 1 && span_eq(buf_all(&der), buf_all(&back)));
		read_cert(buf_all(&der));
		verify_chain(t, buf_all(&der));
	}
	buf_free(&der);
	buf_free(&again);
	buf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int bundle;
	struct span in = fuzz_input(data, size);
	struct buf text = buf_heap(1 << 20);
	struct trust t;
	struct err e;
	char path[32];

	if (!bundle)
		CHECK((bundle = memfd_create("bundle", 0)) > 0);
	if (in.n && in.p[0] == '0') /* a SEQUENCE */
		pem_write(&text, in);
	else
		buf_span(&text, in);
	CHECK(ftruncate(bundle, 0) == 0 && pwrite(bundle, text.p, text.len, 0) == (ssize_t)text.len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", bundle);
	setenv("AWS_CA_BUNDLE", path, 1);
	CHECK(trust_load(&t, &e) == 0 ? t.count > 0 : e.code == CODE_USAGE);
	read_certs(&t, buf_all(&text));
	trust_free(&t);
	buf_free(&text);
	return 0;
}
