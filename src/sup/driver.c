#include "sup/driver.h"

#include "base/confine.h"
#include "base/text.h"
#include "mnt/fuse.h"
#include "rclone/args.h"
#include "rclone/log.h"
#include "rclone/repair.h"

#include <signal.h>
#include <unistd.h>

extern char **environ;

static struct rclone_paths paths(const struct driver_job *job)
{
	return (struct rclone_paths){
		.rclone = job->rclone,
		.config = job->config,
		.cache_dir = job->cache_dir,
		.ca_cert = job->ca_cert,
		.helper_dir = job->helper_dir,
		.home = job->cache_dir,
	};
}

static char **rclone_command(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	struct rclone_paths p = paths(job);
	const struct plan_mount *m = job->spec;

	return rclone_args(a, m, &p, target, m->uid, m->gid, m->allow_other && job->allow_other, e);
}

/* What it has done stands in the driver's log. */
static int rclone_prepare(const struct driver_job *job, struct err *e)
{
	struct rclone_repaired done;

	if (rclone_repair(job->cache_dir, &done, e))
		return -1;
	if (done.files)
		say(2, "s3mounts: damaged metadata of %u files in %s was repaired: they are uploaded as they are\n", done.files,
			job->cache_dir);
	if (done.quarantined)
		say(2, "s3mounts: metadata of %u files is damaged, and parts of them may be missing: they are kept in %s/quarantine\n",
			done.quarantined, job->cache_dir);
	return 0;
}

static int rclone_start(struct arena *a, const struct driver_job *job, char **command, struct err *e)
{
	struct rclone_paths p = paths(job);
	char **env = rclone_env(a, &p, environ);

	/* Another user's helper is the system's set-uid one. */
	if (geteuid() == 0 && fuse_may_mount())
		confine_mount();
	if (env)
		execve(job->rclone, command, env);
	err_sys(e, CODE_MOUNT, "start %s", job->rclone);
	return err_hint(e, "it must be rclone's program for this machine, with the libraries that it loads");
}

static int rclone_dirty(const struct driver_job *job, bool running, struct pending *p, struct err *e)
{
	(void)running;
	return rclone_pending(job->cache_dir, job->spec, p, e);
}

static void rclone_hurry(const struct driver_job *job)
{
	(void)job;
}

const struct driver driver_rclone = {
	.name = "rclone",
	.fstype = "fuse.rclone",
	.source = rclone_devname,
	.command = rclone_command,
	.prepare = rclone_prepare,
	.start = rclone_start,
	.pending = rclone_dirty,
	.hurry = rclone_hurry,
	.cause = rclone_log_cause,
	.stop_signal = SIGTERM,
};
