/* Is there FUSE, and may we use it: in a mount name space with a /dev, a helper and a configuration of the test's own. */

#include "mntns.h"

#include "mnt/fuse.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#define DEVICE "/dev/fuse"
#define HELPER "/usr/bin/fusermount3"
#define CONF "/etc/fuse.conf"

static void empty_dev(unsigned long flags)
{
	assert_int_equal(mount("none", "/dev", "tmpfs", flags, "mode=755"), 0);
}

static int real_dev(void **state)
{
	(void)state;
	while (umount2("/dev", MNT_DETACH) == 0 && access("/dev/null", F_OK))
		;
	return access("/dev/null", F_OK);
}

static void device(mode_t mode, unsigned major, unsigned minor)
{
	empty_dev(0);
	assert_int_equal(mknod(DEVICE, S_IFCHR | mode, makedev(major, minor)), 0);
	assert_int_equal(chmod(DEVICE, mode), 0);
}

static void cover(const char *with, const char *path)
{
	assert_int_equal(mount(with, path, NULL, MS_BIND, NULL), 0);
}

/* Returns what is wrong, for assertions in a child too: NULL where it is refused in these words. */
static const char *not_refused(const char *words, const char *hint)
{
	static struct err e;
	int fd = fuse_open(&e);

	if (fd >= 0)
		return "it opens";
	return e.code == CODE_MOUNT && strstr(e.text, words) && strstr(e.hint, hint) ? NULL : e.text;
}

static void assert_refused(const char *words, const char *hint)
{
	const char *wrong = not_refused(words, hint);

	if (wrong)
		fail_msg("%s", wrong);
}

static void opens(void **state)
{
	struct err e;
	int fd = fuse_open(&e);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void is_made(void **state)
{
	struct stat st;
	struct err e;
	int fd;

	(void)state;
	empty_dev(0);
	fd = fuse_open(&e);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(lstat(DEVICE, &st), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == makedev(10, 229));
}

static void made_in_vain(void **state)
{
	(void)state;
	empty_dev(MS_NODEV);
	assert_refused("/dev is mounted nodev", "--device /dev/fuse");
	assert_int_equal(access(DEVICE, F_OK), -1);
}

static void cannot_be_made(void **state)
{
	(void)state;
	empty_dev(MS_RDONLY);
	assert_refused("the device is missing and may not be made: mknod: Read-only", "--device /dev/fuse");
}

static void kernel_without(void **state)
{
	(void)state;
	device(0666, 10, 250); /* ENODEV */
	assert_refused("open /dev/fuse: this kernel has no FUSE", "E2B's arm64");
	assert_int_equal(access(DEVICE, F_OK), 0);
	device(0666, 240, 0); /* ENXIO */
	assert_refused("open /dev/fuse: this kernel has no FUSE", "E2B's arm64");
}

static void kernel_without_and_no_device(void **state)
{
	const char *list = in_base("filesystems");

	(void)state;
	make_file(list, "nodev\tproc\n\text4\n\tfuseblk\nnodev\tfusectl\n");
	cover(list, "/proc/filesystems");
	empty_dev(MS_RDONLY);
	assert_refused("open /dev/fuse: this kernel has no FUSE", "CONFIG_FUSE_FS");
	make_file(list, "nodev\tproc\n\tfuseblk\nnodev\tfuse\n");
	assert_refused("may not be made", "--device");
	assert_int_equal(umount2("/proc/filesystems", 0), 0);
}

static void nobody_misses_it(void)
{
	CHILD_ASSERT(!not_refused("may not be made: mknod: ", "--device /dev/fuse"));
}

static void nobody_is_kept_out(void)
{
	CHILD_ASSERT(!not_refused("its mode does not let this user in", "chmod 666 /dev/fuse"));
}

static void without_rights(void **state)
{
	(void)state;
	empty_dev(0);
	as_nobody(NULL, nobody_misses_it);
	device(0600, 10, 229);
	as_nobody(NULL, nobody_is_kept_out);
}

static void drop_sys_admin(void)
{
	CHILD_ASSERT(prctl(PR_CAPBSET_DROP, 21, 0, 0, 0) == 0);
}

static void no_new_privs(void)
{
	CHILD_ASSERT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
}

static void finds_helper(void)
{
	CHILD_ASSERT(fuse_system_helper() && strcmp(fuse_system_helper(), HELPER) == 0);
	CHILD_ASSERT(!fuse_may_mount());
}

static void finds_no_helper(void)
{
	CHILD_ASSERT(!fuse_system_helper());
}

/* PATH is the helper now, with OWNER and MODE. */
static const char *helper_is(uid_t owner, mode_t mode)
{
	const char *path = in_base("helper");

	make_file(path, "");
	assert_int_equal(chown(path, owner, 0), 0);
	assert_int_equal(chmod(path, mode), 0);
	cover(path, HELPER);
	return fuse_system_helper();
}

static void helper(void **state)
{
	static const struct {
		uid_t owner;
		mode_t mode;
		bool good;
	} rows[] = {
		{ 0, 04755, true },
		{ 0, 0755, false },
		{ 0, 04644, false },
		{ NOBODY, 04755, false },
	};

	(void)state;
	as_nobody(NULL, finds_helper);
	as_nobody(drop_sys_admin, finds_no_helper);
	as_nobody(no_new_privs, finds_no_helper);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(helper_is(rows[i].owner, rows[i].mode) != NULL, rows[i].good);
		assert_int_equal(umount2(HELPER, 0), 0);
	}
	cover(HELPER, HELPER);
	assert_int_equal(mount(NULL, HELPER, NULL, MS_BIND | MS_REMOUNT | MS_NOSUID, NULL), 0);
	assert_null(fuse_system_helper());
	assert_int_equal(umount2(HELPER, 0), 0);
}

