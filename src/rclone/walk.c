#include "rclone/walk.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>

#define TICK_NS 10000000	       /* a file system may use the time of the last tick */
#define FOLDERS_MAX (64 * 1024 * 1024) /* bytes of names of folders not visited yet */

/* A walk in progress. */
struct visit {
	const struct walk *walk;
	struct buf folders; /* a stack of paths below the top, each with its NUL */
	walk_fn *visit;	    /* NULL: folders only */
	void *arg;
	int64_t changed; /* the latest change of a folder */
};

int walk_failed(const struct walk *w, const char *path)
{
	return err_sys(w->e, CODE_FAULT, "%s in %s/%s/%s", w->purpose, w->cache_dir, w->part, path);
}

bool walk_vanished(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

int walk_open(const char *cache_dir, const char *part)
{
	char path[PATH_MAX];
	size_t n = text_fmt(path, sizeof path, "%s/%s", cache_dir, part);

	if (n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Visits the entry NAME of the folder PATH ("" is the top), whose TYPE is readdir(3)'s. */
static int visit_entry(struct visit *v, const char *path, const char *name, unsigned char type)
{
	char below[PATH_MAX];
	struct stat st;
	size_t n = text_fmt(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name);

	if (n >= sizeof below) {
		errno = ENAMETOOLONG;
		return walk_failed(v->walk, path);
	}
	if (type == DT_REG && (!v->visit || v->walk->names_only))
		return v->visit ? v->visit(v->arg, below, NULL) : 0;
	if (fstatat(v->walk->top, below, &st, AT_SYMLINK_NOFOLLOW))
		return walk_vanished() ? 0 : walk_failed(v->walk, below);
	if (S_ISREG(st.st_mode))
		return v->visit ? v->visit(v->arg, below, v->walk->names_only ? NULL : &st) : 0;
	if (!S_ISDIR(st.st_mode))
		return 0;
	buf_add(&v->folders, below, (size_t)n + 1);
	if (!v->folders.full)
		return 0;
	errno = ENOMEM;
	return walk_failed(v->walk, below);
}

static int walk_too_long(const struct walk *w)
{
	return err_set(w->e, CODE_FAULT, "%s in %s/%s: not looked through in time", w->purpose, w->cache_dir, w->part);
}

static int visit_folder(struct visit *v, const char *path)
{
	int fd = openat(v->walk->top, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	struct stat st;
	int ret = 0;

	if (!dir) {
		if (fd < 0 && (walk_vanished() || errno == ELOOP))
			return 0;
		walk_failed(v->walk, path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (fstat(fd, &st) == 0 && clock_ns(&st.st_ctim) > v->changed)
		v->changed = clock_ns(&st.st_ctim);
	for (errno = 0; ret == 0 && (d = readdir(dir)); errno = 0) {
		if (clock_left(v->walk->deadline) == 0)
			ret = walk_too_long(v->walk);
		else if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			ret = visit_entry(v, path, d->d_name, d->d_type);
	}
	if (ret == 0 && errno && !walk_vanished())
		ret = walk_failed(v->walk, path);
	closedir(dir);
	return ret;
}

/* A stack of paths instead of recursion. */
static int visit_tree(struct visit *v)
{
	char path[PATH_MAX] = "";

	while (visit_folder(v, path) == 0) {
		if (!v->folders.len)
			return 0;
		v->folders.len--;
		while (v->folders.len && v->folders.p[v->folders.len - 1])
			v->folders.len--;
		text_fmt(path, sizeof path, "%s", v->folders.p + v->folders.len);
	}
	return -1;
}

int walk_files(const struct walk *w, walk_fn *visit, void *arg)
{
	struct visit v = { .walk = w, .folders = buf_heap(FOLDERS_MAX), .visit = visit, .arg = arg };
	int ret = visit_tree(&v);

	buf_free(&v.folders);
	return ret;
}

int64_t walk_moment(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return clock_ns(&now) - TICK_NS;
}

int walk_changed(const struct walk *w, int64_t moment)
{
	struct visit v = { .walk = w, .folders = buf_heap(FOLDERS_MAX) };
	int ret = visit_tree(&v);

	buf_free(&v.folders);
	return ret ? ret : v.changed >= moment;
}
