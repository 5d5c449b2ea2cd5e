#include "s3/redact.h"

#include "base/chars.h"

#include <stdint.h>
#include <stdlib.h>

#define SLOTS 65536 /* all readings of a text together have less than 50 times its length */
#define ROUNDS 4    /* of nested escapes */

/* The runs of a text, each as a number, in a hash table with open addressing; 0 is an empty slot. */
struct runs {
	uint64_t *slots;
	const struct span *secrets;
	size_t count;
	bool found; /* a secret that is too short to have a run */
};

static uint64_t *slot_of(const struct runs *r, uint64_t run)
{
	size_t i = (size_t)(run * 0x9e3779b97f4a7c15U >> 48);

	while (r->slots[i] && r->slots[i] != run)
		i = (i + 1) % SLOTS;
	return &r->slots[i];
}

/* A lower-case letter or a digit; else 0. */
static char fold_char(char c)
{
	return char_is_alnum(c) ? char_lower(c) : 0;
}

typedef char folding(char c);

static size_t fold_text(struct span s, folding *by, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		if ((out[n] = by(s.p[i])))
			n++;
	return n;
}

static void reverse_bytes(char *p, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		char c = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = c;
	}
}

/* Does TEXT, which is folded, hold the whole of a secret that is too short for a run? */
static bool holds_short(const struct runs *r, const char *text, size_t n)
{
	char part[REDACT_RUN];

	for (size_t i = 0; i < r->count; i++) {
		struct span s = r->secrets[i];
		size_t k = s.n < 4 * REDACT_RUN ? s.n : 4 * REDACT_RUN;
		char all[4 * REDACT_RUN + 1];

		k = fold_text((struct span){ s.p, k }, fold_char, all);
		if (!k || k >= REDACT_RUN)
			continue;
		memcpy(part, all, k);
		if (memmem(text, n, part, k))
			return true;
		reverse_bytes(part, k);
		if (memmem(text, n, part, k))
			return true;
	}
	return false;
}

static void add_runs(struct runs *r, const char *text, size_t n)
{
	uint64_t run = 0;

	for (size_t i = 0; i < n; i++) {
		run = run << 8 | (unsigned char)text[i];
		if (i + 1 >= REDACT_RUN)
			*slot_of(r, run) = run;
	}
}

/* One reading of the text: literal, and without what may separate its characters. */
static void add_reading(struct runs *r, struct span text)
{
	char plain[REDACT_TEXT_MAX + 1] = "";

	add_runs(r, plain, fold_text(text, char_lower, plain));
	text.n = fold_text(text, fold_char, plain);
	add_runs(r, plain, text.n);
	r->found = r->found || holds_short(r, plain, text.n);
}

static int base32_digit(char c)
{
	char small = fold_char(c);

	if (small >= '2' && small <= '7')
		return small - '2' + 26;
	return small >= 'a' ? small - 'a' : -1;
}

static int base64_digit(char c)
{
	if (char_is_upper(c))
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (char_is_digit(c))
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

static const struct {
	int (*digit)(char c);
	unsigned bits;
	int starts; /* how many digits may precede the start of a byte */
} codes[] = {
	{ char_hex, 4, 2 },
	{ base32_digit, 5, 8 },
	{ base64_digit, 6, 4 },
};

/* Decodes TEXT by codes[I], without its first SKIP digits. */
static void add_decoded(struct runs *r, struct span text, size_t i, int skip)
{
	char bytes[REDACT_TEXT_MAX];
	unsigned have = 0, bits = 0;
	size_t n = 0;

	for (size_t k = 0; k < text.n; k++) {
		int digit = codes[i].digit(text.p[k]);

		if (digit < 0 || skip-- > 0)
			continue;
		bits = bits << codes[i].bits | (unsigned)digit;
		have += codes[i].bits;
		if (have < 8)
			continue;
		have -= 8;
		bytes[n++] = (char)(bits >> have);
	}
	add_reading(r, (struct span){ bytes, n });
}

static void add_readings(struct runs *r, struct span text)
{
	add_reading(r, text);
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		for (int skip = 0; skip < codes[i].starts; skip++)
			add_decoded(r, text, i, skip);
}

/* Takes a decimal or hexadecimal number of at most MOST digits off the front of *S. Returns it; -1 when there is none. */
static int take_escaped_number(struct span *s, int base, size_t most)
{
	size_t n = 0;
	int number = 0;

	for (int digit; n < s->n && n < most && (digit = char_hex(s->p[n])) >= 0 && digit < base; n++)
		number = number * base + digit;
	*s = span_skip(*s, n);
	return n ? number : -1;
}

static const struct {
	const char *mark;
	int base; /* 0: stands for an ampersand */
	size_t digits;
} escapes[] = {
	{ "&amp;", 0, 0 },
	{ "&#x", 16, 6 },
	{ "&#X", 16, 6 },
	{ "&#", 10, 7 },
	{ "%", 16, 2 },
	{ "\\x", 16, 2 },
	{ "\\u", 16, 4 },
	{ "0x", 16, 2 },
	{ "=", 16, 2 },
};

/* Takes the first character off the front of *S, escaped or not. */
static char take_unescaped_char(struct span *s)
{
	char c = s->p[0];

	for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
		struct span rest = *s;
		int number;

		if (!span_starts(rest, span_of(escapes[i].mark)))
			continue;
		rest = span_skip(rest, strlen(escapes[i].mark));
		number = escapes[i].base ? take_escaped_number(&rest, escapes[i].base, escapes[i].digits) : '&';
		if (number < 0)
			continue;
		if (s->p[0] == '&' && escapes[i].base && rest.n && rest.p[0] == ';')
			rest = span_skip(rest, 1);
		*s = rest;
		return (char)number;
	}
	*s = span_skip(*s, 1);
	return c;
}

