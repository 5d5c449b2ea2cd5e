/* mntns.h - a mount name space of the test's own, with an empty tmpfs to work in; nothing of it is left when the test ends. */

#ifndef MNTNS_H
#define MNTNS_H

#include "unit.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static char base[64];

/* For cmocka's group set-up. Fails where name spaces are not allowed: these tests are never skipped. */
static int mntns_enter(void **state)
{
	(void)state;
	strcpy(base, "/tmp/s3mounts-mnt-XXXXXX");
	umask(022);
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) || !mkdtemp(base) ||
	       mount("none", base, "tmpfs", 0, "mode=755");
}

static int mntns_leave(void **state)
{
	(void)state;
	umount2(base, MNT_DETACH);
	return rmdir(base);
}

/* BASE/NAME; the last eight answers stay valid. */
static inline const char *in_base(const char *name)
{
	static char path[8][PATH_MAX];
	static int next;
	char *p = path[next++ % 8];

	snprintf(p, PATH_MAX, "%s/%s", base, name);
	return p;
}

static inline const char *make_folder(const char *name)
{
	const char *path = in_base(name);

	assert_int_equal(mkdir(path, 0755), 0);
	return path;
}

static inline void make_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Runs FN in a child after BEFORE (may be NULL) and as nobody; a failed assertion there fails the test. */
static inline void as_nobody(void (*before)(void), void (*fn)(void))
{
	pid_t pid = fork();
	int status = -1;

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(20);
		if (before)
			before();
		if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY))
			_exit(99);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("the child ends with status %#x", (unsigned)status);
}

/* In a child of as_nobody() cmocka's own assertions would return into the parent's test. */
#define CHILD_ASSERT(x)                                                         \
	do {                                                                    \
		if (!(x)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
			_exit(1);                                               \
		}                                                               \
	} while (0)

#endif
