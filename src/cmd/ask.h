/* cmd/ask.h - a command's side of the control socket. */

#ifndef CMD_ASK_H
#define CMD_ASK_H

#include "ctl/run.h"
#include "ctl/wire.h"

/* Told of the state of things while the answer is waited for: each EVERY_MS, and never where TICK is NULL. */
struct ask_watch {
	void (*tick)(void *arg, const struct report *now);
	void *arg;
	int every_ms;
};

/* Where nobody serves: shall a supervisor be started (in the background, away from the caller's descriptors and session)? */
enum ask_start {
	ASK_NEVER,
	ASK_INHERIT, /* where one was killed: the new one takes over what that has left */
	ASK_START,
};

/*
 * Sends REQ to the supervisor of RUN and waits for its report: for how things are a few seconds, for the rest until a grace beyond the request's own
 * time, of which REQ then holds what was left. Returns 0 with *R (its strings in A), 1 where none runs and none was started, or -1 with *E set.
 */
int ask(const struct run *run, enum ask_start start, struct request *req, const struct ask_watch *w, struct arena *a,
	struct report *r, struct err *e);

#endif
