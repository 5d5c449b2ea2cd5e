#include "mnt/layer.h"

#include "base/text.h"
#include "mnt/attach.h"
#include "mnt/target.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

bool mnt_layer_is(const struct mnt_entry *entry, const char *source)
{
	return entry && span_is(entry->fstype, LAYER_FSTYPE) &&
	       (source ? span_is(entry->source, source) : span_starts(entry->source, SPAN(LAYER_SOURCE)));
}

bool mnt_layer_on_top(const struct mnt_table *t, const char *target)
{
	return mnt_layer_is(mnt_table_find(t, target), NULL);
}

int mnt_layer_mount(const char *target, const char *source, struct err *e)
{
	struct fuse_mount_options o = { .flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, .fstype = LAYER_FSTYPE };
	struct stat st;

	if (stat(target, &st))
		return err_sys(e, CODE_MOUNT, "look at %s", target);
	text_fmt(o.source, sizeof o.source, "%s", source);
	/* One inode is the folder itself. */
	text_fmt(o.data, sizeof o.data, "size=4k,nr_inodes=2,mode=%o,uid=%u,gid=%u", (unsigned)st.st_mode & 07777,
		(unsigned)st.st_uid, (unsigned)st.st_gid);
	return mnt_attach_plain(target, &o, e);
}

int mnt_layer_unmount(const char *target, struct err *e)
{
	for (bool there = true; there;) {
		struct mnt_table t;
		int got = 0;

		if (mnt_table_read(&t, e))
			return -1;
		there = mnt_layer_on_top(&t, target);
		mnt_table_free(&t);
		if (there && (got = mnt_target_unmount(target, true, e)))
			return got;
	}
	return 0;
}
