/* sup/job.h - a request being carried out: what every kind shares (job.c), and `up`, the longest (up.c). Internal to these two. */

#ifndef SUP_JOB_H
#define SUP_JOB_H

#include "sup/loop.h"

/* ---- job.c ---- */

struct mount *job_find(const struct sup *s, const char *target);

/* M is the supervisor's now. 0, or -1: no memory. */
int job_add(struct sup *s, struct mount *m);
void job_drop(struct sup *s, struct mount *m);

/* Its cache holds what S3 has not, as far as is known. */
bool job_left_files(const struct mount *m);

/* ---- up.c ---- */

/* Starts the check, and the rest where no mount that works has to go for it. 0, or -1 with the job's error set. */
int up_begin(struct sup *s);

/* JOB_CHECK, the check has ended: does S3 take the new settings for one mount at least? Only then are the old mounts touched. */
bool up_accepted(struct sup *s);

/* JOB_STOP: what has to go has gone, or has refused to. */
bool up_others_settled(const struct sup *s);

/* Starts what the plan names and does not stand. 0, or -1 with the job's error set. */
int up_start(struct sup *s);

/* The check's verdicts go to their mounts: a fresh one that is refused goes down again. */
void up_take_verdicts(struct sup *s);

#endif
