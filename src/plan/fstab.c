#include "base/chars.h"
#include "plan/parts.h"

enum { SOURCE, TARGET, TYPE, OPTIONS, FREQUENCY, PASS, FIELDS };

static bool is_in_field(char c)
{
	return !char_is_blank(c);
}

/* Empty when there is no further field. */
static struct span next_fstab_field(struct span *rest)
{
	span_take_while(rest, char_is_blank);
	return span_take_while(rest, is_in_field);
}

int plan_unescape(struct buf *out, struct span in, struct err *e)
{
	for (size_t i = 0; i < in.n; i++) {
		int byte;

		if (in.p[i] != '\\') {
			buf_char(out, in.p[i]);
			continue;
		}
		byte = span_octal_escape(span_skip(in, i));
		if (byte <= 0) { /* no name can hold a NUL */
			err_set(e, CODE_USAGE, "\"%.*s\": the backslash at byte %zu does not begin an escape", (int)in.n, in.p,
				i + 1);
			return err_hint(
				e, "an escape is \\NNN, three octal digits; a backslash itself is \\134, a blank \\040");
		}
		buf_char(out, (char)byte);
		i += 3;
	}
	return 0;
}

static char *decode_field(struct arena *a, struct span field, struct err *e)
{
	char mem[PLAN_TEXT_MAX];
	struct buf b = buf_over(mem, sizeof mem);
	char *s;

	if (plan_unescape(&b, field, e))
		return NULL;
	if (b.full) {
		err_set(e, CODE_USAGE, "a field is longer than %d bytes", PLAN_TEXT_MAX - 1);
		return NULL;
	}
	s = arena_str(a, buf_all(&b));
	if (!s)
		plan_no_memory(e);
	return s;
}

/* Tabs separate fields; any other control byte means a damaged file; so does a byte order mark elsewhere than at the text's beginning. */
static int check_line_bytes(struct span line, struct err *e)
{
	if (span_skip_bom(line).n != line.n) {
		err_set(e, CODE_USAGE, SPAN_BOM_INSIDE);
		return err_hint(e, SPAN_BOM_HINT);
	}
	for (size_t i = 0; i < line.n; i++) {
		struct span byte = { line.p + i, 1 };

		if (span_has_control(byte, "\t"))
			return err_set(
				e, CODE_USAGE, "byte %zu of the line is a control byte (%d)", i + 1, (unsigned char)byte.p[0]);
	}
	return 0;
}

static int check_fstab_number(const char *what, struct span field, struct err *e)
{
	unsigned long n;

	if (!field.n || span_number(field, 9999, &n))
		return 0;
	return err_set(e, CODE_USAGE, "%s field \"%.*s\" is not a number", what, (int)field.n, field.p);
}

/* As in a shell, but not in fstab(5): "… rw # mine". */
static int check_no_comment(const struct span *field, struct err *e)
{
	for (int i = TYPE; i <= FIELDS; i++)
		if (field[i].n && field[i].p[0] == '#') {
			err_set(e, CODE_USAGE, "a comment (\"%.*s…\") stands behind the fields of a mount", (int)field[i].n,
				field[i].p);
			return err_hint(e, "a comment has a line of its own, which begins with #");
		}
	return 0;
}

int plan_fstab_line(struct arena *a, struct span line, struct plan_line *l, struct err *e)
{
	struct span field[FIELDS + 1];

	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	if (check_line_bytes(line, e))
		return -1;
	for (int i = 0; i <= FIELDS; i++)
		field[i] = next_fstab_field(&line);
	if (!field[SOURCE].n || field[SOURCE].p[0] == '#')
		return 0;
	if (check_no_comment(field, e))
		return -1;
	if (!field[OPTIONS].n || field[FIELDS].n) {
		err_set(e, CODE_USAGE, "a line has four to six fields, this one has %s", field[FIELDS].n ? "more" : "fewer");
		return err_hint(e, "source, target, type, options, and two numbers; a blank in a name is written \\040");
	}
	if (!plan_type_of(field[TYPE], &l->type))
		return err_set(
			e, CODE_USAGE, "type \"%.*s\" is none of auto, rclone, native", (int)field[TYPE].n, field[TYPE].p);
	if (check_fstab_number("fifth", field[FREQUENCY], e) || check_fstab_number("sixth", field[PASS], e))
		return -1;
	l->source = decode_field(a, field[SOURCE], e);
	l->target = l->source ? decode_field(a, field[TARGET], e) : NULL;
	l->options = field[OPTIONS];
	l->octal = true;
	return l->target ? 1 : -1;
}
