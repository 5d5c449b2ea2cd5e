#include "http/request.h"

#include "base/chars.h"

static bool is_token(struct span s)
{
	return s.n && span_all(s, char_is_token, "");
}

static bool is_target(struct span s)
{
	return s.n && span_all(s, char_is_visible, "");
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
	if (!is_token(name) || span_has_control(value, "\t")) {
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
