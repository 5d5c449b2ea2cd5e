/*
 * cmd/init.h - runs a program as our child, with the duties of process 1: signals are forwarded to it, orphans are reaped, it
 * owns the terminal while it runs, and whoever watches us sees it stop (credentials(7), pid_namespaces(7), tcsetpgrp(3)).
 */

#ifndef CMD_INIT_H
#define CMD_INIT_H

#include "cmd/options.h"

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#define INIT_NOT_FOUND 127 /* as with env(1) */
#define INIT_NOT_STARTED 126
#define INIT_NEVER (-1)

struct init {
	pid_t pid; /* the child; it leads a process group */
	int go;	   /* which it waits for */
	int signals;
	sigset_t mask;	 /* the caller's */
	int stop_ms;	 /* how long the end may take, from SIGTERM on */
	int64_t asked;	 /* when SIGTERM came first; INIT_NEVER */
	int64_t stop_at; /* the child is killed, or (KILLED) given up */
	bool killed;
	int news; /* a supervisor's (sup/serve.h): a pipe that is read while the child runs, and then closed; -1: none */
};

/*
 * Forks the child, which waits. From now on every signal is blocked, and kept for it. It gets O's command, user, and the
 * current environment, without the credentials unless O says to keep them: then with what --env-file and --env-fd gave, too.
 * Returns 0 or -1 with *E set.
 */
int init_prepare(struct init *in, const struct options *o, struct err *e);

/* Ends the waiting child. */
void init_cancel(struct init *in);

/*
 * Lets it run, and returns when it has ended: its exit status, or 128 plus the number of the signal that ended it. Every signal
 * is forwarded to it; a third of STOP_MS after the first SIGTERM it is killed, which is told on stderr. One that does not end of
 * that (it waits in the kernel) is left after as long again. What NEWS says goes to stderr.
 */
int init_run(struct init *in);

#endif
