/*
 * cmd/init.h - a program as our child, with the duties of a first process: signals go on to it, orphans are reaped, the terminal is its own while
 * it runs, and whoever watches us sees it stop (credentials(7), pid_namespaces(7), tcsetpgrp(3)).
 */

#ifndef CMD_INIT_H
#define CMD_INIT_H

#include "cmd/options.h"

#include <signal.h>
#include <sys/types.h>

#define INIT_NOT_FOUND 127 /* as env(1) ends */
#define INIT_NOT_STARTED 126

struct init {
	pid_t pid; /* the child; it leads a process group */
	int go;	   /* what it waits for */
	int signals;
	sigset_t mask; /* the caller's */
};

/*
 * Makes the child, which waits. From here on every signal is blocked, and kept for it. It takes O's command, user, and the environment as it is
 * now, without the credentials unless O says to keep them: then what --env-file and --env-fd gave is in it too. Returns 0 or -1 with *E set.
 */
int init_prepare(struct init *in, const struct options *o, struct err *e);

/* Ends the child that waits. */
void init_cancel(struct init *in);

/* Lets it go, and returns when it has ended: its exit status, 128 and the signal's number where one ended it. */
int init_run(struct init *in);

/* Sends SIG to what is left of its process group. False: nothing is. */
bool init_signal_rest(const struct init *in, int sig);

#endif
