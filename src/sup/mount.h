/*
 * sup/mount.h - one mount's life: a const table [state][event] (sup/mount.c). What may block (target, statfs, umount) runs in a child with
 * a deadline; the supervisor itself never touches a mount's file system.
 */

#ifndef SUP_MOUNT_H
#define SUP_MOUNT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/task.h"
#include "driver/driver.h"
#include "mnt/table.h"
#include "s3/check.h"
#include "sup/run.h"

enum mount_state {
	MOUNT_DOWN,    /* nothing of it stands */
	MOUNT_LAUNCH,  /* a child makes the target ready, then becomes the driver */
	MOUNT_START,   /* the driver runs, the mount table does not show it yet */
	MOUNT_PROVE,   /* the table shows it, statfs(2) is asked */
	MOUNT_UP,      /* proven */
	MOUNT_SICK,    /* was proven; does not answer now, or something covers it */
	MOUNT_DRAIN,   /* to go down: waits until nothing is pending */
	MOUNT_DETACH,  /* umount(2) is under way */
	MOUNT_STOP,    /* waits until the driver has ended and the table is clear */
	MOUNT_LEFT,    /* has ended: what it has left in its cache is looked for */
	MOUNT_CLEAR,   /* the layer under it is taken away */
	MOUNT_BACKOFF, /* its driver died: will be started again */
	MOUNT_FAILED,  /* given up, for the reason in ERROR */
	MOUNT_STATES
};

enum mount_event {
	EVENT_START,   /* it is wanted */
	EVENT_PROBE,   /* prove it again */
	EVENT_STOP,    /* it is not wanted: drain, then unmount */
	EVENT_ABORT,   /* unmount now; what is pending stays in the cache for the next time */
	EVENT_DONE,    /* the child that was asked has answered well */
	EVENT_REFUSED, /* it has answered with an error */
	EVENT_BUSY,    /* umount: somebody uses it */
	EVENT_SHOWN,   /* the table shows it, topmost */
	EVENT_GONE,    /* the table does not show it */
	EVENT_COVERED, /* the table shows something else on top of it */
	EVENT_EXIT,    /* the driver has ended */
	EVENT_PENDING, /* what is pending has been looked for */
	EVENT_CLEAR,   /* nothing shall stand at its target any more */
	EVENT_LISTED,  /* a listing that was given up has come to its end */
	EVENT_TIME,    /* m->deadline has passed */
	EVENT_COUNT
};

