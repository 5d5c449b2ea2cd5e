#include "rclone/store.h"

#include "base/file.h"
#include "rclone/conf.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static int check_folder(const char *path, struct err *e)
{
	char dir[PATH_MAX];
	struct stat st;

	file_above(dir, path);
	if (stat(dir, &st))
		return errno == ENOENT ? dir_private(dir, e) : err_sys(e, CODE_FAULT, "write %s: its folder", path);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & 022))
		return err_set(e, CODE_FAULT, "write %s: others may write to its folder (mode %03o)", path,
			(unsigned)st.st_mode & 0777);
	return 0;
}

/* Replaces our section in PATH by SECTION. */
static int merge(const char *path, struct span section, struct err *e)
{
	struct buf old = buf_heap(RCLONE_CONF_MAX), new = buf_heap(2 * RCLONE_CONF_MAX);
	struct stat st = { 0 };
	int ret = -1;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
		err_set(e, CODE_FAULT, "write %s: it is a symbolic link, which is not followed", path);
		goto out;
	}
	if (file_read(path, &old, e) < 0 || rclone_conf_merge(&new, buf_all(&old), section, e))
		goto out;
	if (span_eq(buf_all(&old), buf_all(&new)) && (st.st_mode & 0777) == 0600)
		ret = 0;
	else if (new.len || section.n)
		ret = file_replace(path, 0600, buf_all(&new), e);
	else
		ret = unlink(path) && errno != ENOENT ? err_sys(e, CODE_FAULT, "remove %s", path) : 0;
out:
	buf_wipe(&old);
	buf_wipe(&new);
	return ret;
}

int rclone_store(const char *path, struct span section, struct err *e)
{
	if (check_folder(path, e))
		return -1;
	return merge(path, section, e);
}

int rclone_unstore(const char *path, struct err *e)
{
	return access(path, F_OK) ? 0 : merge(path, SPAN(""), e);
}
