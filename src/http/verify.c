#include "http/verify.h"

#include "http/der.h"

#define RSA_BYTES_MIN 256
#define DAYS_TO_1970 719528 /* BearSSL counts days from year 0 */

enum san { SAN_DNS = DER_CONTEXT + 2, SAN_IP = DER_CONTEXT + 7 };

static struct verify *of(const br_x509_class **ctx)
{
	return (struct verify *)(void *)ctx;
}

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct verify *v = of(ctx);

	v->minimal.vtable->start_chain(&v->minimal.vtable, server_name);
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct verify *v = of(ctx);

	v->used = 0;
	v->minimal.vtable->start_cert(&v->minimal.vtable, length);
}

static void append(const br_x509_class **ctx, const unsigned char *p, size_t n)
{
	struct verify *v = of(ctx);

	if (v->used + n <= sizeof v->cert)
		memcpy(v->cert + v->used, p, n);
	v->used += n;
	v->minimal.vtable->append(&v->minimal.vtable, p, n);
}

/* Asks also what BearSSL does not, but rclone's TLS does: without that the check would say yes where no mount works. */
static void read_leaf(struct verify *v, const struct der_cert *c)
{
	static const char server_auth[] = "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01", any[] = "\x06\x04\x55\x1d\x25";
	struct span names, one;
	unsigned tag;

	if (der_extension(c, DER_OID_EXTENDED_KEY_USAGE, &one) && !memmem(one.p, one.n, server_auth, sizeof server_auth - 1) &&
		!memmem(one.p, one.n, any, sizeof any))
		v->leaf = BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	if (!der_extension(c, DER_OID_SUBJECT_ALT_NAME, &names) || !der_take(&names, DER_SEQUENCE, &names, NULL)) {
		v->leaf = BR_ERR_X509_BAD_SERVER_NAME; /* it has a common name alone */
		return;
	}
	while (der_take_any(&names, &tag, &one)) {
		if (tag == SAN_IP && v->ip.n && span_eq(one, v->ip))
			v->ip_found = true;
		if (tag == SAN_DNS && !v->name[0] && one.n < sizeof v->name)
			memcpy(v->name, one.p, one.n);
	}
}

static void end_cert(const br_x509_class **ctx)
{
	struct verify *v = of(ctx);
	bool leaf = v->minimal.num_certs == 0;
	struct der_cert c;

	v->minimal.vtable->end_cert(&v->minimal.vtable);
	if (v->used > sizeof v->cert || !der_cert((struct span){ (const char *)v->cert, v->used }, &c))
		return;
	if (leaf)
		read_leaf(v, &c);
	/* The verdict stands at the first certificate whose dates do not hold; later ones say nothing more. */
	if (v->minimal.err == BR_ERR_X509_EXPIRED && !v->not_after) {
		v->not_before = c.not_before;
		v->not_after = c.not_after;
	}
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct verify *v = of(ctx);
	unsigned err = v->minimal.vtable->end_chain(&v->minimal.vtable);

	if (!err && v->ip.n && !v->ip_found)
		return BR_ERR_X509_BAD_SERVER_NAME;
	return err ? err : v->leaf;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct verify *v = (const struct verify *)(const void *)ctx;

	return v->minimal.vtable->get_pkey(&v->minimal.vtable, usages);
}

static const br_x509_class verify_class = {
	sizeof(struct verify),
	start_chain,
	start_cert,
	append,
	end_cert,
	end_chain,
	get_pkey,
};

void verify_init(struct verify *v, const struct trust *t, struct span ip, int64_t now)
{
	memset(v, 0, offsetof(struct verify, cert));
	v->vtable = &verify_class;
	v->ip = ip;
	v->now = now;
	br_x509_minimal_init(&v->minimal, &br_sha256_vtable, t->anchors, t->count);
	br_x509_minimal_set_rsa(&v->minimal, &br_rsa_i31_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(&v->minimal, &br_ec_all_m31, &br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_hash(&v->minimal, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&v->minimal, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&v->minimal, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_minrsa(&v->minimal, RSA_BYTES_MIN);
	br_x509_minimal_set_time(&v->minimal, (uint32_t)(now / 86400) + DAYS_TO_1970, (uint32_t)(now % 86400));
}
