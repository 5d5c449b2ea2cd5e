/* sup/up.h - the job `up`, the longest: what stands serves where nothing has changed, what has to go goes first. Internal to sup/job.c. */

#ifndef SUP_UP_H
#define SUP_UP_H

#include "sup/sup.h"

/* Starts the check, and the rest where no mount that works has to go for it. 0, or -1 with the job's error set. */
int up_begin(struct sup *s);

/* JOB_CHECK, the check has ended: does S3 take the new settings for one mount at least? Only then are the old mounts touched. */
bool up_accepted(struct sup *s);

/* JOB_STOP: what has to go has gone, or has refused to. */
bool up_others_settled(const struct sup *s);

/* Starts what the plan names and does not stand. 0, or -1 with the job's error set. */
int up_start(struct sup *s);

/* JOB_STOP, and the time is over: what still stands stays, and nothing else is mounted (JOB_SETTLE follows). */
void up_give_up_stop(struct sup *s);

/* The check's verdicts go to their mounts: one that waits for its verdict, and is refused, goes down again. */
void up_take_verdicts(struct sup *s);

/* Its client has gone: see sup/job.h. */
void up_cancel(struct sup *s);

#endif
