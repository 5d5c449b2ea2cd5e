#include "base/span.h"

#include "base/chars.h"

bool span_is_nocase(struct span a, const char *s)
{
	for (size_t i = 0; i < a.n; i++)
		if (!s[i] || char_lower(a.p[i]) != char_lower(s[i]))
			return false;
	return !s[a.n];
}

bool span_is_any(struct span a, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_is(a, list[i]))
			return true;
	return false;
}

bool span_starts_any(struct span a, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (span_starts(a, span_of(list[i])))
			return true;
	return false;
}

struct span span_trim(struct span a)
{
	while (a.n && char_is_blank(a.p[0]))
		a = span_skip(a, 1);
	while (a.n && char_is_blank(a.p[a.n - 1]))
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

struct span span_after(struct span a, const char *what)
{
	struct span head;

	span_cut_at(&a, what, &head);
	return a;
}

const char *text_find(const char *text, const char *part)
{
	return memmem(text, strlen(text), part, strlen(part));
}

static bool number_in_base(struct span a, unsigned base, unsigned long max, unsigned long *out)
{
	unsigned long v = 0;

	if (!a.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned d = (unsigned)(unsigned char)a.p[i] - '0';

		if (d >= base || d > max || v > (max - d) / base)
			return false;
		v = v * base + d;
	}
	*out = v;
	return true;
}

bool span_number(struct span a, unsigned long max, unsigned long *out)
{
	return number_in_base(a, 10, max, out);
}

bool span_octal(struct span a, unsigned long max, unsigned long *out)
{
	return number_in_base(a, 8, max, out);
}

int span_octal_escape(struct span a)
{
	unsigned long byte;

	if (a.n < 4 || a.p[0] != '\\' || !span_octal((struct span){ a.p + 1, 3 }, 0377, &byte))
		return -1;
	return (int)byte;
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

bool span_is_utf8(struct span a)
{
	for (size_t n; a.n; a = span_skip(a, n))
		if (!(n = span_utf8(a)))
			return false;
	return true;
}

struct span span_skip_bom(struct span a)
{
	return span_starts(a, SPAN("\xef\xbb\xbf")) ? span_skip(a, 3) : a;
}

/* Unlike strchr(3), does not find the terminating NUL. */
static bool is_in_set(char c, const char *set)
{
	return c && strchr(set, c);
}

bool span_is_utf16(struct span a)
{
	if (span_starts(a, SPAN("\xff\xfe")) || span_starts(a, SPAN("\xfe\xff")))
		return true;
	return a.n >= 4 && !a.p[0] == !a.p[2] && !a.p[1] == !a.p[3] && !a.p[0] != !a.p[1];
}

bool span_all(struct span a, bool (*is)(char c), const char *others)
{
	for (size_t i = 0; i < a.n; i++)
		if (!is(a.p[i]) && !is_in_set(a.p[i], others))
			return false;
	return true;
}

struct span span_take_while(struct span *rest, bool (*is)(char c))
{
	struct span head = { rest->p, 0 };

	while (head.n < rest->n && is(rest->p[head.n]))
		head.n++;
	*rest = span_skip(*rest, head.n);
	return head;
}

bool span_has_control(struct span a, const char *allowed)
{
	for (size_t i = 0; i < a.n; i++)
		if (char_is_control(a.p[i]) && !is_in_set(a.p[i], allowed))
			return true;
	return false;
}

bool span_has_control_picture(struct span a)
{
	for (; a.n >= 3; a = span_skip(a, 1))
		if (span_starts(a, SPAN("\xe2\x80\x9b")) ||
			(span_starts(a, SPAN("\xe2\x90")) && (unsigned char)a.p[2] >= 0x80 && (unsigned char)a.p[2] <= 0xa1))
			return true;
	return false;
}

bool span_has_form(struct span a, const char *form)
{
	for (size_t i = 0; form[i]; i++)
		if (i >= a.n || (form[i] == 'd' ? !char_is_digit(a.p[i]) : a.p[i] != form[i]))
			return false;
	return true;
}
