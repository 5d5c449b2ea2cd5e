/* cmd/setup.h - the first steps of up, check and config: the plan, the endpoint, the directories. */

#ifndef CMD_SETUP_H
#define CMD_SETUP_H

#include "cmd/options.h"
#include "ctl/run.h"
#include "ctl/wire.h"
#include "driver/driver.h"
#include "plan/plan.h"
#include "rclone/version.h"
#include "s3/endpoint.h"

/*
 * Removes the credentials (not what names a proxy: others need that too) from the environment: their bytes are overwritten in place and the variables unset, including those
 * that --env-file and --env-fd gave (env_wipe()).
 */
void setup_scrub(void);

struct setup {
	struct plan plan;
	struct s3_endpoint endpoint;
	struct run run;
	struct rclone_version rclone; /* known once a request has been made of mounts that it drives */
};

/*
 * Reads the plan from O and the environment, from which the credentials, and what names a proxy, are then wiped, so that no child and no reader of
 * /proc/PID/environ finds them. Fills in owners that no option names. Returns 0 or -1 with *E set; *S needs setup_free() in
 * each case.
 */
int setup_read(struct setup *s, const struct options *o, struct err *e);
void setup_free(struct setup *s);

/* The rclone.conf that O, RCLONE_CONFIG or the run directory names. */
struct run_path setup_config(const struct setup *s, const struct options *o);

/* Prints the plan's warnings, "s3mounts: note: …", on stderr. */
void setup_warn(const struct setup *s);

/* For `start --wait`, whose `up` comes later: makes the targets that are known already, and placeholders. 0, or -1 with *E set. */
int setup_make_targets(const struct setup *s, struct err *e);

/* Without credentials: makes the plan's placeholder folders. Returns 0 or -1 with *E set. */
int setup_make_placeholders(const struct setup *s, struct err *e);

/* A request for the supervisor to mount S's plan, and the strings that it points to. */
struct up_request {
	struct request request;
	struct run_path config, ca, cache;
	struct driver_found found;
};

/* Has the driver D find what it needs, into *R, of which the cache is known. Returns 0 or -1 with *E set. */
int setup_locate(struct up_request *r, const struct driver *d, const struct options *o, struct err *e);

/* Has the drivers note what they find, for the first `up`: nothing else comes of it. */
void setup_note_version(const struct options *o);

/*
 * Fills *R. Checks before anything starts: do the drivers find what they need, may FUSE be mounted, is there a run directory
 * (else made), a CA bundle (else written from the built-in authorities). Returns 0, or -1 with *E set; then R holds no
 * credentials. After 0 only R does.
 */
int setup_request(struct up_request *r, struct setup *s, const struct options *o, struct err *e);

#endif