static int usable; /* what fuse_usable() is expected to return, and to say of others */
static bool others;

static void nobody_can(void)
{
	bool allow_other = !others;
	struct err e;

	CHILD_ASSERT(fuse_usable(&allow_other, &e) == usable);
	if (usable == 0)
		CHILD_ASSERT(allow_other == others);
	else
		CHILD_ASSERT(e.code == CODE_MOUNT && strstr(e.text, "CAP_SYS_ADMIN") && strstr(e.hint, "run as root"));
}

static void usable_by_nobody(void **state)
{
	static const struct {
		const char *conf;
		bool others;
	} rows[] = {
		{ "# user_allow_other\nmount_max = 1000\n", false },
		{ "mount_max = 1000\nuser_allow_other\n", true },
		{ "mount_max = 1000\n\tuser_allow_other ", true },
		{ "user_allow_others\n", false },
		{ "", false },
	};
	const char *conf = in_base("fuse.conf");

	(void)state;
	device(0666, 10, 229);
	make_file(conf, "");
	cover(conf, CONF);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		make_file(conf, rows[i].conf);
		usable = 0;
		others = rows[i].others;
		as_nobody(NULL, nobody_can);
	}
	usable = -1;
	as_nobody(no_new_privs, nobody_can);
	assert_int_equal(umount2(CONF, 0), 0);
}

static void usable_by_root(void **state)
{
	bool allow_other = false;
	struct err e;

	(void)state;
	assert_true(fuse_may_mount());
	assert_int_equal(fuse_usable(&allow_other, &e), 0);
	assert_true(allow_other);
	empty_dev(MS_NODEV);
	assert_int_equal(fuse_usable(&allow_other, &e), -1);
	assert_non_null(strstr(e.text, "nodev"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens),
		cmocka_unit_test_teardown(is_made, real_dev),
		cmocka_unit_test_teardown(made_in_vain, real_dev),
		cmocka_unit_test_teardown(cannot_be_made, real_dev),
		cmocka_unit_test_teardown(kernel_without, real_dev),
		cmocka_unit_test_teardown(kernel_without_and_no_device, real_dev),
		cmocka_unit_test_teardown(without_rights, real_dev),
		cmocka_unit_test(helper),
		cmocka_unit_test_teardown(usable_by_nobody, real_dev),
		cmocka_unit_test_teardown(usable_by_root, real_dev),
	};

	alarm(60);
	return cmocka_run_group_tests(tests, mntns_enter, mntns_leave);
}
