#include "plan/plan.h"

#include "base/file.h"
#include "base/text.h"
#include "plan/parts.h"

static const char builtin[] = "threads/${THREAD_ID}  /mnt/r2/threads/${THREAD_ID}  auto  rw  0 0\n"
			      "skills/system         /mnt/r2/skills/system         auto  rw  0 0\n"
			      "skills/${USER_ID}     /mnt/r2/skills/${USER_ID}     auto  rw  0 0\n";

struct plan_reader {
	struct plan *p;
	plan_env_fn *env;
	const char *bucket; /* S3_BUCKET_NAME, "" when it is not set */
	const char *where;  /* what is read now was written */
	struct err *e;
	const char **targets; /* without credentials: those that are known as a whole */
	size_t target_count;
};

int plan_no_memory(struct err *e)
{
	return err_set(e, CODE_FAULT, "read what shall be mounted: out of memory");
}

int plan_err_at(struct err *e, const char *where)
{
	struct err inner = *e;

	err_set(e, inner.code, "%.255s: %s", where, inner.text);
	return err_hint(e, "%s", inner.hint);
}

bool plan_inside(const char *target, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(target, folder, n) == 0 && target[n] == '/';
}

/* Two mounts on one target would hide each other's files, and neither could be taken down alone. */
static int check_apart(const struct plan *p, const struct plan_mount *m, struct err *e)
{
	for (size_t i = 0; i < p->mount_count; i++) {
		const struct plan_mount *other = &p->mounts[i];

		if (strcmp(m->target, other->target) == 0)
			return err_set(e, CODE_USAGE, "target %s is given twice: for %s/%s (%s) and %s/%s", other->target,
				other->bucket, other->prefix, other->where, m->bucket, m->prefix);
	}
	return 0;
}

/* Appends M and returns 0, or -1 with *E set. */
static int append_mount(struct plan *p, const struct plan_mount *m, struct err *e)
{
	if (check_apart(p, m, e))
		return -1;
	if (p->mount_count == PLAN_MOUNTS_MAX)
		return err_set(e, CODE_USAGE, "more than %d mounts", PLAN_MOUNTS_MAX);
	p->mounts = arena_grow(&p->mem, p->mounts, p->mount_count, sizeof *p->mounts);
	if (!p->mounts)
		return plan_no_memory(e);
	p->mounts[p->mount_count++] = *m;
	return 0;
}

static int note_target(struct plan_reader *r, const char *target)
{
	r->targets = arena_grow(&r->p->mem, r->targets, r->target_count, sizeof *r->targets);
	if (!r->targets)
		return plan_no_memory(r->e);
	r->targets[r->target_count++] = target;
	return 0;
}

/* The folder of an inner mount is made in the outer one: below it, before, it would only be covered. */
static void drop_inner_placeholders(struct plan_reader *r)
{
	struct plan *p = r->p;
	size_t kept = 0;

	for (size_t i = 0; i < p->placeholder_count; i++) {
		size_t k = 0;

		while (k < r->target_count && !plan_inside(p->placeholders[i], r->targets[k]))
			k++;
		if (k == r->target_count)
			p->placeholders[kept++] = p->placeholders[i];
	}
	p->placeholder_count = kept;
}

static int append_placeholder(struct plan *p, const char *placeholder, struct err *e)
{
	for (size_t i = 0; i < p->placeholder_count; i++)
		if (strcmp(p->placeholders[i], placeholder) == 0)
			return 0;
	if (p->placeholder_count == PLAN_MOUNTS_MAX)
		return err_set(e, CODE_USAGE, "more than %d mounts", PLAN_MOUNTS_MAX);
	p->placeholders = arena_grow(&p->mem, p->placeholders, p->placeholder_count, sizeof *p->placeholders);
	if (!p->placeholders)
		return plan_no_memory(e);
	p->placeholders[p->placeholder_count++] = placeholder;
	return 0;
}

int plan_warn(struct plan *p, const char *text)
{
	for (size_t i = 0; i < p->warning_count; i++)
		if (strcmp(p->warnings[i], text) == 0)
			return 0;
	p->warnings = arena_grow(&p->mem, p->warnings, p->warning_count, sizeof *p->warnings);
	if (!p->warnings || !(p->warnings[p->warning_count] = arena_str(&p->mem, span_of(text))))
		return -1;
	p->warning_count++;
	return 0;
}

static int add_warning(struct plan *p, struct err *text)
{
	return plan_warn(p, text->text) ? plan_no_memory(text) : 0;
}

#define SHARED "looks like a value that was not set: all who have it share one folder"

