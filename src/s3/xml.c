#include "s3/xml.h"

void xml_start(struct xml *x, struct span document)
{
	*x = (struct xml){ .rest = document };
	if (span_starts(document, SPAN("\xef\xbb\xbf")))
		x->rest = span_skip(document, 3); /* byte order mark */
}

static bool skip_to(struct xml *x, const char *mark)
{
	const char *at = x->rest.n ? memmem(x->rest.p, x->rest.n, mark, strlen(mark)) : NULL;

	if (at)
		x->rest = span_skip(x->rest, (size_t)(at - x->rest.p) + strlen(mark));
	return at;
}

static enum xml_token bad(struct xml *x)
{
	x->rest.n = 0;
	x->depth = -1;
	return XML_BAD;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span take_name(struct span *s)
{
	struct span name = { s->p, 0 };

	while (name.n < s->n && !blank(s->p[name.n]) && (!s->p[name.n] || !strchr("<>/=\"'&", s->p[name.n])))
		name.n++;
	*s = span_skip(*s, name.n);
	return name;
}

/* Behind the name: attributes up to '>'. Returns false where the tag does not end; *EMPTY: it was "/>". */
static bool end_tag(struct span *s, bool *empty)
{
	char quote = 0;

	*empty = false;
	for (; s->n; *s = span_skip(*s, 1)) {
		char c = s->p[0];

		if (quote) {
			quote = c == quote ? 0 : quote;
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else if (c == '>') {
			*s = span_skip(*s, 1);
			return true;
		} else if (c == '<' || *empty) {
			return false;
		} else if (c == '/') {
			*empty = true;
		}
	}
	return false;
}

static enum xml_token close_element(struct xml *x)
{
	x->closing = false;
	x->name = x->open[--x->depth];
	return XML_CLOSE;
}

static enum xml_token take_open(struct xml *x)
{
	bool empty;

	x->rest = span_skip(x->rest, 1);
	x->name = take_name(&x->rest);
	if (!x->name.n || x->depth == XML_DEPTH || (x->depth == 0 && x->seen_root) || !end_tag(&x->rest, &empty))
		return bad(x);
	x->open[x->depth++] = x->name;
	x->seen_root = true;
	x->closing = empty;
	return XML_OPEN;
}

static enum xml_token take_close(struct xml *x)
{
	struct span name;
	bool empty;

	x->rest = span_skip(x->rest, 2);
	name = take_name(&x->rest);
	if (x->depth < 1 || !span_eq(name, x->open[x->depth - 1]) || !end_tag(&x->rest, &empty) || empty)
		return bad(x);
	return close_element(x);
}

static bool all_blank(struct span s)
{
	while (s.n && blank(s.p[0]))
		s = span_skip(s, 1);
	return !s.n;
}

/* CDATA, or characters up to the next tag. */
static bool take_text(struct xml *x)
{
	static const struct span cdata = { "<![CDATA[", 9 };
	const char *at;

	if (span_starts(x->rest, cdata)) {
		x->rest = span_skip(x->rest, cdata.n);
		x->text.p = x->rest.p;
		if (!skip_to(x, "]]>"))
			return false;
		x->text.n = (size_t)(x->rest.p - x->text.p) - 3;
	} else {
		at = memchr(x->rest.p, '<', x->rest.n);
		x->text = (struct span){ x->rest.p, at ? (size_t)(at - x->rest.p) : x->rest.n };
		x->rest = span_skip(x->rest, x->text.n);
	}
	return x->depth > 0 || all_blank(x->text);
}

enum xml_token xml_next(struct xml *x)
{
	if (x->closing)
		return close_element(x);
	while (x->rest.n) {
		if (span_starts(x->rest, SPAN("<?")) || span_starts(x->rest, SPAN("<!--"))) {
			if (!skip_to(x, x->rest.p[1] == '?' ? "?>" : "-->"))
				return bad(x);
		} else if (span_starts(x->rest, SPAN("</"))) {
			return take_close(x);
		} else if (x->rest.p[0] == '<' && !span_starts(x->rest, SPAN("<!"))) {
			return take_open(x);
		} else if (span_starts(x->rest, SPAN("<!")) && !span_starts(x->rest, SPAN("<![CDATA["))) {
			return bad(x); /* a DTD: what it defines could grow without bounds */
		} else if (!take_text(x)) {
			return bad(x);
		} else if (x->depth > 0) {
			return XML_TEXT;
		}
	}
	return x->depth == 0 && x->seen_root ? XML_END : bad(x);
}

static void add_utf8(struct buf *out, unsigned long c)
{
	if (c < 0x80)
		buf_char(out, (char)c);
	else if (c < 0x800)
		buf_fmt(out, "%c%c", (int)(0xc0 | c >> 6), (int)(0x80 | (c & 63)));
	else if (c < 0x10000)
		buf_fmt(out, "%c%c%c", (int)(0xe0 | c >> 12), (int)(0x80 | (c >> 6 & 63)), (int)(0x80 | (c & 63)));
	else
		buf_fmt(out, "%c%c%c%c", (int)(0xf0 | c >> 18), (int)(0x80 | (c >> 12 & 63)), (int)(0x80 | (c >> 6 & 63)),
			(int)(0x80 | (c & 63)));
}

static bool add_number(struct buf *out, struct span digits)
{
	bool hex = digits.n > 1 && (digits.p[0] | 0x20) == 'x';
	unsigned long c = 0;

	if (!hex && !span_number(digits, 0x10ffff, &c))
		return false;
	for (size_t i = 1; hex && i < digits.n; i++) {
		const char *all = "0123456789abcdef", *at = strchr(all, digits.p[i] | 0x20);

		if (!at || !*at || (c = c << 4 | (unsigned)(at - all)) > 0x10ffff)
			return false;
	}
	add_utf8(out, c);
	return true;
}

/* NAME stands between '&' and ';'. */
static bool add_reference(struct buf *out, struct span name)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' } };

	if (name.n > 1 && name.p[0] == '#')
		return add_number(out, span_skip(name, 1));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (!span_is(name, known[i].name))
			continue;
		buf_char(out, known[i].c);
		return true;
	}
	return false;
}

void xml_text(struct buf *out, struct span raw)
{
	while (raw.n) {
		struct span head, name;

		if (!span_cut(&raw, '&', &head)) {
			buf_span(out, head);
			return;
		}
		buf_span(out, head);
		head = raw;
		if (span_cut(&head, ';', &name) && add_reference(out, name))
			raw = head;
		else
			buf_char(out, '&');
	}
}
