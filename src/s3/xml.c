#include "s3/xml.h"

#include "base/chars.h"

void xml_start(struct xml *x, struct span document)
{
	*x = (struct xml){ .rest = span_skip_bom(document) };
}

static bool skip_past(struct xml *x, const char *mark)
{
	struct span passed;

	return span_cut_at(&x->rest, mark, &passed);
}

static enum xml_token refuse_document(struct xml *x)
{
	x->rest.n = 0;
	x->depth = -1;
	return XML_BAD;
}

static bool is_in_name(char c)
{
	return !char_is_space(c) && (!c || !strchr("<>/=\"'&", c));
}

/* Skips attributes up to and including '>'. Returns false when the tag does not end; *EMPTY: it was "/>". */
static bool skip_attributes(struct span *s, bool *empty)
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

static enum xml_token take_start_tag(struct xml *x)
{
	bool empty;

	x->rest = span_skip(x->rest, 1);
	x->name = span_take_while(&x->rest, is_in_name);
	if (!x->name.n || x->depth == XML_DEPTH || (x->depth == 0 && x->seen_root) || !skip_attributes(&x->rest, &empty))
		return refuse_document(x);
	x->open[x->depth++] = x->name;
	x->seen_root = true;
	x->closing = empty;
	return XML_OPEN;
}

static enum xml_token take_end_tag(struct xml *x)
{
	struct span name;
	bool empty;

	x->rest = span_skip(x->rest, 2);
	name = span_take_while(&x->rest, is_in_name);
	if (x->depth < 1 || !span_eq(name, x->open[x->depth - 1]) || !skip_attributes(&x->rest, &empty) || empty)
		return refuse_document(x);
	return close_element(x);
}

/* CDATA, or characters up to the next tag. */
static bool take_character_data(struct xml *x)
{
	static const struct span cdata = { "<![CDATA[", 9 };
	const char *at;

	if (span_starts(x->rest, cdata)) {
		x->rest = span_skip(x->rest, cdata.n);
		x->text.p = x->rest.p;
		if (!skip_past(x, "]]>"))
			return false;
		x->text.n = (size_t)(x->rest.p - x->text.p) - 3;
	} else {
		at = memchr(x->rest.p, '<', x->rest.n);
		x->text = (struct span){ x->rest.p, at ? (size_t)(at - x->rest.p) : x->rest.n };
		x->rest = span_skip(x->rest, x->text.n);
	}
	return x->depth > 0 || span_all(x->text, char_is_space, "");
}

enum xml_token xml_next(struct xml *x)
{
	if (x->closing)
		return close_element(x);
	while (x->rest.n) {
		if (span_starts(x->rest, SPAN("<?")) || span_starts(x->rest, SPAN("<!--"))) {
			if (!skip_past(x, x->rest.p[1] == '?' ? "?>" : "-->"))
				return refuse_document(x);
		} else if (span_starts(x->rest, SPAN("</"))) {
			return take_end_tag(x);
		} else if (x->rest.p[0] == '<' && !span_starts(x->rest, SPAN("<!"))) {
			return take_start_tag(x);
		} else if (span_starts(x->rest, SPAN("<!")) && !span_starts(x->rest, SPAN("<![CDATA["))) {
			return refuse_document(x); /* a DTD: what it defines could grow without bounds */
		} else if (!take_character_data(x)) {
			return refuse_document(x);
		} else if (x->depth > 0) {
			return XML_TEXT;
		}
	}
	return x->depth == 0 && x->seen_root ? XML_END : refuse_document(x);
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

static bool add_character_reference(struct buf *out, struct span digits)
{
	bool hex = digits.n > 1 && char_lower(digits.p[0]) == 'x';
	unsigned long c = 0;

	if (!hex && !span_number(digits, 0x10ffff, &c))
		return false;
	for (size_t i = 1; hex && i < digits.n; i++) {
		int digit = char_hex(digits.p[i]);

		if (digit < 0 || (c = c << 4 | (unsigned)digit) > 0x10ffff)
			return false;
	}
	add_utf8(out, c);
	return true;
}

/* NAME is the text between '&' and ';'. */
static bool add_reference(struct buf *out, struct span name)
{
	static const struct {
		const char *name;
		char c;
	} known[] = { { "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' } };

	if (name.n > 1 && name.p[0] == '#')
		return add_character_reference(out, span_skip(name, 1));
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
