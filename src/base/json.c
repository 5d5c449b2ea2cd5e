#include "base/json.h"

#include "base/chars.h"

static const struct span replacement = { "\\ufffd", 6 };

static void put_quoted(struct buf *b, const char *s)
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
		} else if (char_is_control(*s)) {
			buf_fmt(b, "\\u%04x", c);
		} else {
			buf_add(b, s, n);
		}
		s += n;
		left -= n;
	}
	buf_char(b, '"');
}

static void begin_member(struct json *j, const char *key)
{
	if (j->comma)
		buf_char(j->out, ',');
	j->comma = true;
	if (key) {
		put_quoted(j->out, key);
		buf_char(j->out, ':');
	}
}

void json_open(struct json *j, const char *key, char bracket)
{
	begin_member(j, key);
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
	begin_member(j, key);
	put_quoted(j->out, value);
}

void json_int(struct json *j, const char *key, int64_t value)
{
	begin_member(j, key);
	buf_fmt(j->out, "%lld", (long long)value);
}

void json_bool(struct json *j, const char *key, bool value)
{
	begin_member(j, key);
	buf_str(j->out, value ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	begin_member(j, key);
	buf_str(j->out, "null");
}

#define DEPTH_MAX 64 /* what we look up is flat; deeper nesting is an attack on the stack */

static bool skip_char(struct span *s, char c)
{
	span_take_while(s, char_is_space);
	if (!s->n || s->p[0] != c)
		return false;
	*s = span_skip(*s, 1);
	return true;
}

/* The rest of an escape, after its backslash. */
static bool skip_escape(struct span *s)
{
	if (!s->n || !s->p[0] || !strchr("\"\\/bfnrtu", s->p[0]))
		return false;
	if (s->p[0] == 'u')
		for (int i = 0; i < 4; i++) {
			*s = span_skip(*s, 1);
			if (!s->n || char_hex(s->p[0]) < 0)
				return false;
		}
	*s = span_skip(*s, 1);
	return true;
}

static bool skip_string(struct span *s)
{
	if (!skip_char(s, '"'))
		return false;
	while (s->n) {
		unsigned char c = (unsigned char)s->p[0];

		*s = span_skip(*s, 1);
		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !skip_escape(s)))
			return false;
	}
	return false;
}

static size_t skip_digits(struct span *s)
{
	return span_take_while(s, char_is_digit).n;
}

static bool skip_char_of(struct span *s, const char *set)
{
	bool is = s->n && s->p[0] && strchr(set, s->p[0]);

	if (is)
		*s = span_skip(*s, 1);
	return is;
}

static bool skip_number(struct span *s)
{
	skip_char_of(s, "-");
	if (!skip_char_of(s, "0") && !skip_digits(s))
		return false;
	if (skip_char_of(s, ".") && !skip_digits(s))
		return false;
	if (skip_char_of(s, "eE")) {
		skip_char_of(s, "+-");
		return skip_digits(s) > 0;
	}
	return true;
}

static bool skip_literal(struct span *s)
{
	static const struct span literals[] = { SPAN("true"), SPAN("false"), SPAN("null") };

	for (size_t i = 0; i < sizeof literals / sizeof *literals; i++)
		if (span_starts(*s, literals[i])) {
			*s = span_skip(*s, literals[i].n);
			return true;
		}
	return skip_number(s);
}

static bool skip_value(struct span *s, int depth);

/* The members of an object or the elements of an array, after the opening bracket. */
static bool skip_members(struct span *s, bool object, int depth)
{
	char end = object ? '}' : ']';

	if (skip_char(s, end))
		return true;
	do {
		if (object && (!skip_string(s) || !skip_char(s, ':')))
			return false;
		if (!skip_value(s, depth))
			return false;
	} while (skip_char(s, ','));
	return skip_char(s, end);
}

static bool skip_value(struct span *s, int depth)
{
	span_take_while(s, char_is_space);
	if (!s->n || depth >= DEPTH_MAX)
		return false;
	if (s->p[0] == '"')
		return skip_string(s);
	if (skip_char(s, '{'))
		return skip_members(s, true, depth + 1);
	if (skip_char(s, '['))
		return skip_members(s, false, depth + 1);
	return skip_literal(s);
}

int json_member(struct span text, const char *name, struct span *value)
{
	int found = 0;

	if (!skip_char(&text, '{'))
		return -1;
	if (!skip_char(&text, '}')) {
		do {
			struct span key, val;

			span_take_while(&text, char_is_space);
			key.p = text.p;
			if (!skip_string(&text))
				return -1;
			key.n = (size_t)(text.p - key.p);
			if (!skip_char(&text, ':'))
				return -1;
			span_take_while(&text, char_is_space);
			val.p = text.p;
			if (!skip_value(&text, 1))
				return -1;
			val.n = (size_t)(text.p - val.p);
			if (span_is((struct span){ key.p + 1, key.n - 2 }, name)) {
				*value = val;
				found = 1;
			}
		} while (skip_char(&text, ','));
		if (!skip_char(&text, '}'))
			return -1;
	}
	span_take_while(&text, char_is_space);
	return text.n ? -1 : found;
}

int json_next(struct span *list, struct span *element)
{
	bool first = skip_char(list, '[');

	span_take_while(list, char_is_space);
	if ((!first && skip_char(list, ',')) || (first && list->n && list->p[0] != ']')) {
		span_take_while(list, char_is_space);
		element->p = list->p;
		if (!skip_value(list, 1))
			return -1;
		element->n = (size_t)(list->p - element->p);
		return 1;
	}
	if (!skip_char(list, ']'))
		return -1;
	span_take_while(list, char_is_space);
	return list->n ? -1 : 0;
}
