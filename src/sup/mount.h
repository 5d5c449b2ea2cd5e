/*
 * sup/mount.h - one mount. Where it is, is its state; what is wanted of it, its goal; how an event leads from one state to the next, a const table
 * (sup/states.c). What may block (target, statfs, umount) runs in a child with a deadline: the supervisor never touches a mount's file system.
 */

#ifndef SUP_MOUNT_H
#define SUP_MOUNT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/task.h"
#include "ctl/run.h"
#include "driver/driver.h"
#include "mnt/table.h"
#include "s3/check.h"

/* Where it is. */
enum mount_state {
	MOUNT_DOWN,	 /* nothing of it stands */
	MOUNT_WAIT,	 /* to be launched as soon as nothing is in its way: it may lie in another mount (sup/nest.h) */
	MOUNT_LAUNCH,	 /* a child makes the target ready, then becomes the driver */
	MOUNT_START,	 /* the driver runs, the mount table does not show it yet */
	MOUNT_PROVE,	 /* the table shows it; statfs(2) and a listing are asked */
	MOUNT_UP,	 /* proven */
	MOUNT_UNHEALTHY, /* was proven; does not answer now, or something covers it */
	MOUNT_RENEW,	 /* its driver is given new keys */
	MOUNT_DRAIN,	 /* to go down: waits until nothing is pending, and nothing stands in it */
	MOUNT_DETACH,	 /* umount(2) is under way */
	MOUNT_STOP,	 /* waits until the driver has ended and the table is clear */
	MOUNT_LEFT,	 /* has ended: what it has left in its cache is looked for */
	MOUNT_CLEAR,	 /* the layer under it is taken away */
	MOUNT_BACKOFF,	 /* its driver died: will be started again */
	MOUNT_FAILED,	 /* given up, for the reason in ERROR */
	MOUNT_STATES
};

/* What is wanted of it. From GOAL_UP on it shall be up in the end. */
enum mount_goal {
	GOAL_DOWN,     /* down, once all of it is in S3 */
	GOAL_HANDOVER, /* the same; what it cannot upload in time, the mount that follows it, with its cache, will */
	GOAL_ABORT,    /* down at once, and failed, for the reason in ERROR; what is not in S3 stays in its cache */
	GOAL_UP,
	GOAL_REPLACE, /* down as by GOAL_DOWN, then up again with another driver process */
};

enum mount_event {
	EVENT_START,	    /* it shall be up */
	EVENT_PROBE,	    /* prove it again */
	EVENT_RENEW,	    /* give its driver the new keys */
	EVENT_STOP,	    /* it shall be down: drain, then unmount */
	EVENT_ABORT,	    /* unmount now; what is pending stays in the cache for the next time */
	EVENT_DONE,	    /* the child that was asked has answered well */
	EVENT_REFUSED,	    /* it has answered with an error */
	EVENT_BUSY,	    /* umount: somebody uses it */
	EVENT_SHOWN,	    /* the table shows it, topmost */
	EVENT_GONE,	    /* the table does not show it */
	EVENT_COVERED,	    /* the table shows something else on top of it */
	EVENT_EXIT,	    /* the driver has ended, or the last of what it started */
	EVENT_PENDING,	    /* what is pending has been looked for */
	EVENT_CLEAR,	    /* nothing shall stand at its target any more */
	EVENT_LISTED,	    /* a listing that was given up has come to its end */
	EVENT_READY,	    /* it may be launched */
	EVENT_OUTER_FAILED, /* what it lies in is not up, and will not be soon */
	EVENT_OUTER_GOES,   /* what it lies in cannot keep it */
	EVENT_INNER_STAYS,  /* what lies in it could not go down */
	EVENT_TIME,	    /* m->deadline has passed */
	EVENT_COUNT
};

#define MOUNT_ID DRIVER_ID
#define MOUNT_NOTES 8
#define MOUNT_HISTORY 12
#define NEVER (-1)
#define MOUNT_START_MS 30000 /* to come up, where nobody says how long: as a driver that is started again by itself */

struct mount {
	struct arena mem; /* strings of SPEC and JOB, SOURCE */
	struct plan_mount spec;
	struct driver_job job;
	const struct driver *driver;
	struct creds *keys; /* JOB's, where its driver has them from memory; else NULL */
	const struct run *run;
	char *source;
	char id[MOUNT_ID];	    /* names its cache folder and its files in RUN (sup/cache.h) */
	char fingerprint[MOUNT_ID]; /* of the driver's command and config */
	char options[MOUNT_ID];	    /* of the command alone */

	struct mount *beside; /* the supervisor's mounts are a ring */
	struct mount *outer;  /* of these the one in whose folder its target lies; NULL: none (sup/nest.h) */

	enum mount_state state;
	enum mount_goal goal;

	/* How it shall get there. */
	bool lazy;	   /* going down: detach it even when it is busy */
	bool upload_now;   /* somebody waits for its files: they do not wait for their time */
	bool replace_hung; /* a driver that hangs is replaced at once */
	bool keep_layer;   /* going down: the layer stays, for the mount that follows it, or until all are down */

