#include "http/response.h"

#include "base/chars.h"

#include <time.h>

void http_response_start(struct http_response *r, bool answers_head)
{
	memset(r, 0, offsetof(struct http_response, text));
	r->no_body = answers_head;
}

static int refuse_response(struct http_response *r, const char *why)
{
	r->why = why;
	return -1;
}

/* A field value, a reason, a chunk extension: anything but control bytes. */
static bool is_field_text(struct span s)
{
	return !span_has_control(s, "\t");
}

static int on_status(struct http_response *r, struct span line)
{
	/* "HTTP/1.1 200 OK"; the reason may be empty, and some servers omit the blank before it too. */
	if (line.n < 12 || (line.p[7] != '0' && line.p[7] != '1') || line.p[8] != ' ' || (line.n > 12 && line.p[12] != ' ') ||
		!is_field_text(line))
		return refuse_response(r, "the status line is malformed");
	for (int i = 9; i < 12; i++)
		if (!char_is_digit(line.p[i]))
			return refuse_response(r, "the status is no number");
	r->old = line.p[7] == '0';
	r->status = (line.p[9] - '0') * 100 + (line.p[10] - '0') * 10 + (line.p[11] - '0');
	if (r->status < 100 || r->status == 101)
		return refuse_response(r, "the status is none that was asked for");
	r->keep_alive = !r->old;
	r->has_length = r->chunked = false;
	r->fields_at = r->used;
	r->phase = HTTP_FIELDS;
	return 0;
}

static int on_length(struct http_response *r, struct span value)
{
	unsigned long n;

	/* 2^60: sums do not overflow, and S3 stores no object of a thousandth of this size. */
	if (!span_number(value, 1UL << 60, &n))
		return refuse_response(r, "Content-Length is no number");
	if (r->has_length && r->left != n)
		return refuse_response(r, "there are two values of Content-Length");
	r->has_length = true;
	r->left = n;
	return 0;
}

static int on_coding(struct http_response *r, struct span value)
{
	if (r->chunked || r->old || !span_is_nocase(value, "chunked"))
		return refuse_response(r, "Transfer-Encoding is not \"chunked\"");
	r->chunked = true;
	return 0;
}

static int on_connection(struct http_response *r, struct span value)
{
	struct span word;
	bool more;

	do {
		more = span_cut(&value, ',', &word);
		if (span_is_nocase(span_trim(word), "close"))
			r->keep_alive = false;
	} while (more);
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct http_response *r, struct span value);
} framing[] = {
	{ "content-length", on_length },
	{ "transfer-encoding", on_coding },
	{ "connection", on_connection },
};

static bool split_field(struct span line, struct span *name, struct span *value)
{
	if (!span_cut(&line, ':', name) || !name->n || !span_all(*name, char_is_token, "") || !is_field_text(line))
		return false;
	*value = span_trim(line);
	return true;
}

static int finish_head(struct http_response *r)
{
	if (r->chunked && r->has_length)
		return refuse_response(r, "there is both Content-Length and Transfer-Encoding");
	if (r->status < 200) {
		r->used = 0;
		r->phase = HTTP_STATUS;
		return 0;
	}
	r->fields_end = r->used;
	if (r->no_body || r->status == 204 || r->status == 304 || (r->has_length && !r->left)) {
		r->phase = HTTP_DONE;
	} else if (r->chunked) {
		r->phase = HTTP_CHUNK_SIZE;
	} else if (r->has_length) {
		r->phase = HTTP_LENGTH_DATA;
	} else {
		r->keep_alive = false;
		r->phase = HTTP_CLOSE_DATA;
	}
	return 0;
}

static int on_field(struct http_response *r, struct span line)
{
	struct span name, value;

	if (!line.n)
		return finish_head(r);
	if (!split_field(line, &name, &value))
		return refuse_response(r, "a header field is malformed");
	for (size_t i = 0; i < sizeof framing / sizeof *framing; i++)
		if (span_is_nocase(name, framing[i].name))
			return framing[i].take(r, value);
	return 0;
}

static int on_chunk_size(struct http_response *r, struct span line)
{
	struct span size;

	span_cut(&line, ';', &size);
	if (!size.n || size.n > 15 || !is_field_text(line))
		return refuse_response(r, "a chunk size is malformed");
	r->left = 0;
	for (size_t i = 0; i < size.n; i++) {
		int d = char_hex(size.p[i]);

		if (d < 0)
			return refuse_response(r, "a chunk size is malformed");
		r->left = r->left << 4 | (unsigned)d;
	}
	r->phase = r->left ? HTTP_CHUNK_DATA : HTTP_TRAILER;
	return 0;
}

