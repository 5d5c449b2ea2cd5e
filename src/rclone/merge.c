#include "base/chars.h"
#include "rclone/conf.h"

/* White space that goconfig trims (Go's strings.TrimSpace), as far as it is a single byte. */
static bool is_go_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim_go_space(struct span s)
{
	span_take_while(&s, is_go_space);
	while (s.n && is_go_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Cuts the next line off *REST, including its newline. */
static struct span next_line(struct span *rest)
{
	struct span line = *rest;

	if (span_cut(rest, '\n', &line))
		line.n++;
	return line;
}

static bool is_section_header(struct span line, struct span *name)
{
	line = trim_go_space(line);
	if (line.n < 2 || line.p[0] != '[' || line.p[line.n - 1] != ']')
		return false;
	*name = trim_go_space((struct span){ line.p + 1, line.n - 2 });
	return true;
}

static bool is_blank_or_comment(struct span line)
{
	line = trim_go_space(line);
	return !line.n || line.p[0] == '#' || line.p[0] == ';';
}

/*
 * Finds the next section of our name in *REST, and moves *REST past it. It ends with its last value: blank lines and comments
 * after that belong to what follows. Empty at the end.
 */
static struct span next_own_section(struct span *rest)
{
	struct span ours = { rest->p, 0 }, scan = *rest, name;

	while (scan.n) {
		struct span line = next_line(&scan);

		if (is_section_header(line, &name)) {
			if (ours.n)
				break;
			if (span_is(name, RCLONE_REMOTE))
				ours = line;
		} else if (ours.n && !is_blank_or_comment(line)) {
			ours.n = (size_t)(line.p + line.n - ours.p);
		}
	}
	*rest = ours.n ? (struct span){ ours.p + ours.n, (size_t)(scan.p + scan.n - ours.p) - ours.n } : scan;
	return ours;
}

struct span rclone_conf_find(struct span file)
{
	/* goconfig skips a byte order mark: after one our header would not be recognized. */
	file = span_skip_bom(file);
	return next_own_section(&file);
}

/* rclone can keep its file as one encrypted block; anything added to that destroys it. */
static bool is_encrypted(struct span file)
{
	while (file.n) {
		struct span line = next_line(&file);

		if (!is_blank_or_comment(line))
			return span_starts(trim_go_space(line), SPAN("RCLONE_ENCRYPT_V"));
	}
	return false;
}

static void append_section(struct buf *out, struct span section)
{
	if (section.n && out->len && out->p[out->len - 1] != '\n')
		buf_char(out, '\n');
	buf_span(out, section);
}

int rclone_conf_merge(struct buf *out, struct span old, struct span section, struct err *e)
{
	struct span rest = span_skip_bom(old), ours;
	bool placed = false;

	if (is_encrypted(old)) {
		err_set(e, CODE_USAGE, "rclone's configuration is encrypted: it cannot be added to");
		return err_hint(e, "name another file with --config, or none: then s3mounts keeps its own");
	}
	while ((ours = next_own_section(&rest)).n) {
		buf_add(out, old.p, (size_t)(ours.p - old.p));
		if (!placed)
			buf_span(out, section);
		placed = true;
		old = rest;
	}
	buf_span(out, old);
	if (!placed)
		append_section(out, section);
	if (!out->full)
		return 0;
	return err_set(e, CODE_FAULT, "write rclone's configuration: it would be larger than %d bytes, or memory is short",
		RCLONE_CONF_MAX);
}

/* ---- what a file was before ---- */

#define MARK "; s3mounts: the file was here, mode "
#define OPEN_LINE ", no newline at its end"

void rclone_conf_mark(struct buf *out, struct span section, const struct rclone_mark *m)
{
	struct span header = next_line(&section);

	buf_span(out, header);
	if (m->found)
		buf_fmt(out, MARK "%04o%s\n", (unsigned)m->mode & 07777, m->open_line ? OPEN_LINE : "");
	buf_span(out, section);
}

/* Takes an octal number off the front of *S and returns its permission bits only. */
static mode_t take_mode(struct span *s)
{
	struct span digits = span_take_while(s, char_is_octal);
	unsigned long mode = 0;

	if (digits.n > 3)
		digits = span_skip(digits, digits.n - 3);
	span_octal(digits, 0777, &mode);
	return (mode_t)mode;
}

struct rclone_mark rclone_conf_marked(struct span section)
{
	struct rclone_mark m = { .mode = 0600 };
	struct span line;

	while (section.n) {
		line = trim_go_space(next_line(&section));
		if (!span_starts(line, SPAN(MARK)))
			continue;
		line = span_skip(line, sizeof MARK - 1);
		m.found = true;
		m.mode = take_mode(&line);
		m.open_line = span_is(line, OPEN_LINE);
	}
	return m;
}

/* ---- is it an rclone.conf at all? ---- */

static const char *find_in_span(struct span s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what));
}

