/* cmd/live.h - on a terminal: a short table of the mounts while waiting for an answer, redrawn in place. */

#ifndef CMD_LIVE_H
#define CMD_LIVE_H

#include "cmd/ask.h"

struct live {
	size_t lines; /* how many are on the screen */
	bool pending; /* show files that are not in S3 yet */
};

/* To be passed to ask(): draws if stderr is a terminal and QUIET is false; else does nothing. */
struct ask_watch live_watch(struct live *l, bool quiet);

/* Erases the table, to be replaced by the answer. */
void live_end(struct live *l);

#endif
