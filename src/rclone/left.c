#include "rclone/left.h"

#include "base/text.h"
#include "rclone/conf.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

/* If the folder PATH has a single entry, a folder, appends that to PATH. */
static bool enter_only_folder(char path[PATH_MAX])
{
	DIR *d = opendir(path);
	const struct dirent *entry;
	char below[PATH_MAX];
	int count = 0;
	struct stat st;

	while (d && count < 2 && (entry = readdir(d)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && count++ == 0)
			text_fmt(below, sizeof below, "%s/%s", path, entry->d_name);
	if (d)
		closedir(d);
	if (count != 1 || strlen(below) == sizeof below - 1 || lstat(below, &st) || !S_ISDIR(st.st_mode))
		return false;
	memcpy(path, below, sizeof below);
	return true;
}

int rclone_left_place(struct arena *a, const char *cache_dir, const char **bucket, const char **prefix)
{
	char path[PATH_MAX];
	size_t top = text_fmt(path, sizeof path, "%s/vfsMeta", cache_dir);
	struct span rest, remote, first;
	char *below, *b;

	while (top < sizeof path && enter_only_folder(path))
		;
	rest = span_of(path + (top < sizeof path ? top : 0));
	if (rest.n < 2)
		return -1;
	rest = span_skip(rest, 1);
	if (!span_cut(&rest, '/', &remote))
		return -1;
	span_cut(&rest, '/', &first);
	below = arena_get(a, rest.n + 2);
	b = arena_str(a, first);
	if (!below || !b)
		return -1;
	text_fmt(below, rest.n + 2, "%.*s%s", (int)rest.n, rest.p, rest.n ? "/" : "");
	*bucket = b;
	*prefix = below;
	/* "s3mounts{…}" is the remote with options that are recorded nowhere. */
	return span_is(remote, RCLONE_REMOTE);
}