	/* What is known of it. */
	bool checking;	       /* whether S3 takes its credentials is asked: until it is known it is not up */
	bool down_failed;      /* could not go down: ERROR says why, beyond the next proof; being late is no reason to end it */
	bool not_asked;	       /* it could not be asked: this machine had no process to spare */
	bool not_ours;	       /* what stands at the target is not ours to unmount */
	bool proven;	       /* has been up since it was wanted */
	bool driver_started;   /* once at least */
	bool was_up;	       /* it, or one before it at its target: the layer stays until it is down */
	enum mount_state then; /* of MOUNT_LEFT and MOUNT_CLEAR: MOUNT_DOWN or MOUNT_FAILED follows */
	unsigned next;	       /* the states in which it may come next (sup/states.c) */
	int64_t deadline;      /* of the state: EVENT_TIME; NEVER */
	int64_t busy_until;    /* NEVER, or until when a busy mount is tried again */
	int stop_stage;	       /* how far the end of the driver has been escalated */
	int64_t give_up;       /* of what was asked: to be up, or down, by then */
	char *path;	       /* the target as the mount table shows it; NULL: not known yet */

	pid_t pid;	 /* the driver; 0: none */
	pid_t group;	 /* its process group; 0: not known (of an earlier supervisor) */
	int pidfd;	 /* of a driver that an earlier supervisor started: it is no child of ours; else -1 */
	int exit_status; /* of waitpid(2), of the last driver */
	struct task task;
	struct buf answer;	   /* of the task */
	pid_t listing_pid;	   /* a child that waits for a listing, and was killed; 0: none */
	long log_from;		   /* where this driver's log begins */
	long log_read;		   /* and how far it has been read into FAILURES */
	struct failures *failures; /* NULL: it has said nothing yet */
	char refusal[640];	   /* what S3 has refused, as it was reported; "": nothing */
	char dropped
		[192]; /* what a driver has said of a file that it has dropped, since the mount was asked for; "": nothing */
	int below;     /* the plain folder under the mount; -1: not known */
	int64_t below_since; /* what changes in it after this time is under the mount: nanoseconds since 1970; 0: not known */
	bool covers_files;   /* that folder held files before */

	struct task look;	     /* for what is pending (sup/look.h) */
	struct buf found;	     /* its answer */
	unsigned long look_stamp;    /* when it was started */
	unsigned long pending_stamp; /* when the look was started that PENDING comes from; 0: there was none */
	unsigned long wanted_stamp;  /* MOUNT_DRAIN, MOUNT_LEFT: an older look will not do */
	int look_ms;		     /* what the last one took */
	bool pending_known;	     /* false: PENDING_ERROR says why */
	struct pending pending;	     /* in its cache */
	struct pending stray;	     /* under the mount, in the plain folder: no driver will upload them */
	struct err pending_error;
	bool hung;	     /* the last proof failed, and waiting will not help */
	int64_t late_since;  /* its root is not listed, and its driver has done nothing since then; NEVER: neither is known */
	uint64_t late_bytes; /* read and written by its driver until then */

	int64_t started; /* when it was asked to be up */
	long ms;	 /* what that took */
	long restarts;
	int tries; /* failures in a row */
	int64_t up_since;
	int64_t failed_at; /* it was up, and shall be again: since when it is not; 0: it is */
	struct err error;  /* code CODE_OK: none */
	const char *why;   /* it is launched, for its notes; NULL */
	char *notes[MOUNT_NOTES];
	size_t note_count;
	struct verdict check;	      /* kind NULL: not asked */
	const char *reported;	      /* the state that HISTORY ends with; NULL: none */
	char *history[MOUNT_HISTORY]; /* what has become of it, the oldest first: "TIME WORDS" */
	size_t history_count;
};

/* It shall be up in the end. */
static inline bool mount_wanted(const struct mount *m)
{
	return m->goal >= GOAL_UP;
}

/* Its driver runs, or what that has started: its mount helper may outlive it by a moment, and still mount. */
bool mount_running(const struct mount *m);

/* It was up, and is not known to be just now: it is proven again, or its driver gets new keys first. */
static inline bool mount_unproven(const struct mount *m)
{
	return (m->state == MOUNT_PROVE || m->state == MOUNT_RENEW) && m->proven;
}

/* An entry of the mount table is this mount's. */
bool mount_ours(const struct mount *m, const struct mnt_entry *entry);

/* Where it stands, as far as is known: with links resolved once the target has been made ready. */
const char *mount_path(const struct mount *m);

/* What the table says of it: EVENT_SHOWN, EVENT_GONE, EVENT_COVERED. */
enum mount_event mount_seen(const struct mount *m, const struct mnt_table *t);

/* Nothing is under way: it stands, or has failed, or is down. */
bool mount_settled(const struct mount *m);

/* Something is under way for it, or its driver runs. */
bool mount_active(const struct mount *m);

/* Something of it stands, or may stand: that, or an entry in TABLE; NULL: a table that cannot be read. */
bool mount_stands(const struct mount *m, const struct mnt_table *table);

/* The state's name for people and programs. */
const char *mount_state_name(const struct mount *m);

/* Into the log and the history, from which the oldest goes. */
void mount_report(struct mount *m, const char *text);

/* Sets its error, and reports it. */
void mount_set_error(struct mount *m, const struct err *e);

/* Something that people should know of it (a copy of TEXT), once. */
void mount_note(struct mount *m, const char *text);
void mount_forget_notes(struct mount *m);

#endif
