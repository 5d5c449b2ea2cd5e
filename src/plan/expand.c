#include "base/chars.h"
#include "plan/parts.h"

#define VALUE_MAX 128

/* Why VALUE cannot be one path component; NULL when it can. */
static const char *why_no_component(struct span value)
{
	if (value.n > VALUE_MAX)
		return "it is longer than 128 bytes";
	if (memchr(value.p, '/', value.n))
		return "it holds a slash";
	if (span_is(value, ".") || span_is(value, ".."))
		return "it is \".\" or \"..\"";
	if (span_has_control(value, ""))
		return "it holds a newline or another control byte";
	if (!span_is_utf8(value))
		return "it is not valid UTF-8, as S3's keys are";
	if (span_has_control_picture(value))
		return "it holds a control picture (U+2400 to U+2421, U+201B), which stands for a control byte in rclone";
	return NULL;
}

static int check_expanded(const char *name, struct span value, struct err *e)
{
	struct span seen = plan_unfilled(value, false);

	if (!seen.n && span_is(value, name))
		seen = value;
	if (!seen.n)
		return 0;
	err_set(e, CODE_USAGE, "variable %s: its value holds \"%.*s\", which looks like a variable that was not filled in",
		name, (int)seen.n, seen.p);
	return err_hint(e, "fill it in where this command is called: all whose value was not would share one folder");
}

/* NAME comes without its braces. */
static int expand_variable(struct buf *out, struct span name, plan_env_fn *env, struct err *e)
{
	char mem[256];
	struct buf cname = buf_over(mem, sizeof mem);
	const char *value, *why;

	buf_span(&cname, name);
	if (!name.n || char_is_digit(name.p[0]) || !span_all(name, char_is_alnum, "_") || cname.full) {
		err_set(e, CODE_USAGE, "\"${\" is not followed by a variable's name and \"}\"");
		return err_hint(e, "a name has letters, digits and _, and does not begin with a digit");
	}
	/* A file name shows up in listings, logs and requests: secrets must not get there. */
	if (creds_is_variable(name))
		return err_set(e, CODE_USAGE, "variable %s: a credential cannot be part of a mount", mem);
	value = env(mem);
	if (!value || !*value) {
		err_set(e, CODE_USAGE, "variable %s is not set", mem);
		err_hint(e, "it says whose data is mounted: set it where this command is run");
		return 1;
	}
	why = why_no_component(span_of(value));
	if (why) {
		err_set(e, CODE_USAGE, "variable %s: %s", mem, why);
		return err_hint(e, "what fills a mount's path is one name: 1 to 128 bytes, no slash, not \".\" or \"..\"");
	}
	if (check_expanded(mem, span_of(value), e))
		return -1;
	buf_str(out, value);
	return 0;
}

/* TEXT is what precedes, separates or follows variables. */
static int check_literal_text(struct span text, struct err *e)
{
	struct span seen = plan_unfilled(text, true);

	if (!seen.n)
		return 0;
	err_set(e, CODE_USAGE, "\"%.*s\" looks like a variable that was not filled in", (int)seen.n, seen.p);
	return err_hint(e, "a variable of the environment is written \"${THREAD_ID}\"; nothing else is filled in here");
}

int plan_expand(struct buf *out, const char *text, plan_env_fn *env, struct err *e)
{
	const char *open;

	while ((open = text_find(text, "${"))) {
		const char *close = strchr(open, '}');
		int ret = check_literal_text((struct span){ text, (size_t)(open - text) }, e);

		if (ret)
			return ret;
		buf_add(out, text, (size_t)(open - text));
		if (!close)
			return err_set(
				e, CODE_USAGE, "\"${\" at byte %zu of \"%s\" has no \"}\"", (size_t)(open - text) + 1, text);
		ret = expand_variable(out, (struct span){ open + 2, (size_t)(close - open) - 2 }, env, e);
		if (ret)
			return ret;
		text = close + 1;
	}
	if (check_literal_text(span_of(text), e))
		return -1;
	buf_str(out, text);
	if (out->full)
		return err_set(e, CODE_USAGE, "a text with its variables filled is longer than %d bytes", PLAN_TEXT_MAX - 1);
	return 0;
}
