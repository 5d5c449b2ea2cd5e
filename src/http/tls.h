/*
 * http/tls.h - a TLS 1.2 client session over BearSSL: which versions, suites and keys we accept, and what a failure means.
 *
 * Only ECDHE (forward secrecy), over P-256, P-384, P-521 or X25519; only authenticated encryption: AES-GCM and
 * ChaCha20-Poly1305, whichever is faster on this processor first. It does no I/O itself.
 */

#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include "http/fail.h"
#include "http/verify.h"

#include <bearssl.h>

struct tls {
	br_ssl_client_context client;
	br_sslio_context io;
	struct verify verify;
	unsigned char ip[16];
	/*
	 * Whole records both ways: with less room BearSSL asks for shorter ones, by an extension that some servers mishandle.
	 */
	unsigned char in[BR_SSL_BUFSIZE_INPUT];
	unsigned char out[BR_SSL_BUFSIZE_OUTPUT];
};

typedef int tls_recv(void *io, unsigned char *p, size_t n);	  /* bytes, or -1 */
typedef int tls_send(void *io, const unsigned char *p, size_t n); /* bytes, or -1 */

/*
 * Prepares a session with HOST (a name, or an address: then without SNI), seeded from getrandom(2). TRUST must outlive it.
 * Returns 0, or -1 with *F set (FAIL_FAULT).
 */
int tls_start(
	struct tls *t, const char *host, const struct trust *trust, tls_recv *recv, tls_send *send, void *io, struct fail *f);

/* Sets *F to what the engine's error means for a session with HOST. Returns -1. */
int tls_explain(const struct tls *t, const char *host, struct fail *f);

#endif
