/*
 * http/verify.h - BearSSL's certificate verifier ("minimal"), and beside it what rclone's (Go's crypto/x509) asks and that does not:
 * names and addresses (RFC 5280, 4.2.1.6), name constraints, extended key usages, policies, and all of it of the authorities in the
 * bundle too. What it takes, both take: a yes here must not become a mount that never stands. It also knows which dates an expired
 * certificate has, which names one for somebody else has.
 */

#ifndef HTTP_VERIFY_H
#define HTTP_VERIFY_H

#include "base/span.h"
#include "http/trust.h"

#include <bearssl.h>
#include <stdint.h>

#define VERIFY_CERTS_MAX 65536 /* bytes of all that a server sends: what Go took for long; a hundred names have 4 KiB */
#define VERIFY_CHAIN_MAX 16    /* certificates up to the authority in the bundle; servers send two to four */
#define VERIFY_ANCHORS_MAX 16  /* authorities of one name */

/* Beside BearSSL's errors (BR_ERR_X509_*). */
enum verify_error {
	VERIFY_MALFORMED = 1024,
	VERIFY_PURPOSE,	   /* an extended key usage forbids servers */
	VERIFY_CONSTRAINT, /* a name constraint forbids a name */
	VERIFY_POLICY,	   /* a policy that is asked for is missing, or that cannot be told */
};

struct verify {
	const br_x509_class *vtable; /* first: BearSSL calls through it */
	br_x509_minimal_context minimal;
	const struct trust *trust;
	struct span ip; /* 4 or 16 bytes; empty: the endpoint has a name */
	const char *host;
	int64_t now;					  /* what the dates were compared with */
	int64_t not_before, not_after;			  /* of the certificate whose dates do not hold, else 0 */
	unsigned refusal;				  /* 0, or why Go would not take what the server sent */
	unsigned anchor_refusal;			  /* the same of an authority in the bundle that could have signed */
	char name[256];					  /* a name in the server's certificate, "" where it has none */
	br_x509_trust_anchor anchors[VERIFY_ANCHORS_MAX]; /* those that BearSSL may believe for the certificate at hand */
	struct cert chain[VERIFY_CHAIN_MAX];
	size_t links;	    /* in chain */
	size_t seen;	    /* certificates, those behind the chain too */
	size_t begin, used; /* of the certificate at hand; used goes on counting where certs is full */
	unsigned char certs[VERIFY_CERTS_MAX];
};

/* T and IP are kept by pointer. Signatures with SHA-256 and above, RSA keys from 2048 bits (an authority in the bundle: 1024). */
void verify_init(struct verify *v, const struct trust *t, struct span ip, int64_t now);

#endif
