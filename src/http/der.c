#include "http/der.h"

#include <time.h>

bool der_take_any(struct span *in, unsigned *tag, struct span *content)
{
	const unsigned char *p = (const unsigned char *)in->p;
	size_t head = 2, n;
	const char *start = in->p;

	if (in->n < 2)
		return false;
	n = p[1];
	if (n & 0x80) {
		size_t bytes = n & 0x7f;

		if (bytes < 1 || bytes > 3 || in->n < 2 + bytes)
			return false;
		for (n = 0; bytes; bytes--)
			n = n << 8 | p[head++];
	}
	if (n > in->n - head)
		return false;
	*tag = p[0];
	*in = span_skip(*in, head + n);
	*content = (struct span){ start + head, n };
	return true;
}

bool der_take(struct span *in, unsigned tag, struct span *content, struct span *whole)
{
	struct span rest = *in, inner;
	unsigned found;

	if (!der_take_any(&rest, &found, &inner) || found != tag)
		return false;
	if (whole)
		*whole = (struct span){ in->p, in->n - rest.n };
	*in = rest;
	*content = inner;
	return true;
}

/* YYMMDDHHMMSSZ (years 1950 to 2049) or YYYYMMDDHHMMSSZ (RFC 5280, 4.1.2.5) */
static bool take_time(struct span *in, int64_t *out)
{
	struct span s;
	struct tm t = { 0 };
	unsigned tag;
	int v[7] = { 0 }, *next = v;

	if (!der_take_any(in, &tag, &s) || (tag != DER_UTC_TIME && tag != DER_TIME))
		return false;
	if (s.n != (tag == DER_TIME ? 15U : 13U) || s.p[s.n - 1] != 'Z')
		return false;
	if (tag == DER_UTC_TIME)
		*next++ = s.p[0] < '5' ? 20 : 19;
	for (size_t i = 0; i + 1 < s.n; i += 2, next++) {
		unsigned long two;

		if (!span_number((struct span){ s.p + i, 2 }, 99, &two))
			return false;
		*next = (int)two;
	}
	t.tm_year = v[0] * 100 + v[1] - 1900;
	t.tm_mon = v[2] - 1;
	t.tm_mday = v[3];
	t.tm_hour = v[4];
	t.tm_min = v[5];
	t.tm_sec = v[6];
	*out = timegm(&t);
	return true;
}

bool der_cert(struct span cert, struct der_cert *c)
{
	struct span tbs, x;

	*c = (struct der_cert){ 0 };
	if (!der_take(&cert, DER_SEQUENCE, &cert, NULL) || !der_take(&cert, DER_SEQUENCE, &tbs, NULL))
		return false;
	der_take(&tbs, DER_CONTEXT_CONS, &x, NULL);	   /* version; absent in v1 */
	if (!der_take(&tbs, DER_INTEGER, &x, NULL) ||	   /* serial number */
		!der_take(&tbs, DER_SEQUENCE, &x, NULL) || /* signature algorithm */
		!der_take(&tbs, DER_SEQUENCE, &x, NULL) || /* issuer */
		!der_take(&tbs, DER_SEQUENCE, &x, NULL) || !take_time(&x, &c->not_before) || !take_time(&x, &c->not_after) ||
		!der_take(&tbs, DER_SEQUENCE, &x, &c->subject) || !der_take(&tbs, DER_SEQUENCE, &x, &c->key))
		return false;
	der_take(&tbs, DER_CONTEXT + 1, &x, NULL); /* unique identifiers of v2 */
	der_take(&tbs, DER_CONTEXT + 2, &x, NULL);
	if (der_take(&tbs, DER_CONTEXT_CONS + 3, &x, NULL) && !der_take(&x, DER_SEQUENCE, &c->extensions, NULL))
		return false;
	return true;
}

bool der_extension(const struct der_cert *c, struct span oid, struct span *value)
{
	struct span rest = c->extensions, one, id, flag;

	while (der_take(&rest, DER_SEQUENCE, &one, NULL)) {
		if (!der_take(&one, DER_OID, &id, NULL) || !span_eq(id, oid))
			continue;
		der_take(&one, DER_BOOLEAN, &flag, NULL); /* critical */
		return der_take(&one, DER_OCTETS, value, NULL);
	}
	return false;
}

/* The shortest form of the length, as DER wants it; CONTENT has less than 64 KiB. */
void der_put(struct buf *out, unsigned tag, struct span content)
{
	buf_char(out, (char)tag);
	if (content.n >= 0x100)
		buf_fmt(out, "\x82%c", (int)(content.n >> 8));
	else if (content.n >= 0x80)
		buf_char(out, (char)0x81);
	buf_char(out, (char)content.n);
	buf_span(out, content);
}
