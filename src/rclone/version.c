#include "rclone/version.h"

#include "base/arena.h"
#include "base/chars.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/task.h"
#include "base/text.h"
#include "rclone/args.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX 256 /* only the first line matters */
#define NOTE_MAX 1024
#define TIMEOUT_MS 5000

extern char **environ;

/* Cuts a decimal number off *REST. */
static bool cut_number(struct span *rest, unsigned *out)
{
	unsigned long n;

	if (!span_number(span_take_while(rest, char_is_digit), 9999, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

static bool cut_dot(struct span *rest)
{
	if (!rest->n || rest->p[0] != '.')
		return false;
	*rest = span_skip(*rest, 1);
	return true;
}

void rclone_version_parse(struct rclone_version *v, struct span output)
{
	struct span line, rest = output;
	bool whole = span_cut(&rest, '\n', &line);

	*v = (struct rclone_version){ 0 };
	if (!whole || !span_starts(line, SPAN("rclone v")))
		return;
	rest = span_skip(line, strlen("rclone v"));
	text_fmt(v->text, sizeof v->text, "%.*s", (int)rest.n, rest.p);
	text_sanitize(v->text);
	v->known = rest.n < sizeof v->text && cut_number(&rest, &v->major) && cut_dot(&rest) && cut_number(&rest, &v->minor) &&
		   cut_dot(&rest) && cut_number(&rest, &v->patch) && (!rest.n || span_is(rest, "-DEV"));
	v->debian = v->known && rest.n;
}

void rclone_version_of(struct rclone_version *v, const char *text)
{
	char mem[64];
	struct buf output = buf_over(mem, sizeof mem);

	buf_fmt(&output, "rclone v%s\n", text);
	rclone_version_parse(v, buf_all(&output));
}

bool rclone_version_least(const struct rclone_version *v, unsigned major, unsigned minor)
{
	return v->known && (v->major > major || (v->major == major && v->minor >= minor));
}

bool rclone_version_has_rc_socket(const struct rclone_version *v)
{
	return rclone_version_least(v, 1, 61);
}

bool rclone_version_has_queue(const struct rclone_version *v)
{
	return rclone_version_least(v, 1, 68);
}

/* What identifies a program. A wrapper that stays the same may run another rclone: that goes unnoticed. */
static int identify_program(char *out, size_t size, const char *program, struct err *e)
{
	struct stat st;

	if (stat(program, &st))
		return err_sys(e, CODE_MOUNT, "look at %s", program);
	text_fmt(out, size, "%s %llu %llu %llu %lld.%ld %lld.%ld", program, (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino, (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec,
		(long)st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec, (long)st.st_ctim.tv_nsec);
	return 0;
}

/* Two lines: which program it was, and its answer. */
static bool read_noted_version(struct rclone_version *v, const char *path, const char *id)
{
	struct buf note = buf_heap(NOTE_MAX + sizeof(char[PATH_MAX]));
	struct span rest, line;
	struct err ignored;

	if (file_read(path, &note, &ignored) == 0) {
		rest = buf_all(&note);
		if (span_cut(&rest, '\n', &line) && span_is(line, id))
			rclone_version_parse(v, rest);
	}
	buf_free(&note);
	return v->known;
}

static void note_version(const struct rclone_version *v, const char *path, const char *id)
{
	struct buf note = buf_heap(NOTE_MAX + sizeof(char[PATH_MAX]));
	struct err ignored;

	buf_fmt(&note, "%s\nrclone v%s\n", id, v->text);
	if (v->known && !note.full)
		file_replace(path, 0600, buf_all(&note), &ignored);
	buf_free(&note);
}

struct version_call {
	const char *program;
	char **env;
};

static int exec_version(void *arg, int out)
{
	struct version_call *c = arg;
	char version[] = "version", name[] = "rclone", *argv[] = { name, version, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0)
		return 1;
	confine_search();
	execve(c->program, argv, c->env);
	return 1;
}

static int ask_version(struct rclone_version *v, const char *program, struct err *e)
{
	struct rclone_paths none = { .helper_dir = "", .home = "/" };
	struct arena a = { 0 };
	struct version_call c = { .program = program, .env = rclone_env(&a, &none, environ) };
	char answer[ANSWER_MAX];
	ssize_t n = -1;

	if (!c.env)
		err_set(e, CODE_FAULT, "ask %s for its version: no memory", program);
	else
		n = task_run(exec_version, &c, TIMEOUT_MS, answer, sizeof answer, e);
	arena_free(&a);
	if (n > 0)
		rclone_version_parse(v, (struct span){ answer, (size_t)n });
	if (n == 0)
		return err_set(e, CODE_MOUNT, "ask %s for its version: it says nothing", program);
	if (n < 0 && e->code == CODE_UNREACHABLE)
		return err_set(e, CODE_MOUNT, "ask %s for its version: no answer within %d s", program, TIMEOUT_MS / 1000);
	return n < 0 ? -1 : 0;
}

int rclone_version_read(struct rclone_version *v, const char *program, const char *cache_root, struct err *e)
{
	char id[PATH_MAX + 160], path[PATH_MAX];

	*v = (struct rclone_version){ 0 };
	if (identify_program(id, sizeof id, program, e))
		return -1;
	text_fmt(path, sizeof path, "%s/.rclone-version", cache_root);
	if (read_noted_version(v, path, id))
		return 0;
	if (ask_version(v, program, e))
		return -1;
	note_version(v, path, id);
	return 0;
}

bool rclone_version_fails_xattrs(const struct rclone_version *v)
{
	return v->debian && !rclone_version_least(v, 1, 61);
}

/*
 * A version with one loss has all later ones too. Tried with Debian's 1.60.1 and the releases 1.60.1 (xattrs), 1.65.2, 1.68.2, 1.70.3, 1.73.5 and
 * 1.75.2; 1.61 to 1.64 were not available. The last one is the price of --vfs-fast-fingerprint, see rclone/args.c.
 */
static const char *const losses[] = {
	"extended attributes can neither be set nor asked for (EIO), so cp -a, shutil.copy2 and files.write of E2B into a mount fail",
	"a file whose folder is renamed while it waits for its upload, and that is then written again, goes to S3 under its old name",
	"a file of others that is made shorter (truncate) without having been read or written keeps 65,536 bytes",
	"an object that others replace by one of the same size, uploaded in parts, is read as it was while it is in the cache",
};

#define DEBIAN_ALONE 1 /* of the first */
static const unsigned cured_in_minor[] = { 61, 61, 76, 76 };

#define LOSSES (sizeof losses / sizeof *losses)

size_t rclone_version_losses(const struct rclone_version *v, const char *const **list)
{
	size_t first = !v->known ? LOSSES : rclone_version_fails_xattrs(v) ? 0 : DEBIAN_ALONE;

	while (first < LOSSES && rclone_version_least(v, 1, cured_in_minor[first]))
		first++;
	*list = losses + first;
	return LOSSES - first;
}