/* Warns of the variable that is expanded at OPEN ("${NAME}…"); *REST is what follows it. */
static int warn_of_unset_variable(struct plan_reader *r, const char *open, const char **rest)
{
	const char *close = strchr(open, '}');
	char name[256];
	struct buf b = buf_over(name, sizeof name);
	const char *value;

	*rest = close ? close + 1 : open + strlen(open);
	if (!close)
		return 0;
	buf_add(&b, open + 2, (size_t)(close - open) - 2);
	value = r->env(name);
	if (!value || !plan_looks_unset(span_of(value)))
		return 0;
	err_set(r->e, CODE_OK, "variable %s is \"%s\", which " SHARED, name, value);
	return add_warning(r->p, r->e);
}

/* Warns where TEXT, a source or target, hardly has the intended name: literally, or by the value of one of its variables. */
static int warn_of_unset_names(struct plan_reader *r, const char *what, const char *text)
{
	struct span rest = span_of(text), part;
	const char *open = text;
	bool more;

	while ((open = text_find(open, "${")))
		if (warn_of_unset_variable(r, open, &open))
			return -1;
	do {
		more = span_cut(&rest, '/', &part);
		if (!plan_looks_unset(part))
			continue;
		err_set(r->e, CODE_OK, "%s \"%s\": \"%.*s\" " SHARED, what, text, (int)part.n, part.p);
		if (add_warning(r->p, r->e))
			return -1;
	} while (more);
	return 0;
}

/*
 * Finds the folder that can be made before TARGET's variables are known: what precedes the component of the first unknown one.
 * Everything that can be checked is checked: a template's build is the best time to learn of a mistake.
 */
static int add_placeholder(struct plan_reader *r, const struct plan_line *l, struct plan_mount *m)
{
	char source_mem[PLAN_TEXT_MAX], target_mem[PLAN_TEXT_MAX];
	struct buf source = buf_over(source_mem, sizeof source_mem), target = buf_over(target_mem, sizeof target_mem);
	int unset = plan_expand(&target, l->target, r->env, r->e);
	struct span folder = buf_all(&target);

	if (unset < 0 || plan_expand(&source, l->source, r->env, r->e) < 0)
		return -1;
	while (unset && folder.n && folder.p[folder.n - 1] != '/')
		folder.n--;
	if (unset && folder.n == 1)
		return 0; /* "/" exists */
	if (plan_target(&r->p->mem, folder, m, r->e) || (!unset && note_target(r, m->target)))
		return -1;
	return append_placeholder(r->p, m->target, r->e);
}

/* "r2:bucket/prefix", as rclone writes it, is a prefix here; that it is a strange one. */
static int warn_of_remote(struct plan_reader *r, const char *source)
{
	struct span rest = span_of(source), scheme;

	if (plan_names_bucket(rest) || !span_cut(&rest, ':', &scheme) || !plan_is_scheme(scheme))
		return 0;
	err_set(r->e, CODE_OK,
		"source \"%s\" is taken for a prefix of that name, in S3_BUCKET_NAME: no rclone remote is read; a bucket is named as s3://BUCKET/PREFIX",
		source);
	return add_warning(r->p, r->e);
}

/* "ro,rw", "uid=1,uid=2": what was written first counts for nothing. */
static int warn_of_overridden(struct plan_reader *r, const char *const *pair)
{
	if (!pair[0])
		return 0;
	err_set(r->e, CODE_OK, "%.255s: options %s and %s are given: the last of them counts", r->where, pair[0], pair[1]);
	return add_warning(r->p, r->e);
}

/* SOURCE was refused: where it is for want of a bucket, says what may have been meant to be it. Returns -1. */
static int hint_at_bucket(struct plan_reader *r, struct span source)
{
	char text[256];
	struct buf seen = buf_over(text, sizeof text);

	if (*r->bucket || !source.n || plan_names_bucket(source))
		return -1;
	plan_near(&seen, NEAR_BUCKET, r->env);
	return seen.len ? err_hint(r->e, "give the bucket as S3_BUCKET_NAME; set, but not read: %s", text) : -1;
}

static int add_mount(struct plan_reader *r, const struct plan_line *l, struct plan_mount *m)
{
	char source_mem[PLAN_TEXT_MAX], target_mem[PLAN_TEXT_MAX];
	struct buf source = buf_over(source_mem, sizeof source_mem), target = buf_over(target_mem, sizeof target_mem);

	if (plan_expand(&source, l->source, r->env, r->e) || plan_expand(&target, l->target, r->env, r->e))
		return -1;
	if (plan_source(&r->p->mem, buf_all(&source), r->bucket, m, r->e))
		return hint_at_bucket(r, buf_all(&source));
	if (plan_target(&r->p->mem, buf_all(&target), m, r->e))
		return -1;
	return append_mount(r->p, m, r->e);
}

