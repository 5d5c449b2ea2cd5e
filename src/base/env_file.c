#include "base/env_file.h"

#include "base/chars.h"
#include "base/env.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 128 /* an error quotes it */

/* ---- the syntax ---- */

/* One line while it is parsed. */
struct env_line {
	struct span name, value;
	bool bare;     /* without an '=' */
	bool spaced;   /* a blank precedes the '=': Docker refuses that, so it is systemd's syntax */
	struct buf *b; /* room for a value with its escapes resolved */
};

/* More than a shell allows, as in Docker: "spring.datasource.url" is passed over, not an error. */
static bool is_variable_name(struct span s)
{
	return s.n && s.n <= NAME_MAX_BYTES && (char_is_letter(s.p[0]) || s.p[0] == '_') && span_all(s, char_is_alnum, "_.-");
}

static struct span skip_export(struct span s)
{
	struct span rest;

	if (!span_starts(s, SPAN("export ")) && !span_starts(s, SPAN("export\t")))
		return s;
	rest = span_trim(span_skip(s, 7));
	return rest.n && rest.p[0] != '=' ? (struct span){ rest.p, (size_t)(s.p + s.n - rest.p) } : s;
}

/* Splits LINE; false when it does not begin with a name. */
static bool split_assignment(struct span line, struct env_line *l)
{
	struct span value = line, name;

	l->bare = !span_cut(&value, '=', &name);
	l->name = span_trim(name);
	l->spaced = !l->bare && l->name.p + l->name.n != name.p + name.n;
	l->value = value;
	return is_variable_name(l->name);
}

/* Sets L->value to what is between its quotes. Returns why it cannot be read, or NULL. */
static const char *unquote_value(struct env_line *l, struct span in)
{
	char quote = in.p[0];
	size_t i = 1;

	buf_clear(l->b);
	while (i < in.n && in.p[i] != quote) {
		if (quote == '"' && in.p[i] == '\\' && i + 1 < in.n && strchr("\"\\`$", in.p[i + 1]))
			i++;
		buf_char(l->b, in.p[i++]);
	}
	if (i >= in.n)
		return "its value begins with a quote that is not closed on its line";
	if (span_trim(span_skip(in, i + 1)).n)
		return "text stands behind the closing quote of its value";
	if (l->b->full)
		return "out of memory";
	l->value = buf_all(l->b);
	return NULL;
}

/* Sets L->value to the value proper. Returns why it is not acceptable, or NULL. */
static const char *parse_env_value(struct env_line *l)
{
	struct span trimmed = span_trim(l->value);

	if (l->value.n && l->value.p[l->value.n - 1] == '\r')
		return "its value ends with a carriage return (CR) before that of the line's end";
	if (span_has_control(l->value, "\t"))
		return "its value holds a control byte";
	if (trimmed.n && (trimmed.p[0] == '"' || trimmed.p[0] == '\''))
		return unquote_value(l, trimmed);
	if (l->spaced)
		l->value = span_skip(l->value, (size_t)(trimmed.p - l->value.p));
	if (l->value.n != trimmed.n)
		return "a blank stands at an end of its value, without quotes";
	if (memchr(l->value.p, '\\', l->value.n))
		return "its value holds a backslash, without quotes";
	return NULL;
}

static int refuse_value(const struct env_line *l, const char *name, size_t number, const char *why, struct err *e)
{
	err_set(e, CODE_USAGE, "%.255s:%zu: variable %.*s: %s", name, number, (int)l->name.n, l->name.p, why);
	return err_hint(e, "write it as %.*s='VALUE': nothing between single quotes has a meaning", (int)l->name.n, l->name.p);
}

static int import_variable(const struct env_line *l, struct err *e)
{
	struct buf name = buf_heap(l->name.n + 1);
	const char *value;
	int ret = 0;

	buf_span(&name, l->name);
	value = getenv(name.p);
	if (value)
		ret = env_set(l->name, span_of(value), e);
	buf_free(&name);
	return ret;
}

static int parse_env_line(struct span text, struct buf *b, const char *name, size_t number, struct err *e)
{
	struct env_line l = { .b = b };
	const char *why;

	if (text.n && text.p[text.n - 1] == '\r')
		text.n--;
	span_take_while(&text, char_is_blank);
	if (!text.n || text.p[0] == '#' || text.p[0] == ';')
		return 0;
	if (span_skip_bom(text).n != text.n) {
		err_set(e, CODE_USAGE, "%.255s:%zu: %s", name, number, SPAN_BOM_INSIDE);
		return err_hint(e, SPAN_BOM_HINT);
	}
	if (!split_assignment(skip_export(text), &l)) {
		err_set(e, CODE_USAGE, "%.255s:%zu: no variable's name begins this line", name, number);
		return err_hint(e, "a line is NAME=VALUE, NAME, blank, or begins with #");
	}
	if (l.bare)
		return import_variable(&l, e);
	why = parse_env_value(&l);
	return why ? refuse_value(&l, name, number, why, e) : env_set(l.name, l.value, e);
}

