/* The folder that a mount is put on: made ready, asked, mounted on, cleared. With real mounts; a FUSE mount whose descriptor is
 * closed is dead (ENOTCONN), one that nobody answers hangs. */

#include "mntns.h"

#include "base/clock.h"
#include "base/task.h"
#include "mnt/attach.h"
#include "mnt/fuse.h"
#include "mnt/table.h"
#include "mnt/target.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#define OURS "fuse.rclone"
#define SOURCE "s3mounts:b/p"

/* Mounts a FUSE file system that nobody serves; closing the descriptor that it returns kills it. */
static int mount_fuse(const char *target, const char *options)
{
	struct fuse_mount_options o;
	char why[160];
	struct err e;
	int fd;

	assert_int_equal(fuse_mount_options_parse(&o, options, why, sizeof why), 0);
	fd = fuse_open(&e);
	if (fd < 0 || mnt_attach(target, fd, &o, &e))
		fail_msg("%s", e.text);
	return fd;
}

static void mount_dead(const char *target, const char *options)
{
	close(mount_fuse(target, options));
}

/* As mount_dead(), also upon a mount that is dead already, which mnt_attach() refuses. */
static void stack_dead(const char *target)
{
	struct err e;
	char data[64];
	int fd = fuse_open(&e);

	snprintf(data, sizeof data, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	assert_int_equal(mount("of an older run", target, OURS, 0, data), 0);
	close(fd);
}

static void mount_tmpfs(const char *target, const char *source)
{
	assert_int_equal(mount(source, target, "tmpfs", 0, NULL), 0);
}

/* How many mounts stand at TARGET, covered ones too. */
static int mounts_at(const char *target)
{
	struct mnt_table t;
	struct err e;
	int n = 0;

	assert_int_equal(mnt_table_read(&t, &e), 0);
	for (size_t i = 0; i < t.count; i++)
		n += span_is(t.entries[i].target, target);
	mnt_table_free(&t);
	return n;
}

static void assert_ready(const char *target, const char *path, bool mounted, bool cleared, bool not_empty)
{
	struct mnt_ready r;
	struct err e;

	memset(&r, 0xff, sizeof r);
	if (mnt_target_prepare(target, OURS, SOURCE, &r, &e))
		fail_msg("%s: %s", target, e.text);
	assert_string_equal(r.path, path);
	assert_int_equal(r.mounted, mounted);
	assert_int_equal(r.cleared, cleared);
	assert_int_equal(r.not_empty, not_empty);
}

static void assert_refused(const char *target, const char *words)
{
	struct mnt_ready r;
	struct err e;

	if (mnt_target_prepare(target, OURS, SOURCE, &r, &e) == 0)
		fail_msg("%s is taken", target);
	if (!strstr(e.text, words))
		fail_msg("%s: '%s' does not say '%s'", target, e.text, words);
	assert_int_equal(e.code, CODE_MOUNT);
}

static void folders_are_made(void **state)
{
	static const char *const made[] = { "a", "a/b", "a/b/c d" };
	struct stat st;

	(void)state;
	assert_ready(in_base("a/b/c d"), in_base("a/b/c d"), false, false, false);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(stat(in_base(made[i]), &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0755);
	}
	assert_ready(in_base("a/b/c d"), in_base("a/b/c d"), false, false, false);
	assert_ready(in_base("a"), in_base("a"), false, false, true);
}

static void links_are_resolved(void **state)
{
	(void)state;
	make_folder("real");
	assert_int_equal(symlink("real", in_base("link")), 0);
	assert_int_equal(symlink("nowhere", in_base("dangling")), 0);
	assert_int_equal(symlink("loop", in_base("loop")), 0);
	assert_ready(in_base("link"), in_base("real"), false, false, false);
	assert_ready(in_base("link/x"), in_base("real/x"), false, false, false);
	assert_ready(in_base("link/../link/x"), in_base("real/x"), false, false, false);
	assert_refused(in_base("dangling"), "leads nowhere");
	assert_refused(in_base("dangling/x"), "leads nowhere");
	assert_refused(in_base("loop"), "too many symbolic links");
}

/* Nothing is made for that. */
static void links_are_resolved_as_far_as_they_are_there(void **state)
{
	static const struct {
		const char *target, *is;
	} cases[] = {
		{ "there", "there" },
		{ "to-there", "there" },
		{ "to-there/a/b", "there/a/b" },
		{ "there/a", "there/a" },
		{ "none/a", "none/a" },
		{ "to-nowhere/a", "to-nowhere/a" },
	};
	char out[PATH_MAX];
	struct err e;

	(void)state;
	make_folder("there");
	assert_int_equal(symlink("there", in_base("to-there")), 0);
	assert_int_equal(symlink("nowhere", in_base("to-nowhere")), 0);
	assert_int_equal(symlink("/", in_base("to-root")), 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(mnt_target_resolve(in_base(cases[i].target), out, &e), 0);
		assert_string_equal(out, in_base(cases[i].is));
	}
	assert_int_equal(mnt_target_resolve(in_base("to-root"), out, &e), 0);
	assert_string_equal(out, "/");
	assert_int_equal(mnt_target_resolve(in_base("to-root/none/a"), out, &e), 0);
	assert_string_equal(out, "/none/a");
	assert_int_equal(mnt_target_resolve("/none/a", out, &e), 0);
	assert_string_equal(out, "/none/a");
	assert_int_equal(mnt_target_resolve("/dev/null/a", out, &e), -1);
	assert_int_equal(e.code, CODE_MOUNT);
	assert_int_equal(access(in_base("none"), F_OK), -1);
}

static void no_folder(void **state)
{
	(void)state;
	make_file(in_base("file"), "x");
	assert_refused(in_base("file"), "it is a file");
	assert_refused(in_base("file/x"), "not a directory");
}

static void read_only(void **state)
{
	const char *ro = make_folder("ro");

	(void)state;
	assert_int_equal(mount("none", ro, "tmpfs", MS_RDONLY, NULL), 0);
	assert_refused(in_base("ro/x"), "read-only");
	assert_int_equal(umount2(ro, 0), 0);
}

static void taken_by_others(void **state)
{
	const char *target = make_folder("taken");

	(void)state;
	mount_tmpfs(target, "their source");
	assert_refused(target, "somebody else's mount is there already: type tmpfs, source their source");
	assert_int_equal(mounts_at(target), 1);
	assert_ready(in_base("taken/below"), in_base("taken/below"), false, false, false);
	assert_int_equal(umount2(target, 0), 0);

	mount_dead(target, "subtype=sshfs,fsname=host:");
	assert_refused(target, "somebody else's dead FUSE mount is there already: type fuse.sshfs, source host:");
	assert_int_equal(mounts_at(target), 1);
	assert_int_equal(umount2(target, 0), 0);
}

/* A live mount of a type and source that are taken for ours: tmpfs answers without a driver. */
static void mounted_already(void **state)
{
	const char *target = make_folder("live");
	struct mnt_ready r;
	struct err e;

	(void)state;
	mount_tmpfs(target, "a b");
	assert_int_equal(mnt_target_prepare(target, "tmpfs", "a b", &r, &e), 0);
	assert_true(r.mounted);
	assert_int_equal(mnt_target_prepare(target, "tmpfs", "a", &r, &e), -1);
	assert_int_equal(e.code, CODE_MOUNT);
	assert_non_null(strstr(e.text, "a mount of another source is there already: type tmpfs, source a b"));
	assert_int_equal(mounts_at(target), 1);
	assert_int_equal(umount2(target, 0), 0);
}

static void dead_ones_are_cleared(void **state)
{
	const char *target = make_folder("stale");

	(void)state;
	make_file(in_base("stale/covered"), "");
	mount_dead(target, "subtype=rclone,fsname=" SOURCE);
	assert_ready(target, target, false, true, true);
	assert_int_equal(mounts_at(target), 0);

	for (int i = 0; i < 3; i++)
		stack_dead(target);
	assert_int_equal(mounts_at(target), 3);
	assert_ready(target, target, false, true, true);
	assert_int_equal(mounts_at(target), 0);
}

static void dead_ones_in_a_stack(void **state)
{
	const char *target = make_folder("stack");

	(void)state;
	mount_tmpfs(target, "theirs");
	stack_dead(target);
	stack_dead(target);
	assert_refused(target, "source theirs");
	assert_int_equal(mounts_at(target), 1);
	assert_int_equal(umount2(target, 0), 0);
}

static void below_a_dead_one(void **state)
{
	const char *target = make_folder("dead");

	(void)state;
	mount_dead(target, "subtype=rclone");
	assert_refused(in_base("dead/x"), "lies on a FUSE mount whose driver is gone");
	assert_int_equal(mounts_at(target), 1);
	assert_int_equal(umount2(target, 0), 0);
}

static void answers(void **state)
{
	const char *target = make_folder("answers");
	struct err e;

	(void)state;
	assert_int_equal(mnt_target_answers(target, &e), 0);
	mount_dead(target, "subtype=rclone");
	assert_int_equal(mnt_target_answers(target, &e), -1);
	assert_int_equal(e.code, CODE_MOUNT);
	assert_non_null(strstr(e.text, "Transport endpoint is not connected"));
	assert_int_equal(umount2(target, 0), 0);
	assert_int_equal(mnt_target_answers(in_base("missing"), &e), -1);
	assert_non_null(strstr(e.text, "No such file or directory"));
}

/* What tells that it has no extended attributes is none that fails for them; and a file that is not there fails for that. */
static void lists(void **state)
{
	const char *target = make_folder("lists");
	char file[NAME_MAX + 1], path[PATH_MAX];
	struct err e;

	(void)state;
	snprintf(path, sizeof path, "%s/folder", target);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(mnt_target_lists(target, file, &e), 0);
	assert_string_equal(file, "");
	snprintf(path, sizeof path, "%s/one", target);
	assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
	assert_int_equal(mnt_target_lists(target, file, &e), 0);
	assert_string_equal(file, "one");
	assert_false(mnt_target_fails_xattrs(target, file));
	assert_false(mnt_target_fails_xattrs(target, "missing"));
	assert_int_equal(mnt_target_lists(in_base("missing"), file, &e), -1);
	assert_string_equal(file, "");
}

static int ask_answers(void *target, int out)
{
	struct err e;

	(void)out;
	return mnt_target_answers(target, &e);
}

static int ask_ready(void *target, int out)
{
	struct mnt_ready r;
	struct err e;

	(void)out;
	return mnt_target_prepare(target, OURS, SOURCE, &r, &e);
}

/* Nobody answers: the child sits in statfs(2), and whoever asks has his word at the deadline. */
static void hung_one(void **state)
{
	static task_fn *const asks[] = { ask_answers, ask_ready };
	const char *target = make_folder("hung");
	int fd = mount_fuse(target, "subtype=rclone,fsname=" SOURCE);
	struct err e;
	char byte;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int64_t start = clock_ms();

		assert_int_equal(task_run(asks[i], (void *)(uintptr_t)target, 200, &byte, 1, &e), -1);
		assert_int_equal(e.code, CODE_UNREACHABLE);
		assert_in_range(clock_ms() - start, 190, 2000);
		assert_true(wait(NULL) > 0 || errno == ECHILD); /* killed, it does end, and may have been reaped */
	}
	close(fd);
	assert_int_equal(mnt_target_unmount(target, false, &e), 0);
	assert_int_equal(mounts_at(target), 0);
}