#define MOUNT_ID DRIVER_ID
#define MOUNT_NOTES 4
#define MOUNT_HISTORY 12
#define NEVER (-1)

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

	enum mount_state state;
	bool wanted;	/* shall be up; false: on its way down */
	bool lazy;	/* going down: detach it even when it is busy */
	bool hurry;	/* somebody waits for its files: they are uploaded at once */
	bool heir;	/* going down for another driver with the same cache: what this one cannot upload, that one will */
	bool aborted;	/* going down for the reason in ERROR */
	bool outdated;	/* adopted with another command or config: replaced once it is drained */
	bool kept;	/* could not go down: ERROR tells why, beyond the next proof; being late is no reason to end it */
	bool insist;	/* `up` asks for it: a driver that hangs is replaced at once */
	bool foreign;	/* what stands at the target is not ours to unmount */
	bool successor; /* going down for another mount at its target: the layer stays */
	bool fresh;	/* started by the job under way: goes down again where the check refuses */
	bool proven;	/* has been up since it was wanted */
	bool ran;	/* a driver of it has been started */
	bool held;	/* it, or one before it at its target, has been up: the layer stays until it is down */
	enum mount_state then; /* of MOUNT_LEFT and MOUNT_CLEAR: MOUNT_DOWN or MOUNT_FAILED follows */
	int64_t deadline;      /* of the state; NEVER */
	int64_t busy_until;    /* NEVER, or until when a busy mount is tried again */
	int stop_stage;	       /* how far the driver has been urged to end */
	int64_t give_up;       /* of what was asked: to be up, or down, by then */
	char *path;	       /* the target as the mount table shows it; NULL: not known yet */

	pid_t pid;	 /* the driver; 0: none */
	pid_t group;	 /* its process group; 0: not known (of an earlier supervisor) */
	int pidfd;	 /* of a driver that an earlier supervisor started: it is no child of ours; else -1 */
	int exit_status; /* of waitpid(2), of the last driver */
	struct task task;
	struct buf answer;	   /* of the task */
	pid_t lister;		   /* a child that asks for a listing, and was told to end; 0: none */
	long log_from;		   /* where this driver's log begins */
	long log_read;		   /* and how far it has been read into FAILURES */
	struct failures *failures; /* NULL: it has said nothing yet */
	char refusal[640];	   /* what S3 has refused, as it was told; "": nothing */
	char dropped
		[192]; /* what a driver has said of a file that it has dropped, since the mount was asked for; "": nothing */
	int below;     /* the plain folder under the mount; -1: not known */
	int64_t below_since; /* what changes in it after this time is under the mount: nanoseconds since 1970; 0: not known */
	bool covers;	     /* that folder held files before */

	struct task look;	     /* for what is pending (sup/look.h) */
	struct buf found;	     /* its answer */
	unsigned long look_stamp;    /* when it was begun */
	unsigned long pending_stamp; /* when the look was begun that PENDING comes from; 0: there was none */
	unsigned long wanted_stamp;  /* MOUNT_DRAIN, MOUNT_LEFT: an older look will not do */
	int look_ms;		     /* what the last one took */
	bool pending_known;	     /* false: PENDING_ERROR tells why */
	struct pending pending;	     /* in its cache */
	struct pending stray;	     /* under the mount, in the plain folder: no driver will upload them */
	struct err pending_error;
	bool hung;	     /* the last proof failed, and waiting will not help */
	int64_t late_since;  /* its root is not listed, and its driver has done nothing since then; NEVER: neither is known */
	uint64_t late_bytes; /* read and written by its driver until then */

	int64_t begun; /* when it was asked to be up */
	long ms;       /* what that took */
	long restarts;
	int tries; /* failures in a row */
	int64_t up_since;
	struct err error; /* code CODE_OK: none */
	const char *why;  /* it is launched, for its notes; NULL */
	char *notes[MOUNT_NOTES];
	size_t note_count;
	struct verdict check;	      /* kind NULL: not asked */
	const char *told;	      /* the state that HISTORY ends with; NULL: none */
	char *history[MOUNT_HISTORY]; /* what has become of it, the oldest first: "TIME WORDS" */
	size_t history_count;
};

/*
 * A mount for SPEC, in the heap, state MOUNT_DOWN; JOB's strings are copied, its cache_dir is CACHE_ROOT/ID. SETTINGS are those
 * of its driver, for the fingerprint. NULL with *E set.
 */
struct mount *mount_new(const struct run *run, const struct plan_mount *spec, const struct driver_job *job, const char *id,
	const char *cache_root, struct span settings, struct err *e);

/* The same without FINGERPRINT; ID need not end behind its 32 bytes, JOB has a cache_dir. */
struct mount *mount_make(
	const struct run *run, const struct plan_mount *spec, const struct driver_job *job, const char *id, struct err *e);
void mount_free(struct mount *m);

/* Takes event EV. TABLE is the mount table as it is now, NULL where it cannot be read. */
void mount_event(struct mount *m, enum mount_event ev, const struct mnt_table *table);

/* Looks for it in TABLE and takes EVENT_SHOWN, EVENT_GONE or EVENT_COVERED. */
void mount_look(struct mount *m, const struct mnt_table *table);

/* The task's pipe is readable: reads, and when the answer is whole takes EVENT_DONE, EVENT_REFUSED or EVENT_BUSY. */
void mount_read(struct mount *m, const struct mnt_table *table);

/* Child PID has ended; true when it was this mount's driver. */
bool mount_reap(struct mount *m, pid_t pid, int status, const struct mnt_table *table);

/* An adopted driver's pidfd is readable: it has ended. */
void mount_adopted_end(struct mount *m, const struct mnt_table *table);

/* Nothing is under way: it stands, or has failed, or is down. */
bool mount_settled(const struct mount *m);

/* Something is under way for it, or its driver runs. */
bool mount_active(const struct mount *m);

/* Something of it stands, or may stand: that, or an entry in TABLE; NULL: a table that cannot be read. */
bool mount_stands(const struct mount *m, const struct mnt_table *table);

/* The state's name for people and programs. */
const char *mount_state_name(const struct mount *m);

/* The name of the layers of RUN in the mount table (mnt/layer.h). */
struct run_path mount_layer(const struct run *run);

/* Takes it down for the reason E (EVENT_ABORT). */
void mount_abort(struct mount *m, const struct err *e, const struct mnt_table *table);

#endif
