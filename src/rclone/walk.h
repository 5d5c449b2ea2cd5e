/*
 * rclone/walk.h - every regular file below a part of rclone's cache: CACHE/vfs (data), CACHE/vfsMeta (metadata, one file for
 * each of data), CACHE/quarantine (ours: data that rclone must not have, rclone/repair.h).
 */

#ifndef RCLONE_WALK_H
#define RCLONE_WALK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define WALK_QUARANTINE "quarantine"

struct walk {
	int top;	       /* the folder, open */
	const char *cache_dir; /* for messages: */
	const char *part;      /* "vfsMeta" */
	const char *purpose;   /* "look for pending files" */
	bool names_only;       /* nobody is asked what a file is like: ST is NULL */
	int64_t deadline;      /* the walk fails when it has not ended by then; -1: never */
	struct err *e;
};

/* Called for the regular file PATH below the top. Returns 0 to go on, -1 with the walk's *E set to end it. */
typedef int walk_fn(void *arg, const char *path, const struct stat *st);

/* Opens CACHE_DIR/PART for w->top; never a symbolic link. Returns -1 with errno set. */
int walk_open(const char *cache_dir, const char *part);

/*
 * Calls VISIT for each. Never follows a symbolic link; memory and descriptors do not grow with the depth, which is decided by
 * whoever writes to the mount. What vanishes meanwhile is no error. Returns 0, or -1 with *w->e set (CODE_FAULT), by VISIT too.
 */
int walk_files(const struct walk *w, walk_fn *visit, void *arg);

/* A moment for walk_changed(), taken before a walk. */
int64_t walk_moment(void);

/*
 * Has an entry of a folder been made, removed or renamed since MOMENT? Then a file may have moved from a folder that a walk had
 * not yet visited to one that it had already visited. Returns 1, 0, or -1 with *w->e set.
 */
int walk_changed(const struct walk *w, int64_t moment);

/* Sets *w->e from errno: PATH could not be handled. Returns -1. */
int walk_failed(const struct walk *w, const char *path);

/* Does errno say that a file does not exist (any more)? */
bool walk_vanished(void);

#endif
