#include "plan/parts.h"

/*
 * Takes the part up to the next unescaped colon off *REST, "\:" and "\\" decoded. Returns 1 at a colon, 0 at the end, -1 with
 * *E set.
 */
static int take_part(struct buf *out, const char **rest, struct err *e)
{
	const char *s = *rest;

	while (*s && *s != ':') {
		if (*s == '\\' && *++s != ':' && *s != '\\') {
			err_set(e, CODE_USAGE, "a backslash is followed by neither a colon nor a backslash");
			return err_hint(e, "a backslash itself is written \"\\\\\", a colon in a name \"\\:\"");
		}
		buf_char(out, *s++);
	}
	*rest = *s ? s + 1 : s;
	return *s == ':';
}

static char *copy_part(struct arena *a, const struct buf *b, struct err *e)
{
	char *s;

	if (b->full) {
		err_set(e, CODE_USAGE, "a part is longer than %d bytes", PLAN_TEXT_MAX - 1);
		return NULL;
	}
	s = arena_str(a, buf_all(b));
	if (!s)
		plan_no_memory(e);
	return s;
}

int plan_spec(struct arena *a, const char *spec, struct plan_line *l, struct err *e)
{
	static const struct span url = { "s3://", 5 };
	char mem[PLAN_TEXT_MAX];
	struct buf b = buf_over(mem, sizeof mem);
	int colon;

	*l = (struct plan_line){ .type = PLAN_AUTO };
	if (span_starts(span_of(spec), url)) {
		buf_span(&b, url);
		spec += url.n;
	}
	colon = take_part(&b, &spec, e);
	if (colon == 0)
		return err_set(e, CODE_USAGE, "it has no target: a mount is SOURCE:TARGET[:OPTIONS]");
	if (colon < 0 || !(l->source = copy_part(a, &b, e)))
		return -1;
	buf_clear(&b);
	if (take_part(&b, &spec, e) < 0 || !(l->target = copy_part(a, &b, e)))
		return -1;
	l->options = span_of(spec);
	return 0;
}
