#include "rclone/pending.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define META_MAX (16 * 1024 * 1024)    /* a file read in half a million places; what is larger counts as pending */
#define FOLDERS_MAX (64 * 1024 * 1024) /* bytes of names of folders not looked at yet */

struct walk {
	int meta, data;	       /* CACHE/vfsMeta; CACHE/vfs, -1 where it is missing */
	const char *cache_dir; /* for messages */
	size_t above;	       /* components above the mount's root: remote, bucket, prefix */
	struct buf folders;    /* a stack of paths below META, each with its NUL */
	struct buf text;       /* of one metadata file */
	struct pending *p;
	struct err *e;
};

static int failed(const struct walk *w, const char *path)
{
	return err_sys(w->e, CODE_FAULT, "look for pending files in %s/vfsMeta/%s", w->cache_dir, path);
}

/* What was there a moment ago may be gone: rclone drops what it has sent. */
static bool vanished(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

/* Reads the metadata file into w->text. Returns 0, 1 when it is gone or no regular file, -1 with errno set. */
static int read_meta(struct walk *w, const char *path)
{
	int fd = openat(w->meta, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;

	buf_clear(&w->text);
	if (fd < 0)
		return vanished() || errno == ELOOP || errno == ENXIO ? 1 : -1;
	if (fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(fd);
		return 1;
	}
	for (;;) {
		char *to = buf_room(&w->text, 4096);

		n = to ? read(fd, to, 4096) : 0;
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		if (n > 0)
			w->text.len += (size_t)n;
	}
	close(fd);
	return n < 0 ? -1 : 0;
}

/* In doubt it is dirty: a half-written text, one without the member, one too large to be read. */
static bool is_dirty(struct span text)
{
	struct span value;

	return json_member(text, "Dirty", &value) != 1 || !span_is(value, "false");
}

/*
 * The size of the cached data. The metadata's own "Size" is 0 while a file is open, and what rclone has truncated may
 * be shorter: it serves only where there is no data.
 */
static uint64_t size_of(const struct walk *w, const char *path)
{
	struct span value;
	unsigned long size;
	struct stat st;

	if (w->data >= 0 && fstatat(w->data, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		return (uint64_t)st.st_size;
	if (json_member(buf_all(&w->text), "Size", &value) == 1 && span_number(value, LONG_MAX, &size))
		return size;
	return 0;
}

void pending_name(char out[PENDING_NAME], struct span path)
{
	const char *cut = "";

	if (path.n >= PENDING_NAME) {
		path = span_skip(path, path.n - (PENDING_NAME - sizeof "…"));
		while (path.n && ((unsigned char)*path.p & 0xc0) == 0x80)
			path = span_skip(path, 1);
		cut = "…";
	}
	text_fmt(out, PENDING_NAME, "%s%.*s", cut, (int)path.n, path.n ? path.p : "");
}

static void count(struct walk *w, const char *path)
{
	const char *name = path;

	w->p->files++;
	w->p->bytes += size_of(w, path);
	if (w->p->named == PENDING_NAMES)
		return;
	for (size_t i = 0; i < w->above; i++) {
		const char *slash = strchr(name, '/');

		if (!slash)
			break;
		name = slash + 1;
	}
	pending_name(w->p->names[w->p->named++], span_of(name));
}

static int look_at_file(struct walk *w, const char *path)
{
	int ret = read_meta(w, path);

	if (ret < 0)
		return failed(w, path);
	if (ret == 0 && is_dirty(buf_all(&w->text)))
		count(w, path);
	return 0;
}

/* An entry NAME of the folder PATH ("" is the top). */
static int look_at(struct walk *w, const char *path, const char *name)
{
	char below[PATH_MAX];
	struct stat st;
	size_t n = text_fmt(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name);

	if (n >= sizeof below) {
		errno = ENAMETOOLONG;
		return failed(w, path);
	}
	if (fstatat(w->meta, below, &st, AT_SYMLINK_NOFOLLOW))
		return vanished() ? 0 : failed(w, below);
	if (S_ISREG(st.st_mode))
		return look_at_file(w, below);
	if (!S_ISDIR(st.st_mode))
		return 0;
	buf_add(&w->folders, below, (size_t)n + 1);
	if (!w->folders.full)
		return 0;
	errno = ENOMEM;
	return failed(w, below);
}

static int look_into(struct walk *w, const char *path)
{
	int fd = openat(w->meta, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	int ret = 0;

	if (!dir) {
		if (fd < 0 && (vanished() || errno == ELOOP))
			return 0;
		failed(w, path);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	for (errno = 0; ret == 0 && (d = readdir(dir)); errno = 0)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			ret = look_at(w, path, d->d_name);
	if (ret == 0 && errno && !vanished())
		ret = failed(w, path);
	closedir(dir);
	return ret;
}

/*
 * A stack of paths instead of recursion: neither the program's stack nor its descriptors grow with the depth, which
 * somebody who writes to the mount decides.
 */
static int look_everywhere(struct walk *w)
{
	char path[PATH_MAX] = "";

	while (look_into(w, path) == 0) {
		if (!w->folders.len)
			return 0;
		w->folders.len--;
		while (w->folders.len && w->folders.p[w->folders.len - 1])
			w->folders.len--;
		text_fmt(path, sizeof path, "%s", w->folders.p + w->folders.len);
	}
	return -1;
}

static int open_part(const char *cache_dir, const char *part)
{
	char path[PATH_MAX];
	size_t n = text_fmt(path, sizeof path, "%s/%s", cache_dir, part);

	if (n >= sizeof path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* "remote/bucket/" and a component for each slash of the prefix. */
static size_t components_above(const struct plan_mount *m)
{
	size_t n = 2;

	for (const char *s = m->prefix; *s; s++)
		n += *s == '/';
	return n;
}

int rclone_pending(const char *cache_dir, const struct plan_mount *m, struct pending *p, struct err *e)
{
	struct walk w = {
		.meta = open_part(cache_dir, "vfsMeta"),
		.cache_dir = cache_dir,
		.above = components_above(m),
		.folders = buf_heap(FOLDERS_MAX),
		.text = buf_heap(META_MAX),
		.p = p,
		.e = e,
	};
	int ret;

	memset(p, 0, sizeof *p);
	if (w.meta < 0)
		return errno == ENOENT ? 0 : failed(&w, "");
	w.data = open_part(cache_dir, "vfs");
	ret = look_everywhere(&w);
	/* A file that is renamed while we look can slip from a folder yet to come into one already seen. */
	if (ret == 0 && !p->files)
		ret = look_everywhere(&w);
	buf_free(&w.folders);
	buf_free(&w.text);
	if (w.data >= 0)
		close(w.data);
	close(w.meta);
	return ret;
}