int env_parse(struct span text, const char *name, struct err *e)
{
	struct buf b = buf_heap(ENV_FILE_MAX + 1);
	struct span line;
	int ret = 0;

	if (span_is_utf16(text)) {
		err_set(e, CODE_USAGE, "%.255s: it is UTF-16 text", name);
		buf_wipe(&b);
		return err_hint(e, "write it as UTF-8");
	}
	text = span_skip_bom(text);
	for (size_t number = 1; text.n && ret == 0; number++) {
		span_cut(&text, '\n', &line);
		ret = parse_env_line(line, &b, name, number, e);
	}
	buf_wipe(&b);
	return ret;
}

/* ---- the file ---- */

static int read_env_text(int fd, const char *name, struct err *e)
{
	struct buf text = buf_heap(ENV_FILE_MAX + 2); /* the NUL, and one byte more to detect a file that is too large */
	int ret;

	if (file_read_fd(fd, &text) == 0)
		ret = env_parse(buf_all(&text), name, e);
	else if (text.full)
		ret = err_set(e, CODE_USAGE, "%s: it is larger than %d bytes", name, ENV_FILE_MAX);
	else
		ret = err_sys(e, CODE_FAULT, "read %s", name);
	buf_wipe(&text);
	return ret;
}

static bool owner_is_trusted(const struct stat *st)
{
	return st->st_uid == geteuid() || st->st_uid == 0;
}

static int check_env_file(const char *path, const struct stat *st, struct err *e)
{
	if (!S_ISREG(st->st_mode)) {
		err_set(e, CODE_USAGE, "--env-file %s: it is not a regular file", path);
		return err_hint(e, "a pipe is read with --env-fd, standard input with --env-file -");
	}
	if (!owner_is_trusted(st))
		return err_set(e, CODE_USAGE, "--env-file %s: it belongs to user %lu, neither to the caller nor to root", path,
			(unsigned long)st->st_uid);
	if (!(st->st_mode & 077))
		return 0;
	err_set(e, CODE_USAGE, "--env-file %s: others may read or change it (mode %03o)", path, (unsigned)st->st_mode & 0777);
	return err_hint(e, "chmod 600 it before keys are written into it");
}

int env_file_read(const char *path, struct err *e)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int ret;

	if (fd < 0 && errno == ELOOP) {
		err_set(e, CODE_USAGE, "--env-file %s: it is a symbolic link, which is not followed", path);
		return err_hint(e, "name the file itself; a descriptor is read with --env-fd");
	}
	if (fd < 0 && errno == ENOENT)
		return err_set(e, CODE_USAGE, "--env-file %s: there is no such file", path);
	if (fd < 0 || fstat(fd, &st)) {
		err_sys(e, CODE_FAULT, "open --env-file %s", path);
		ret = -1;
	} else {
		ret = check_env_file(path, &st, e) ? -1 : read_env_text(fd, path, e);
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

int env_fd_read(int fd, const char *name, struct err *e)
{
	int null, ret;

	if (fcntl(fd, F_GETFD) < 0)
		return err_set(e, CODE_USAGE, "%s: no such descriptor is open", name);
	ret = read_env_text(fd, name, e);
	if (fd > 0) {
		close(fd);
		return ret;
	}
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0) /* a bare root has none; reading a folder yields nothing either */
		null = open("/", O_RDONLY | O_CLOEXEC);
	if (null > 0) {
		dup2(null, fd);
		close(null);
	}
	return ret;
}

int env_file_remove(const char *path, struct err *e)
{
	struct stat st;

	if (lstat(path, &st))
		return errno == ENOENT ? 0 : err_sys(e, CODE_FAULT, "remove --env-file %s", path);
	if (!S_ISREG(st.st_mode) || !owner_is_trusted(&st))
		return err_set(e, CODE_USAGE, "remove --env-file %s: it is no regular file of the caller's, and stays", path);
	return unlink(path) ? err_sys(e, CODE_FAULT, "remove --env-file %s: it is still there, with what it holds", path) : 0;
}
