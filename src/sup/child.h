/* sup/child.h - what the supervisor has done by children, since it may block: their work, and the answer that each writes to its pipe. */

#ifndef SUP_CHILD_H
#define SUP_CHILD_H

#include "base/task.h"
#include "mnt/target.h"
#include "sup/mount.h"

enum answer_kind { ANSWER_DONE, ANSWER_BUSY, ANSWER_ERROR };

struct answer {
	enum answer_kind kind;
	struct mnt_ready ready; /* of child_launch() */
	struct err e;		/* of ANSWER_ERROR */
};

/*
 * Makes the target ready and becomes the driver of the struct mount ARG, in a session of its own, with its output appended to the log in RUN.
 * Answers ANSWER_DONE before it becomes the driver; an ANSWER_ERROR behind that one means that it could not. Where the mount stands already
 * it only answers.
 */
task_fn child_launch;

/* Asks statfs(2) of the mount ARG. */
task_fn child_probe;

/* Unmounts ARG, never what is not ours; ANSWER_BUSY where it is in use and not m->lazy. */
task_fn child_unmount;

/* The last whole answer in HAVE; NULL: none. */
const struct answer *child_answer(const struct buf *have);

/* What a driver may have written for people: the last telling line behind offset FROM of its log, in OUT; "" where there is none. */
void child_last_words(const struct mount *m, char *out, size_t size);

struct run_path child_log(const struct mount *m);

/* The size of the driver's log, made small first where it has grown over LOG_MAX. */
long child_log_start(const struct mount *m);

#endif
