#include "rclone/program.h"

#include "base/env.h"
#include "base/file.h"
#include "base/text.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct program_path {
	char s[PATH_MAX];
};

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/*
 * Root may execute only what belongs to root. Resolves the links of PATH; *SEEN: there is a program, but it is not acceptable.
 */
static bool is_usable_program(struct program_path *path, bool *seen)
{
	struct program_path real;

	if (!is_program(path->s) || !realpath(path->s, real.s))
		return false;
	*path = real;
	*seen = geteuid() == 0 && !file_is_root_owned(real.s);
	return !*seen;
}

/*
 * Absolute entries only: a relative one would mean another program in another folder. UNFIT is the last one that is not
 * acceptable.
 */
static bool search_path(struct program_path *out, const char *name, struct program_path *unfit)
{
	struct span rest = span_of(env("PATH") ? env("PATH") : "/usr/local/bin:/usr/bin:/bin"), dir;
	bool more = true, seen = false;

	while (more) {
		more = span_cut(&rest, ':', &dir);
		if (!dir.n || dir.p[0] != '/' ||
			text_fmt(out->s, sizeof out->s, "%.*s/%s", (int)dir.n, dir.p, name) >= sizeof out->s)
			continue;
		if (is_usable_program(out, &seen))
			return true;
		if (seen)
			*unfit = *out;
	}
	return false;
}

static int err_not_root_owned(const struct program_path *rclone, struct err *e)
{
	err_set(e, CODE_MOUNT, "find rclone: %s could be changed by another user, so root must not run it", rclone->s);
	return err_hint(e, "it and each folder above it must be root's, and writable by root alone: /usr/bin is");
}

static int find_program(struct program_path *out, const char *option, struct err *e)
{
	const char *named = option ? option : env("S3MOUNTS_RCLONE");
	struct program_path unfit = { "" };
	bool seen = false;

	if (named) {
		text_fmt(out->s, sizeof out->s, "%s", named);
		if (is_usable_program(out, &seen))
			return 0;
		if (seen)
			return err_not_root_owned(out, e);
		err_set(e, CODE_MOUNT, "find rclone: %s (from %s) is no executable file", named,
			option ? "--rclone" : "S3MOUNTS_RCLONE");
		return err_hint(e, "name rclone's program there, or leave it out to search PATH");
	}
	if (search_path(out, "rclone", &unfit))
		return 0;
	if (unfit.s[0])
		return err_not_root_owned(&unfit, e);
	err_set(e, CODE_MOUNT, "find rclone: it is not in PATH");
	return err_hint(e, "copy rclone (1.60 or newer) into the image, or name it with --rclone or S3MOUNTS_RCLONE");
}

int rclone_find(char out[PATH_MAX], const char *option, struct err *e)
{
	struct program_path found;

	if (find_program(&found, option, e))
		return -1;
	memcpy(out, found.s, sizeof found.s);
	return 0;
}
