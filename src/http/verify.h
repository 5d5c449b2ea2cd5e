/*
 * http/verify.h - BearSSL's certificate verifier ("minimal"), and beside it what that does not tell: which dates an
 * expired certificate has, which names one for somebody else has. It also knows addresses: an endpoint that is an IP
 * address is looked for among the iPAddress names of the server's certificate (RFC 5280, 4.2.1.6).
 */

#ifndef HTTP_VERIFY_H
#define HTTP_VERIFY_H

#include "base/span.h"
#include "http/trust.h"

#include <bearssl.h>
#include <stdint.h>

/* A certificate with a hundred names has 4 KiB; of a longer one only BearSSL's own verdict is known. */
#define VERIFY_CERT_MAX 8192

struct verify {
	const br_x509_class *vtable; /* first: BearSSL calls through it */
	br_x509_minimal_context minimal;
	struct span ip;		       /* 4 or 16 bytes; empty: the endpoint has a name */
	int64_t now;		       /* what the dates were compared with */
	int64_t not_before, not_after; /* of the certificate whose dates do not hold, else 0 */
	unsigned leaf;		       /* what rclone would say of the server's own certificate: 0 or an error of BearSSL */
	bool ip_found;
	char name[256]; /* a name in the server's certificate, "" where it has none */
	size_t used;
	unsigned char cert[VERIFY_CERT_MAX];
};

/* IP is kept by pointer. Signatures with SHA-256 and above, RSA keys from 2048 bits. */
void verify_init(struct verify *v, const struct trust *t, struct span ip, int64_t now);

#endif
