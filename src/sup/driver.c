#include "sup/driver.h"

#include "base/buf.h"
#include "base/confine.h"
#include "base/text.h"
#include "mnt/fuse.h"
#include "rclone/args.h"
#include "rclone/log.h"
#include "rclone/rc.h"
#include "rclone/repair.h"

#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RC_MS 5000 /* it answers from memory */

extern char **environ;

static struct rclone_version version_of(const struct driver_job *job)
{
	char mem[64];
	struct buf output = buf_over(mem, sizeof mem);
	struct rclone_version v;

	buf_fmt(&output, "rclone v%s\n", job->version);
	rclone_version_parse(&v, buf_all(&output));
	return v;
}

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

static char **rclone_list(
	struct arena *a, const struct driver_job *job, const struct rclone_paths *p, const char *target, struct err *e)
{
	const struct plan_mount *m = job->spec;

	return rclone_args(a, m, p, target, m->uid, m->gid, m->allow_other && job->allow_other, e);
}

static char **rclone_command(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	struct rclone_paths p = paths(job);

	return rclone_list(a, job, &p, target, e);
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
	/* It takes a request that fails for an object that is not there, and uploads zeros in its place. */
	return done.partial > 0;
}

static struct rclone_room room_of(const struct driver_job *job)
{
	struct statvfs disk;

	if (statvfs(job->cache_dir, &disk))
		return (struct rclone_room){ 0 };
	return rclone_room((uint64_t)disk.f_bavail * disk.f_frsize, job->shares);
}

/* By the command that it was compared by, and what is known only now. */
static int rclone_start(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	struct rclone_paths p = paths(job);
	char **command, **env;

	p.version = version_of(job);
	p.room = room_of(job);
	if (rclone_version_has_rc_socket(&p.version)) {
		p.rc_socket = job->socket;
		unlink(job->socket); /* of one that was killed */
	}
	command = rclone_list(a, job, &p, target, e);
	if (!command)
		return -1;
	env = rclone_env(a, &p, environ);

	/* Another user's helper is the system's set-uid one. */
	if (geteuid() == 0 && fuse_may_mount())
		confine_mount();
	if (env)
		execve(job->rclone, command, env);
	err_sys(e, CODE_MOUNT, "start %s", job->rclone);
	return err_hint(e, "it must be rclone's program for this machine, with the libraries that it loads");
}

static bool listens(const struct driver_job *job)
{
	struct rclone_version v = version_of(job);

	return rclone_version_has_rc_socket(&v);
}

/*
 * By its metadata, and by what it says itself, which knows of no open files. It is asked first: what it has sent meanwhile may still stand in the
 * metadata, what it has taken does.
 */
static int rclone_dirty(const struct driver_job *job, bool running, struct pending *p, struct err *e)
{
	struct rclone_rc_stats s = { 0 };
	uint64_t queued;

	if (running && listens(job) && rclone_rc_stats(job->socket, RC_MS, &s, e))
		return -1;
	if (running && access(job->cache_dir, F_OK))
		return err_set(e, CODE_PENDING,
			"mount %s: its cache folder %s was taken away while its driver runs: what waited there is not known",
			job->spec->target, job->cache_dir);
	if (rclone_pending(job->cache_dir, job->spec, p, e))
		return -1;
	queued = (uint64_t)s.uploads_in_progress + (uint64_t)s.uploads_queued;
	if (!p->files && queued)
		p->files = queued;
	return 0;
}

static void rclone_hurry(const struct driver_job *job)
{
	struct rclone_version v = version_of(job);
	struct err unused;

	if (rclone_version_has_queue(&v) && listens(job))
		rclone_rc_upload_now(job->socket, RC_MS, &unused);
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
