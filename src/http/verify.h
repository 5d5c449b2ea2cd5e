/*
 * http/verify.h - BearSSL's certificate verifier ("minimal"), and what rclone's (Go's crypto/x509) checks beyond that: names
 * and addresses (RFC 5280, 4.2.1.6), name constraints, extended key usages, policies, and all of this for the authorities in
 * the bundle too. Accepted is what both accept: a yes here must not lead to a mount that never works. It also records the dates
 * of an expired certificate, and the names in one for another host.
 */

#ifndef HTTP_VERIFY_H
#define HTTP_VERIFY_H

#include "base/span.h"
#include "http/trust.h"

#include <bearssl.h>
#include <stdint.h>

#define VERIFY_CERTS_MAX \
	65536 /* bytes of everything that a server sends: Go's limit for a long time; a hundred names take 4 KiB */
#define VERIFY_CHAIN_MAX 16   /* certificates up to the authority in the bundle; servers send two to four */
#define VERIFY_ANCHORS_MAX 16 /* authorities with the same name */

/* In addition to BearSSL's errors (BR_ERR_X509_*). */
enum verify_error {
	VERIFY_MALFORMED = 1024,
	VERIFY_PURPOSE,	   /* an extended key usage forbids servers */
	VERIFY_CONSTRAINT, /* a name constraint forbids a name */
	VERIFY_POLICY,	   /* a required policy is missing, or that cannot be decided */
};

struct verify {
	const br_x509_class *vtable; /* first: BearSSL calls through it */
	br_x509_minimal_context minimal;
	const struct trust *trust;
	struct span ip; /* 4 or 16 bytes; empty: the endpoint has a name */
	const char *host;
	int64_t now;					  /* that the dates are compared with */
	int64_t not_before, not_after;			  /* of the certificate that is not valid at that time, else 0 */
	unsigned refusal;				  /* 0, or why Go would not accept what the server sent */
	unsigned anchor_refusal;			  /* the same for an authority in the bundle that could have signed */
	char name[256];					  /* a name in the server's certificate, "" when it has none */
	br_x509_trust_anchor anchors[VERIFY_ANCHORS_MAX]; /* those that BearSSL may trust for the current certificate */
	struct cert chain[VERIFY_CHAIN_MAX];
	size_t links;	    /* in chain */
	size_t seen;	    /* certificates, including those after the chain */
	size_t begin, used; /* of the current certificate; used keeps counting when certs is full */
	unsigned char certs[VERIFY_CERTS_MAX];
};

/*
 * T and IP are kept by pointer. Accepts signatures with SHA-256 and above, and RSA keys from 2048 bits (for an authority in the
 * bundle: 1024).
 */
void verify_init(struct verify *v, const struct trust *t, struct span ip, int64_t now);

#endif
