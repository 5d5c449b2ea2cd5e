#include "http/der.h"

#include <time.h>

/* Parses tag and length at the N bytes P. Returns how many bytes these two take, 0 when they are malformed. */
static size_t take_der_header(const unsigned char *p, size_t n, size_t *length)
{
	size_t bytes, head = 2;

	if (n < 2 || (p[0] & 0x1f) == 0x1f)
		return 0;
	*length = p[1];
	if (p[1] < 0x80)
		return head;
	bytes = p[1] & 0x7f;
	if (bytes < 1 || bytes > 3 || n < 2 + bytes || !p[2])
		return 0;
	for (*length = 0; bytes; bytes--)
		*length = *length << 8 | p[head++];
	return *length < 0x80 ? 0 : head;
}

bool der_take_any(struct span *in, unsigned *tag, struct span *content)
{
	const unsigned char *p = (const unsigned char *)in->p;
	const char *start = in->p;
	size_t n, head = take_der_header(p, in->n, &n);

	if (!head || n > in->n - head)
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

bool der_sequence(struct span *in, struct span *content)
{
	return der_take(in, DER_SEQUENCE, content, NULL);
}

static bool is_shortest_integer(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	return s.n == 1 || (s.n > 1 && !(p[0] == 0 && p[1] < 0x80) && !(p[0] == 0xff && p[1] >= 0x80));
}

bool der_integer(struct span *in, struct span *content)
{
	return der_take(in, DER_INTEGER, content, NULL) && is_shortest_integer(*content);
}

bool der_number(struct span *in, unsigned tag, long max, long *value)
{
	struct span s;

	if (!der_take(in, tag, &s, NULL) || !is_shortest_integer(s) || s.n > sizeof *value || (unsigned char)s.p[0] >= 0x80)
		return false;
	for (*value = 0; s.n; s = span_skip(s, 1))
		*value = *value << 8 | (unsigned char)s.p[0];
	return *value <= max;
}

bool der_boolean(struct span *in, bool *value)
{
	struct span s;

	if (!der_take(in, DER_BOOLEAN, &s, NULL) || s.n != 1 || (s.p[0] && (unsigned char)s.p[0] != 0xff))
		return false;
	*value = s.p[0];
	return true;
}

/*
 * Each number in it has seven bits a byte, the shortest form, and is less than 2^31: at most five bytes, of which the first is
 * less than 8.
 */
bool der_oid(struct span *in, struct span *content)
{
	unsigned long number = 0;

	if (!der_take(in, DER_OID, content, NULL) || !content->n)
		return false;
	for (size_t i = 0; i < content->n; i++) {
		unsigned char c = (unsigned char)content->p[i];

		if (number > 0x7fffffff >> 7 || (!number && c == 0x80))
			return false;
		number = c & 0x80 ? number << 7 | (c & 0x7f) : 0;
	}
	return !(content->p[content->n - 1] & 0x80);
}

bool der_bytes(struct span *in, struct span *content)
{
	if (!der_take(in, DER_BITS, content, NULL) || !content->n || content->p[0])
		return false;
	*content = span_skip(*content, 1);
	return true;
}

/* Puts the digits of S, in pairs, into V. */
static bool read_digit_pairs(struct span s, int *v)
{
	for (; s.n >= 2; s = span_skip(s, 2)) {
		unsigned long two;

		if (!span_number((struct span){ s.p, 2 }, 99, &two))
			return false;
		*v++ = (int)two;
	}
	return true;
}

bool der_time(struct span *in, int64_t *out)
{
	struct span s;
	struct tm t = { 0 }, same;
	unsigned tag;
	int v[7] = { 0 };

	if (!der_take_any(in, &tag, &s) || (tag != DER_UTC_TIME && tag != DER_TIME))
		return false;
	if (s.n != (tag == DER_TIME ? 15U : 13U) || s.p[s.n - 1] != 'Z' || !read_digit_pairs(s, tag == DER_TIME ? v : v + 1))
		return false;
	if (tag == DER_UTC_TIME)
		v[0] = v[1] < 50 ? 20 : 19;
	t.tm_year = v[0] * 100 + v[1] - 1900;
	t.tm_mon = v[2] - 1;
	t.tm_mday = v[3];
	t.tm_hour = v[4];
	t.tm_min = v[5];
	t.tm_sec = v[6];
	same = t;
	*out = timegm(&same); /* makes the 31st of February the 3rd of March */
	return same.tm_mon == t.tm_mon && same.tm_mday == t.tm_mday && same.tm_hour == t.tm_hour && same.tm_min == t.tm_min &&
	       same.tm_sec == t.tm_sec;
}

/* With the shortest form of the length, as DER requires; CONTENT has less than 64 KiB. */
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
