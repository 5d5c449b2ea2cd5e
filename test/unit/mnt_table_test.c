/* The mount table: its format, what covers what, and the kernel's own. */

#include "unit.h"

#include "mnt/table.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOT "20 1 254:0 / / rw - ext4 /dev/vda rw\n"

static void parse(struct mnt_table *t, const char *text)
{
	struct err e;

	if (mnt_table_parse(t, span_of(text), &e))
		fail_msg("%s: %s", text, e.text);
}

static void assert_span(struct span s, const char *want)
{
	if (!span_is(s, want))
		fail_msg("'%.*s' is not '%s'", (int)s.n, s.p, want);
}

static void fields(void **state)
{
	static const struct {
		const char *line, *target, *fstype, *source;
	} rows[] = {
		{ "36 20 0:52 / /mnt rw,nosuid - fuse.rclone s3mounts:b/p rw,user_id=0\n", "/mnt", "fuse.rclone",
			"s3mounts:b/p" },
		{ "36 20 0:52 / /mnt rw shared:1 - fuse x rw\n", "/mnt", "fuse", "x" },
		{ "36 20 0:52 / /mnt rw shared:1 master:2 propagate_from:3 unbindable - fuse x rw\n", "/mnt", "fuse", "x" },
		{ "36 20 0:52 / /a\\040b rw - fuse s\\040t rw\n", "/a b", "fuse", "s t" },
		{ "36 20 0:52 / /a\\011b rw - fuse s rw\n", "/a\tb", "fuse", "s" },
		{ "36 20 0:52 / /a\\012b rw - fuse s rw\n", "/a\nb", "fuse", "s" },
		{ "36 20 0:52 / /a\\134b rw - fuse s rw\n", "/a\\b", "fuse", "s" },
		{ "36 20 0:52 / /a\\043b rw - fuse s rw\n", "/a#b", "fuse", "s" },
		{ "36 20 0:52 / /\\134040 rw - fuse s rw\n", "/\\040", "fuse", "s" },
		{ "36 20 0:52 / /\\303\\251\\040 rw - fuse.x\\040y s rw\n", "/\xc3\xa9 ", "fuse.x y", "s" },
		{ "36 20 0:52 / /a\\04 rw - fuse \\ rw\n", "/a\\04", "fuse", "\\" },
		{ "36 20 0:52 / /a\\400\\09x rw - fuse \\\\040 rw\n", "/a\\400\\09x", "fuse", "\\ " },
		{ "36 20 0:52 / /mnt rw - fuse  rw\n", "/mnt", "fuse", "" },
		{ "36 20 0:52 / /mnt rw - cifs //h/s rw,weird option - x\n", "/mnt", "cifs", "//h/s" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct mnt_table t;

		parse(&t, rows[i].line);
		assert_int_equal(t.count, 1);
		assert_span(t.entries[0].target, rows[i].target);
		assert_span(t.entries[0].fstype, rows[i].fstype);
		assert_span(t.entries[0].source, rows[i].source);
		assert_int_equal(t.entries[0].id, 36);
		assert_int_equal(t.entries[0].parent, 20);
		assert_int_equal(t.entries[0].minor, 52);
		mnt_table_free(&t);
	}
}

static void refused(void **state)
{
	static const char *const lines[] = {
		"\n",
		"36 20 0:52 / /mnt rw shared:1 fuse x rw\n", /* no "-" */
		"x 20 0:52 / /mnt rw - fuse x rw\n",
		"36 -1 0:52 / /mnt rw - fuse x rw\n",
		"36 20 052 / /mnt rw - fuse x rw\n",
		"36 20 :52 / /mnt rw - fuse x rw\n",
		"36 20 0:5x / /mnt rw - fuse x rw\n",
		"4294967296 20 0:52 / /mnt rw - fuse x rw\n",
		"36 20 0:52 / /mnt rw - fuse\n",
		"36  20 0:52 / /mnt rw - fuse x rw\n",
	};
	char text[512];
	struct mnt_table t;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		snprintf(text, sizeof text, "%s%s%s", ROOT, ROOT, lines[i]);
		if (mnt_table_parse(&t, span_of(text), &e) == 0)
			fail_msg("taken: %s", lines[i]);
		assert_int_equal(e.code, CODE_FAULT);
		assert_non_null(strstr(e.text, "line 3 "));
	}
}

