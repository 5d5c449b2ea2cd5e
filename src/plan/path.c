#include "base/chars.h"
#include "plan/parts.h"

#define KEY_MAX 1024 /* bytes of an S3 key, UTF-8 */

int plan_target(struct arena *a, struct span text, struct plan_mount *m, struct err *e)
{
	struct span rest = text, part;
	char *out, *at;
	bool more;

	if (!text.n || text.p[0] != '/')
		return err_set(
			e, CODE_USAGE, "target \"%.*s\" is not absolute: it does not begin with \"/\"", (int)text.n, text.p);
	if (span_has_control(text, ""))
		return err_set(e, CODE_USAGE, "target \"%.*s\": it holds a control byte", (int)text.n, text.p);
	out = at = arena_get(a, text.n + 1);
	if (!out)
		return plan_no_memory(e);
	do {
		more = span_cut(&rest, '/', &part);
		if (span_is(part, ".."))
			return err_set(e, CODE_USAGE, "target %.*s: \"..\" is not taken", (int)text.n, text.p);
		if (!part.n || span_is(part, "."))
			continue;
		*at++ = '/';
		memcpy(at, part.p, part.n);
		at += part.n;
	} while (more);
	if (at == out)
		return err_set(e, CODE_USAGE, "target \"/\": the root folder cannot be a mount's target");
	*at = 0;
	m->target = out;
	return 0;
}

bool plan_bucket_name(struct span s)
{
	return s.n >= 3 && s.n <= 63 && char_is_alnum(s.p[0]) && span_all(s, char_is_alnum, ".-_");
}

/* Why TEXT cannot be a prefix; NULL when it can. */
static const char *why_no_prefix(struct span text)
{
	struct span part;
	bool more;

	if (span_has_control(text, ""))
		return "it holds a control byte";
	if (!span_is_utf8(text))
		return "it is not valid UTF-8, as S3's keys are";
	if (text.n >= KEY_MAX)
		return "it is longer than a key may be (1024 bytes)";
	do {
		more = span_cut(&text, '/', &part);
		if (!part.n)
			return "it has \"//\"";
		if (span_is(part, ".") || span_is(part, ".."))
			return "\".\" and \"..\" are not taken";
	} while (more);
	return NULL;
}

/* A slash at the end of TEXT is dropped, and added again unless the prefix is empty. */
static int set_mount_prefix(struct arena *a, struct span source, struct span text, struct plan_mount *m, struct err *e)
{
	const char *why;
	char *out;

	if (text.n > 1 && text.p[text.n - 1] == '/')
		text.n--;
	why = text.n ? why_no_prefix(text) : NULL;
	if (why)
		return err_set(e, CODE_USAGE, "source \"%.*s\": %s", (int)source.n, source.p, why);
	out = arena_get(a, text.n + 2);
	if (!out)
		return plan_no_memory(e);
	if (text.n) {
		memcpy(out, text.p, text.n);
		out[text.n] = '/';
	}
	m->prefix = out;
	return 0;
}

static int set_mount_bucket(struct arena *a, struct span source, struct span name, struct plan_mount *m, struct err *e)
{
	if (!plan_bucket_name(name)) {
		err_set(e, CODE_USAGE, "source \"%.*s\": \"%.*s\" is no bucket's name", (int)source.n, source.p, (int)name.n,
			name.p);
		return err_hint(e, "3 to 63 letters, digits, dots and hyphens: s3://BUCKET/PREFIX");
	}
	m->bucket = arena_str(a, name);
	return m->bucket ? 0 : plan_no_memory(e);
}

#define ARN_FIELDS 5 /* arn:PARTITION:s3:REGION:ACCOUNT:, before the resource */

bool plan_names_bucket(struct span text)
{
	return span_starts(text, SPAN("arn:aws")) || span_has(text, "://");
}

/* *REST is an ARN: cuts off what precedes "BUCKET/PREFIX". */
static int take_arn(struct span text, struct span *rest, struct err *e)
{
	struct span field[ARN_FIELDS];

	*rest = text;
	for (int i = 0; i < ARN_FIELDS; i++)
		span_cut(rest, ':', &field[i]);
	if (!span_is(field[2], "s3") || field[3].n || field[4].n || !rest->n || memchr(rest->p, ':', rest->n)) {
		err_set(e, CODE_USAGE, "source \"%.*s\": it is no ARN of a bucket", (int)text.n, text.p);
		return err_hint(
			e, span_has(text, ":accesspoint") ?
				   "of an access point give the alias (…-s3alias), as if it were a bucket: s3://ALIAS/PREFIX" :
				   "a bucket's is arn:aws:s3:::BUCKET/PREFIX; s3://BUCKET/PREFIX is the same");
	}
	if (rest->p[rest->n - 1] != '*')
		return 0;
	err_set(e, CODE_USAGE, "source \"%.*s\": a mount has no wildcards", (int)text.n, text.p);
	return err_hint(e, "leave the * off: a prefix stands for all that is below it");
}

static int err_foreign_url(struct span text, struct err *e)
{
	err_set(e, CODE_USAGE, "source \"%.*s\": no URL but s3:// is taken", (int)text.n, text.p);
	return err_hint(e, "write it as s3://BUCKET/PREFIX; the endpoint is S3_ENDPOINT_URL");
}

int plan_source(struct arena *a, struct span text, const char *bucket, struct plan_mount *m, struct err *e)
{
	struct span rest = text, name = span_of(bucket);

	if (!text.n) {
		err_set(e, CODE_USAGE, "the source is empty");
		return err_hint(e, "\"/\" stands for the whole bucket");
	}
	if (span_starts(text, SPAN("s3://")) || span_starts(text, SPAN("S3://"))) {
		rest = span_skip(text, 5);
		span_cut(&rest, '/', &name);
	} else if (span_starts(text, SPAN("arn:aws"))) {
		if (take_arn(text, &rest, e))
			return -1;
		span_cut(&rest, '/', &name);
	} else if (plan_names_bucket(text)) {
		return err_foreign_url(text, e);
	} else if (!name.n) {
		err_set(e, CODE_USAGE, "variable S3_BUCKET_NAME is not set, and source \"%.*s\" names no bucket", (int)text.n,
			text.p);
		return err_hint(e, "set it, or write the source as s3://BUCKET/PREFIX");
	} else if (text.p[0] == '/') {
		rest = span_skip(text, 1);
	}
	if (set_mount_bucket(a, text, name, m, e))
		return -1;
	return set_mount_prefix(a, text, rest, m, e);
}
