#include "sup/orphan.h"

#include "base/text.h"
#include "mnt/table.h"
#include "rclone/conf.h"
#include "rclone/pending.h"

#include <dirent.h>
#include <errno.h>

int orphan_mounts(const struct run *run, struct err *e)
{
	struct mnt_table t;
	int ret = 0;

	if (mnt_table_read(&t, e))
		return -1;
	for (size_t i = 0; i < t.count && ret == 0; i++) {
		const struct mnt_entry *m = &t.entries[i];

		if (!span_is(m->fstype, "fuse.rclone") || !span_starts(m->source, SPAN(RCLONE_REMOTE ":")))
			continue;
		ret = err_set(e, CODE_MOUNT,
			"no supervisor serves in %s, but %.*s stands at %.*s: what it has uploaded is unknown", run->dir,
			(int)m->source.n, m->source.p, (int)m->target.n, m->target.p);
		err_hint(e, "run this as the user who ran up, and with the same --run-dir");
	}
	mnt_table_free(&t);
	return ret;
}

/* What waits in the cache of one mount. */
static int look(const char *dir, struct pending *sum, struct err *e)
{
	static const struct plan_mount unknown = { .bucket = "", .prefix = "" };
	struct pending p;

	if (rclone_pending(dir, &unknown, &p, e))
		return -1;
	sum->files += p.files;
	sum->bytes += p.bytes;
	return 0;
}

int orphan_files(const char *cache_root, struct err *e)
{
	struct pending sum = { .files = 0 };
	DIR *d = opendir(cache_root);
	struct dirent *entry;
	char path[PATH_MAX];
	int ret = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, CODE_FAULT, "look for files that are not in S3: %s", cache_root);
	while (ret == 0 && (entry = readdir(d)))
		if (entry->d_name[0] != '.' && text_fmt(path, sizeof path, "%s/%s", cache_root, entry->d_name) < sizeof path)
			ret = look(path, &sum, e);
	closedir(d);
	if (ret || !sum.files)
		return ret;
	err_set(e, CODE_PENDING, "files of an earlier run are not in S3: %llu file%s, %llu bytes below %s",
		(unsigned long long)sum.files, sum.files == 1 ? "" : "s", (unsigned long long)sum.bytes, cache_root);
	return err_hint(e, "s3mounts up with the same mounts uploads them");
}