/* The text stands flush against a page that cannot be read; only whole lines are a table. */
static void cut_off(void **state)
{
	static const char whole[] = ROOT "36 20 0:52 / /mnt\\040x rw shared:1 - fuse.rclone a\\134b rw\n";
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = sizeof whole - 1;
	char *mem = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(mem, MAP_FAILED);
	assert_int_equal(mprotect(mem + page, page, PROT_NONE), 0);
	for (size_t cut = 0; cut <= n; cut++) {
		char *at = mem + page - cut;
		struct mnt_table t;
		struct err e;
		bool at_line = cut == 0 || whole[cut - 1] == '\n';

		memcpy(at, whole, cut);
		if (mnt_table_parse(&t, (struct span){ at, cut }, &e)) {
			if (at_line)
				fail_msg("cut at %zu: %s", cut, e.text);
			continue;
		}
		if (!at_line)
			fail_msg("cut at %zu is taken for a table", cut);
		assert_int_equal(t.count, cut == 0 ? 0 : cut == n ? 2 : 1);
		mnt_table_free(&t);
	}
	munmap(mem, 2 * page);
}

static void find(void **state)
{
	static const struct {
		const char *name, *text, *target;
		unsigned id; /* 0: nothing is mounted there */
	} rows[] = {
		{ "nothing there", ROOT, "/mnt", 0 },
		{ "the root", ROOT, "/", 20 },
		{ "one", ROOT "30 20 0:52 / /mnt rw - fuse a rw\n", "/mnt", 30 },
		{ "a name that begins alike", ROOT "30 20 0:52 / /mnt rw - fuse a rw\n", "/mnt2", 0 },
		{ "below it", ROOT "30 20 0:52 / /mnt rw - fuse a rw\n", "/mnt/x", 0 },
		{ "a blank", ROOT "30 20 0:52 / /m\\040t rw - fuse a rw\n", "/m t", 30 },
		{ "stacked", ROOT "30 20 0:52 / /mnt rw - fuse a rw\n31 30 0:53 / /mnt rw - fuse b rw\n", "/mnt", 31 },
		{ "stacked, moved there from elsewhere",
			ROOT "25 31 0:53 / /mnt rw - fuse b rw\n31 20 0:52 / /mnt rw - fuse a rw\n", "/mnt", 25 },
		{ "three deep",
			ROOT "30 20 0:1 / /m rw - fuse a rw\n31 30 0:2 / /m rw - fuse b rw\n32 31 0:3 / /m rw - fuse c rw\n",
			"/m", 32 },
		{ "in another mount", ROOT "30 20 0:1 / /m rw - tmpfs t rw\n31 30 0:2 / /m/a/b rw - fuse b rw\n", "/m/a/b",
			31 },
		{ "hidden by a mount on its parent", ROOT "30 20 0:1 / /m/a rw - fuse a rw\n31 20 0:2 / /m rw - tmpfs t rw\n",
			"/m/a", 0 },
		{ "hidden, and there anew",
			ROOT
			"30 20 0:1 / /m/a rw - fuse a rw\n31 20 0:2 / /m rw - tmpfs t rw\n32 31 0:3 / /m/a rw - fuse c rw\n",
			"/m/a", 32 },
		{ "in a chroot the root is no mount", "30 20 0:1 / /m rw - fuse a rw\n31 30 0:2 / /m rw - fuse b rw\n", "/m",
			31 },
		{ "an initramfs is its own parent", "1 1 0:1 / / rw - rootfs r rw\n30 1 0:1 / /m rw - fuse a rw\n", "/m", 30 },
		{ "parents in a circle",
			ROOT "5 20 0:1 / /m rw - fuse a rw\n6 5 0:2 / /m rw - fuse b rw\n5 6 0:2 / /m rw - fuse c rw\n",
			"/nothing", 0 },
		{ "an empty name", ROOT, "", 0 },
		{ "below a mount over the root", ROOT "25 20 0:9 / / rw - tmpfs t rw\n30 20 0:1 / /m rw - fuse a rw\n", "/m",
			30 },
		{ "the same, listed first",
			"18 20 0:9 / / rw - tmpfs t rw\n" ROOT "30 20 0:1 / /m rw - fuse a rw\n31 18 0:1 / /n rw - fuse a rw\n",
			"/m", 30 },
		{ "stacked in a chroot, moved there", "25 31 0:53 / /m rw - fuse b rw\n31 9 0:52 / /m rw - fuse a rw\n", "/m",
			25 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct mnt_entry *found;
		struct mnt_table t;

		parse(&t, rows[i].text);
		found = mnt_table_find(&t, rows[i].target);
		if ((found ? found->id : 0) != rows[i].id)
			fail_msg("%s: found %u", rows[i].name, found ? found->id : 0);
		mnt_table_free(&t);
	}
}

/* A circle at the very place that is asked for must end too. */
static void find_in_a_circle(void **state)
{
	struct mnt_table t;

	(void)state;
	parse(&t, ROOT "5 20 0:1 / /m rw - fuse a rw\n6 5 0:2 / /m rw - fuse b rw\n5 6 0:2 / /m rw - fuse c rw\n");
	assert_non_null(mnt_table_find(&t, "/m"));
	mnt_table_free(&t);
}

static void thousand(void **state)
{
	struct buf text = buf_heap(1 << 20);
	struct mnt_table t;
	char target[64];

	(void)state;
	buf_str(&text, ROOT);
	for (unsigned i = 0; i < 1000; i++)
		buf_fmt(&text, "%u 20 0:%u / /mnt/r2/t\\040%u rw - fuse.rclone s3mounts:b/%u rw\n", 100 + i, i, i, i);
	parse(&t, text.p);
	buf_free(&text);
	assert_int_equal(t.count, 1001);
	for (unsigned i = 0; i < 1000; i++) {
		const struct mnt_entry *found;

		snprintf(target, sizeof target, "/mnt/r2/t %u", i);
		found = mnt_table_find(&t, target);
		assert_non_null(found);
		assert_int_equal(found->id, 100 + i);
	}
	mnt_table_free(&t);
}

/* The kernel's own table of a private name space, seen to change. */
static void live(void **state)
{
	char folder[] = "/tmp/mnt table XXXXXX";
	struct pollfd p = { .events = POLLPRI };
	struct mnt_table t;
	struct err e;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_non_null(mkdtemp(folder));
	p.fd = mnt_table_watch(&e);
	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, 0), 0);

	assert_int_equal(mount("a source", folder, "tmpfs", 0, NULL), 0);
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_true(p.revents & POLLPRI);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_int_equal(mnt_table_read(&t, &e), 0);
	assert_non_null(mnt_table_find(&t, folder));
	assert_span(mnt_table_find(&t, folder)->fstype, "tmpfs");
	assert_span(mnt_table_find(&t, folder)->source, "a source");
	mnt_table_free(&t);

	assert_int_equal(umount2(folder, 0), 0);
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(mnt_table_read(&t, &e), 0);
	assert_null(mnt_table_find(&t, folder));
	mnt_table_free(&t);
	close(p.fd);
	rmdir(folder);
}

/* A path does not lead into what is mounted over the root folder that we have already. */
static void over_the_root(void **state)
{
	struct mnt_table t;
	struct err e;
	int status;

	(void)state;
	if (fork() == 0) {
		if (unshare(CLONE_NEWNS) || mount("none", "/", "tmpfs", 0, NULL) || mount("none", "/tmp", "tmpfs", 0, NULL))
			_exit(2);
		_exit(mnt_table_read(&t, &e) || !mnt_table_find(&t, "/tmp"));
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
}

/* In the private name space of live(). */
static void without_proc(void **state)
{
	struct mnt_table t;
	struct err e;

	(void)state;
	assert_int_equal(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	assert_int_equal(mnt_table_read(&t, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_non_null(strstr(e.hint, "mount -t proc"));
	assert_int_equal(mnt_table_watch(&e), -1);
	assert_int_equal(umount2("/proc", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(refused),
		cmocka_unit_test(cut_off),
		cmocka_unit_test(find),
		cmocka_unit_test(find_in_a_circle),
		cmocka_unit_test(thousand),
		cmocka_unit_test(live),
		cmocka_unit_test(over_the_root),
		cmocka_unit_test(without_proc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
