/*
 * driver/driver.h - what a kind of mount is to the rest of the program: a const table, chosen once by the mount's type. Commands and supervisor name
 * no driver; they ask the table.
 *
 * A driver's glue (driver/NAME.c) stands before a folder of its own (src/NAME), which knows nothing of this header: only unsent/pending.h and
 * unsent/failures.h, the forms in which each driver tells what waits and what has failed.
 *
 * Where a function runs decides what it may do:
 *	command	  in the command that people call, as the caller: it may block
 *	loop	  in the supervisor: it must neither wait for anybody nor look through a cache; every mount waits for it
 *	child	  in a child of the supervisor, which is killed when its time is over: it may block
 * A function that may be NULL says so. Each that has a struct err *E returns -1 with *E set where it fails, and leaves it alone otherwise.
 */

#ifndef DRIVER_DRIVER_H
#define DRIVER_DRIVER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/creds.h"
#include "plan/plan.h"
#include "s3/check.h"
#include "s3/endpoint.h"
#include "unsent/failures.h"
#include "unsent/pending.h"

#include <limits.h>

#define DRIVERS_MAX 4
#define DRIVER_ID 33 /* hex of 16 bytes, and a NUL */

/* What a driver is told of one mount. Strings live as long as the mount. */
struct driver_job {
	const struct plan_mount *spec;
	const char *program;	     /* as locate() has found it; "" where it needs none */
	const char *program_version; /* as that says it; "": not known */
	const char *config;	     /* the file that prepare() has written */
	const char *cache_dir;	     /* of this mount alone */
	const char *ca_cert;	     /* "" where TLS is not used */
	const char *helper_dir;	     /* leads PATH */
	bool allow_other;
	const char *endpoint;			    /* of s3_endpoint_identity(); "": not known */
	const char *region, *provider, *addressing; /* as in the request for it */
	const char *socket;			    /* where the driver may listen to us; "": nowhere */
	const struct creds *
		creds; /* where it keeps_keys; NULL: not known (of a driver that an earlier supervisor has started), or not kept */
	unsigned shares; /* so many mounts have their caches on one disk */
};

/* What a driver has found on this machine. */
struct driver_found {
	char program[PATH_MAX];
	char version[32]; /* as the program says it, printable; "": not known */
};

struct driver {
	const char *name;	  /* for people and programs */
	enum plan_type type;	  /* driver_find() of it is this driver, also where the plan says "auto" */
	const char *fstype;	  /* as the mount table shows it */
	const char *source_begin; /* what each of its sources begins with, there */
	int stop_signal;	  /* ends it once its mount is gone */
	size_t log_state;	  /* bytes of memory that read_log() wants */
	bool keeps_keys; /* start() or renew() has the keys from memory: the supervisor keeps them while the mount is its own */

	/* ---- command ---- */

	/*
	 * Finds what it needs on this machine: NAMED is what the command line calls its program (NULL: nothing), CACHE_ROOT where something may be noted
	 * for the next time. CODE_MOUNT: it is not there. NULL: it needs nothing.
	 */
	int (*locate)(struct driver_found *f, const char *named, const char *cache_root, struct err *e);

	/* May a mount that is read-only (RO) or not have OPTION ("vfs_write_back=1s")? CODE_USAGE, naming it. */
	int (*check_option)(const char *option, bool ro, struct err *e);

	/* Does OPTION decide how objects are stored, or how the cache is named? Who uploads what a mount has left needs it too. NULL: none does. */
	bool (*is_storage_option)(const char *option);

	/* Do SPEC's options say that whoever asks pays (s3_requester_pays)? NULL: they never do. */
	bool (*requester_pays)(const struct plan_mount *spec);

	/*
	 * What of this driver's files in CACHE_DIR, which no driver uses, is not in S3: fills *P. SPEC says which part of a path is above the mount (its prefix
	 * may be ""). CODE_FAULT: unknown, also where it is not done by DEADLINE. NULL: it never leaves any.
	 */
	int (*leftovers)(
		const char *cache_dir, const struct plan_mount *spec, int64_t deadline, struct pending *p, struct err *e);

	/*
	 * Where they belong, as far as the files themselves tell it, for a folder in which nothing is written down: sets bucket and prefix of *SPEC, in A.
	 * Returns 1 where that is all; 0 where the mount had options that are not known; -1: they tell nothing. NULL: they never do.
	 */
	int (*place)(struct arena *a, const char *cache_dir, struct plan_mount *spec);

	/*
	 * Changes in *SITE what the options of SPEC change in how this driver asks S3, for the check to ask likewise. CODE_USAGE: an option has no effect
	 * there. NULL: none does.
	 */
	int (*site)(const struct plan_mount *spec, struct s3_endpoint *site, struct err *e);

	/* ---- command and loop: pure ---- */

