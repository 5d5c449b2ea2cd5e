#include "base/json.h"

static const struct span replacement = { "\\ufffd", 6 };

static void quote(struct buf *b, const char *s)
{
	size_t left = strlen(s);

	buf_char(b, '"');
	while (left) {
		size_t n = span_utf8((struct span){ s, left });
		unsigned char c = (unsigned char)*s;

		if (!n) {
			buf_span(b, replacement);
			n = 1;
		} else if (c == '"' || c == '\\') {
			buf_char(b, '\\');
			buf_char(b, *s);
		} else if (c < 0x20 || c == 0x7f) {
			buf_fmt(b, "\\u%04x", c);
		} else {
			buf_add(b, s, n);
		}
		s += n;
		left -= n;
	}
	buf_char(b, '"');
}

static void lead(struct json *j, const char *key)
{
	if (j->comma)
		buf_char(j->out, ',');
	j->comma = true;
	if (key) {
		quote(j->out, key);
		buf_char(j->out, ':');
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	lead(j, key);
	buf_char(j->out, bracket);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	buf_char(j->out, bracket);
	j->comma = true;
}

void json_str(struct json *j, const char *key, const char *value)
{
	lead(j, key);
	quote(j->out, value);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	lead(j, key);
	buf_fmt(j->out, "%lld", (long long)value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	lead(j, key);
	buf_str(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	lead(j, key);
	buf_str(j->out, "null");
}

#define DEPTH_MAX 64 /* what is looked up is flat; deeper nesting is an attack on the stack */

static void skip_blank(struct span *s)
{
	while (s->n && strchr(" \t\r\n", s->p[0]) && s->p[0])
		*s = span_skip(*s, 1);
}

static bool take(struct span *s, char c)
{
	skip_blank(s);
	if (!s->n || s->p[0] != c)
		return false;
	*s = span_skip(*s, 1);
	return true;
}

static bool skip_string(struct span *s)
{
	if (!take(s, '"'))
		return false;
	while (s->n) {
		unsigned char c = (unsigned char)s->p[0];

		*s = span_skip(*s, 1);
		if (c == '"')
			return true;
		if (c < 0x20)
			return false;
		if (c == '\\') {
			if (!s->n || !s->p[0] || !strchr("\"\\/bfnrtu", s->p[0]))
				return false;
			*s = span_skip(*s, 1);
		}
	}
	return false;
}

static bool skip_word(struct span *s)
{
	size_t n = 0;

	while (n < s->n && s->p[n] && strchr("+-.0123456789abcdefghijklmnopqrstuvwxyzE", s->p[n]))
		n++;
	*s = span_skip(*s, n);
	return n > 0;
}

static bool skip_value(struct span *s, int depth);

/* Members of an object or elements of an array, the opening bracket already taken. */
static bool skip_inside(struct span *s, bool object, int depth)
{
	char end = object ? '}' : ']';

	if (take(s, end))
		return true;
	do {
		if (object && (!skip_string(s) || !take(s, ':')))
			return false;
		if (!skip_value(s, depth))
			return false;
	} while (take(s, ','));
	return take(s, end);
}

static bool skip_value(struct span *s, int depth)
{
	skip_blank(s);
	if (!s->n || depth >= DEPTH_MAX)
		return false;
	if (s->p[0] == '"')
		return skip_string(s);
	if (take(s, '{'))
		return skip_inside(s, true, depth + 1);
	if (take(s, '['))
		return skip_inside(s, false, depth + 1);
	return skip_word(s);
}

int json_member(struct span text, const char *name, struct span *value)
{
	int found = 0;

	if (!take(&text, '{'))
		return -1;
	if (!take(&text, '}')) {
		do {
			struct span key, val;

			skip_blank(&text);
			key.p = text.p;
			if (!skip_string(&text))
				return -1;
			key.n = (size_t)(text.p - key.p);
			if (!take(&text, ':'))
				return -1;
			skip_blank(&text);
			val.p = text.p;
			if (!skip_value(&text, 1))
				return -1;
			val.n = (size_t)(text.p - val.p);
			if (span_is((struct span){ key.p + 1, key.n - 2 }, name)) {
				*value = val;
				found = 1;
			}
		} while (take(&text, ','));
		if (!take(&text, '}'))
			return -1;
	}
	skip_blank(&text);
	return text.n ? -1 : found;
}
