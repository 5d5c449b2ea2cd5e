/*
 * sup/leftover.h - files that an earlier run has left in its cache. Until these are ruled out nobody may say "all of it is in S3".
 */

#ifndef SUP_LEFTOVER_H
#define SUP_LEFTOVER_H

#include "base/arena.h"
#include "ctl/run.h"
#include "ctl/wire.h"

#define LEFTOVERS_MAX 256 /* how many folders are listed; all are counted */

/* A cache folder with files that are not in S3, and that no supervisor answers for. */
struct leftover {
	const struct driver *driver; /* whose files they are; NULL: unknown */
	const char *folder;	     /* ROOT/ID; ROOT itself where that cannot be read */
	/* Where they belong. What a version that wrote no description has left is known by its paths alone: no endpoint, no target. */
	const char *endpoint, *bucket, *prefix, *target;
	const char **options; /* of the mount */
	size_t option_count;
	bool placeable; /* BUCKET, PREFIX and OPTIONS are known: a mount of these finds the files */
	bool running;	/* a driver without a supervisor works in it */
	long files;	/* -1: unknown, for the reason in ERROR */
	long bytes;
	const char **names; /* below PREFIX; some of them */
	size_t name_count;
	struct err error; /* code CODE_OK: none */
	bool uploaded;	  /* by this `flush --left`: its supervisor has proven it */
};

/* All zero: none. */
struct leftovers {
	struct arena mem;
	struct leftover *list;
	size_t count;
	size_t folders; /* with those that LIST has no room for */
	unsigned long long files, bytes;
	struct leftover_root *roots; /* that have been looked at */
	size_t root_count;
};

/* Who answers for a folder. */
struct leftover_scope {
	const struct report *known; /* these mounts' folders are left out: they are reported already; NULL */
	bool live;		    /* only of mounts in KNOWN that stand, or are about to */
	int64_t deadline;	    /* what is not looked through by then counts as unknown; -1: never */
	const struct run *ours;	    /* a driver that its supervisor has left running here counts as leftover; NULL */
};

/* RUN/left, where leftovers are mounted to be uploaded. -1 with *E set: its name is too long. */
int leftover_run(struct run *left, const struct run *run, struct err *e);

/*
 * Looks below the folder ROOT once, and adds to *L (leftover_free()). What cannot be looked at is added as unknown. The folder of a live driver
 * is that driver's own affair, unless SCOPE says otherwise; RUN/left's drivers are no exception: they only upload.
 */
void leftover_find(struct leftovers *l, const char *root, const struct leftover_scope *scope);
void leftover_free(struct leftovers *l);

/* What L amounts to, as an error (CODE_PENDING). Returns -1; 0 where there is none. */
int leftover_error(const struct leftovers *l, struct err *e);

#endif
