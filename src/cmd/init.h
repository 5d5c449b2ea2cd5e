/*
 * cmd/init.h - runs a program as our child, with the duties of process 1: signals are forwarded to it, orphans are reaped, it
 * owns the terminal while it runs, and whoever watches us sees it stop (credentials(7), pid_namespaces(7), tcsetpgrp(3)).
 */

#ifndef CMD_INIT_H
#define CMD_INIT_H

#include "cmd/options.h"

#include <signal.h>
#include <sys/types.h>

#define INIT_NOT_FOUND 127 /* as with env(1) */
#define INIT_NOT_STARTED 126

struct init {
	pid_t pid; /* the child; it leads a process group */
	int go;	   /* which it waits for */
	int signals;
	sigset_t mask; /* the caller's */
};

/*
 * Forks the child, which waits. From now on every signal is blocked, and kept for it. It gets O's command, user, and the
 * current environment, without the credentials unless O says to keep them: then with what --env-file and --env-fd gave, too.
 * Returns 0 or -1 with *E set.
 */
int init_prepare(struct init *in, const struct options *o, struct err *e);

/* Ends the waiting child. */
void init_cancel(struct init *in);

/* Lets it run, and returns when it has ended: its exit status, or 128 plus the number of the signal that ended it. */
int init_run(struct init *in);

/* Sends SIG to what is left of its process group. False: nothing is left. */
bool init_signal_rest(const struct init *in, int sig);

#endif
