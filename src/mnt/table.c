#include "mnt/table.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#define TABLE "/proc/self/mountinfo"
#define TABLE_MAX (64 * 1024 * 1024) /* the kernel allows 100,000 mounts (fs.mount-max), of some hundred bytes each */

/* In place. A backslash that starts no escape stays: not every file system escapes its source. */
static struct span unescape_octal(struct mnt_table *t, struct span s)
{
	char *p = t->text.p + (s.p - t->text.p);
	size_t to = 0;

	for (size_t i = 0; i < s.n; to++) {
		int byte = span_octal_escape((struct span){ p + i, s.n - i });

		p[to] = byte < 0 ? p[i] : (char)byte;
		i += byte < 0 ? 1 : 4;
	}
	return (struct span){ p, to };
}

static bool parse_unsigned(struct span s, unsigned *out)
{
	unsigned long v;

	if (!span_number(s, UINT_MAX, &v))
		return false;
	*out = (unsigned)v;
	return true;
}

/* "36 35 98:0 /root /target rw,noatime shared:1 master:2 - ext4 /dev/sda1 rw": any number of fields may precede the "-". */
static bool parse_mountinfo_line(struct mnt_table *t, struct span line, struct mnt_entry *e)
{
	struct span field[6], major, type, source;
	unsigned unused;

	for (size_t i = 0; i < 6; i++)
		if (!span_cut(&line, ' ', &field[i]))
			return false;
	do {
		if (!span_cut(&line, ' ', &type))
			return false;
	} while (!span_is(type, "-"));
	if (!span_cut(&line, ' ', &type) || !span_cut(&line, ' ', &source))
		return false;
	if (!parse_unsigned(field[0], &e->id) || !parse_unsigned(field[1], &e->parent))
		return false;
	if (!span_cut(&field[2], ':', &major) || !parse_unsigned(major, &unused) || !parse_unsigned(field[2], &e->minor))
		return false;
	e->target = unescape_octal(t, field[4]);
	e->fstype = unescape_octal(t, type);
	e->source = unescape_octal(t, source);
	e->options = line;
	return true;
}

static size_t count_lines(struct span s)
{
	struct span line;
	size_t n = 0;

	while (span_cut(&s, '\n', &line))
		n++;
	return n;
}

static int parse_mountinfo(struct mnt_table *t, struct err *e)
{
	struct span rest = buf_all(&t->text), line;

	t->count = 0;
	/* One more than there are lines: calloc(0) may be NULL, and a last line without its newline is parsed too. */
	t->entries = calloc(count_lines(rest) + 1, sizeof *t->entries);
	if (!t->entries) {
		mnt_table_free(t);
		return err_sys(e, CODE_FAULT, "read the mount table");
	}
	while (rest.n) {
		if (!span_cut(&rest, '\n', &line) || !parse_mountinfo_line(t, line, &t->entries[t->count])) {
			err_set(e, CODE_FAULT, "read the mount table: line %zu is not in the format of mountinfo",
				t->count + 1);
			mnt_table_free(t);
			return -1;
		}
		t->count++;
	}
	return 0;
}

int mnt_table_parse(struct mnt_table *t, struct span text, struct err *e)
{
	*t = (struct mnt_table){ .text = buf_heap(TABLE_MAX) };
	buf_span(&t->text, text);
	if (t->text.full) {
		mnt_table_free(t);
		return err_set(e, CODE_FAULT, "read the mount table: no memory for its %zu bytes", text.n);
	}
	return parse_mountinfo(t, e);
}

int mnt_table_read(struct mnt_table *t, struct err *e)
{
	int got;

	*t = (struct mnt_table){ .text = buf_heap(TABLE_MAX) };
	got = file_read(TABLE, &t->text, e);
	if (got == 0)
		return parse_mountinfo(t, e);
	if (got == 1) {
		err_set(e, CODE_FAULT, "read the mount table: there is no " TABLE);
		err_hint(e, "mount -t proc proc /proc");
	}
	mnt_table_free(t);
	return -1;
}

void mnt_table_free(struct mnt_table *t)
{
	buf_free(&t->text);
	free(t->entries);
	t->entries = NULL;
	t->count = 0;
}

static bool has_parent(const struct mnt_table *t, const struct mnt_entry *e)
{
	for (size_t i = 0; i < t->count; i++)
		if (&t->entries[i] != e && t->entries[i].id == e->parent)
			return true;
	return false;
}

/*
 * The mount that is our root folder: none that we see is below it (in an initramfs it is its own parent). Paths start in it,
 * not in what was mounted over "/" later. NULL in a chroot(2) into a plain folder.
 */
static const struct mnt_entry *root_mount(const struct mnt_table *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (span_is(t->entries[i].target, "/") && !has_parent(t, &t->entries[i]))
			return &t->entries[i];
	return NULL;
}

/* The mount that PATH leads into from the mount UNDER (NULL: from that plain folder), or NULL when it leads into none. */
static const struct mnt_entry *mount_at_path(const struct mnt_table *t, const struct mnt_entry *under, struct span path)
{
	const struct mnt_entry *found = NULL;

	for (size_t i = 0; i < t->count; i++) {
		const struct mnt_entry *e = &t->entries[i];

		if (span_eq(e->target, path) && (!under || e->parent == under->id))
			found = e;
	}
	return found;
}

/* Walks the path as the kernel does, folder by folder, and at each of them up the stack of mounts. */
const struct mnt_entry *mnt_table_find(const struct mnt_table *t, const char *target)
{
	struct span whole = span_of(target);
	const struct mnt_entry *at = root_mount(t), *next;
	size_t steps = 0;

	for (size_t n = 2; n <= whole.n; n++) {
		if (n < whole.n && target[n] != '/')
			continue;
		/*
		 * A path has no more steps than there are mounts and folders; only a corrupt table (with a loop of parents)
		 * does.
		 */
		while (steps++ < t->count + whole.n && (next = mount_at_path(t, at, (struct span){ target, n })))
			at = next;
	}
	return at && span_eq(at->target, whole) ? at : NULL;
}

long mnt_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/mnt", &st) ? 0 : (long)st.st_ino;
}

int mnt_table_watch(struct err *e)
{
	int fd = open(TABLE, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd : err_sys(e, CODE_FAULT, "watch the mount table: open " TABLE);
}