/* In place. Returns the new length. */
static size_t unescape_text(char *text, size_t n)
{
	struct span rest = { text, n };
	size_t out = 0;

	while (rest.n)
		text[out++] = take_unescaped_char(&rest);
	return out;
}

/* Adds the next character of a secret: does it complete a run that occurs in the text, forwards or backwards? */
static bool ends_known_run(const struct runs *r, uint64_t *run, size_t *length, char c)
{
	if (!c)
		return false;
	*run = *run << 8 | (unsigned char)c;
	return ++*length >= REDACT_RUN && (*slot_of(r, *run) || *slot_of(r, __builtin_bswap64(*run)));
}

static bool shares_run(const struct runs *r, struct span secret, folding *by)
{
	uint64_t run = 0;
	size_t length = 0;

	for (size_t i = 0; i < secret.n; i++)
		if (ends_known_run(r, &run, &length, by(secret.p[i])))
			return true;
	return false;
}

/*
 * The same for the secret in base64, from bit FROM on: the text may have lost the case of its letters, so it cannot be decoded.
 */
static bool shares_base64(const struct runs *r, struct span secret, size_t from)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)secret.p;
	uint64_t run = 0;
	size_t length = 0;

	for (size_t bit = from; bit + 6 <= secret.n * 8; bit += 6) {
		unsigned two = (unsigned)p[bit / 8] << 8 | (bit / 8 + 1 < secret.n ? p[bit / 8 + 1] : 0);

		if (ends_known_run(r, &run, &length, fold_char(digits[two >> (10 - bit % 8) & 0x3f])))
			return true;
	}
	return false;
}

static bool shares_any(const struct runs *r)
{
	for (size_t i = 0; i < r->count; i++) {
		if (shares_run(r, r->secrets[i], fold_char) || shares_run(r, r->secrets[i], char_lower))
			return true;
		for (size_t from = 0; from < 6; from += 2)
			if (shares_base64(r, r->secrets[i], from))
				return true;
	}
	return false;
}

bool redact_holds(struct span text, const struct creds *creds, struct span signature)
{
	const struct span secrets[] = { span_of(creds->token), span_of(creds->secret), signature };
	struct runs r = { .secrets = secrets, .count = sizeof secrets / sizeof *secrets };
	char copy[REDACT_TEXT_MAX];
	size_t n = text.n;
	bool held;

	if (!n || n > sizeof copy)
		return n != 0;
	r.slots = calloc(SLOTS, sizeof *r.slots);
	if (!r.slots)
		return true;
	memcpy(copy, text.p, n);
	add_readings(&r, text);
	for (size_t before = n + 1, i = 0; n < before && i < ROUNDS; i++) {
		before = n;
		n = unescape_text(copy, n);
		add_reading(&r, (struct span){ copy, n });
	}
	if (n < text.n)
		add_readings(&r, (struct span){ copy, n });
	held = r.found || shares_any(&r);
	free(r.slots);
	return held;
}

bool redact_looks_encoded(struct span text)
{
	size_t run = 0, upper = 0, lower = 0;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (base64_digit(c) < 0 && c != '=') {
			run = upper = lower = 0;
			continue;
		}
		run++;
		upper += char_is_upper(c);
		lower += char_is_letter(c) && !char_is_upper(c);
		if (run >= REDACT_CODE && upper > 2 && lower > 2 && run - upper - lower > 0)
			return true;
	}
	return false;
}
