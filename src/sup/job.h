/*
 * sup/job.h - the request that changes something and is carried out now: `up` or `down`, one at a time; others wait for their turn.
 *
 * A job ends when it is done, when its time is over (OVERTIME_MS later at most: what is still under way goes on, and is reported as such), when its
 * client hangs up, or with SIGTERM. After a hang-up what it has started does not go on unseen: what `up` has started and S3 has not yet taken the
 * credentials of goes down, what was to go down and still stands stays.
 */

#ifndef SUP_JOB_H
#define SUP_JOB_H

#include "base/task.h"
#include "ctl/wire.h"
#include "driver/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct sup;
struct client;

enum job_phase {
	JOB_NONE,
	JOB_CHECK, /* up: the check alone, since mounts that work would have to go for new settings, or would be healed with them */
	JOB_STOP,   /* up: mounts that the plan does not name, or names otherwise, go down */
	JOB_SETTLE, /* until every mount has settled, and the check has answered */
};

struct job {
	enum job_phase phase;
	struct client *client; /* NULL: there was none, or it has gone */
	struct arena mem;
	struct request req;
	struct mount **fresh;	  /* up: for each mount of the request the new one, NULL where the one that stands serves */
	struct settings settings; /* up: the drivers', with the keys, until they are stored */
	bool stored;		  /* up: they are what a driver that is started now reads */
	const char *endpoint;	  /* up: its identity */
	struct request
		asked; /* up: REQ with the mounts behind its own that stay and would be started again with the new settings */
	int64_t started, deadline;
	unsigned long since; /* what is pending is known since this moment (sup/look.h) */
	struct task check;   /* up: asks S3, writes a struct verdict for each mount of ASKED */
	struct buf verdicts;
	struct err error; /* of the whole */
	bool abandoned;	  /* its client has gone */
	bool last;	  /* the supervisor ends with it, whatever comes of it */
};

/* Begins the request of C (its message is whole). An answer may be there at once. */
void job_begin(struct sup *s, struct client *c);

/* Begins an `up` that nobody waits for. */
void job_begin_first(struct sup *s, const struct request *first);

/* SIGTERM: ends the job under way and those that wait; flushes and unmounts all, for nobody's answer. */
void job_begin_last(struct sup *s);

/* Mounts that stand here are not there for a caller in another mount namespace, and nothing may be said of them to it: sets *E then. */
bool job_is_elsewhere(const struct request_head *r, struct err *e);

/* Its time is over, and all that it is given to end. */
bool job_is_over(const struct job *j);

/* Something may have changed: goes on with the job as far as that goes. */
void job_step(struct sup *s);

/* The check's pipe is readable. */
void job_read_check(struct sup *s);

/* When job_step() wants to be called at the latest; NEVER. */
int64_t job_deadline(const struct sup *s);

#endif