/* Splits a trimmed line as goconfig does: a key may be quoted, and ends at the first '=' or ':'. */
static bool cut_key(struct span line, struct span *key, struct span *value)
{
	const char *quote = line.p[0] == '`'		      ? "`" :
			    span_starts(line, SPAN("\"\"\"")) ? "\"\"\"" :
			    line.p[0] == '"'		      ? "\"" :
								"";
	size_t n = strlen(quote), at;
	const char *end = n ? find_in_span(span_skip(line, n), quote) : line.p;

	if (!end)
		return false;
	at = (size_t)(end - line.p);
	*key = (struct span){ line.p + n, at - n };
	while (at < line.n && line.p[at] != '=' && line.p[at] != ':')
		at++;
	if (at == line.n || at == (size_t)(end - line.p))
		return false;
	if (!n)
		*key = trim_go_space((struct span){ line.p, at });
	*value = trim_go_space(span_skip(line, at + 1));
	return true;
}

/* A value that begins with a multi-line quote must have its end. */
static bool is_complete_value(struct span v)
{
	const char *quote = v.n >= 2 && v.p[0] == '`' ? "`" : v.n >= 6 && span_starts(v, SPAN("\"\"\"")) ? "\"\"\"" : "";

	return !*quote || find_in_span(span_skip(v, strlen(quote)), quote);
}

/* What a file has been seen to contain. */
struct conf_scan {
	bool in_section, keys, type;
};

/* What is wrong with LINE; NULL when nothing is. */
static const char *check_conf_line(struct conf_scan *l, struct span line)
{
	struct span name, key, value;

	if (span_has_control(line, "\t\n\v\f\r"))
		return "holds a control byte";
	if (is_blank_or_comment(line))
		return NULL;
	if (is_section_header(line, &name)) {
		l->in_section = true;
		return name.n ? NULL : "is a section without a name";
	}
	if (!cut_key(trim_go_space(line), &key, &value) || !is_complete_value(value))
		return "is neither a [section], nor KEY = VALUE, nor a comment";
	if (!l->in_section)
		return "stands before any [section]";
	l->keys = true;
	l->type |= span_is(key, "type") && value.n;
	return NULL;
}

int rclone_conf_check(struct span file, struct err *e)
{
	struct span rest = span_skip_bom(file);
	struct conf_scan l = { .in_section = false };

	if (span_starts(file, SPAN("#!")))
		return err_set(e, CODE_USAGE, "line 1 makes it a script");
	if (is_encrypted(rest))
		return 0;
	for (size_t number = 1; rest.n; number++) {
		const char *wrong = check_conf_line(&l, next_line(&rest));

		if (wrong)
			return err_set(e, CODE_USAGE, "line %zu %s", number, wrong);
	}
	if (l.keys && !l.type)
		return err_set(e, CODE_USAGE, "no section of it has a type, as each remote has");
	return 0;
}
