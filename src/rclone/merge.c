#include "rclone/conf.h"

/* Space as goconfig trims it (Go's strings.TrimSpace), as far as a byte tells. */
static bool space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span s)
{
	while (s.n && space(s.p[0]))
		s = span_skip(s, 1);
	while (s.n && space(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Cuts the next line off *REST, its newline included. */
static struct span next_line(struct span *rest)
{
	struct span line = *rest;

	if (span_cut(rest, '\n', &line))
		line.n++;
	return line;
}

static bool is_header(struct span line, struct span *name)
{
	line = trim(line);
	if (line.n < 2 || line.p[0] != '[' || line.p[line.n - 1] != ']')
		return false;
	*name = trim((struct span){ line.p + 1, line.n - 2 });
	return true;
}

static bool is_remark(struct span line)
{
	line = trim(line);
	return !line.n || line.p[0] == '#' || line.p[0] == ';';
}

/*
 * The next section of our name in *REST, which is left behind it. It ends with its last value: blank lines and
 * comments after that belong to what follows. Empty at the end.
 */
static struct span next_ours(struct span *rest)
{
	struct span ours = { rest->p, 0 }, scan = *rest, name;

	while (scan.n) {
		struct span line = next_line(&scan);

		if (is_header(line, &name)) {
			if (ours.n)
				break;
			if (span_is(name, RCLONE_REMOTE))
				ours = line;
		} else if (ours.n && !is_remark(line)) {
			ours.n = (size_t)(line.p + line.n - ours.p);
		}
	}
	*rest = ours.n ? (struct span){ ours.p + ours.n, (size_t)(scan.p + scan.n - ours.p) - ours.n } : scan;
	return ours;
}

/* goconfig passes over a byte order mark: behind one our header would not be seen. */
static struct span skip_mark(struct span file)
{
	return span_starts(file, SPAN("\xef\xbb\xbf")) ? span_skip(file, 3) : file;
}

struct span rclone_conf_find(struct span file)
{
	file = skip_mark(file);
	return next_ours(&file);
}

/* rclone can keep its file as one encrypted block; whatever is put beside that destroys it. */
static bool is_encrypted(struct span file)
{
	while (file.n) {
		struct span line = next_line(&file);

		if (!is_remark(line))
			return span_starts(trim(line), SPAN("RCLONE_ENCRYPT_V"));
	}
	return false;
}

static void append(struct buf *out, struct span section)
{
	if (section.n && out->len && out->p[out->len - 1] != '\n')
		buf_char(out, '\n');
	buf_span(out, section);
}

int rclone_conf_merge(struct buf *out, struct span old, struct span section, struct err *e)
{
	struct span rest = skip_mark(old), ours;
	bool placed = false;

	if (is_encrypted(old)) {
		err_set(e, CODE_USAGE, "rclone's configuration is encrypted: it cannot be added to");
		return err_hint(e, "name another file with --config, or none: then s3mounts keeps its own");
	}
	while ((ours = next_ours(&rest)).n) {
		buf_add(out, old.p, (size_t)(ours.p - old.p));
		if (!placed)
			buf_span(out, section);
		placed = true;
		old = rest;
	}
	buf_span(out, old);
	if (!placed)
		append(out, section);
	if (!out->full)
		return 0;
	return err_set(e, CODE_FAULT, "write rclone's configuration: it would be larger than %d bytes, or memory is short",
		RCLONE_CONF_MAX);
}
