#include "http/request.h"

/* RFC 9110, 5.6.2 */
static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c))
			return false;
	}
	return s.n > 0;
}

static bool is_target(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static bool is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

void http_start(struct http_writer *w, struct buf *out, struct span method, struct span target)
{
	*w = (struct http_writer){ out, !is_token(method) || !is_target(target) };
	buf_span(out, method);
	buf_char(out, ' ');
	buf_span(out, target);
	buf_str(out, " HTTP/1.1\r\n");
}

void http_field(struct http_writer *w, struct span name, struct span value)
{
	if (!is_token(name) || !is_value(value)) {
		w->refused = true;
		return;
	}
	buf_span(w->out, name);
	buf_str(w->out, ": ");
	buf_span(w->out, value);
	buf_str(w->out, "\r\n");
}

int http_end(struct http_writer *w)
{
	buf_str(w->out, "\r\n");
	return w->refused || w->out->full ? -1 : 0;
}
