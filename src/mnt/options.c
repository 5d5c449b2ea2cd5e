#include "mnt/options.h"

#include "base/buf.h"

#include <limits.h>
#include <sys/mount.h>

struct options_parser {
	struct fuse_mount_options *o;
	struct buf why;
	struct buf data;
	struct buf fsname;
	struct buf fstype;
};

static const struct mount_flag {
	const char *name;
	unsigned long set, clear;
} flags[] = {
	{ "ro", MS_RDONLY, 0 },
	{ "rw", 0, MS_RDONLY },
	{ "noexec", MS_NOEXEC, 0 },
	{ "exec", 0, MS_NOEXEC },
	{ "sync", MS_SYNCHRONOUS, 0 },
	{ "async", 0, MS_SYNCHRONOUS },
	{ "dirsync", MS_DIRSYNC, 0 },
	{ "noatime", MS_NOATIME, 0 },
	{ "atime", 0, MS_NOATIME },
	{ "nodiratime", MS_NODIRATIME, 0 },
	{ "diratime", 0, MS_NODIRATIME },
	{ "relatime", MS_RELATIME, 0 },
	{ "norelatime", 0, MS_RELATIME },
	{ "strictatime", MS_STRICTATIME, 0 },
	{ "nosuid", 0, 0 },
	{ "suid", 0, 0 },
	{ "nodev", 0, 0 },
	{ "dev", 0, 0 },
	{ "nonempty", 0, 0 },
};

#define OURS "is set by the mount helper itself"
#define FUSEBLK "is for a file system on a block device (fuseblk)"

static const struct refusal {
	const char *name, *why;
} refusals[] = {
	{ "auto_unmount", "is not supported: it needs a helper that stays; unmount with -u instead" },
	{ "blkdev", FUSEBLK },
	{ "blksize", FUSEBLK },
	{ "fd", OURS },
	{ "rootmode", OURS },
	{ "user_id", OURS },
	{ "group_id", OURS },
};

static int refuse_mount_option(struct options_parser *p, struct span name, const char *why)
{
	size_t shown = name.n > 64 ? 64 : name.n;

	buf_fmt(&p->why, "option '%.*s' %s", (int)shown, name.p, why);
	return -1;
}

static int refuse_unknown_option(struct options_parser *p, struct span name)
{
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (span_is(name, refusals[i].name))
			return refuse_mount_option(p, name, refusals[i].why);
	buf_fmt(&p->why, "unknown option '%.*s'", (int)(name.n > 64 ? 64 : name.n), name.p);
	return -1;
}

static int append_mount_data(struct options_parser *p, struct span item)
{
	if (p->data.len)
		buf_char(&p->data, ',');
	buf_span(&p->data, item);
	return p->data.full ? refuse_mount_option(p, item, "is one too many") : 0;
}

static int take_flag_option(struct options_parser *p, struct span word)
{
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		if (!span_is(word, flags[i].name))
			continue;
		p->o->flags = (p->o->flags | flags[i].set) & ~flags[i].clear;
		return 0;
	}
	if (span_is(word, "allow_other") || span_is(word, "default_permissions"))
		return append_mount_data(p, word);
	return refuse_unknown_option(p, word);
}

/* The last one wins, as with mount(8). */
static int set_mount_text(struct options_parser *p, struct buf *to, const char *head, struct span name, struct span value)
{
	buf_clear(to);
	buf_str(to, head);
	buf_span(to, value);
	return to->full ? refuse_mount_option(p, name, "is too long") : 0;
}

static int take_value_option(struct options_parser *p, struct span item, struct span name, struct span value)
{
	unsigned long unused;

	if (span_is(name, "fsname"))
		return set_mount_text(p, &p->fsname, "", name, value);
	if (span_is(name, "subtype"))
		return set_mount_text(p, &p->fstype, value.n ? "fuse." : "fuse", name, value);
	if (!span_is(name, "max_read"))
		return refuse_unknown_option(p, name);
	return span_number(value, UINT_MAX, &unused) ? append_mount_data(p, item) :
						       refuse_mount_option(p, name, "wants a number");
}

/* Copies the next option without its escapes, and moves *AT past it. */
static int next_mount_option(struct options_parser *p, const char **at, struct buf *item)
{
	buf_clear(item);
	for (; **at && **at != ','; ++*at) {
		if (**at == '\\' && !*++*at) {
			buf_str(&p->why, "the options end in half an escape (\\)");
			return -1;
		}
		buf_char(item, **at);
	}
	if (**at)
		++*at;
	return item->full ? refuse_mount_option(p, buf_all(item), "is too long") : 0;
}

static int take_mount_option(struct options_parser *p, struct span item)
{
	struct span value = item, name;

	if (!item.n)
		return 0;
	return span_cut(&value, '=', &name) ? take_value_option(p, item, name, value) : take_flag_option(p, name);
}

int fuse_mount_options_parse(struct fuse_mount_options *o, const char *options, char *why, size_t size)
{
	char mem[sizeof o->source + sizeof "fsname="];
	struct buf item = buf_over(mem, sizeof mem);
	struct options_parser p = {
		.o = o,
		.why = buf_over(why, size),
		.data = buf_over(o->data, sizeof o->data),
		.fsname = buf_over(o->source, sizeof o->source),
		.fstype = buf_over(o->fstype, sizeof o->fstype),
	};

	o->flags = MS_NOSUID | MS_NODEV;
	buf_str(&p.fstype, "fuse");
	while (*options)
		if (next_mount_option(&p, &options, &item) || take_mount_option(&p, buf_all(&item)))
			return -1;
	if (!p.fsname.len)
		buf_str(&p.fsname, p.fstype.len > 5 ? o->fstype + 5 : "fuse");
	return 0;
}
