#include "http/verify.h"

#include "http/curves.h"
#include "http/der.h"
#include "http/names.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MIN_ANCHOR 128
#define DAYS_TO_1970 719528 /* BearSSL counts days from year 0 */

static struct verify *verify_of(const br_x509_class **ctx)
{
	return (struct verify *)(void *)ctx;
}

static void x509_start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct verify *v = verify_of(ctx);

	v->host = server_name ? server_name : "";
	v->minimal.vtable->start_chain(&v->minimal.vtable, server_name);
}

static void x509_start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct verify *v = verify_of(ctx);

	(void)length;
	v->begin = v->used;
}

static void x509_append(const br_x509_class **ctx, const unsigned char *p, size_t n)
{
	struct verify *v = verify_of(ctx);

	if (v->used + n <= sizeof v->certs)
		memcpy(v->certs + v->used, p, n);
	v->used += n;
}

static bool dates_are_valid(struct verify *v, const struct cert *c)
{
	if (v->now >= c->not_before && v->now <= c->not_after)
		return true;
	if (!v->not_after) {
		v->not_before = c->not_before;
		v->not_after = c->not_after;
	}
	return false;
}

/* Do the name constraints of C, an authority's certificate, permit all names of the certificates below it? */
static bool permits_names_below(const struct verify *v, const struct cert *c, size_t below)
{
	for (size_t i = 0; (c->permitted.n || c->excluded.n) && i < below; i++)
		if (v->chain[i].alt_names.p && !names_permitted(v->chain[i].alt_names, c->permitted, c->excluded))
			return false;
	return true;
}

/*
 * Why Go would not accept C above the first BELOW certificates of the chain; 0: it would. IN_BUNDLE: it is from the bundle, not
 * sent by the server.
 */
static unsigned flaw_of_authority(struct verify *v, const struct cert *c, size_t below, bool in_bundle)
{
	if (c->constrains ? !c->authority : !in_bundle || c->version == 3)
		return BR_ERR_X509_NOT_CA;
	if (!c->may_sign)
		return BR_ERR_X509_FORBIDDEN_KEY_USAGE;
	if (c->unknown_critical)
		return BR_ERR_X509_CRITICAL_EXTENSION;
	if (!dates_are_valid(v, c))
		return BR_ERR_X509_EXPIRED;
	if (c->path_length >= 0 && below - 1 > (size_t)c->path_length)
		return BR_ERR_X509_NOT_CA;
	if (!c->for_servers)
		return VERIFY_PURPOSE;
	return permits_names_below(v, c, below) ? 0 : VERIFY_CONSTRAINT;
}

static unsigned flaw_of_leaf(struct verify *v, const struct cert *c)
{
	struct span name = names_first(c->alt_names);

	if (name.n < sizeof v->name)
		memcpy(v->name, name.p, name.n);
	if (c->unknown_critical)
		return BR_ERR_X509_CRITICAL_EXTENSION;
	if (!dates_are_valid(v, c))
		return BR_ERR_X509_EXPIRED;
	if (v->ip.n ? !names_have_ip(c->alt_names, v->ip) : !names_have_host(c->alt_names, span_of(v->host)))
		return BR_ERR_X509_BAD_SERVER_NAME;
	return c->for_servers ? 0 : VERIFY_PURPOSE;
}

/* The same name, key and alternative names: two versions of one certificate, which cannot sign each other. */
static bool is_in_chain(const struct verify *v, const struct cert *c)
{
	for (size_t i = 0; i < v->links; i++) {
		const struct cert *one = &v->chain[i];

		if (!span_eq(one->subject, c->subject) || !span_eq(one->key, c->key))
			continue;
		if (!one->alt_names.p || !c->alt_names.p)
			return one->alt_names.p == c->alt_names.p;
		if (span_eq(one->alt_names, c->alt_names))
			return true;
	}
	return false;
}

