/*
 * http/cert.h - a certificate (RFC 5280), read as strictly as Go's crypto/x509 does: rclone is written in Go, and a check that takes
 * what rclone refuses says yes where no mount works. In doubt a certificate is refused that Go would take. Pure; checks no signature.
 */

#ifndef HTTP_CERT_H
#define HTTP_CERT_H

#include "base/span.h"

#include <bearssl.h>
#include <stdint.h>

/* Everything points into the certificate. */
struct cert {
	struct span der;		  /* all of it */
	struct span issuer, subject, key; /* Names and SubjectPublicKeyInfo, whole elements */
	struct span alt_names;		  /* what stands in subjectAltName; p is NULL where there is none */
	struct span permitted, excluded;  /* name constraints: what stands in the lists of subtrees, or empty */
	struct span policies;		  /* what stands in certificatePolicies, or empty */
	int64_t not_before, not_after;	  /* seconds since 1970 */
	long path_length;		  /* authorities that may follow below; -1: any number */
	int version;			  /* 1 to 3 */
	bool constrains, authority;	  /* there are basic constraints; they say that it is an authority */
	bool may_sign;			  /* no key usage forbids to sign certificates */
	bool for_servers;		  /* no extended key usage forbids to vouch for servers */
	bool unknown_critical;		  /* a critical extension is none that Go knows */
	bool wants_policy, maps_policies; /* policy constraints and mappings */
	bool strict_signature;		  /* it has the form that its algorithm gives it */
	bool maps_any_policy;		  /* which nobody may */
	bool unknown;			  /* while it is read: nothing in this extension is known */
};

/* Returns false where DER is no certificate that Go takes. */
bool cert_read(struct cert *c, struct span der);

#define CERT_ANY_POLICY SPAN("\x55\x1d\x20\x00")

/* Is ID (the content of an object identifier) among POLICIES? */
bool cert_has_policy(struct span policies, struct span id);

/* Reads SPKI (SubjectPublicKeyInfo), which the key then points into. False: malformed, or a kind that BearSSL has no code for. */
bool cert_key(struct span spki, br_x509_pkey *k);

#endif
