/* The mount options of a FUSE file system. */

#include "unit.h"

#include "mnt/options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define ALWAYS (MS_NOSUID | MS_NODEV)

static void taken(void **state)
{
	static const struct {
		const char *options;
		unsigned long flags;
		const char *fstype, *source, *data;
	} rows[] = {
		{ "", 0, "fuse", "fuse", "" },
		{ ",,", 0, "fuse", "fuse", "" },
		{ "ro", MS_RDONLY, "fuse", "fuse", "" },
		{ "ro,rw", 0, "fuse", "fuse", "" },
		{ "rw,ro", MS_RDONLY, "fuse", "fuse", "" },
		{ "suid,dev", 0, "fuse", "fuse", "" },
		{ "nosuid,nodev,nonempty", 0, "fuse", "fuse", "" },
		{ "noexec,sync,dirsync,noatime,nodiratime",
			MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME | MS_NODIRATIME, "fuse", "fuse", "" },
		{ "noexec,sync,noatime,nodiratime,relatime,exec,async,atime,diratime,norelatime", 0, "fuse", "fuse", "" },
		{ "relatime,strictatime", MS_RELATIME | MS_STRICTATIME, "fuse", "fuse", "" },
		{ "subtype=rclone", 0, "fuse.rclone", "rclone", "" },
		{ "fsname=s3mounts:b/p,subtype=rclone", 0, "fuse.rclone", "s3mounts:b/p", "" },
		{ "subtype=rclone,fsname=s3mounts:b/p", 0, "fuse.rclone", "s3mounts:b/p", "" },
		{ "fsname=a,fsname=b,subtype=c,subtype=d", 0, "fuse.d", "b", "" },
		{ "subtype=c,subtype=,fsname=", 0, "fuse", "fuse", "" },
		{ "fsname=a b\\,c\\\\d", 0, "fuse", "a b,c\\d", "" },
		{ "fsname=a\\,allow_other", 0, "fuse", "a,allow_other", "" },
		{ "fsname=a\\\\,allow_other", 0, "fuse", "a\\", "allow_other" },
		{ "fsname=k=v", 0, "fuse", "k=v", "" },
		{ "allow_other", 0, "fuse", "fuse", "allow_other" },
		{ "default_permissions,max_read=131072,allow_other", 0, "fuse", "fuse",
			"default_permissions,max_read=131072,allow_other" },
		/* As rclone 1.60.1 calls it with everything that it knows. */
		{ "subtype=rclone,fsname=a b\\,c\\\\d,nonempty,allow_other,default_permissions,ro", MS_RDONLY, "fuse.rclone",
			"a b,c\\d", "allow_other,default_permissions" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fuse_mount_options o;
		char why[160];

		if (fuse_mount_options_parse(&o, rows[i].options, why, sizeof why))
			fail_msg("%s: %s", rows[i].options, why);
		if (o.flags != (ALWAYS | rows[i].flags))
			fail_msg("%s: flags %lx", rows[i].options, o.flags);
		assert_string_equal(o.fstype, rows[i].fstype);
		assert_string_equal(o.source, rows[i].source);
		assert_string_equal(o.data, rows[i].data);
	}
}

static void refused(void **state)
{
	static const struct {
		const char *options, *why;
	} rows[] = {
		{ "nonsense", "unknown option 'nonsense'" },
		{ "ro,nonsense=secret,rw", "unknown option 'nonsense'" },
		{ "RO", "unknown option 'RO'" },
		{ "ro ", "unknown option 'ro '" },
		{ "ro=1", "unknown option 'ro'" },
		{ "allow_other=1", "unknown option 'allow_other'" },
		{ "fsname", "unknown option 'fsname'" },
		{ "max_read", "unknown option 'max_read'" },
		{ "=x", "unknown option ''" },
		{ "max_read=", "option 'max_read' wants a number" },
		{ "max_read=1\\,allow_other", "option 'max_read' wants a number" },
		{ "max_read=-1", "option 'max_read' wants a number" },
		{ "max_read=4294967296", "option 'max_read' wants a number" },
		{ "fd=3", "option 'fd' is set by the mount helper itself" },
		{ "rootmode=40000", "option 'rootmode' is set by the mount helper itself" },
		{ "ro,user_id=0", "option 'user_id' is set by the mount helper itself" },
		{ "group_id=0", "option 'group_id' is set by the mount helper itself" },
		{ "auto_unmount",
			"option 'auto_unmount' is not supported: it needs a helper that stays; unmount with -u instead" },
		{ "blkdev", "option 'blkdev' is for a file system on a block device (fuseblk)" },
		{ "blksize=512", "option 'blksize' is for a file system on a block device (fuseblk)" },
		{ "ro,fsname=a\\", "the options end in half an escape (\\)" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fuse_mount_options o;
		char why[160];

		if (fuse_mount_options_parse(&o, rows[i].options, why, sizeof why) == 0)
			fail_msg("taken: %s", rows[i].options);
		assert_string_equal(why, rows[i].why);
	}
}

/* NAME=xxx… with VALUE bytes: what is too long is refused, never cut. */
static int with_value(struct fuse_mount_options *o, const char *name, size_t value)
{
	char options[8192], why[160];
	int n = snprintf(options, sizeof options, "%s=", name);

	memset(options + n, 'x', value);
	options[(size_t)n + value] = 0;
	return fuse_mount_options_parse(o, options, why, sizeof why);
}

static void lengths(void **state)
{
	struct fuse_mount_options o;
	char many[8192] = "", why[8];

	(void)state;
	assert_int_equal(with_value(&o, "fsname", sizeof o.source - 1), 0);
	assert_int_equal(strlen(o.source), sizeof o.source - 1);
	for (size_t more = 0; more < 16; more++)
		assert_int_equal(with_value(&o, "fsname", sizeof o.source + more), -1);
	assert_int_equal(with_value(&o, "subtype", sizeof o.fstype - 6), 0);
	assert_int_equal(with_value(&o, "subtype", sizeof o.fstype - 5), -1);
	for (int i = 0; i < 100; i++)
		strcat(many, "allow_other,");
	assert_int_equal(fuse_mount_options_parse(&o, many, why, sizeof why), -1);
	assert_true(memchr(why, 0, sizeof why) != NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taken),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
