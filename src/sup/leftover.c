#include "sup/leftover.h"

#include "base/file.h"
#include "base/text.h"
#include "driver/driver.h"
#include "mnt/layer.h"
#include "mnt/table.h"
#include "sup/below.h"
#include "sup/cache.h"
#include "sup/pidfile.h"
#include "sup/unserved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct leftover_root {
	dev_t dev;
	ino_t ino;
};

int leftover_run(struct run *left, const struct run *run, struct err *e)
{
	if (text_fmt(left->dir, sizeof left->dir, "%s/left", run->dir) >= sizeof left->dir)
		return err_set(e, CODE_USAGE, "run directory '%s': longer than %zu bytes", run->dir, sizeof left->dir - 6);
	return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A mount that its supervisor reports has the folder PATH, by whatever spelling. */
static bool is_known(const struct leftover_scope *scope, const char *path, const char *name, const struct stat *st)
{
	const struct report *r = scope->known;
	char above[PATH_MAX];
	struct stat its;

	for (size_t i = 0; r && i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];
		bool idle = span_is(span_of(m->state), "down") || span_is(span_of(m->state), "failed");

		if ((scope->live && idle) || strcmp(file_dirname(above, m->cache), name) != 0)
			continue;
		if (strcmp(m->cache, path) == 0 || (lstat(m->cache, &its) == 0 && same_file(&its, st)))
			return true;
	}
	return false;
}

/* The driver that works in the folder ID only uploads. */
static bool is_uploading(const struct leftover_scope *scope, const char *id)
{
	struct run left;
	struct err e;

	return scope->ours && leftover_run(&left, scope->ours, &e) == 0 && pidfile_exists(&left, id);
}

/* One more in the list; NULL: it is full, or there is no memory. */
static struct leftover *add_leftover(struct leftovers *l, const char *folder)
{
	struct leftover *list, *new;

	l->folders++;
	if (l->count == LEFTOVERS_MAX || !(list = arena_grow(&l->mem, l->list, l->count, sizeof *list)))
		return NULL;
	l->list = list;
	new = &list[l->count];
	*new = (struct leftover){ .endpoint = "", .bucket = "", .prefix = "", .target = "" };
	if (!(new->folder = arena_str(&l->mem, span_of(folder))))
		return NULL;
	l->count++;
	return new;
}

static void add_unknown(struct leftovers *l, const char *folder, const struct err *e)
{
	struct leftover *new = add_leftover(l, folder);

	if (!new)
		return;
	new->files = new->bytes = -1;
	new->error = *e;
}

static void place_by_paths(struct leftovers *l, struct leftover *new)
{
	struct plan_mount spec = { .bucket = "", .prefix = "" };

	if (!new->driver->place)
		return;
	new->placeable = new->driver->place(&l->mem, new->folder, &spec) > 0;
	new->bucket = spec.bucket;
	new->prefix = spec.prefix;
}

/* Only what we have written ourselves is believed. */
static void place_leftover(struct leftovers *l, struct leftover *new, const struct stat *st)
{
	struct request r;

	if (st->st_uid != geteuid() || cache_origin(new->folder, &l->mem, &r)) {
		place_by_paths(l, new);
		return;
	}
	new->endpoint = r.endpoint;
	new->bucket = r.mounts[0].bucket;
	new->prefix = r.mounts[0].prefix;
	new->target = r.mounts[0].target;
	new->options = r.mounts[0].options;
	new->option_count = r.mounts[0].option_count;
	new->placeable = true;
}

/* Files under a mount that is down, noted in its cache folder: those that are still there are added to P. -1 with *E set: unknown. */
static int look_noted(const char *folder, struct pending *p, struct err *e)
{
	char target[PATH_MAX];
	const struct mnt_entry *top;
	uint64_t before = p->files;
	struct mnt_table t;
	int64_t since, unused;
	int fd, ret;

	if (!below_noted(folder, target, &since))
		return 0;
	if (mnt_table_read(&t, e))
		return -1;
	top = mnt_table_find(&t, target);
	ret = top && (span_starts(top->fstype, SPAN("fuse.")) || driver_of_mount(top) || mnt_layer_is(top, NULL)) ?
		      err_set(e, CODE_PENDING, "files lie in the folder %s, under what is mounted there, and are not in S3",
			      target) :
		      0;
	mnt_table_free(&t);
	if (ret || (fd = below_open(target, &unused)) < 0)
		return ret;
	ret = below_look(fd, target, since, p, e);
	close(fd);
	if (ret == 0 && p->files == before)
		below_forget(folder);
	return ret;
}

/* A folder holds the files of one driver: *DRIVER, the first there is where none is found. */
static int look_cache(const struct driver **driver, const char *folder, const struct plan_mount *spec, int64_t deadline,
	struct pending *p, struct err *e)
{
	*driver = drivers[0];
	memset(p, 0, sizeof *p);
	for (const struct driver *const *d = drivers; *d && !p->files; d++) {
		if ((*d)->leftovers && (*d)->leftovers(folder, spec, deadline, p, e))
			return -1;
		if (p->files)
			*driver = *d;
	}
	return 0;
}

