/*
 * cmd/remaining.h - what a program that has ended has left running: asked to end, then killed, so that nobody writes any more
 * while its files are uploaded.
 *
 * As process 1 that is every process of the PID namespace; else what descends from us, who reap its orphans (prctl(2),
 * PR_SET_CHILD_SUBREAPER). Never threads of the kernel, nor the processes that are spared, and what descends from these.
 */

#ifndef CMD_REMAINING_H
#define CMD_REMAINING_H

#include "base/arena.h"
#include "base/process.h"

struct spared {
	struct arena mem; /* all zero: none */
	pid_t *list;
	size_t count;
};

/* PID 0 is nobody. */
void spared_add(struct spared *s, pid_t pid);
void spared_free(struct spared *s);

/* Is there anybody? Also true where the processes cannot be read. */
bool remaining_any(const struct spared *s);

/*
 * SIGTERM to each (and SIGCONT, for one that is stopped), to one that appears later too; SIGKILL to those that are there after
 * TERM_MS. Returns as soon as nobody is left, or KILL_MS later. Reaps our children. On stderr, in the name of COMMAND: who was
 * killed, and who could not be ended.
 */
void remaining_end(const char *command, const struct spared *s, int term_ms, int kill_ms);

#endif
