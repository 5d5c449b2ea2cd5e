/* sup/child.h - what the supervisor has done by children, since it may block: their work, and the answer that each writes to its pipe. */

#ifndef SUP_CHILD_H
#define SUP_CHILD_H

#include "base/task.h"
#include "mnt/target.h"
#include "sup/mount.h"

enum answer_kind {
	ANSWER_DONE,
	ANSWER_STATFS,	 /* of child_probe(): statfs(2) has been answered, the listing not yet */
	ANSWER_UNLISTED, /* and that has failed: E says why */
	ANSWER_BUSY,
	ANSWER_ERROR,
};

struct answer {
	enum answer_kind kind;
	struct mnt_ready ready; /* of child_launch() */
	int64_t below_since;	/* of child_launch(), with the descriptor of the plain folder below; 0: none comes with it */
	struct err layer;	/* of child_launch(): why no layer stands there; CODE_OK: one does */
	bool fails_xattrs; /* of child_probe()'s ANSWER_DONE: a file in its root has been asked for an extended attribute, EIO came */
	uint64_t cache_free; /* of ANSWER_STATFS: bytes on the disk of its cache; UINT64_MAX: not known */
	struct err e;	     /* of ANSWER_ERROR, ANSWER_UNLISTED */
};

/* Of child_look(). */
struct look_answer {
	struct pending pending, stray; /* as in struct mount */
	struct err e;		       /* code CODE_OK: none */
};

/*
 * Makes the target ready and becomes the driver of the struct mount ARG, in a session of its own, with its output appended to the log in RUN.
 * Answers ANSWER_DONE before it becomes the driver; an ANSWER_ERROR behind that one means that it could not. Where the mount stands already
 * it only answers.
 */
task_fn child_launch;

/*
 * Asks statfs(2) of the mount ARG (ANSWER_STATFS), then a listing of its root, for which the driver has to ask S3: statfs(2) is answered from
 * memory. The listing waits for a rename in that folder. Where that came soon, a file in it is asked for an extended attribute too.
 */
task_fn child_probe;

/* Unmounts ARG, never what is not ours; ANSWER_BUSY where it is in use and not m->lazy. */
task_fn child_unmount;

/* Takes the layer away that stands at ARG's target. */
task_fn child_clear;

/* Looks for what of ARG is not in S3 yet; writes a struct look_answer. */
task_fn child_look;

/* Gives ARG's driver the keys in m->keys. Answers ANSWER_DONE, or ANSWER_ERROR: it must be replaced. */
task_fn child_renew;

/* The last whole answer in HAVE; NULL: none. */
const struct answer *child_answer(const struct buf *have);

#endif
