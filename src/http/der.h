/*
 * http/der.h - DER (X.690), parsed as strictly as Go's cryptobyte does: one form of a length, low tags, whole elements. Pure;
 * results point into the input.
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
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8 = 0x0c,
	DER_NUMERIC = 0x12,
	DER_PRINTABLE = 0x13,
	DER_T61 = 0x14,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_BMP = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT = 0x80,	 /* [0] primitive, + n */
	DER_CONTEXT_CONS = 0xa0, /* [0] constructed, + n */
};

/*
 * Takes the element at the front of IN. Returns false and leaves *IN alone when it is not of TAG, of definite length and whole.
 * CONTENT may be IN itself, to descend into it. WHOLE may be NULL; it gets the element with its header.
 */
bool der_take(struct span *in, unsigned tag, struct span *content, struct span *whole);

/* As der_take(), for a SEQUENCE. */
bool der_sequence(struct span *in, struct span *content);

/* The element at the front, whatever its tag. */
bool der_take_any(struct span *in, unsigned *tag, struct span *content);

/* Does IN begin with an element of TAG? Says nothing about the rest of it. */
static inline bool der_is_next(struct span in, unsigned tag)
{
	return in.n && (unsigned char)in.p[0] == tag;
}

/*
 * As der_take(), and checks the content: shortest form; for an integer, of either sign; for bits, whole bytes, without the
 * count.
 */
bool der_integer(struct span *in, struct span *content);
bool der_boolean(struct span *in, bool *value);
bool der_oid(struct span *in, struct span *content);
bool der_bytes(struct span *in, struct span *content);

/* A non-negative integer of at most MAX, in an element of TAG (DER_INTEGER, or an implicit tag). */
bool der_number(struct span *in, unsigned tag, long max, long *value);

/* UTCTime or GeneralizedTime as in RFC 5280 (4.1.2.5): to the second, in UTC, on a day that exists. Seconds since 1970. */
bool der_time(struct span *in, int64_t *out);

void der_put(struct buf *out, unsigned tag, struct span content);

#endif
