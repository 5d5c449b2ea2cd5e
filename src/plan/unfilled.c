#include "base/chars.h"
#include "plan/parts.h"

#define NAME_MAX_BYTES 32 /* shorter than a GUID, which .NET writes in braces; hardly any variable's name is longer */

static bool is_upper_or_underscore(char c)
{
	return char_is_upper(c) || c == '_';
}

static bool is_name_start(char c)
{
	return char_is_letter(c) || c == '_';
}

/* After the first byte of a name. */
static bool is_name_char(char c)
{
	return is_name_start(c) || char_is_digit(c);
}

static bool is_hex_digit(char c)
{
	return char_hex(c) >= 0;
}

/* Judges the inside S of a form, together with what follows the form (AFTER). */
typedef bool inside_fn(struct span s, struct span after);

static bool any_inside(struct span s, struct span after)
{
	(void)s;
	(void)after;
	return true;
}

static bool letter_inside(struct span s, struct span after)
{
	(void)after;
	return s.n == 1 && is_name_start(s.p[0]);
}

/* "thread_id", "threadId", "thread-id", "var.thread": at least two bytes, since "a{b}" is a name. */
static bool name_inside(struct span s, struct span after)
{
	(void)after;
	return s.n >= 2 && s.n <= NAME_MAX_BYTES && is_name_start(s.p[0]) && span_all(s, is_name_char, ".-");
}

static bool upper_name_inside(struct span s, struct span after)
{
	return span_all(s, is_upper_or_underscore, "0123456789") && name_inside(s, after);
}

/* But not of "%C3%BC", a URL's "ü". */
static bool windows_name_inside(struct span s, struct span after)
{
	bool escape = s.n == 2 && is_hex_digit(s.p[0]) && is_hex_digit(s.p[1]) && after.n >= 2 && is_hex_digit(after.p[0]) &&
		      is_hex_digit(after.p[1]);

	return !escape && upper_name_inside(s, after);
}

static bool python_name_inside(struct span s, struct span after)
{
	return after.n && strchr("sdifr", after.p[0]) && after.p[0] && name_inside(s, after);
}

/* "{}", "{0}", "{thread_id}". */
static bool field_inside(struct span s, struct span after)
{
	unsigned long n;

	return !s.n || span_number(s, 99, &n) || name_inside(s, after);
}

/* "<your thread id>". */
static bool words_inside(struct span s, struct span after)
{
	(void)after;
	return s.n >= 2 && is_name_start(s.p[0]) && span_all(s, is_name_char, " .-");
}

static const struct form {
	const char *open, *close;
	inside_fn *inside;
	bool whole; /* it must be a whole component */
} forms[] = {
	{ "${", "", any_inside, false },
	{ "$(", "", any_inside, false },
	{ "[[", "]]", any_inside, false },
	{ "[", "]", upper_name_inside, true },
	{ "!", "!", upper_name_inside, true },
	{ "{{", "}}", any_inside, false },
	{ "{%", "%}", any_inside, false },
	{ "<%", "%>", any_inside, false },
	{ "{", "}", field_inside, false },
	{ "<", ">", words_inside, false },
	{ "%(", ")", python_name_inside, false },
	{ "%!", "(", letter_inside, false },
	{ "%", "%", windows_name_inside, false },
	{ "%", "%", name_inside, true },
	{ "%", "", letter_inside, true },
	{ "@", "@", upper_name_inside, false },
	{ "__", "__", upper_name_inside, true },
	{ ":", "", name_inside, true },
};

/* Up to the next '/', or the '=' of an option. */
static struct span first_component(struct span text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] != '/' && text.p[n] != '=')
		n++;
	return (struct span){ text.p, n };
}

/* The length of F at the start of TEXT; 0 when it is not there. */
static size_t match_form(const struct form *f, struct span text)
{
	size_t open = strlen(f->open), close = strlen(f->close), end;
	const char *found;

	if (f->whole)
		text = first_component(text);
	if (!span_starts(text, span_of(f->open)))
		return 0;
	if (f->whole) {
		end = text.n - close;
		if (text.n < open + close || memcmp(text.p + end, f->close, close) != 0)
			return 0;
	} else {
		found = memmem(text.p + open, text.n - open, f->close, close);
		if (!found)
			return 0;
		end = (size_t)(found - text.p);
	}
	return f->inside((struct span){ text.p + open, end - open }, span_skip(text, end + close)) ? end + close : 0;
}

/* The length of "$NAME" at the start of TEXT, which follows BEFORE; 0 when it is not there. */
static size_t shell_variable(struct span text, char before, bool literal)
{
	struct span rest;

	if (text.n < 2 || text.p[0] != '$' || !is_name_start(text.p[1]))
		return 0;
	if (!literal && is_name_char(before) && !is_upper_or_underscore(text.p[1]))
		return 0;
	rest = span_skip(text, 1);
	return 1 + span_take_while(&rest, is_name_char).n;
}

struct span plan_unfilled(struct span text, bool literal)
{
	for (size_t i = 0; i < text.n; i++) {
		struct span here = span_skip(text, i);
		char before = i ? text.p[i - 1] : '/';
		size_t n = shell_variable(here, before, literal);

		for (size_t k = 0; k < sizeof forms / sizeof *forms && !n; k++)
			if (!forms[k].whole || before == '/' || before == '=')
				n = match_form(&forms[k], here);
		if (n)
			return (struct span){ here.p, n };
	}
	return (struct span){ text.p, 0 };
}

bool plan_looks_unset(struct span component)
{
	static const char *const alone[] = { "true", "false", "True", "False", "(null)", "[object Object]",
		"[object Promise]" };
	static const char *const parts[] = { "undefined", "null", "NULL", "None", "nil", "NaN" };
	struct span first = component, last = component;

	for (size_t i = component.n; i-- > 0;)
		if (strchr("-_.:@", component.p[i])) {
			if (last.n == component.n)
				last = span_skip(component, i + 1);
			first.n = i;
		}
	return span_is_any(component, alone, sizeof alone / sizeof *alone) ||
	       span_is_any(first, parts, sizeof parts / sizeof *parts) ||
	       span_is_any(last, parts, sizeof parts / sizeof *parts);
}
