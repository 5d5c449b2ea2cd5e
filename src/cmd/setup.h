/* cmd/setup.h - what up, check and config begin with: the plan, the endpoint, the directories. */

#ifndef CMD_SETUP_H
#define CMD_SETUP_H

#include "cmd/options.h"
#include "plan/plan.h"
#include "s3/site.h"
#include "sup/run.h"

struct setup {
	struct plan plan;
	struct s3_site site;
	struct run run;
};

/*
 * Reads the plan from O and the environment, from which the credentials are wiped then, so that no child and no reader of
 * /proc/PID/environ finds them. Fills owners that no option names. Returns 0 or -1 with *E set; *S needs setup_free() in each case.
 */
int setup_read(struct setup *s, const struct options *o, struct err *e);
void setup_free(struct setup *s);

/* The rclone.conf that O, RCLONE_CONFIG or the run directory names. */
struct run_path setup_config(const struct setup *s, const struct options *o);

/* The rclone program by O, S3MOUNTS_RCLONE, PATH: absolute, executable. Returns 0 or -1 with CODE_MOUNT. */
int setup_rclone(struct run_path *out, const struct options *o, struct err *e);

#endif
