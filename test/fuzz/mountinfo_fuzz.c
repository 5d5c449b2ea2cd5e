/* mountinfo_fuzz.c - the mount table: any text, and what is found in it. Input: the target to find, a newline, the table. */

#include "fuzz.h"

#include "mnt/table.h"

/* As the kernel writes a name (mangle() of fs/seq_file.c). */
static void put_name(struct buf *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] && strchr(" \t\n\\#", s.p[i]))
			buf_fmt(out, "\\%03o", (unsigned)(unsigned char)s.p[i]);
		else
			buf_char(out, s.p[i]);
}

static void write_table(struct buf *out, const struct mnt_table *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct mnt_entry *e = &t->entries[i];

		buf_fmt(out, "%u %u 0:%u / ", e->id, e->parent, e->minor);
		put_name(out, e->target);
		buf_str(out, " rw shared:1 - ");
		put_name(out, e->fstype);
		buf_char(out, ' ');
		put_name(out, e->source);
		buf_str(out, " rw\n");
	}
}

static void check_same(const struct mnt_table *a, const struct mnt_table *b)
{
	CHECK(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct mnt_entry *x = &a->entries[i], *y = &b->entries[i];

		CHECK(span_eq(x->target, y->target) && span_eq(x->fstype, y->fstype) && span_eq(x->source, y->source));
		CHECK(x->id == y->id && x->parent == y->parent && x->minor == y->minor);
	}
}

/* A mount that stands alone at its place, and whose places below are mounts of theirs alone too, is reached. */
static bool alone(const struct mnt_table *t, const struct mnt_entry *e, int depth)
{
	const struct mnt_entry *under = NULL;

	for (size_t i = 0; i < t->count; i++) {
		const struct mnt_entry *o = &t->entries[i];

		if (o == e)
			continue;
		if (o->id == e->id || (span_is(e->target, "/") && span_is(o->target, "/")) ||
			(o->target.n <= e->target.n && o->parent == e->parent && span_starts(e->target, o->target)))
			return false;
		if (o->id == e->parent)
			under = under ? e : o;
	}
	if (under == e || depth == 0)
		return false;
	if (!under)
		return span_is(e->target, "/");
	return span_starts(e->target, under->target) &&
	       (under->target.n == 1 ? e->target.n > 1 : e->target.p[under->target.n] == '/') && alone(t, under, depth - 1);
}

static void check_find(const struct mnt_table *t, const char *target)
{
	const struct mnt_entry *e = mnt_table_find(t, target), *at = NULL;

	CHECK(!e || (e >= t->entries && e < t->entries + t->count && span_is(e->target, target)));
	for (size_t i = 0; i < t->count; i++)
		if (span_is(t->entries[i].target, target))
			at = at ? e : &t->entries[i];
	if (at && at != e)
		CHECK(!alone(t, at, 4));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	char *target = fuzz_text(&in, '\n');
	struct buf text = buf_heap(1 << 20);
	struct mnt_table t, again;
	struct err e;

	if (mnt_table_parse(&t, in, &e) == 0) {
		check_find(&t, target);
		write_table(&text, &t);
		CHECK(mnt_table_parse(&again, buf_all(&text), &e) == 0);
		check_same(&t, &again);
		mnt_table_free(&again);
		mnt_table_free(&t);
	} else {
		CHECK(e.code == CODE_FAULT && e.text[0]);
	}
	buf_free(&text);
	free(target);
	return 0;
}
