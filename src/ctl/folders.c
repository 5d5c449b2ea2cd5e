#include "ctl/run.h"

#include "base/env.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* An absolute DIR and TAIL in OUT; WHAT names where it came from. */
static int set_dir(char *out, size_t size, const char *what, const char *dir, const char *tail, struct err *e)
{
	if (dir[0] != '/')
		return err_set(e, CODE_USAGE, "%s '%s': must be an absolute path", what, dir);
	if (text_fmt(out, size, "%s%s", dir, tail) >= size)
		return err_set(e, CODE_USAGE, "%s '%s': longer than %zu bytes", what, dir, size - 1);
	return 0;
}

/* It can be written to, or made: what there is of the path is a folder that this user may write to. */
static bool is_usable(const char *path)
{
	char part[PATH_MAX];
	struct stat st;
	size_t n = text_fmt(part, sizeof part, "%s", path);

	if (n >= sizeof part)
		return false;
	while (n > 1 && stat(part, &st)) {
		if (errno != ENOENT)
			return false;
		while (n > 1 && part[--n] != '/')
			;
		part[n ? n : 1] = 0;
	}
	return access(part, W_OK | X_OK) == 0 && stat(part, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where nobody has named a place, and the usual ones are of no use: below TMPDIR, else /tmp, where others may have put something there before us. */
static void temporary_dir(char *out, size_t size)
{
	const char *tmp = env("TMPDIR");
	unsigned long uid = (unsigned long)geteuid();

	if (!tmp || tmp[0] != '/' || !is_usable(tmp) || text_fmt(out, size, "%s/s3mounts-%lu", tmp, uid) >= size)
		text_fmt(out, size, "/tmp/s3mounts-%lu", uid);
}

int run_find(struct run *r, const char *option, struct err *e)
{
	if (option)
		return set_dir(r->dir, sizeof r->dir, "--run-dir", option, "", e);
	if (env("S3MOUNTS_RUN_DIR"))
		return set_dir(r->dir, sizeof r->dir, "S3MOUNTS_RUN_DIR", env("S3MOUNTS_RUN_DIR"), "", e);
	if (geteuid() == 0)
		return set_dir(r->dir, sizeof r->dir, "run directory", "/run", "/s3mounts", e);
	/* Left over of another user, by su(1), it is none that we may write to. */
	if (env("XDG_RUNTIME_DIR") && (env("XDG_RUNTIME_DIR")[0] != '/' || is_usable(env("XDG_RUNTIME_DIR"))))
		return set_dir(r->dir, sizeof r->dir, "XDG_RUNTIME_DIR", env("XDG_RUNTIME_DIR"), "/s3mounts", e);
	temporary_dir(r->dir, sizeof r->dir);
	return 0;
}

/* HOME of a user without one is "/", or not set; or it cannot be written to. */
static bool has_home(void)
{
	char cache[PATH_MAX];

	if (!env("HOME") || text_fmt(cache, sizeof cache, "%s/.cache/s3mounts", env("HOME")) >= sizeof cache)
		return false;
	return env("HOME")[0] != '/' || is_usable(cache);
}

/* What is there must be ours alone; run_cache_prepare() makes it. */
static int temporary_cache(char *out, size_t size, struct err *e)
{
	char above[RUN_PATH_MAX];
	struct stat st;

	temporary_dir(above, sizeof above);
	if (lstat(above, &st) == 0 && dir_private(above, e)) {
		if (!e->hint[0])
			err_hint(e, "--cache-dir, or S3MOUNTS_CACHE_DIR, names a folder of your own");
		return -1;
	}
	return set_dir(out, size, "cache directory", above, "/cache", e);
}

int run_cache_dir(char *out, size_t size, const char *option, struct err *e)
{
	if (option)
		return set_dir(out, size, "--cache-dir", option, "", e);
	if (env("S3MOUNTS_CACHE_DIR"))
		return set_dir(out, size, "S3MOUNTS_CACHE_DIR", env("S3MOUNTS_CACHE_DIR"), "", e);
	if (geteuid() == 0)
		return set_dir(out, size, "cache directory", "/var/cache", "/s3mounts", e);
	if (env("XDG_CACHE_HOME"))
		return set_dir(out, size, "XDG_CACHE_HOME", env("XDG_CACHE_HOME"), "/s3mounts", e);
	if (has_home())
		return set_dir(out, size, "HOME", env("HOME"), "/.cache/s3mounts", e);
	return temporary_cache(out, size, e);
}

int run_cache_prepare(const char *cache, struct err *e)
{
	char above[RUN_PATH_MAX];
	size_t n;

	temporary_dir(above, sizeof above);
	n = strlen(above);
	if (strncmp(cache, above, n) == 0 && cache[n] == '/' && dir_private(above, e))
		return -1;
	if (is_usable(cache))
		return 0;
	err_set(e, CODE_FAULT, "cache directory %s: it cannot be written to, or made, by this user", cache);
	return err_hint(e,
		"--cache-dir, or S3MOUNTS_CACHE_DIR, names another; on a read-only root a volume (or a tmpfs) belongs there");
}
