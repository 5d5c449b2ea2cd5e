/* sup/driver.h - the drivers: what each kind of mount needs to be started, asked and stopped. */

#ifndef SUP_DRIVER_H
#define SUP_DRIVER_H

#include "base/arena.h"
#include "plan/plan.h"
#include "rclone/pending.h"

/* What a driver is told of one mount. Strings live as long as the mount. */
struct driver_job {
	const struct plan_mount *spec;
	const char *rclone;	/* the program */
	const char *config;	/* rclone.conf */
	const char *cache_dir;	/* of this mount alone */
	const char *ca_cert;	/* "" where TLS is not used */
	const char *helper_dir; /* leads PATH */
	bool allow_other;
	const char *endpoint; /* of s3_site_identity(); "": not known */
	const char *region, *provider;
	const char *version; /* of rclone, as it says it; "": not known */
	const char *socket;  /* where the driver shall listen to us; "": nowhere */
	unsigned shares;     /* so many mounts have their caches on one disk */
};

struct driver {
	const char *name;
	const char *fstype; /* as the mount table shows it */

	/* The source as the mount table shows it. NULL: no memory. */
	char *(*source)(struct arena *a, const struct plan_mount *spec);

	/*
	 * What it would be started with on TARGET, as a NULL-terminated list: two equal lists are the same driver. NULL with *E set.
	 */
	char **(*command)(struct arena *a, const struct driver_job *job, const char *target, struct err *e);

	/*
	 * In the child that shall become the driver, before it is started: sees to what an earlier one has left. 0; 1: it must not be started while S3
	 * does not answer; or -1 with *E set.
	 */
	int (*prepare)(const struct driver_job *job, struct err *e);

	/* In the child that shall become the driver: starts it on TARGET. Returns only on failure, -1 with *E set. */
	int (*start)(struct arena *a, const struct driver_job *job, const char *target, struct err *e);

	/* In a child: what is not in S3 yet. RUNNING: the driver lives, and is asked too. 0, or -1 with *E set: unknown. */
	int (*pending)(const struct driver_job *job, bool running, struct pending *p, struct err *e);

	/* In a child: has it upload at once what waits for its time, where it knows how. */
	void (*hurry)(const struct driver_job *job);

	/* Why it has ended, from what it has written: the form of rclone_log_cause() (rclone/log.h). */
	void (*cause)(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size);

	/* The signal that ends it once its mount is gone. */
	int stop_signal;
};

extern const struct driver driver_rclone;

#endif
