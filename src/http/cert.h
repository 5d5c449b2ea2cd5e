/*
 * http/cert.h - a certificate (RFC 5280), parsed as strictly as Go's crypto/x509 does: rclone is written in Go, and a check
 * that accepts what rclone refuses says yes where no mount works. In doubt a certificate is refused that Go would accept. Pure;
 * checks no signature.
 */

#ifndef HTTP_CERT_H
#define HTTP_CERT_H

#include "base/span.h"

#include <bearssl.h>
#include <stdint.h>

/* All spans point into the certificate. */
struct cert {
	struct span der;		  /* the whole certificate */
	struct span issuer, subject, key; /* Names and SubjectPublicKeyInfo, whole elements */
	struct span alt_names;		  /* the content of subjectAltName; p is NULL when there is none */
	struct span permitted, excluded;  /* name constraints: the content of the lists of subtrees, or empty */
	struct span policies;		  /* the content of certificatePolicies, or empty */
	int64_t not_before, not_after;	  /* seconds since 1970 */
	long path_length;		  /* authorities that may follow below; -1: any number */
	int version;			  /* 1 to 3 */
	bool constrains, authority;	  /* it has basic constraints; they say that it is an authority */
	bool may_sign;			  /* no key usage forbids it to sign certificates */
	bool for_servers;		  /* no extended key usage forbids it to vouch for servers */
	bool unknown_critical;		  /* a critical extension is unknown to Go */
	bool wants_policy, maps_policies; /* policy constraints and mappings */
	bool strict_signature;		  /* its signature has the form that the algorithm prescribes */
	bool maps_any_policy;		  /* which is never allowed */
	bool unknown;			  /* while parsing: nothing in this extension is known */
};

/* Returns false when Go would not accept DER as a certificate. */
bool cert_read(struct cert *c, struct span der);

#define CERT_ANY_POLICY SPAN("\x55\x1d\x20\x00")

/* Is ID (the content of an object identifier) among POLICIES? */
bool cert_has_policy(struct span policies, struct span id);

/* Parses SPKI (SubjectPublicKeyInfo); the key points into it. False: malformed, or a kind that BearSSL does not support. */
bool cert_key(struct span spki, br_x509_pkey *k);

#endif
