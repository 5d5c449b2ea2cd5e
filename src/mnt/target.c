#include "mnt/target.h"

#include "base/file.h"
#include "base/text.h"
#include "mnt/attach.h"
#include "mnt/errno_text.h"
#include "mnt/layer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define FIRST_ENTRIES 1000	  /* of a root that are listed: a folder may have millions */
#define LISTING_BYTES (32 * 1024) /* of it at once */
#define STACK_MAX 64		  /* dead mounts on top of each other; each restart of a driver leaves at most one */

static const struct mnt_errno_text answer_errors[] = {
	{ ENOTCONN, "the FUSE driver is gone (Transport endpoint is not connected)", "s3mounts up mounts it anew" },
	{ ECONNABORTED, "the FUSE connection was aborted", "s3mounts up mounts it anew" },
	{ 0, NULL, NULL },
};

static const struct mnt_errno_text folder_errors[] = {
	{ ENOTCONN, "it lies on a FUSE mount whose driver is gone (Transport endpoint is not connected)",
		"unmount that one first" },
	{ ECONNABORTED, "it lies on a FUSE mount whose connection was aborted", "unmount that one first" },
	{ EACCES, "permission denied", "run as root, or take a folder of this user's" },
	{ EROFS, "the file system is read-only", "make the folder when the image is built, or mount a writable one there" },
	{ ENOTDIR, "a part of its path is not a directory", NULL },
	{ ELOOP, "too many symbolic links lead there, or one that another user could change", "name the folder itself" },
	{ ENOENT, "a symbolic link leads nowhere", "make the folder that it points to" },
	{ 0, NULL, NULL },
};

static bool is_dead_mount_errno(int no)
{
	return no == ENOTCONN || no == ECONNABORTED;
}

int mnt_target_answers(const char *target, struct err *e)
{
	struct statfs fs;

	return statfs(target, &fs) ? mnt_err_sys(e, answer_errors, "%s", target) : 0;
}

/* Counts the entries of PIECE, N bytes of getdents64(2), and has the first regular file among them in FILE, unless one is there. */
static size_t read_entries(const char *piece, size_t n, char file[NAME_MAX + 1])
{
	size_t count = 0;

	for (size_t at = 0; at < n; count++) {
		const struct dirent *entry = (const struct dirent *)(const void *)(piece + at);

		if (entry->d_type == DT_REG && !*file)
			text_fmt(file, NAME_MAX + 1, "%s", entry->d_name);
		at += entry->d_reclen;
	}
	return count;
}

/* The kernel takes from a driver no name that is empty or has a slash in it: it gives what came before, then EIO. */
static int err_listing(const char *target, size_t entries, struct err *e)
{
	if (errno != EIO || !entries)
		return mnt_err_sys(e, answer_errors, "list %s", target);
	err_set(e, CODE_MOUNT,
		"list %s: it breaks off after %zu entries with EIO: its driver gives a name there that none can be, as for an object with an empty path component (\"//\") in its key",
		target, entries);
	return err_hint(
		e, "delete or rename that object in S3: where its key goes on behind the mount's prefix it begins with \"/\"");
}

int mnt_target_lists(const char *target, char file[NAME_MAX + 1], struct err *e)
{
	_Alignas(struct dirent) char piece[LISTING_BYTES];
	int fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t entries = 0;
	long n = 1;

	*file = 0;
	if (fd < 0)
		return errno == EACCES ? 0 : mnt_err_sys(e, answer_errors, "list %s", target);
	while (entries < FIRST_ENTRIES && (n = syscall(SYS_getdents64, fd, piece, sizeof piece)) > 0)
		entries += read_entries(piece, (size_t)n, file);
	if (n < 0)
		err_listing(target, entries, e);
	close(fd);
	return n < 0 ? -1 : 0;
}

bool mnt_target_fails_xattrs(const char *target, const char *file)
{
	char path[PATH_MAX];
	struct stat st;

	/* Whatever else fails with EIO fails here, already. */
	return text_fmt(path, sizeof path, "%s/%s", target, file) < sizeof path && lstat(path, &st) == 0 &&
	       lgetxattr(path, "user.s3mounts", NULL, 0) < 0 && errno == EIO;
}

/*
 * Folder by folder, so that nothing is made where another user's link leads. Does not touch what is mounted at the target
 * itself, so that a dead mount there can be told from a bad folder.
 */
