/*
 * http/der.h - the little of DER (X.690) that trust needs: walk a certificate to its name, key, dates and
 * extensions; wrap a value. It checks no signature and decides nothing about trust: BearSSL does that.
 */

#ifndef HTTP_DER_H
#define HTTP_DER_H

#include "base/buf.h"

#include <stdint.h>

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BITS = 0x03,
	DER_OCTETS = 0x04,
	DER_OID = 0x06,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_CONTEXT = 0x80,	 /* [0] primitive, + n */
	DER_CONTEXT_CONS = 0xa0, /* [0] constructed, + n */
};

/*
 * Takes the element that IN begins with. Returns false and leaves *IN where that is not of TAG, of definite length
 * and whole. CONTENT may be IN itself: then one goes inside. WHOLE may be NULL; it gets the element with its header.
 */
bool der_take(struct span *in, unsigned tag, struct span *content, struct span *whole);

/* The element at the front, whatever it is. */
bool der_take_any(struct span *in, unsigned *tag, struct span *content);

struct der_cert {
	struct span subject; /* Name and SubjectPublicKeyInfo, whole elements */
	struct span key;
	int64_t not_before, not_after; /* seconds since 1970 */
	struct span extensions;	       /* what stands in SEQUENCE OF Extension; empty where there is none (v1) */
};

/* Returns false where CERT is no certificate; everything points into CERT. */
bool der_cert(struct span cert, struct der_cert *c);

/* The value of the extension with this OID (its DER without header). */
bool der_extension(const struct der_cert *c, struct span oid, struct span *value);

void der_put(struct buf *out, unsigned tag, struct span content);

#define DER_OID_BASIC_CONSTRAINTS SPAN("\x55\x1d\x13")
#define DER_OID_SUBJECT_ALT_NAME SPAN("\x55\x1d\x11")
#define DER_OID_EXTENDED_KEY_USAGE SPAN("\x55\x1d\x25")

#endif