static void unmount(void **state)
{
	const char *target = make_folder("unmount"), *link = in_base("unmount-link");
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(mnt_target_unmount(target, false, &e), 0);
	assert_int_equal(mnt_target_unmount(in_base("missing"), false, &e), 0);
	mount_tmpfs(target, "lower");
	mount_tmpfs(target, "upper");
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(mnt_target_unmount(link, true, &e), 0);
	assert_int_equal(mounts_at(target), 2);
	assert_int_equal(mnt_target_unmount(target, false, &e), 0);
	assert_int_equal(mounts_at(target), 1);
	fd = open(target, O_RDONLY);
	assert_int_equal(mnt_target_unmount(target, false, &e), 1);
	assert_int_equal(mounts_at(target), 1);
	assert_int_equal(mnt_target_unmount(target, true, &e), 0);
	assert_int_equal(mounts_at(target), 0);
	close(fd);
}

static void below_a_dead_one_unmount(void **state)
{
	const char *target = make_folder("dead2");
	struct err e;

	(void)state;
	mount_dead(target, "subtype=rclone");
	assert_int_equal(mnt_target_unmount(in_base("dead2/x"), false, &e), -1);
	assert_int_equal(e.code, CODE_MOUNT);
	assert_non_null(strstr(e.text, "lies on a FUSE mount whose driver is gone"));
	assert_int_equal(umount2(target, 0), 0);
}

