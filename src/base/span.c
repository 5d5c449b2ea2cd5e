#include "base/span.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool span_is_nocase(struct span a, const char *s)
{
	for (size_t i = 0; i < a.n; i++)
		if (!s[i] || lower(a.p[i]) != lower(s[i]))
			return false;
	return !s[a.n];
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

struct span span_trim(struct span a)
{
	while (a.n && blank(a.p[0]))
		a = span_skip(a, 1);
	while (a.n && blank(a.p[a.n - 1]))
		a.n--;
	return a;
}

bool span_cut(struct span *rest, char sep, struct span *head)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;

	if (!at) {
		*head = *rest;
		*rest = span_skip(*rest, rest->n);
		return false;
	}
	*head = (struct span){ rest->p, (size_t)(at - rest->p) };
	*rest = span_skip(*rest, head->n + 1);
	return true;
}

bool span_cut_at(struct span *rest, const char *what, struct span *head)
{
	const char *at = rest->n ? memmem(rest->p, rest->n, what, strlen(what)) : NULL;

	*head = *rest;
	*rest = span_skip(*rest, rest->n);
	if (!at)
		return false;
	*rest = (struct span){ at + strlen(what), (size_t)(rest->p - at) - strlen(what) };
	head->n = (size_t)(at - head->p);
	return true;
}

struct span span_behind(struct span a, const char *what)
{
	struct span head;

	span_cut_at(&a, what, &head);
	return a;
}

const char *text_in(const char *text, const char *part)
{
	return memmem(text, strlen(text), part, strlen(part));
}

bool span_number(struct span a, unsigned long max, unsigned long *out)
{
	unsigned long v = 0;

	if (!a.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned d = (unsigned)(unsigned char)a.p[i] - '0';

		if (d > 9 || d > max || v > (max - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	return true;
}

size_t span_utf8(struct span s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char lo = 0x80, hi = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		lo = 0xa0;
	if (p[0] == 0xed)
		hi = 0x9f;
	if (p[0] == 0xf0)
		lo = 0x90;
	if (p[0] == 0xf4)
		hi = 0x8f;
	for (size_t i = 1; i < len; i++) {
		if (i >= s.n || p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return len;
}
