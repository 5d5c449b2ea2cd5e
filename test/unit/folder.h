/* folder.h - a folder of its own for each test: it stands in it, makes files below it, and leaves none behind. */

#ifndef FOLDER_H
#define FOLDER_H

#include "unit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/s3mounts_test.XXXXXX";

static inline int enter(void **state)
{
	(void)state;
	strcpy(strrchr(folder, '.'), ".XXXXXX");
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static inline int drop(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static inline int leave(void **state)
{
	(void)state;
	return chdir("/") || nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS) ? -1 : 0;
}

/* Those above PATH; PATH too where it ends in '/'. */
static inline void make_folders(const char *path)
{
	char part[4096];

	for (const char *s = path; (s = strchr(s, '/')); s++) {
		snprintf(part, sizeof part, "%.*s", (int)(s - path), path);
		assert_true(mkdir(part, 0700) == 0 || errno == EEXIST);
	}
}

static inline void put(const char *path, const char *text, size_t n)
{
	FILE *f;

	make_folders(path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
}

static inline void put_str(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

#endif
