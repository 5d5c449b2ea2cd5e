#include "http/tls.h"

#include "base/text.h"
#include "http/curves.h"
#include "http/dial.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define SEED 32

#define CHACHA20 BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
#define AES_GCM                                                                               \
	BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, \
		BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384

/* Unless the processor has instructions for AES that BearSSL knows, ChaCha20 takes a quarter of the time. */
static const uint16_t suites_aes_first[] = { AES_GCM, CHACHA20 }, suites_chacha_first[] = { CHACHA20, AES_GCM };

static void set_aes_gcm(br_ssl_engine_context *eng)
{
	const br_block_ctr_class *aes = br_aes_x86ni_ctr_get_vtable();
	br_ghash ghash = br_ghash_pclmul_get();
	bool fast = aes && ghash;

	br_ssl_engine_set_suites(eng, fast ? suites_aes_first : suites_chacha_first, sizeof suites_aes_first / 2);
	br_ssl_engine_set_aes_ctr(eng, aes ? aes : &br_aes_ct64_ctr_vtable);
	br_ssl_engine_set_ghash(eng, ghash ? ghash : &br_ghash_ctmul64);
	br_ssl_engine_set_gcm(eng, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
}

static void set_chacha20(br_ssl_engine_context *eng)
{
	br_chacha20_run chacha20 = br_chacha20_sse2_get();

	br_ssl_engine_set_chacha20(eng, chacha20 ? chacha20 : &br_chacha20_ct_run);
	br_ssl_engine_set_poly1305(eng, &br_poly1305_ctmul_run);
	br_ssl_engine_set_chapol(eng, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
}

static void set_tls_profile(br_ssl_client_context *c)
{
	br_ssl_engine_context *eng = &c->eng;

	br_ssl_client_zero(c);
	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_rsavrfy(eng, &br_rsa_i31_pkcs1_vrfy);
	br_ssl_engine_set_ec(eng, &curves_all);
	br_ssl_engine_set_ecdsa(eng, &br_ecdsa_i31_vrfy_asn1);
	br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(eng, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(eng, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, &br_tls12_sha384_prf);
	set_aes_gcm(eng);
	set_chacha20(eng);
}

/* From the kernel, for each session: a clone of this machine has the same memory, but not the same kernel state. */
static int seed_from_kernel(br_ssl_engine_context *eng)
{
	unsigned char bytes[SEED];
	ssize_t n;

	while ((n = getrandom(bytes, sizeof bytes, 0)) < 0 && errno == EINTR)
		;
	if (n != sizeof bytes)
		return -1;
	br_ssl_engine_inject_entropy(eng, bytes, sizeof bytes);
	explicit_bzero(bytes, sizeof bytes);
	return 0;
}

int tls_start(
	struct tls *t, const char *host, const struct trust *trust, tls_recv *recv, tls_send *send, void *io, struct fail *f)
{
	struct span ip = { (const char *)t->ip, dial_numeric(host, t->ip) };

	set_tls_profile(&t->client);
	verify_init(&t->verify, trust, ip, time(NULL));
	br_ssl_engine_set_x509(&t->client.eng, &t->verify.vtable);
	br_ssl_engine_set_buffers_bidi(&t->client.eng, t->in, sizeof t->in, t->out, sizeof t->out);
	if (seed_from_kernel(&t->client.eng))
		return fail_sys(f, FAIL_FAULT, "TLS with %s: getrandom", host);
	if (!br_ssl_client_reset(&t->client, ip.n ? NULL : host, 0))
		return fail_set(f, FAIL_FAULT, "TLS with %s: cannot start (BearSSL error %d)", host,
			br_ssl_engine_last_error(&t->client.eng));
	br_sslio_init(&t->io, &t->client.eng, recv, io, send, io);
	return 0;
}

/* "2026-11-23 14:05 UTC" */
static const char *date_text(int64_t when, char out[40])
{
	time_t w = (time_t)when;
	struct tm t;

	if (!gmtime_r(&w, &t))
		return "an unknown time";
	text_fmt(out, 40, "%d-%02d-%02d %02d:%02d UTC", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min);
	return out;
}

static int explain_dates(const struct verify *v, const char *host, struct fail *f)
{
	bool early = v->now < v->not_before;
	char limit[40], now[40];

	if (!v->not_after)
		fail_set(f, FAIL_TLS, "the certificate of %s is expired or not yet valid; this machine's clock says %s", host,
			date_text(v->now, now));
	else
		fail_set(f, FAIL_TLS, "a certificate of %s %s %s; this machine's clock says %s", host,
			early ? "is not valid before" : "expired on", date_text(early ? v->not_before : v->not_after, limit),
			date_text(v->now, now));
	return err_hint(&f->err,
		"if this machine's clock is wrong (a resumed snapshot?), set it; else the server needs a new certificate");
}

static int explain_name(const struct verify *v, const char *host, struct fail *f)
{
	fail_set(f, FAIL_TLS, "the server's certificate is not for %s%s%s", host, v->name[0] ? " but for " : "", v->name);
	return err_hint(
		&f->err, "check the host in S3_ENDPOINT_URL; something between here and S3 may have answered in its place");
}

static const char wrong_use[] = "a certificate's key usage forbids this";

static const struct {
	int error;
	const char *cause, *hint;
} meanings[] = {
	{ BR_ERR_X509_NOT_TRUSTED, "its certificate is signed by an authority that is not trusted here",
		"if the authority is your own, name its certificate (PEM) by SSL_CERT_FILE or AWS_CA_BUNDLE" },
	{ BR_ERR_X509_BAD_SIGNATURE, "a certificate's signature is wrong", "the server must send its whole chain, in order" },
	{ BR_ERR_X509_DN_MISMATCH, "its certificates do not follow one another",
		"the server must send its whole chain, in order" },
	{ BR_ERR_X509_NOT_CA, "its certificate is signed by a certificate that is no authority", "ask who runs the server" },
	{ BR_ERR_X509_FORBIDDEN_KEY_USAGE, wrong_use, "ask who runs the server" },
	{ VERIFY_PURPOSE, "a certificate's extended key usage forbids servers",
		"the server's certificate and each authority above it need serverAuth, or no extended key usage at all" },
	{ VERIFY_CONSTRAINT, "an authority's name constraints forbid a name in its certificate",
		"rclone would refuse it too: ask who runs the server for a certificate of another authority" },
	{ VERIFY_POLICY, "its certificates lack a policy that one of them asks for",
		"rclone would refuse it too: ask who runs the server" },
	{ VERIFY_MALFORMED, "a certificate is malformed", "rclone would refuse it too: the server needs a new one" },
	{ BR_ERR_WRONG_KEY_USAGE, wrong_use, "ask who runs the server" },
	{ BR_ERR_BAD_SIGNATURE, "the server does not hold its certificate's key", "ask who runs the server" },
	{ BR_ERR_X509_WEAK_PUBLIC_KEY, "a certificate has an RSA key of less than 2048 bits",
		"the server needs a stronger key" },
	{ BR_ERR_X509_CRITICAL_EXTENSION, "its certificates hold a critical extension that this program does not know",
		"critical name constraints are understood in an authority of the bundle alone, not in what the server sends" },
	{ BR_ERR_X509_UNSUPPORTED, "its certificate uses a key or signature that this program does not know",
		"ECDSA (P-256, P-384, P-521) and RSA PKCS#1 with SHA-256 or above are supported" },
	{ BR_ERR_RECV_FATAL_ALERT + 70, "the server takes TLS 1.3 alone, this program has TLS 1.2",
		"allow TLS 1.2 at the server or at the proxy before it" },
	{ BR_ERR_RECV_FATAL_ALERT + 40, "the server has no cipher suite in common with us, or wants a client certificate",
		"allow at the server, without client certificates: TLS 1.2, ECDHE (P-256, P-384, P-521 or X25519), AES-GCM or ChaCha20-Poly1305" },
	{ BR_ERR_RECV_FATAL_ALERT + 112, "the server does not know this host name", "check the host in S3_ENDPOINT_URL" },
	{ BR_ERR_RECV_FATAL_ALERT + 116, "the server asks for a client certificate", "this program has none to give" },
	{ BR_ERR_UNSUPPORTED_VERSION, "the server offers an old version of TLS",
		"allow TLS 1.2 at the server or at the proxy before it" },
};

int tls_explain(const struct tls *t, const char *host, struct fail *f)
{
	int error = br_ssl_engine_last_error(&t->client.eng);

	if (error == BR_ERR_X509_EXPIRED)
		return explain_dates(&t->verify, host, f);
	if (error == BR_ERR_X509_BAD_SERVER_NAME)
		return explain_name(&t->verify, host, f);
	for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
		if (error != meanings[i].error)
			continue;
		fail_set(f, FAIL_TLS, "TLS with %s: %s", host, meanings[i].cause);
		return err_hint(&f->err, "%s", meanings[i].hint);
	}
	if (error > BR_ERR_RECV_FATAL_ALERT && error < BR_ERR_SEND_FATAL_ALERT)
		return fail_set(
			f, FAIL_TLS, "TLS with %s: the server ended it with alert %d", host, error - BR_ERR_RECV_FATAL_ALERT);
	return fail_set(f, FAIL_TLS,
		error > BR_ERR_X509_OK && error < BR_ERR_X509_UNSUPPORTED ?
			"TLS with %s: a certificate is malformed (BearSSL error %d)" :
			"TLS with %s failed (BearSSL error %d)",
		host, error);
}
