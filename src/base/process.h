/* base/process.h - the processes of our PID namespace, from /proc (proc(5), pid_namespaces(7)). */

#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/span.h"

#include <sys/types.h>

struct process {
	pid_t pid, parent;
	bool stopped; /* by SIGSTOP or a tracer: it does nothing until it is let go on */
	bool ended;   /* a zombie: its parent has yet to reap it */
	bool kernel;  /* a thread of the kernel's own, which no signal ends */
};

struct process_table {
	struct process *list; /* by ascending pid */
	size_t count;
};

/*
 * Reads *T, to be freed. -1 with errno: it cannot be read, or /proc is that of another PID namespace (ESRCH), whose numbers mean
 * other processes here.
 */
int process_table_read(struct process_table *t);
void process_table_free(struct process_table *t);

/* The same from the text of a /proc/PID/stat; false: it is none. */
bool process_parse(struct process *p, struct span stat);

const struct process *process_find(const struct process_table *t, pid_t pid);

/* Is PID, or a parent of it, ANCESTOR? */
bool process_descends(const struct process_table *t, pid_t pid, pid_t ancestor);

/* The name of PID (at most 15 bytes, sanitized); "?" where it has none any more. */
#define PROCESS_NAME 24
void process_name(char out[PROCESS_NAME], pid_t pid);

#endif
