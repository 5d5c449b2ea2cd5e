/*
 * http/trust.h - the certificate authorities that a TLS session may lead to.
 *
 * Read from the file that AWS_CA_BUNDLE names, else SSL_CERT_FILE, else the system's bundle at its usual paths (a platform may
 * have added an authority of its own), else the set built into this program (http/anchors.h).
 */

#ifndef HTTP_TRUST_H
#define HTTP_TRUST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "http/cert.h"

struct trust_anchor {
	struct cert cert; /* der is empty in the built-in set, which consists of names and keys only */
	br_x509_pkey key;
};

struct trust {
	struct arena mem;
	struct trust_anchor *anchors;
	size_t count;
	const char *file; /* static or environment memory; NULL: the built-in set */
};

/*
 * Fills *T, which trust_free() empties. What a certificate may vouch for is not checked here. Certificates that Go would not
 * parse, and keys that BearSSL does not support, are left out. Returns 0, or -1 with *E set: CODE_USAGE (the named file cannot
 * be read or holds no usable certificate), CODE_FAULT.
 */
int trust_load(struct trust *t, struct err *e);
void trust_free(struct trust *t);

/*
 * Writes the anchors in RECORDS (http/anchors.h) as PEM certificates that other verifiers take for roots. 0, or -1: malformed,
 * or OUT is full.
 */
int trust_pem(struct buf *out, struct span records);

#endif
