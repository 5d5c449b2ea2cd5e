#include "rclone/store.h"

#include "base/file.h"
#include "rclone/conf.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_conf_folder(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	struct stat st;

	file_dirname(dir, path);
	if (stat(dir, &st))
		return errno == ENOENT ? dir_private(dir, e) : err_sys(e, CODE_FAULT, "write %s: its folder", path);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))
		err_set(e, CODE_FAULT, "write %s: others may write to its folder (mode %03o)", path,
			(unsigned)st.st_mode & 0777);
	else
		return 0;
	return err_hint(e, "keys are written there: chmod go-w %s, or name a file in a folder of your own (--config)", dir);
}

/* Somebody's file that is to get our section, or to lose it, with its old and new content. */
struct conf_file {
	const char *path;
	bool found;
	struct stat st;
	struct buf old, new;
};

static int check_conf_owner(const struct conf_file *f, struct err *e)
{
	if (S_ISLNK(f->st.st_mode))
		return err_set(e, CODE_FAULT, "write %s: it is a symbolic link, which is not followed", f->path);
	if (f->st.st_uid == geteuid())
		return 0;
	err_set(e, CODE_FAULT, "write %s: it belongs to user %lu, who could read the keys", f->path,
		(unsigned long)f->st.st_uid);
	return err_hint(e, "name another file with --config, or none: then s3mounts keeps its own");
}

static int check_conf_form(const struct conf_file *f, struct err *e)
{
	struct err inner;

	if (rclone_conf_check(buf_all(&f->old), &inner) == 0)
		return 0;
	err_set(e, inner.code, "write %s: it is no rclone.conf: %s", f->path, inner.text);
	return err_hint(e, "--config or RCLONE_CONFIG names it: name another file, or none: then s3mounts keeps its own");
}

static int open_conf(struct conf_file *f, const char *path, struct err *e)
{
	*f = (struct conf_file){ .path = path, .old = buf_heap(RCLONE_CONF_MAX), .new = buf_heap(2 * RCLONE_CONF_MAX) };
	f->found = lstat(path, &f->st) == 0;
	if (f->found && check_conf_owner(f, e))
		return -1;
	return file_read(path, &f->old, e) < 0 || check_conf_form(f, e) ? -1 : 0;
}

static void close_conf(struct conf_file *f)
{
	buf_wipe(&f->old);
	buf_wipe(&f->new);
}

static bool is_conf_unchanged(const struct conf_file *f, mode_t mode)
{
	return f->found && span_eq(buf_all(&f->old), buf_all(&f->new)) && (f->st.st_mode & 07777) == mode;
}

static int write_conf(const struct conf_file *f, mode_t mode, struct err *e)
{
	if (is_conf_unchanged(f, mode))
		return 0;
	return file_replace_with_group(f->path, mode, f->found ? f->st.st_gid : (gid_t)-1, buf_all(&f->new), e);
}

/* What was there before us: our section has a record of it, if there is one already. */
static struct rclone_mark find_mark(const struct conf_file *f)
{
	struct span ours = rclone_conf_find(buf_all(&f->old));

	if (ours.n)
		return rclone_conf_marked(ours);
	return (struct rclone_mark){
		.found = f->found,
		.mode = f->found ? f->st.st_mode & 0777 : 0600,
		.open_line = f->old.len && f->old.p[f->old.len - 1] != '\n',
	};
}

int rclone_store(const char *path, struct span section, struct err *e)
{
	struct buf marked = buf_heap(RCLONE_CONF_MAX);
	struct conf_file f;
	struct rclone_mark m;
	int ret = -1;

	if (check_conf_folder(path, e))
		return -1;
	if (open_conf(&f, path, e) == 0) {
		m = find_mark(&f);
		rclone_conf_mark(&marked, section, &m);
		if (marked.full)
			err_set(e, CODE_FAULT, "write %s: out of memory", path);
		else if (rclone_conf_merge(&f.new, buf_all(&f.old), buf_all(&marked), e) == 0)
			ret = write_conf(&f, m.mode & 0700, e);
	}
	buf_wipe(&marked);
	close_conf(&f);
	return ret;
}

int rclone_store_remove(const char *path, struct err *e)
{
	struct conf_file f;
	struct rclone_mark m;
	struct span ours;
	int ret = -1;

	if (access(path, F_OK))
		return 0;
	if (open_conf(&f, path, e) == 0 && rclone_conf_merge(&f.new, buf_all(&f.old), SPAN(""), e) == 0) {
		ours = rclone_conf_find(buf_all(&f.old));
		m = find_mark(&f);
		/* Only if nobody has appended to it since. */
		if (m.open_line && ours.p + ours.n == f.old.p + f.old.len && f.new.len &&f.new.p[f.new.len - 1] == '\n')
			f.new.len--;
		if (f.new.len || m.found)
			ret = write_conf(&f, m.mode, e);
		else
			ret = unlink(path) && errno != ENOENT ? err_sys(e, CODE_FAULT, "remove %s", path) : 0;
	}
	close_conf(&f);
	return ret;
}
