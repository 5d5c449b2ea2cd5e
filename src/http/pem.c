#include "http/pem.h"

#include "base/chars.h"

#define LINE 48 /* bytes of DER in one line of 64 characters */
#define NO_VALUE 64

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

/* Blanks and line ends are skipped; false when a byte is not of the alphabet, or the last byte is incomplete. */
static bool decode_base64(struct span in, struct buf *out)
{
	unsigned bits = 0, have = 0;
	unsigned char value[256]; /* of a character; NO_VALUE: not in the alphabet */

	memset(value, NO_VALUE, sizeof value);
	for (unsigned char i = 0; i < 64; i++)
		value[(unsigned char)alphabet[i]] = i;
	while (in.n && strchr("=\r\n\t ", in.p[in.n - 1]))
		in.n--;
	for (; in.n; in = span_skip(in, 1)) {
		unsigned v = value[(unsigned char)in.p[0]];

		if (v == NO_VALUE && char_is_space(in.p[0]))
			continue;
		if (v == NO_VALUE)
			return false;
		bits = bits << 6 | v;
		have += 6;
		if (have >= 8)
			buf_char(out, (char)(bits >> (have -= 8)));
	}
	return have < 6 && !out->full;
}

int pem_next(struct span *text, struct buf *der)
{
	struct span body;

	buf_clear(der);
	if (!span_cut_at(text, begin, &body) || !span_cut_at(text, end, &body))
		return 0;
	return decode_base64(body, der) ? 1 : -1;
}

void pem_write(struct buf *out, struct span der)
{
	buf_str(out, begin);
	for (size_t i = 0; i < der.n; i += 3) {
		size_t n = der.n - i < 3 ? der.n - i : 3;
		unsigned char b[3] = { 0 };
		unsigned bits;
		char four[4];

		memcpy(b, der.p + i, n);
		bits = (unsigned)b[0] << 16 | (unsigned)b[1] << 8 | b[2];
		for (int k = 0; k < 4; k++)
			four[k] = alphabet[bits >> (18 - 6 * k) & 63];
		memset(four + 1 + n, '=', 3 - n);
		if (i % LINE == 0)
			buf_char(out, '\n');
		buf_add(out, four, sizeof four);
	}
	buf_char(out, '\n');
	buf_str(out, end);
	buf_char(out, '\n');
}