	/* The source as the mount table shows it. NULL: no memory. */
	char *(*source)(struct arena *a, const struct plan_mount *spec);

	/* Names the cache of SPEC at the site ENDPOINT: the form of driver_identify(), which serves. */
	void (*identify)(char id[DRIVER_ID], const char *endpoint, const struct plan_mount *spec, bool with_target);

	/* ---- loop, once for all of its mounts in an `up` ---- */

	/*
	 * What its mounts have in common, appended to OUT, which is wiped: it may hold the keys. A mount with other settings than before is another one.
	 * CODE_USAGE, CODE_FAULT. NULL: nothing.
	 */
	int (*settings)(struct buf *out, const struct s3_endpoint *site, const struct creds *creds, struct err *e);

	/* Writes these SETTINGS to the file CONFIG, as a whole or not at all. CODE_USAGE, CODE_FAULT. NULL: it needs no file. */
	int (*prepare)(const char *config, struct span settings, struct err *e);

	/* Takes out of CONFIG what prepare() has written; nothing of it there is no error. NULL where prepare() is. */
	int (*forget)(const char *config, struct err *e);

	/* ---- loop, for one mount: pure ---- */

	/* Is it known of this program that each question for an extended attribute of a file fails with EIO, and said where that is known? NULL: of none. */
	bool (*fails_xattrs)(const struct driver_job *job);

	/* What it would be started with on TARGET, as a NULL-terminated list: two equal lists are the same driver. NULL with *E set. */
	char **(*command)(struct arena *a, const struct driver_job *job, const char *target, struct err *e);

	/* Takes what it has appended to its log since the last call, which may begin and end in the middle of a line. STATE is zeroed at first. NULL: nothing. */
	void (*read_log)(void *state, struct span text, struct failures *f);

	/* Why it has ended or never mounted, from its LOG: a sentence, and what to do about it; both "" where it tells nothing. Nothing secret. */
	void (*explain_log)(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size);

	/* ---- child ---- */

	/*
	 * In the child that shall become the driver, before start(): sees to what an earlier one has left in the cache, which is ours alone. Its output is the
	 * driver's log. 0; 1: it must not be started while S3 does not answer; -1. NULL: nothing.
	 */
	int (*recover)(const struct driver_job *job, struct err *e);

	/*
	 * In the child that shall become the driver, a session of its own, its output the driver's log: starts it on TARGET. It may execve(2), or run here and
	 * exit(2): then it begins with driver_detach(). Returns only on failure, -1.
	 */
	int (*start)(struct arena *a, const struct driver_job *job, const char *target, struct err *e);

	/* What is not in S3 yet: fills *P. RUNNING: the driver lives, and is asked too. -1: it is unknown. */
	int (*pending)(const struct driver_job *job, bool running, struct pending *p, struct err *e);

	/*
	 * The driver runs: has it upload at once what waits for its time, where it knows how. It need not wait for that: pending() is asked behind it.
	 * NULL: nothing of it waits.
	 */
	int (*flush)(const struct driver_job *job, struct err *e);

	/* The driver runs: gives it the keys in job->creds, in place of those that it has. -1: it must be replaced. NULL: it always must. */
	int (*renew)(const struct driver_job *job, struct err *e);

	/* The keys that a driver of JOB would be started with, in *C: wipe it. 0, or -1: they are not there. NULL where recover() never returns 1. */
	int (*keys)(const struct driver_job *job, struct creds *c);
};

/* ---- which there are (drivers.c) ---- */

/* All of them, NULL behind the last; at most DRIVERS_MAX. */
extern const struct driver *const drivers[];

/* The one for TYPE; NULL: this build has none. */
const struct driver *driver_find(enum plan_type type);

/* ---- what they share (driver.c) ---- */

/* driver_find() for SPEC; NULL with *E set (CODE_MOUNT). */
const struct driver *driver_of(const struct plan_mount *spec, struct err *e);

/* What S3 is asked of for SPEC at SITE, as its driver asks it. 0, or -1 with *E set: it may not have these options there. */
int driver_place(const struct plan_mount *spec, const struct s3_endpoint *site, struct s3_place *p, struct err *e);

/* Hex of SHA-256's first 16 bytes over the COUNT parts, each with its end. */
void driver_hash(char out[DRIVER_ID], const struct span *parts, size_t count);

/*
 * The id of a cache of SPEC's bucket and prefix at the site ENDPOINT (s3_endpoint_identity()): the same wherever it is mounted. WITH_TARGET: of one more
 * mount of the same, beside the first.
 */
void driver_identify(char id[DRIVER_ID], const char *endpoint, const struct plan_mount *spec, bool with_target);

/*
 * For a driver that runs in the child itself: closes what execve(2) would have closed, the supervisor's listener and its clients among it. Locks
 * that a driver holds by its descriptors stay.
 */
void driver_detach(void);

#endif