static void add_trust_anchor(struct verify *v, const struct trust_anchor *a, unsigned flags)
{
	size_t n = v->minimal.trust_anchors_num;

	if (n == VERIFY_ANCHORS_MAX)
		return;
	v->anchors[n] = (br_x509_trust_anchor){
		{ (unsigned char *)a->cert.subject.p, a->cert.subject.n },
		flags,
		a->key,
	};
	v->minimal.trust_anchors_num++;
}

static bool is_weak_rsa_key(const br_x509_pkey *k)
{
	const br_rsa_public_key *rsa = &k->key.rsa;

	return k->key_type == BR_KEYTYPE_RSA &&
	       (rsa->nlen < RSA_BYTES_MIN_ANCHOR || (rsa->nlen == RSA_BYTES_MIN_ANCHOR && rsa->n[0] < 0x80));
}

/* Offers A to BearSSL if it may have signed the last certificate of the chain. */
static void consider_anchor(struct verify *v, const struct trust_anchor *a)
{
	unsigned flaw = is_weak_rsa_key(&a->key) ? BR_ERR_X509_WEAK_PUBLIC_KEY : flaw_of_authority(v, &a->cert, v->links, true);

	if (!flaw)
		add_trust_anchor(v, a, BR_X509_TA_CA);
	else if (!v->anchor_refusal)
		v->anchor_refusal = flaw;
}

/*
 * Chooses the authorities that BearSSL may trust for LAST. A certificate that is itself in the bundle, byte for byte, needs no
 * other and gets none.
 */
static void choose_anchors(struct verify *v, const struct cert *last)
{
	const struct trust_anchor *a = v->trust->anchors, *end = a + v->trust->count;

	v->minimal.trust_anchors_num = 0;
	for (; v->links == 1 && a < end; a++)
		if (span_eq(a->cert.der, last->der)) {
			add_trust_anchor(v, a, 0);
			return;
		}
	for (a = v->trust->anchors; a < end; a++)
		if (span_eq(a->cert.subject, last->issuer) && !is_in_chain(v, &a->cert))
			consider_anchor(v, a);
}

static void set_refusal(struct verify *v, unsigned error)
{
	if (!v->refusal)
		v->refusal = error;
}

/* Adds the current certificate to the end of the chain. */
static void add_chain_link(struct verify *v, const struct cert *c)
{
	v->minimal.trust_anchors_num = 0;
	if (v->links == VERIFY_CHAIN_MAX)
		return;
	if (!c->strict_signature)
		set_refusal(v, VERIFY_MALFORMED);
	set_refusal(v, v->links ? flaw_of_authority(v, c, v->links, false) : flaw_of_leaf(v, c));
	v->chain[v->links++] = *c;
	choose_anchors(v, c);
}

/* As a whole, since BearSSL looks for the authority as soon as it has read the last byte. */
static void feed_bearssl(struct verify *v, struct span der)
{
	v->minimal.vtable->start_cert(&v->minimal.vtable, (uint32_t)(v->used - v->begin));
	if (der.n)
		v->minimal.vtable->append(&v->minimal.vtable, (const unsigned char *)der.p, der.n);
	v->minimal.vtable->end_cert(&v->minimal.vtable);
}

/* For the keys in the chain BearSSL finds out by using them. Other kinds of key have no such condition. */
static bool key_is_on_curve(const struct cert *c)
{
	unsigned char point[BR_EC_KBUF_PUB_MAX_SIZE];
	br_x509_pkey k;

	if (!cert_key(c->key, &k) || k.key_type != BR_KEYTYPE_EC)
		return true;
	memcpy(point, k.key.ec.q, k.key.ec.qlen);
	return curves_all.mul(point, k.key.ec.qlen, (const unsigned char *)"\1", 1, k.key.ec.curve);
}