static void attach_refusals(void **state)
{
	static const struct {
		const char *name, *words;
	} rows[] = {
		{ "attach/missing", "attach/missing: No such file or directory" },
		{ "attach/file", "attach/file: it is not a directory" },
		{ "attach/dead", "attach/dead: Transport endpoint is not connected" },
	};
	struct fuse_mount_options o;
	char why[160];
	struct err e;

	(void)state;
	make_folder("attach");
	make_file(in_base("attach/file"), "");
	mount_dead(make_folder("attach/dead"), "");
	assert_int_equal(fuse_mount_options_parse(&o, "", why, sizeof why), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int fd = fuse_open(&e);

		assert_int_equal(mnt_attach(in_base(rows[i].name), fd, &o, &e), -1);
		assert_int_equal(e.code, CODE_MOUNT);
		if (!strstr(e.text, rows[i].words) || !strstr(e.text, "failed to access mountpoint "))
			fail_msg("%s: %s", rows[i].name, e.text);
		close(fd);
	}
	/* No descriptor of /dev/fuse: the kernel refuses, and the working directory is back where it was. */
	assert_int_equal(chdir(base), 0);
	assert_int_equal(mnt_attach("attach", 0, &o, &e), -1);
	assert_non_null(strstr(e.text, "mount attach: the kernel refuses the options"));
	assert_int_equal(access("attach/file", F_OK), 0);
	assert_int_equal(umount2("attach/dead", 0), 0);
	assert_int_equal(chdir("/"), 0);
}

