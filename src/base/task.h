/*
 * base/task.h - a function run in a child process with a deadline, because it may block for ever: a name look-up, a statfs(2)
 * on a dead mount. The caller never hangs with it.
 *
 * The child writes its answer to a socket and exits. A child in an uninterruptible wait cannot be reaped at once: task_stop()
 * does not wait for it; whoever owns SIGCHLD reaps it later.
 */

#ifndef BASE_TASK_H
#define BASE_TASK_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task {
	bool active;	  /* all zero: no task */
	pid_t pid;	  /* 0: reaped already */
	int out;	  /* a socket, close-on-exec and non-blocking: what the child writes; end-of-file when it is done */
	int64_t deadline; /* of clock_ms(), for the caller's poll loop */
};

/* Runs in the child: writes its answer to OUT and returns the child's exit status. */
typedef int task_fn(void *arg, int out);

/*
 * Starts FN(ARG) in a child with all signals unblocked and at their defaults; it dies with its parent. Returns 0, or -1 with *E
 * set (CODE_FAULT).
 */
int task_start(struct task *t, task_fn *fn, void *arg, int timeout_ms, struct err *e);

/*
 * Each child calls FN(ARG) first, to close what is its parent's alone: a child that cannot be killed (it waits for a file system that hangs) may
 * outlive it, and would keep sockets open on which nobody answers any more.
 */
void task_in_children(void (*fn)(void *arg), void *arg);

/*
 * Kills the child if it still runs, closes the socket, and reaps the child if that takes no waiting. *T is no task afterwards.
 */
void task_stop(struct task *t);

/*
 * As read(2) of what the child writes, without waiting. A descriptor sent along with it (task_send()) is stored in *FD; the one
 * that was there (-1: none) is closed. FD may be NULL if none is expected.
 */
ssize_t task_read(const struct task *t, void *to, size_t size, int *fd);

/* In the child: sends all N bytes at P, with the descriptor FD (-1: none). 0, or -1 with errno set. */
int task_send(int out, const void *p, size_t n, int fd);

/* Leaves the child running as the caller's own (it has become another program); closes the socket. *T is no task afterwards. */
void task_release(struct task *t);

/* To be called by whoever reaps all children, so that the pid is not used any more. */
void task_reaped(struct task *t, pid_t pid);

/*
 * The blocking form: runs FN(ARG) and collects at most SIZE bytes of its answer in ANSWER. Returns the bytes read; -1 with *E
 * set when it could not start (CODE_FAULT) or when the deadline passed (CODE_UNREACHABLE).
 */
ssize_t task_run(task_fn *fn, void *arg, int timeout_ms, void *answer, size_t size, struct err *e);

#endif