static int make_and_resolve(const char *target, struct mnt_ready *r, struct err *e)
{
	char part[PATH_MAX + 1];
	size_t n = 0;

	text_fmt(part, sizeof part, "%s/", target);
	while (part[n + 1]) {
		bool there;

		n += 1 + strcspn(part + n + 1, "/");
		part[n] = 0;
		there = realpath(part, r->path);
		/* Another mount may be making the same folder right now. */
		if (!there && errno == ENOENT && (mkdir(part, 0755) == 0 || errno == EEXIST))
			there = realpath(part, r->path);
		if (!there || !mnt_path_is_safe(part, r->path))
			return mnt_err_sys(e, folder_errors, "make folder %s", target);
		part[n] = '/';
	}
	return 0;
}

int mnt_target_resolve(const char *target, char out[PATH_MAX], struct err *e)
{
	char part[PATH_MAX], there[PATH_MAX];
	size_t n = strlen(target);

	for (;;) {
		text_fmt(part, sizeof part, "%.*s", (int)n, target);
		if (realpath(n ? part : "/", there))
			break;
		if (errno != ENOENT)
			return mnt_err_sys(e, folder_errors, "look at %s", target);
		while (n && target[--n] != '/')
			;
	}
	text_fmt(out, PATH_MAX, "%s%s", there[1] || !target[n] ? there : "", target + n);
	return 0;
}

static int check_folder_inside(struct mnt_ready *r, struct err *e)
{
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if (stat(r->path, &st))
		return mnt_err_sys(e, folder_errors, "look at %s", r->path);
	if (!S_ISDIR(st.st_mode)) {
		err_set(e, CODE_MOUNT, "mount on %s: it is a file, not a directory", r->path);
		return err_hint(e, "move it away, or name another target");
	}
	/* Without the right to list it this is not known; the mount itself may still be allowed. */
	dir = opendir(r->path);
	while (dir && !r->not_empty && (d = readdir(dir)))
		r->not_empty = strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
	if (dir)
		closedir(dir);
	return 0;
}

static int err_target_taken(const struct mnt_entry *m, const char *path, const char *how, struct err *e)
{
	err_set(e, CODE_MOUNT, "mount on %s: %s is there already: type %.*s, source %.*s", path, how, (int)m->fstype.n,
		m->fstype.p, (int)m->source.n, m->source.p);
	return err_hint(e, "unmount it (umount %s), or name another target", path);
}

/*
 * What is mounted at the target already? Returns 0: nothing in the way, or ours (r->mounted); 1: a dead one of ours; -1:
 * something is in the way.
 */
static int classify_mount(const struct mnt_entry *m, const char *fstype, const char *source, struct mnt_ready *r, struct err *e)
{
	bool ours = m && span_is(m->fstype, fstype);
	struct statfs fs;

	r->layered = mnt_layer_is(m, NULL);
	if (!m || r->layered)
		return 0;
	if (statfs(r->path, &fs) == 0) {
		if (!ours)
			return err_target_taken(m, r->path, "somebody else's mount", e);
		r->mounted = span_is(m->source, source);
		return r->mounted ? 0 : err_target_taken(m, r->path, "a mount of another source", e);
	}
	if (is_dead_mount_errno(errno))
		return ours ? 1 : err_target_taken(m, r->path, "somebody else's dead FUSE mount", e);
	return mnt_err_sys(e, answer_errors, "ask the mount on %s", r->path);
}

static int check_mounts_at(const char *fstype, const char *source, struct mnt_ready *r, struct err *e)
{
	struct mnt_table t;
	int verdict;

	if (mnt_table_read(&t, e))
		return -1;
	verdict = classify_mount(mnt_table_find(&t, r->path), fstype, source, r, e);
	mnt_table_free(&t);
	return verdict;
}

int mnt_target_prepare(const char *target, const char *fstype, const char *source, struct mnt_ready *r, struct err *e)
{
	int verdict, busy;

	memset(r, 0, sizeof *r);
	if (make_and_resolve(target, r, e))
		return -1;
	for (int i = 0; (verdict = check_mounts_at(fstype, source, r, e)) == 1; i++) {
		if (i == STACK_MAX)
			return err_set(e, CODE_MOUNT, "mount on %s: more than %d dead mounts are there", r->path, STACK_MAX);
		busy = mnt_target_unmount(r->path, true, e);
		if (busy)
			return busy < 0 ? -1 : err_set(e, CODE_MOUNT, "clear the dead mount on %s: it is busy", r->path);
		r->cleared = true;
	}
	return verdict < 0 || r->mounted || r->layered ? verdict : check_folder_inside(r, e);
}