/* Go reads everything that is sent, BearSSL only up to the authority. */
static void x509_end_cert(const br_x509_class **ctx)
{
	struct verify *v = verify_of(ctx);
	size_t end = v->used < sizeof v->certs ? v->used : sizeof v->certs;
	struct span der = { (const char *)v->certs + v->begin, end > v->begin ? end - v->begin : 0 };
	struct cert c;
	bool good = v->used <= sizeof v->certs && cert_read(&c, der) && (!v->minimal.err || key_is_on_curve(&c));

	if (!good)
		set_refusal(v, VERIFY_MALFORMED);
	if (v->minimal.err)
		return;
	if (good)
		add_chain_link(v, &c);
	feed_bearssl(v, der);
}

/* Is there a policy that all certificates of the chain name? */
static bool have_policy_in_common(const struct verify *v)
{
	struct span rest = v->chain[0].policies, one, id;
	bool common = false;

	while (!common && der_sequence(&rest, &one) && der_oid(&one, &id)) {
		common = !span_eq(id, CERT_ANY_POLICY);
		for (size_t i = 1; i < v->links; i++)
			common = common && cert_has_policy(v->chain[i].policies, id);
	}
	return common;
}

/*
 * When a certificate asks for policies, one that all of the chain name will do (RFC 5280, 6.1; Go follows it from 1.24 on). The
 * effect of mappings is not worked out.
 */
static bool policies_are_met(const struct verify *v)
{
	bool wanted = false, mapped = false;

	for (size_t i = 0; i < v->links; i++) {
		if (v->chain[i].maps_any_policy)
			return false;
		wanted = wanted || v->chain[i].wants_policy;
		mapped = mapped || v->chain[i].maps_policies;
	}
	return !wanted || (!mapped && have_policy_in_common(v));
}

static unsigned x509_end_chain(const br_x509_class **ctx)
{
	struct verify *v = verify_of(ctx);
	unsigned err = v->minimal.vtable->end_chain(&v->minimal.vtable);

	/* In that case BearSSL was given no authority to trust. */
	if (err == BR_ERR_X509_NOT_TRUSTED && v->refusal == VERIFY_MALFORMED)
		return v->refusal;
	if (err == BR_ERR_X509_NOT_TRUSTED && v->anchor_refusal)
		return v->anchor_refusal;
	if (err)
		return err;
	if (!v->refusal && !policies_are_met(v))
		return VERIFY_POLICY;
	return v->refusal;
}

static const br_x509_pkey *x509_get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	const struct verify *v = (const struct verify *)(const void *)ctx;

	return v->minimal.vtable->get_pkey(&v->minimal.vtable, usages);
}

static const br_x509_class verify_class = {
	sizeof(struct verify),
	x509_start_chain,
	x509_start_cert,
	x509_append,
	x509_end_cert,
	x509_end_chain,
	x509_get_pkey,
};

void verify_init(struct verify *v, const struct trust *t, struct span ip, int64_t now)
{
	memset(v, 0, offsetof(struct verify, certs));
	v->vtable = &verify_class;
	v->trust = t;
	v->ip = ip;
	v->now = now;
	br_x509_minimal_init(&v->minimal, &br_sha256_vtable, v->anchors, 0);
	br_x509_minimal_set_rsa(&v->minimal, &br_rsa_i31_pkcs1_vrfy);
	br_x509_minimal_set_ecdsa(&v->minimal, &curves_all, &br_ecdsa_i31_vrfy_asn1);
	br_x509_minimal_set_hash(&v->minimal, br_sha256_ID, &br_sha256_vtable);
	br_x509_minimal_set_hash(&v->minimal, br_sha384_ID, &br_sha384_vtable);
	br_x509_minimal_set_hash(&v->minimal, br_sha512_ID, &br_sha512_vtable);
	br_x509_minimal_set_minrsa(&v->minimal, RSA_BYTES_MIN);
	br_x509_minimal_set_time(&v->minimal, (uint32_t)(now / 86400) + DAYS_TO_1970, (uint32_t)(now % 86400));
}
