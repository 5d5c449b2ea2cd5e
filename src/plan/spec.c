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

/* Of URLs that people write; "a://m" is the target "//m" behind the source "a". */
static const char *const schemes[] = { "s3", "s3a", "s3n", "http", "https", "gs", "gcs", "r2", "b2", "oss", "cos", "obs", "tos",
	"t3", "minio" };

bool plan_is_scheme(struct span word)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (span_is_nocase(word, schemes[i]))
			return true;
	return false;
}

/* "s3:bucket/prefix:/mnt": the source as rclone writes it, with the name of a remote. */
static int err_remote(const struct plan_line *l, struct err *e)
{
	err_set(e, CODE_USAGE, "source \"%s:%s\": a mount is SOURCE:TARGET[:OPTIONS], and no rclone remote is read", l->source,
		l->target);
	return err_hint(
		e, "write the source as s3://%s, or as a prefix in S3_BUCKET_NAME (a colon in it as \"\\:\")", l->target);
}

/* So much of SPEC's beginning has colons that are its own: "s3://", "https://", "arn:aws:s3:::". */
static size_t literal_length(const char *spec)
{
	struct span rest = span_of(spec), scheme;
	size_t n = 0;

	if (span_cut_at(&rest, "://", &scheme) && plan_is_scheme(scheme))
		return scheme.n + 3;
	if (!span_starts(span_of(spec), SPAN("arn:aws")))
		return 0;
	for (int colons = 0; spec[n] && colons < 5; n++)
		colons += spec[n] == ':';
	return n;
}

int plan_spec(struct arena *a, const char *spec, struct plan_line *l, struct err *e)
{
	char mem[PLAN_TEXT_MAX];
	struct buf b = buf_over(mem, sizeof mem);
	size_t n;
	int colon;

	*l = (struct plan_line){ .type = PLAN_AUTO };
	n = literal_length(spec);
	buf_add(&b, spec, n);
	spec += n;
	colon = take_part(&b, &spec, e);
	if (colon == 0)
		return err_set(e, CODE_USAGE, "it has no target: a mount is SOURCE:TARGET[:OPTIONS]");
	if (colon < 0 || !(l->source = copy_part(a, &b, e)))
		return -1;
	buf_clear(&b);
	if (take_part(&b, &spec, e) < 0 || !(l->target = copy_part(a, &b, e)))
		return -1;
	l->options = span_of(spec);
	return l->target[0] != '/' && *spec == '/' ? err_remote(l, e) : 0;
}
