#include "sup/unserved.h"

#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "driver/driver.h"
#include "mnt/layer.h"
#include "sup/cache.h"

#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMAND_LINE_MAX (256 * 1024)

enum owner {
	OWNER_US,
	OWNER_OTHER,
	OWNER_UNKNOWN,
};

bool driver_of_mount(const struct mnt_entry *entry)
{
	for (const struct driver *const *d = drivers; *d; d++)
		if (span_is(entry->fstype, (*d)->fstype) && span_starts(entry->source, span_of((*d)->source_begin)))
			return true;
	return false;
}

/* By whatever spelling. */
static bool is_same_dir(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static enum owner owner_by_dir(const struct run *run, const char *dir)
{
	return is_same_dir(run->dir, dir) ? OWNER_US : OWNER_OTHER;
}

/* The layer that it stands on names the run directory. */
static bool dir_of_layer(char out[PATH_MAX], const struct mnt_table *t, const struct mnt_entry *m)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct mnt_entry *below = &t->entries[i];

		if (below->id != m->parent || !span_eq(below->target, m->target) || !mnt_layer_is(below, NULL))
			continue;
		struct span dir = span_skip(below->source, sizeof LAYER_SOURCE - 2);

		return text_fmt(out, PATH_MAX, "%.*s", (int)dir.n, dir.p) < PATH_MAX;
	}
	return false;
}

bool unserved_log_dir(char *out, size_t size, struct span link)
{
	static const char suffix[] = ".log";
	char path[PATH_MAX], id[DRIVER_ID];
	const char *name;
	struct span head;

	/* "(deleted)": somebody has removed the directory. */
	span_cut_at(&link, " (deleted)", &head);
	if (text_fmt(path, sizeof path, "%.*s", (int)head.n, head.p) >= sizeof path)
		return false;
	name = file_basename(path);
	if (name == path || strlen(name) != DRIVER_ID - 1 + sizeof suffix - 1 || strcmp(name + DRIVER_ID - 1, suffix) != 0)
		return false;
	text_fmt(id, sizeof id, "%s", name);
	return cache_is_id(id) && text_fmt(out, size, "%.*s", (int)(name - path) - 1, path) < size;
}

/* Is TARGET an argument of PID? */
static bool has_argument(pid_t pid, struct span target)
{
	struct buf text = buf_heap(COMMAND_LINE_MAX);
	struct span rest, word;
	bool found = false;
	char path[64];
	struct err unused;

	text_fmt(path, sizeof path, "/proc/%ld/cmdline", (long)pid);
	if (file_read(path, &text, &unused) == 0)
		for (rest = buf_all(&text); !found && span_cut(&rest, 0, &word);)
			found = span_eq(word, target);
	buf_free(&text);
	return found;
}

/* Its driver does, where one lives, and we may look at it. */
static bool dir_of_driver(char out[PATH_MAX], const struct mnt_entry *m)
{
	char path[64], link[PATH_MAX];
	struct process_table t;
	bool found = false;

	if (process_table_read(&t))
		return false;
	for (size_t i = 0; i < t.count && !found; i++) {
		ssize_t n;

		if (t.list[i].kernel || !has_argument(t.list[i].pid, m->target))
			continue;
		text_fmt(path, sizeof path, "/proc/%ld/fd/2", (long)t.list[i].pid);
		n = readlink(path, link, sizeof link);
		found = n > 0 && unserved_log_dir(out, PATH_MAX, (struct span){ link, (size_t)n });
	}
	process_table_free(&t);
	return found;
}

long unserved_mounter(struct span options)
{
	static const char name[] = "user_id=";
	struct span one;
	unsigned long uid;
	bool more = true;

	while (more) {
		more = span_cut(&options, ',', &one);
		if (span_starts(one, SPAN(name)) && span_number(span_skip(one, sizeof name - 1), LONG_MAX, &uid))
			return (long)uid;
	}
	return -1;
}

/* OTHER: *U's RUN_DIR (in DIR) and UID are set, as far as they are known. */
static enum owner find_owner(
	const struct run *run, const struct mnt_table *t, const struct mnt_entry *m, char dir[PATH_MAX], struct unserved *u)
{
	long mounter = unserved_mounter(m->options);
	struct stat st;

	dir[0] = 0;
	u->uid = mounter;
	if (dir_of_layer(dir, t, m) || dir_of_driver(dir, m)) {
		u->uid = lstat(dir, &st) ? mounter : (long)st.st_uid;
		return owner_by_dir(run, dir);
	}
	return mounter >= 0 && mounter != (long)geteuid() ? OWNER_OTHER : OWNER_UNKNOWN;
}

static void add_other(struct unserved_list *l, const struct mnt_entry *m, const char *dir, long uid)
{
	struct unserved *list = arena_grow(&l->mem, l->list, l->count, sizeof *list);
	struct unserved u = { .uid = uid };

	if (!list)
		return;
	l->list = list;
	u.target = arena_str(&l->mem, m->target);
	u.source = arena_str(&l->mem, m->source);
	u.run_dir = arena_str(&l->mem, span_of(dir));
	if (u.target && u.source && u.run_dir)
		l->list[l->count++] = u;
}

static int refuse_unserved(const struct run *run, const struct mnt_entry *m, enum owner owner, struct err *e)
{
	err_set(e, CODE_MOUNT, "no supervisor serves in %s, but %.*s stands at %.*s%s: what it has uploaded is unknown",
		run->dir, (int)m->source.n, m->source.p, (int)m->target.n, m->target.p,
		owner == OWNER_US ? "" : ", and of which run directory it is cannot be seen");
	if (owner == OWNER_US)
		return err_hint(e, "s3mounts up, with the same mounts, takes it over; then s3mounts down takes it down");
	return err_hint(e, "run this as the user who ran up, and with the same --run-dir");
}

int unserved_find(struct unserved_list *l, const struct run *run, struct err *e)
{
	char dir[PATH_MAX];
	struct mnt_table t;
	struct unserved u = { .uid = -1 };
	int ret = 0;

	if (mnt_table_read(&t, e))
		return -1;
	for (size_t i = 0; i < t.count && ret == 0; i++) {
		const struct mnt_entry *m = &t.entries[i];
		enum owner owner = driver_of_mount(m) ? find_owner(run, &t, m, dir, &u) : OWNER_OTHER;

		if (owner != OWNER_OTHER)
			ret = refuse_unserved(run, m, owner, e);
		else if (driver_of_mount(m))
			add_other(l, m, dir, u.uid);
	}
	mnt_table_free(&t);
	return ret;
}

void unserved_free(struct unserved_list *l)
{
	arena_free(&l->mem);
	*l = (struct unserved_list){ .list = NULL };
}
