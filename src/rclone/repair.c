#include "rclone/repair.h"

#include "base/file.h"
#include "base/text.h"
#include "rclone/meta.h"
#include "rclone/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define META_MODE 0644		/* as rclone makes it; the folders above are private */
#define ONE_WRITE (1024 * 1024) /* no FUSE request writes more */
#define ZEROS 3			/* so many at either end of a small file look like what has not been fetched */
#define SCAN_STEP 65536
#define QUARANTINES_MAX 10000 /* files with the same path */

struct repair {
	struct walk walk; /* of CACHE/vfs */
	int meta;	  /* CACHE/vfsMeta */
	struct buf text;  /* the current metadata */
	struct buf new;	  /* the new metadata */
	struct rclone_repaired *done;
};

/* The condition of data without usable metadata. */
enum remains {
	REMAINS_WHOLE,
	REMAINS_NOTHING, /* no byte was ever written */
	REMAINS_PART,	 /* or that cannot be decided */
	REMAINS_UNREAD,	 /* errno says why */
};

/*
 * Was the file last changed before its metadata existed? Then nobody had it open through rclone. Conclusive only for data
 * without a byte, since a user may set a file's time to the past.
 */
static bool older_than_its_meta(const struct repair *r, const char *path, const struct stat *data)
{
	struct statx x;

	if (statx(r->meta, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &x))
		return walk_vanished();
	if (!(x.stx_mask & STATX_BTIME))
		return false;
	if (x.stx_btime.tv_sec != data->st_mtim.tv_sec)
		return x.stx_btime.tv_sec > data->st_mtim.tv_sec;
	return (long)x.stx_btime.tv_nsec >= data->st_mtim.tv_nsec;
}

/* Are the N bytes at AT all zero? 1, 0, or -1 with errno set. */
static int is_zero_at(int fd, off_t at, size_t n)
{
	char bytes[ZEROS];
	ssize_t got = pread(fd, bytes, n, at);

	if (got < 0)
		return -1;
	for (ssize_t i = 0; i < got; i++)
		if (bytes[i])
			return 0;
	return 1;
}

/*
 * A file that somebody appends to, or overwrites partially, before rclone has fetched the rest: in the first and the last block
 * of the write there are zeros in place of the object's bytes, without a hole to show it. Later writes happen after good
 * metadata has been written.
 */
static int may_lack_its_ends(int fd, off_t size)
{
	size_t n = size < ZEROS ? (size_t)size : ZEROS;
	int first;

	if (size > ONE_WRITE)
		return 0;
	first = is_zero_at(fd, 0, n);
	return first ? first : is_zero_at(fd, size - (off_t)n, n);
}

static enum remains examine_open_data(const struct repair *r, const char *path, int fd, const struct stat *st)
{
	off_t data = lseek(fd, 0, SEEK_DATA), hole;
	int lacking;

	if (data < 0 && errno == ENXIO)
		return older_than_its_meta(r, path, st) ? REMAINS_NOTHING : REMAINS_PART;
	hole = data < 0 ? -1 : lseek(fd, 0, SEEK_HOLE);
	if (hole < 0)
		return REMAINS_UNREAD;
	/* A file system without SEEK_HOLE reports everything as data. */
	if (hole < st->st_size || st->st_blocks < st->st_size / 512)
		return REMAINS_PART;
	lacking = may_lack_its_ends(fd, st->st_size);
	return lacking < 0 ? REMAINS_UNREAD : lacking ? REMAINS_PART : REMAINS_WHOLE;
}

/*
 * Between two writes into one block of an open file there are zeros as well in place of the object's bytes. This cannot be
 * distinguished from zeros of the file's own.
 */