static void attach_works(void **state)
{
	const char *target = make_folder("attached");
	char cwd[PATH_MAX];
	struct mnt_table t;
	struct err e;
	int fd;

	(void)state;
	assert_int_equal(mount("none", "/proc", "tmpfs", 0, NULL), 0);
	assert_int_equal(chdir(base), 0);
	fd = mount_fuse("attached", "subtype=rclone,fsname=a b\\,c,ro,noexec,allow_other,max_read=65536");
	assert_string_equal(getcwd(cwd, sizeof cwd), base);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(umount2("/proc", 0), 0);

	assert_int_equal(mnt_table_read(&t, &e), 0);
	assert_true(span_is(mnt_table_find(&t, target)->fstype, OURS));
	assert_true(span_is(mnt_table_find(&t, target)->source, "a b,c"));
	assert_non_null(strstr(t.text.p, "ro,nosuid,nodev,noexec"));
	assert_non_null(strstr(t.text.p, "user_id=0,group_id=0,allow_other,max_read=65536"));
	mnt_table_free(&t);
	close(fd);
	assert_int_equal(umount2(target, 0), 0);
}

/* ---- as somebody else than root */

static void nobody_makes_a_folder(void)
{
	struct mnt_ready r;
	struct err e;

	CHILD_ASSERT(mnt_target_prepare(in_base("roots/x"), OURS, SOURCE, &r, &e) == -1);
	CHILD_ASSERT(e.code == CODE_MOUNT && strstr(e.text, "permission denied"));
	CHILD_ASSERT(mnt_target_prepare(in_base("roots"), OURS, SOURCE, &r, &e) == 0);
}