static void fill_leftover(
	struct leftovers *l, struct leftover *new, const struct stat *st, int64_t deadline, const struct pending *p)
{
	struct plan_mount spec = { .bucket = "", .prefix = "" };
	struct pending named;
	struct err e;

	place_leftover(l, new, st);
	new->files = (long)p->files;
	new->bytes = (long)p->bytes;
	/* Once more, for the names below the prefix that is known only now. */
	spec.prefix = new->prefix;
	if (look_cache(&new->driver, new->folder, &spec, deadline, &named, &e) || look_noted(new->folder, &named, &e) ||
		!(new->names = arena_get(&l->mem, PENDING_NAMES * sizeof *new->names)))
		return;
	for (int i = 0; i < named.named; i++)
		if ((new->names[new->name_count] = arena_str(&l->mem, span_of(named.names[i]))))
			new->name_count++;
}

static int cannot_look(const char *path, struct err *e)
{
	return err_sys(e, CODE_FAULT, "look for files that are not in S3: %s", path);
}

/* Is the folder PATH of nobody who answers for it? 1 with *RUNNING and *ST, 0, or -1 with *E set: unknown. */
static int is_leftover(
	const char *path, const char *name, const struct leftover_scope *scope, bool *running, struct stat *st, struct err *e)
{
	int held;

	*running = false;
	if (lstat(path, st))
		return errno == ENOENT ? 0 : cannot_look(path, e);
	/* A link is no cache: no driver is started on it. */
	if (!S_ISDIR(st->st_mode) || is_known(scope, path, name, st))
		return 0;
	held = cache_held(path);
	if (held < 0)
		return cannot_look(path, e);
	if (!held || is_uploading(scope, name))
		return 1;
	*running = scope->ours && pidfile_exists(scope->ours, name);
	return *running;
}

static void look_into(struct leftovers *l, const char *root, const char *name, const struct leftover_scope *scope)
{
	static const struct plan_mount unknown = { .bucket = "", .prefix = "" };
	const struct driver *driver;
	struct leftover *new;
	struct run_path path;
	struct pending p;
	struct stat st;
	struct err e;
	bool running;
	int left;

	text_fmt(path.s, sizeof path.s, "%s/%s", root, name);
	left = is_leftover(path.s, name, scope, &running, &st, &e);
	if (left < 0 ||
		(left > 0 && (look_cache(&driver, path.s, &unknown, scope->deadline, &p, &e) || look_noted(path.s, &p, &e)))) {
		add_unknown(l, path.s, &e);
		return;
	}
	if (!left || !p.files)
		return;
	l->files += p.files;
	l->bytes += p.bytes;
	if (!(new = add_leftover(l, path.s)))
		return;
	new->driver = driver;
	fill_leftover(l, new, &st, scope->deadline, &p);
	new->running = running;
}

/* By whatever spelling, a root is looked at once. */
static bool is_new_root(struct leftovers *l, int fd)
{
	struct leftover_root *roots;
	struct stat st;

	if (fstat(fd, &st))
		return true;
	for (size_t i = 0; i < l->root_count; i++)
		if (l->roots[i].dev == st.st_dev && l->roots[i].ino == st.st_ino)
			return false;
	if ((roots = arena_grow(&l->mem, l->roots, l->root_count, sizeof *roots))) {
		l->roots = roots;
		roots[l->root_count++] = (struct leftover_root){ st.st_dev, st.st_ino };
	}
	return true;
}

void leftover_find(struct leftovers *l, const char *root, const struct leftover_scope *scope)
{
	DIR *d = opendir(root);
	const struct dirent *entry;
	int no = d ? 0 : errno;
	struct err e = { .code = CODE_OK };

	if (d && is_new_root(l, dirfd(d))) {
		for (errno = 0; (entry = readdir(d)); errno = 0)
			if (cache_is_id(entry->d_name))
				look_into(l, root, entry->d_name, scope);
		no = errno;
	}
	if (d)
		closedir(d);
	if (!no || (!d && no == ENOENT))
		return;
	errno = no;
	cannot_look(root, &e);
	add_unknown(l, root, &e);
}

void leftover_free(struct leftovers *l)
{
	arena_free(&l->mem);
	*l = (struct leftovers){ 0 };
}

int leftover_error(const struct leftovers *l, struct err *e)
{
	if (!l->folders)
		return 0;
	if (!l->files) {
		*e = l->count ? l->list[0].error : (struct err){ .code = CODE_FAULT };
		e->code = CODE_PENDING; /* unknown is not "nothing" */
		return -1;
	}
	err_set(e, CODE_PENDING, "files of an earlier run are not in S3: %llu file%s, %llu bytes in %zu cache folder%s",
		l->files, l->files == 1 ? "" : "s", l->bytes, l->folders, l->folders == 1 ? "" : "s");
	return err_hint(e,
		"s3mounts flush --left uploads what is in a cache, and so does s3mounts up with the same mounts; files in a folder itself "
		"are yours to move");
}