static int on_chunk_end(struct http_response *r, struct span line)
{
	if (line.n)
		return refuse_response(r, "a chunk is longer than its size");
	r->phase = HTTP_CHUNK_SIZE;
	return 0;
}

static int on_trailer(struct http_response *r, struct span line)
{
	struct span name, value;

	if (!line.n)
		r->phase = HTTP_DONE;
	else if (!split_field(line, &name, &value))
		return refuse_response(r, "a trailer field is malformed");
	return 0;
}

static int (*const on_line[])(struct http_response *r, struct span line) = {
	[HTTP_STATUS] = on_status,
	[HTTP_FIELDS] = on_field,
	[HTTP_CHUNK_SIZE] = on_chunk_size,
	[HTTP_CHUNK_END] = on_chunk_end,
	[HTTP_TRAILER] = on_trailer,
};

static int parse_byte(struct http_response *r, char c)
{
	static const struct span magic = { "HTTP/1.", 7 };
	bool in_head = !http_response_head_done(r);
	struct span line;
	int ret;

	/* What is not HTTP is refused at its first byte: it may never send a line end. */
	if (r->phase == HTTP_STATUS && r->used < magic.n && c != magic.p[r->used])
		return refuse_response(r, "it does not begin with \"HTTP/1.\"");
	if (r->used == sizeof r->text)
		return refuse_response(r, "a head or chunk line is too long");
	r->text[r->used++] = c;
	if (r->used > 1 && (r->text[r->used - 2] == '\r') != (c == '\n'))
		return refuse_response(r, "a line does not end with CRLF");
	if (c != '\n')
		return 0;
	line = (struct span){ r->text + r->line, r->used - 2 - r->line };
	ret = on_line[r->phase](r, line);
	/* Lines of the head are kept for http_response_field(), those of chunks are not. */
	if (in_head)
		r->line = r->used;
	else
		r->used = r->line;
	return ret;
}

static struct span take_body(struct http_response *r, struct span *in)
{
	struct span piece = *in;

	if (r->phase != HTTP_CLOSE_DATA) {
		if (piece.n > r->left)
			piece.n = (size_t)r->left;
		r->left -= piece.n;
		if (!r->left)
			r->phase = r->phase == HTTP_CHUNK_DATA ? HTTP_CHUNK_END : HTTP_DONE;
	}
	*in = span_skip(*in, piece.n);
	return piece;
}

int http_response_feed(struct http_response *r, struct span *in, struct span *body)
{
	*body = (struct span){ in->p, 0 };
	while (in->n && r->phase != HTTP_DONE) {
		bool in_head = !http_response_head_done(r);
		char c = in->p[0];

		if (r->phase >= HTTP_CHUNK_DATA) {
			*body = take_body(r, in);
			return 0;
		}
		*in = span_skip(*in, 1);
		if (parse_byte(r, c))
			return -1;
		if (in_head && http_response_head_done(r))
			break;
	}
	return 0;
}

int http_response_eof(struct http_response *r)
{
	if (r->phase == HTTP_CLOSE_DATA)
		r->phase = HTTP_DONE;
	return r->phase == HTTP_DONE ? 0 : refuse_response(r, "the server closed the connection in the middle of it");
}

bool http_response_field(const struct http_response *r, const char *name, struct span *value)
{
	struct span rest = { r->text + r->fields_at, r->fields_end - r->fields_at }, line, found;

	while (rest.n) {
		span_cut(&rest, '\n', &line);
		if (span_cut(&line, ':', &found) && span_is_nocase(found, name)) {
			line.n--; /* its CR */
			*value = span_trim(line);
			return true;
		}
	}
	return false;
}

static bool two_digits(const char *p, int *out)
{
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	return char_is_digit(p[0]) && char_is_digit(p[1]);
}

int64_t http_date(struct span s)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm t = { 0 };
	int century, year;
	const char *at;
	char month[4] = "";

	if (s.n != 29 || s.p[3] != ',' || !span_eq((struct span){ s.p + 25, 4 }, SPAN(" GMT")))
		return -1;
	memcpy(month, s.p + 8, 3);
	at = text_find(months, month);
	if (!at || (at - months) % 3 || !two_digits(s.p + 5, &t.tm_mday) || !two_digits(s.p + 12, &century) ||
		!two_digits(s.p + 14, &year) || !two_digits(s.p + 17, &t.tm_hour) || !two_digits(s.p + 20, &t.tm_min) ||
		!two_digits(s.p + 23, &t.tm_sec))
		return -1;
	t.tm_mon = (int)(at - months) / 3;
	t.tm_year = century * 100 + year - 1900;
	return timegm(&t);
}
