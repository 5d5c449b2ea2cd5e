#include "sup/below.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPEN_FOLDERS 16

/* nftw(3) hands nothing on. */
static struct {
	const char *path;
	int64_t since;
	struct pending *p;
} walk;

int below_open(const char *path, int64_t *since)
{
	struct timespec now;

	/* As coarse as the times of files are: a file of the same tick counts as older. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	*since = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	return open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* CHANGED is the inode's time, which utimensat(2) does not set back. */
static int visit_below(const char *name, const struct stat *st, int type, struct FTW *at)
{
	int64_t changed = (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
	struct pending *p = walk.p;

	(void)at;
	if (type == FTW_D || type == FTW_DNR || type == FTW_NS || changed <= walk.since)
		return 0;
	p->files++;
	p->bytes += (uint64_t)st->st_size;
	if (p->named < PENDING_NAMES)
		text_fmt(p->names[p->named++], sizeof p->names[0], "%s%s", walk.path, name + 1);
	return 0;
}

int below_look(int fd, const char *path, int64_t since, struct pending *p, struct err *e)
{
	walk.path = path;
	walk.since = since;
	walk.p = p;
	if (fchdir(fd) || nftw(".", visit_below, OPEN_FOLDERS, FTW_PHYS | FTW_MOUNT))
		return err_sys(e, CODE_FAULT, "look for files in the folder under %s", path);
	return 0;
}