static int add_line(struct plan_reader *r, const struct plan_line *l)
{
	struct plan_mount m = { .where = r->where };
	const char *overridden[2];
	bool skip;
	int unset = plan_options(&r->p->mem, l, r->env, &m, &skip, overridden, r->e);

	if (unset < 0 || (unset && r->p->have_creds))
		return -1;
	if (skip)
		return 0;
	if (warn_of_unset_names(r, "source", l->source) || warn_of_unset_names(r, "target", l->target) ||
		warn_of_remote(r, l->source) || warn_of_overridden(r, overridden))
		return -1;
	return r->p->have_creds ? add_mount(r, l, &m) : add_placeholder(r, l, &m);
}

static int read_specs(struct plan_reader *r, const char *const *specs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct plan_line l;
		char where[256];

		text_fmt(where, sizeof where, "--mount %s", specs[i]);
		r->where = arena_str(&r->p->mem, span_of(where));
		if (!r->where)
			return plan_no_memory(r->e);
		if (plan_spec(&r->p->mem, specs[i], &l, r->e) || add_line(r, &l))
			return plan_err_at(r->e, r->where);
	}
	return 0;
}

static int read_fstab_lines(struct plan_reader *r, const char *name, struct span text)
{
	struct span line;

	for (size_t number = 1; text.n; number++) {
		struct plan_line l = { 0 };
		char where[256];
		int got;

		span_cut(&text, '\n', &line);
		text_fmt(where, sizeof where, "%.200s:%zu", name, number);
		r->where = arena_str(&r->p->mem, span_of(where));
		if (!r->where)
			return plan_no_memory(r->e);
		got = plan_fstab_line(&r->p->mem, line, &l, r->e);
		if (got < 0 || (got > 0 && add_line(r, &l)))
			return plan_err_at(r->e, r->where);
	}
	return 0;
}

static int err_utf16(struct err *e, const char *path)
{
	err_set(e, CODE_USAGE, "%s: it is UTF-16 text", path);
	return err_hint(e, "write it as UTF-8");
}

/* Returns 1 when there is no such file. */
static int read_fstab_file(struct plan_reader *r, const char *path)
{
	struct buf text = buf_heap(PLAN_FILE_MAX + 1);
	int ret = file_read(path, &text, r->e);

	if (ret == 0)
		ret = span_is_utf16(buf_all(&text)) ? err_utf16(r->e, path) :
						      read_fstab_lines(r, path, span_skip_bom(buf_all(&text)));
	buf_free(&text);
	return ret;
}

/* *FROM names the source that was used. */
static int read_first_source(struct plan_reader *r, const struct plan_input *in, const char **from)
{
	int ret;

	if (in->spec_count) {
		*from = "--mount";
		return read_specs(r, in->specs, in->spec_count);
	}
	if (in->fstab) {
		*from = in->fstab;
		ret = read_fstab_file(r, in->fstab);
		return ret > 0 ? err_set(r->e, CODE_USAGE, "--fstab %s: there is no such file", in->fstab) : ret;
	}
	*from = in->fstab_path;
	ret = in->fstab_path ? read_fstab_file(r, in->fstab_path) : 1;
	if (ret <= 0)
		return ret;
	*from = "built-in mounts";
	return read_fstab_lines(r, *from, SPAN(builtin));
}

/* "variable NAME is not set" is another thing to look for than one that is set to nothing. Returns -1. */
static int tell_empty(const struct plan_input *in, struct err *e)
{
	static const char unset[] = " is not set";
	struct err inner = *e;
	struct span rest = span_after(span_of(inner.text), "variable "), word;
	char name[128];
	struct buf b = buf_over(name, sizeof name);

	if (!in->empty || !span_cut_at(&rest, unset, &word))
		return -1;
	buf_span(&b, word);
	if (b.full || !in->empty(name))
		return -1;
	err_set(e, inner.code, "%.*s is set, but empty%s", (int)(rest.p - inner.text - (ptrdiff_t)sizeof unset + 1), inner.text,
		rest.p);
	return err_hint(e, "%s", inner.hint);
}

int plan_read(struct plan *p, const struct plan_input *in, struct err *e)
{
	struct err why; /* a variable that is not set yet leaves an error in it, which is no failure without credentials */
	struct plan_reader r = { .p = p, .env = in->env, .e = &why };
	const char *from;

	memset(p, 0, sizeof *p);
	if (plan_environment(p, in, &p->bucket, &why)) {
		*e = why;
		return tell_empty(in, e);
	}
	if (in->no_mounts)
		return 0;
	r.bucket = p->bucket;
	if (read_first_source(&r, in, &from)) {
		*e = why;
		return tell_empty(in, e);
	}
	drop_inner_placeholders(&r);
	if (p->have_creds && !p->mount_count)
		return err_set(e, CODE_USAGE, "%s: nothing to mount is named there", from);
	return 0;
}

void plan_free(struct plan *p)
{
	creds_wipe(&p->creds);
	arena_free(&p->mem);
	memset(p, 0, sizeof *p);
}
