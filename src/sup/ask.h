/* sup/ask.h - a command's side of the control socket. */

#ifndef SUP_ASK_H
#define SUP_ASK_H

#include "sup/run.h"
#include "sup/wire.h"

/* Told of the state of things while the answer is waited for: each EVERY_MS, and never where TICK is NULL. */
struct ask_watch {
	void (*tick)(void *arg, const struct report *now);
	void *arg;
	int every_ms;
};

/*
 * Sends REQ to the supervisor of RUN and waits for its report, until TIMEOUT_MS beyond the request's own. With START it starts one where
 * none runs (in the background, away from the caller's descriptors and session); without, returns 1 where none runs. Returns 0 with *R (its
 * strings in A), or -1 with *E set. RUN is prepared where START is given.
 */
int ask(const struct run *run, bool start, struct request *req, const struct ask_watch *w, struct arena *a, struct report *r,
	struct err *e);

#endif
