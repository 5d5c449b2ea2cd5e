#include "sup/below.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1 /* linux/mount.h, which not every C library can stand beside its own */
#endif

#define OPEN_FOLDERS 16
#define OLD_FILES 20000 /* so many are looked at before the mount, which waits for it */
#define TICKS 4
#define TICK_NS 5000000 /* files have the time of the last tick, or a later one (inode_set_ctime_current() of the kernel) */

/* nftw(3) hands nothing on. */
static struct {
	const char *path;
	int64_t since; /* for the old files: the latest time of one */
	long files;
	struct pending *p;
} walk;

/* The inode's time, which utimensat(2) does not set back. */
static int visit_old(const char *name, const struct stat *st, int type, struct FTW *at)
{
	(void)name;
	(void)at;
	if (type != FTW_D && clock_ns(&st->st_ctim) > walk.since)
		walk.since = clock_ns(&st->st_ctim);
	return ++walk.files == OLD_FILES;
}

/* A time after the old files' and before those of all that come: where they are of the tick that is, of the next one. */
static int64_t time_between(void)
{
	const struct timespec wait = { .tv_nsec = TICK_NS };
	struct timespec tick;

	walk.since = walk.files = 0;
	nftw(".", visit_old, OPEN_FOLDERS, FTW_PHYS | FTW_MOUNT);
	for (int i = 0; i < TICKS; i++) {
		clock_gettime(CLOCK_REALTIME_COARSE, &tick);
		if (walk.since < clock_ns(&tick))
			return clock_ns(&tick) - 1;
		nanosleep(&wait, NULL);
	}
	return walk.since;
}

int below_open(const char *path, int64_t *since)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 && fchdir(fd) == 0)
		*since = time_between();
	(void)!chdir("/");
	return fd;
}

int below_reach(const char *path)
{
	char above[PATH_MAX];
	const char *name = file_dirname(above, path);
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, above, OPEN_TREE_CLONE | O_CLOEXEC), fd;

	if (tree < 0)
		return -1;
	fd = openat(tree, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(tree);
	return fd;
}

static int visit_below(const char *name, const struct stat *st, int type, struct FTW *at)
{
	struct pending *p = walk.p;

	(void)at;
	if (type == FTW_D || type == FTW_DNR || type == FTW_NS || clock_ns(&st->st_ctim) <= walk.since)
		return 0;
	p->files++;
	p->bytes += (uint64_t)st->st_size;
	if (p->named < PENDING_NAMES)
		text_fmt(p->names[p->named++], sizeof p->names[0], "%s%s", walk.path, name + 1);
	return 0;
}

int below_look(int fd, const char *path, int64_t since, struct pending *p, struct err *e)
{
	int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), ret = 0;

	walk.path = path;
	walk.since = since;
	walk.p = p;
	if (fchdir(fd) || nftw(".", visit_below, OPEN_FOLDERS, FTW_PHYS | FTW_MOUNT))
		ret = err_sys(e, CODE_FAULT, "look for files in the folder under %s", path);
	if (back >= 0) {
		(void)!fchdir(back);
		close(back);
	}
	return ret;
}

static void note_path(char out[PATH_MAX], const char *cache_dir)
{
	text_fmt(out, PATH_MAX, "%s/stray", cache_dir);
}

void below_note(const char *cache_dir, const char *path, int64_t since)
{
	char note[PATH_MAX], text[PATH_MAX + 32];
	size_t n = text_fmt(text, sizeof text, "%lld %s", (long long)since, path);
	struct err unused;

	note_path(note, cache_dir);
	file_replace(note, 0600, (struct span){ text, n }, &unused);
}

bool below_noted(const char *cache_dir, char path[PATH_MAX], int64_t *since)
{
	char note[PATH_MAX], mem[PATH_MAX + 64];
	struct buf text = buf_over(mem, sizeof mem);
	struct span where, when;
	struct err unused;
	unsigned long n;

	note_path(note, cache_dir);
	if (file_read(note, &text, &unused))
		return false;
	where = buf_all(&text);
	if (!span_cut(&where, ' ', &when) || !span_number(when, LONG_MAX, &n) || !where.n || where.p[0] != '/')
		return false;
	*since = (int64_t)n;
	return text_fmt(path, PATH_MAX, "%.*s", (int)where.n, where.p) < PATH_MAX;
}

void below_forget(const char *cache_dir)
{
	char note[PATH_MAX];

	note_path(note, cache_dir);
	unlink(note);
}