static void folder_without_rights(void **state)
{
	(void)state;
	make_folder("roots");
	as_nobody(NULL, nobody_makes_a_folder);
}

/* A mount that belongs to nobody, as the set-uid helper makes it. */
static int mount_for_nobody(const char *target)
{
	int fd;

	assert_int_equal(setresuid(NOBODY, 0, 0), 0);
	fd = mount_fuse(target, "subtype=rclone");
	assert_int_equal(setresuid(0, 0, 0), 0);
	return fd;
}

static void nobody_unmounts(void)
{
	struct err e;
	int fd;

	CHILD_ASSERT(mnt_target_unmount(in_base("theirs"), false, &e) == -1);
	CHILD_ASSERT(e.code == CODE_MOUNT && strstr(e.text, "theirs: fusermount3: ") && !strchr(e.text, '?'));
	CHILD_ASSERT(mnt_target_unmount(in_base("link"), false, &e) == 0);
	CHILD_ASSERT(mnt_target_unmount(in_base("nothing here"), false, &e) == 0);
	CHILD_ASSERT(mnt_target_unmount(base, false, &e) == -1);
	fd = open(in_base("nobodys"), O_PATH);
	CHILD_ASSERT(fd >= 0);
	CHILD_ASSERT(mnt_target_unmount(in_base("nobodys"), false, &e) == 1);
	CHILD_ASSERT(mnt_target_unmount(in_base("nobodys"), true, &e) == 0);
	CHILD_ASSERT(mnt_target_unmount(in_base("nobodys"), false, &e) == 0);
}

static void nobody_without_a_helper(void)
{
	struct err e;

	CHILD_ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_ASSERT(mnt_target_unmount(in_base("theirs"), false, &e) == -1);
	CHILD_ASSERT(e.code == CODE_MOUNT && strstr(e.text, "CAP_SYS_ADMIN") && strstr(e.hint, "run as root"));
}

static void unmount_without_rights(void **state)
{
	const char *nobodys = make_folder("nobodys"), *theirs = make_folder("theirs");
	int fd = mount_for_nobody(nobodys), other = mount_fuse(theirs, "subtype=rclone");

	(void)state;
	make_folder("nothing here");
	as_nobody(NULL, nobody_without_a_helper);
	as_nobody(NULL, nobody_unmounts);
	assert_int_equal(mounts_at(nobodys), 0);
	assert_int_equal(mounts_at(theirs), 1);
	close(fd);
	close(other);
	assert_int_equal(umount2(theirs, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(folders_are_made),
		cmocka_unit_test(links_are_resolved),
		cmocka_unit_test(links_are_resolved_as_far_as_they_are_there),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(read_only),
		cmocka_unit_test(taken_by_others),
		cmocka_unit_test(mounted_already),
		cmocka_unit_test(dead_ones_are_cleared),
		cmocka_unit_test(dead_ones_in_a_stack),
		cmocka_unit_test(below_a_dead_one),
		cmocka_unit_test(answers),
		cmocka_unit_test(lists),
		cmocka_unit_test(hung_one),
		cmocka_unit_test(unmount),
		cmocka_unit_test(below_a_dead_one_unmount),
		cmocka_unit_test(attach_refusals),
		cmocka_unit_test(attach_works),
		cmocka_unit_test(folder_without_rights),
		cmocka_unit_test(unmount_without_rights),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, mntns_enter, mntns_leave);
}
