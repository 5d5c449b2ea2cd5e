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
