/* cmd/setup.h - what up, check and config begin with: the plan, the endpoint, the directories. */

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
 * Takes the credentials out of the environment: their bytes are overwritten in place, and the variables are gone; what --env-file and
 * --env-fd gave goes too (env_wipe()).
 */
void setup_scrub(void);

struct setup {
	struct plan plan;
	struct s3_endpoint endpoint;
	struct run run;
	struct rclone_version rclone; /* known once a request has been made of mounts that it drives */
};

/*
 * Reads the plan from O and the environment, from which the credentials are wiped then, so that no child and no reader of
 * /proc/PID/environ finds them. Fills owners that no option names. Returns 0 or -1 with *E set; *S needs setup_free() in each case.
 */
int setup_read(struct setup *s, const struct options *o, struct err *e);
void setup_free(struct setup *s);

/* The rclone.conf that O, RCLONE_CONFIG or the run directory names. */
struct run_path setup_config(const struct setup *s, const struct options *o);

/* The plan's warnings, "s3mounts: note: …", on stderr. */
void setup_warn(const struct setup *s);

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
 * Fills *R. Looks before anything starts: do the drivers find what they need, may FUSE be mounted, is there a run directory (made), a CA bundle (made, of the trust
 * that is built in, where the machine has none). Returns 0, or -1 with *E set; then R holds no
 * credentials. After 0 it alone does.
 */
int setup_request(struct up_request *r, struct setup *s, const struct options *o, struct err *e);

#endif
