/* cmd/live.h - on a terminal: a short table of the mounts while an answer is waited for, drawn again and again in its place. */

#ifndef CMD_LIVE_H
#define CMD_LIVE_H

#include "cmd/ask.h"

struct live {
	size_t lines; /* how many stand there now */
	bool pending; /* tell of files that are not in S3 yet */
};

/* What to hand to ask(): draws where stderr is a terminal and QUIET is false; else does nothing. */
struct ask_watch live_watch(struct live *l, bool quiet);

/* Takes the table away: the answer stands in its place. */
void live_end(struct live *l);

#endif
