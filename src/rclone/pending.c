#include "rclone/pending.h"

#include "base/buf.h"
#include "rclone/meta.h"
#include "rclone/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct pending_scan {
	struct walk walk;
	int meta, data;	 /* CACHE/vfsMeta, CACHE/vfs; -1 when it is missing */
	size_t above;	 /* number of components above the mount's root: remote, bucket, prefix */
	struct buf text; /* of the current metadata file */
	struct pending *p;
};

static void count_pending(struct pending_scan *l, const char *path, size_t above, uint64_t size)
{
	const char *name = path;

	for (size_t i = 0; i < above; i++) {
		const char *slash = strchr(name, '/');

		if (!slash)
			break;
		name = slash + 1;
	}
	pending_add(l->p, span_of(name), size);
}

/*
 * The size of the cached data. That in the metadata is 0 while a file is open, and outdated if rclone has truncated it: it is
 * used only when there is no data.
 */
static uint64_t data_size(const struct pending_scan *l, const char *path)
{
	struct stat st;

	if (l->data >= 0 && fstatat(l->data, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		return (uint64_t)st.st_size;
	return meta_size(buf_all(&l->text));
}

static int count_dirty_meta(void *arg, const char *path, const struct stat *st)
{
	struct pending_scan *l = arg;
	int ret = meta_read(l->meta, path, &l->text);

	(void)st;
	if (ret < 0)
		return walk_failed(&l->walk, path);
	if (ret == 0 && meta_dirty(buf_all(&l->text)))
		count_pending(l, path, l->above, data_size(l, path));
	return 0;
}

/*
 * Data without metadata: rclone was killed while it renamed the file, which moves the data first. A file without blocks holds
 * nothing that anybody wrote: every file is in that state for a moment when it is opened.
 */
static int count_data_alone(void *arg, const char *path, const struct stat *st)
{
	struct pending_scan *l = arg;
	struct stat meta;

	if (!st->st_blocks || (l->meta >= 0 && fstatat(l->meta, path, &meta, AT_SYMLINK_NOFOLLOW) == 0))
		return 0;
	if (!walk_vanished() && l->meta >= 0)
		return walk_failed(&l->walk, path);
	count_pending(l, path, l->above, (uint64_t)st->st_size);
	return 0;
}

static int count_quarantined(void *arg, const char *path, const struct stat *st)
{
	struct pending_scan *l = arg;

	l->p->quarantined++;
	count_pending(l, path, l->above + 1, (uint64_t)st->st_size);
	return 0;
}

/* Scans PART, which is open as TOP. */
static int scan_part(struct pending_scan *l, const char *part, int top, walk_fn *visit)
{
	l->walk.part = part;
	l->walk.top = top;
	return top < 0 ? 0 : walk_files(&l->walk, visit, l);
}

static int scan_cache(struct pending_scan *l, int quarantine)
{
	int64_t moment = walk_moment();
	int changed = 0;

	l->walk.names_only = true;
	if (scan_part(l, "vfsMeta", l->meta, count_dirty_meta))
		return -1;
	/* A file that is renamed during the scan can move from a folder not yet scanned to one already scanned. */
	if (!l->p->files && l->meta >= 0)
		changed = walk_changed(&l->walk, moment);
	if (changed < 0 || (changed && scan_part(l, "vfsMeta", l->meta, count_dirty_meta)))
		return -1;
	l->walk.names_only = false;
	if (!l->p->files && scan_part(l, "vfs", l->data, count_data_alone))
		return -1;
	return scan_part(l, WALK_QUARANTINE, quarantine, count_quarantined);
}

/* "remote/bucket/", and a component for each slash of the prefix. */
static size_t components_above(const struct plan_mount *m)
{
	size_t n = 2;

	for (const char *s = m->prefix; *s; s++)
		n += *s == '/';
	return n;
}

/* Opens the folder PART as *FD; -1 when it is missing. */
static int open_part(struct pending_scan *l, const char *part, int *fd)
{
	*fd = walk_open(l->walk.cache_dir, part);
	l->walk.part = part;
	return *fd < 0 && errno != ENOENT ? walk_failed(&l->walk, "") : 0;
}

int rclone_pending(const char *cache_dir, const struct plan_mount *m, int64_t deadline, struct pending *p, struct err *e)
{
	struct pending_scan l = {
		.walk = { .cache_dir = cache_dir, .purpose = "look for pending files", .deadline = deadline, .e = e },
		.meta = -1,
		.data = -1,
		.above = components_above(m),
		.text = buf_heap(META_MAX),
		.p = p,
	};
	int quarantine = -1, ret = -1;

	memset(p, 0, sizeof *p);
	if (open_part(&l, "vfsMeta", &l.meta) || open_part(&l, "vfs", &l.data) || open_part(&l, WALK_QUARANTINE, &quarantine))
		goto out;
	ret = scan_cache(&l, quarantine);
out:
	buf_free(&l.text);
	if (quarantine >= 0)
		close(quarantine);
	if (l.data >= 0)
		close(l.data);
	if (l.meta >= 0)
		close(l.meta);
	return ret;
}