static int may_lack_inside(const struct repair *r, const char *path)
{
	int fd = openat(r->walk.top, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char bytes[SCAN_STEP];
	size_t zeros = 0;
	ssize_t n = -1;

	while (fd >= 0 && zeros < ZEROS && (n = read(fd, bytes, sizeof bytes)) > 0)
		for (ssize_t i = 0; i < n && zeros < ZEROS; i++)
			zeros = bytes[i] ? 0 : zeros + 1;
	if (fd >= 0)
		close(fd);
	return zeros >= ZEROS ? 1 : n < 0 ? -1 : 0;
}

/* NO_META: there is no metadata, not even an empty file. */
static enum remains examine_data(const struct repair *r, const char *path, bool no_meta, const struct stat *st)
{
	enum remains how;
	int fd;

	if (!st->st_size)
		return no_meta ? REMAINS_NOTHING : REMAINS_WHOLE;
	fd = openat(r->walk.top, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return REMAINS_UNREAD;
	how = examine_open_data(r, path, fd, st);
	close(fd);
	return how;
}

/*
 * Opens the folder of PATH below TOP, making it if it is missing; returns a descriptor, or -1 with errno set. *NAME points into
 * PATH.
 */
static int make_parent_folder(int top, const char *path, const char **name)
{
	int dir = fcntl(top, F_DUPFD_CLOEXEC, 0), next;
	char part[NAME_MAX + 1];
	const char *slash;

	for (; dir >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
		text_fmt(part, sizeof part, "%.*s", (int)(slash - path), path);
		next = mkdirat(dir, part, 0700) && errno != EEXIST ?
			       -1 :
			       openat(dir, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		close(dir);
		dir = next;
	}
	*name = path;
	return dir;
}

/* Moves PATH from below FROM to below TO. Returns 0, 1 when that name is taken there, -1 with errno set. */
static int move_below(int from, int to, const char *path)
{
	const char *name;
	struct stat st;
	int dir = make_parent_folder(to, path, &name), ret = -1;

	if (dir < 0)
		return -1;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		ret = 1;
	else if (errno == ENOENT && renameat(from, path, dir, name) == 0)
		ret = fsync(dir);
	close(dir);
	return ret;
}

static int quarantine_file(struct repair *r, const char *path)
{
	char place[sizeof WALK_QUARANTINE "/10000"];
	const char *last;
	int top = open(r->walk.cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret = top < 0 ? -1 : 1;

	for (int n = 1; ret == 1 && n < QUARANTINES_MAX; n++) {
		int to;

		text_fmt(place, sizeof place, WALK_QUARANTINE "/%d/", n);
		to = make_parent_folder(top, place, &last);
		ret = to < 0 ? -1 : move_below(r->walk.top, to, path);
		if (to >= 0)
			close(to);
	}
	if (ret == 1)
		errno = EEXIST;
	if (ret)
		walk_failed(&r->walk, path);
	else
		r->done->quarantined++;
	if (top >= 0)
		close(top);
	return ret ? -1 : 0;
}

/* Writes r->new as the metadata of PATH. */
static int put_meta(struct repair *r, const char *path)
{
	const char *name;
	int dir = make_parent_folder(r->meta, path, &name), ret = -1;

	if (r->new.full)
		errno = ENOMEM;
	else if (dir >= 0)
		ret = file_replace_at(dir, name, META_MODE, buf_all(&r->new));
	if (dir >= 0)
		close(dir);
	/* rclone never makes a file of a folder; whoever did may have had data of that name. */
	if (ret && errno == EISDIR)
		return quarantine_file(r, path);
	if (ret)
		return walk_failed(&r->walk, path);
	r->done->files++;
	return 0;
}

static int write_full_meta(struct repair *r, const char *path, const struct stat *st)
{
	buf_clear(&r->new);
	meta_write(&r->new, st);
	return put_meta(r, path);
}

/* For a dirty file whose metadata lacks a part. */
static int repair_meta(struct repair *r, const char *path, const struct stat *st)
{
	int lacking;

	switch (examine_data(r, path, false, st)) {
	case REMAINS_WHOLE:
		lacking = may_lack_inside(r, path);
		return lacking < 0 ? walk_failed(&r->walk, path) :
		       lacking	   ? quarantine_file(r, path) :
				     write_full_meta(r, path, st);
	case REMAINS_UNREAD:
		return walk_failed(&r->walk, path);
	case REMAINS_PART:
	case REMAINS_NOTHING:
		break;
	}
	buf_clear(&r->new);
	if (meta_extend(&r->new, buf_all(&r->text), (uint64_t)st->st_size)) {
		if (put_meta(r, path))
			return -1;
		if (!meta_lacks(buf_all(&r->new), (uint64_t)st->st_size))
			return 0;
	}
	r->done->partial++;
	return 0;
}

static int repair_file(void *arg, const char *path, const struct stat *st)
{
	struct repair *r = arg;
	int got = meta_read(r->meta, path, &r->text);
	struct stat meta;
	bool no_meta;

	if (got < 0)
		return walk_failed(&r->walk, path);
	if (got == 0 && meta_whole(buf_all(&r->text)))
		return meta_lacks(buf_all(&r->text), (uint64_t)st->st_size) ? repair_meta(r, path, st) : 0;
	no_meta = got == 1 && fstatat(r->meta, path, &meta, AT_SYMLINK_NOFOLLOW);
	switch (examine_data(r, path, no_meta, st)) {
	case REMAINS_WHOLE:
		return write_full_meta(r, path, st);
	case REMAINS_PART:
		return quarantine_file(r, path);
	case REMAINS_NOTHING:
		return 0;
	case REMAINS_UNREAD:
		break;
	}
	return walk_failed(&r->walk, path);
}

static int open_meta(const struct repair *r)
{
	const char *last;
	int top = open(r->walk.cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = top < 0 ? -1 : make_parent_folder(top, "vfsMeta/", &last);

	if (top >= 0)
		close(top);
	return fd;
}

int rclone_repair(const char *cache_dir, struct rclone_repaired *done, struct err *e)
{
	struct repair r = {
		.walk = {
			.top = walk_open(cache_dir, "vfs"),
			.cache_dir = cache_dir,
			.part = "vfs",
			.deadline = -1,
			.purpose = "repair rclone's metadata of the files",
			.e = e,
		},
		.text = buf_heap(META_MAX),
		.new = buf_heap(META_MAX + 4096),
		.done = done,
	};
	int ret;

	*done = (struct rclone_repaired){ 0 };
	if (r.walk.top < 0)
		return errno == ENOENT ? 0 : walk_failed(&r.walk, "");
	r.meta = open_meta(&r);
	ret = r.meta < 0 ? walk_failed(&r.walk, "") : walk_files(&r.walk, repair_file, &r);
	if (r.meta >= 0)
		close(r.meta);
	close(r.walk.top);
	buf_free(&r.text);
	buf_free(&r.new);
	return ret;
}
