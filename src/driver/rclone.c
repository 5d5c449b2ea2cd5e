#include "driver/rclone.h"

#include "base/confine.h"
#include "base/file.h"
#include "base/text.h"
#include "http/proxy.h"
#include "mnt/fuse.h"
#include "rclone/args.h"
#include "rclone/conf.h"
#include "rclone/left.h"
#include "rclone/log.h"
#include "rclone/pending.h"
#include "rclone/program.h"
#include "rclone/rc.h"
#include "rclone/repair.h"
#include "rclone/store.h"

#include <signal.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define RC_MS 5000 /* it answers from memory */

extern char **environ;

/* ---- before a mount ---- */

static int rclone_locate(struct driver_found *f, const char *named, const char *cache_root, struct err *e)
{
	struct rclone_version v;
	struct err unused;

	if (rclone_find(f->program, named, e))
		return -1;
	/* It is noted there. Where that cannot be made the first mount tells. */
	dir_make(cache_root, 0700, &unused);
	rclone_version_read(&v, f->program, cache_root, &unused);
	text_fmt(f->version, sizeof f->version, "%s", v.text);
	return 0;
}

/* "s3_…": they give rclone's cache another name; and what is uploaded with them is stored by them. */
static bool rclone_stores_by(const char *option)
{
	return strncmp(option, "s3", 2) == 0;
}

static bool rclone_requester_pays(const struct plan_mount *spec)
{
	return rclone_option_on(spec, "s3-requester-pays");
}

static int rclone_place(struct arena *a, const char *cache_dir, struct plan_mount *spec)
{
	return rclone_left_place(a, cache_dir, &spec->bucket, &spec->prefix);
}

/* ---- the driver ---- */

static struct rclone_paths paths(const struct driver_job *job)
{
	return (struct rclone_paths){
		.rclone = job->program,
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
static int rclone_recover(const struct driver_job *job, struct err *e)
{
	struct rclone_repaired done;

	if (rclone_repair(job->cache_dir, &done, e))
		return -1;
	if (done.files)
		text_print(2, "s3mounts: damaged metadata of %u files in %s was repaired: they are uploaded as they are\n",
			done.files, job->cache_dir);
	if (done.quarantined)
		text_print(2,
			"s3mounts: metadata of %u files is damaged, and parts of them may be missing: they are kept in %s/quarantine\n",
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

/* rclone would upload to whatever endpoint the file names by now: also one that somebody else has written there. */
static int check_site(const struct driver_job *job, struct err *e)
{
	struct buf config = buf_heap(RCLONE_CONF_MAX);
	char site[640] = "";
	int got = file_read(job->config, &config, e);
	bool known = got == 0 && rclone_conf_identity(rclone_conf_find(buf_all(&config)), site, sizeof site);

	buf_wipe(&config);
	if (got < 0)
		return -1;
	if (known && strcmp(site, job->endpoint) == 0)
		return 0;
	if (known)
		err_set(e, CODE_MOUNT,
			"mount %s: its settings in %s are of another S3 endpoint (%s, not %s): its files stay in the cache",
			job->spec->target, job->config, site, job->endpoint);
	else
		err_set(e, CODE_MOUNT, "mount %s: its settings are not in %s any more: its files stay in the cache",
			job->spec->target, job->config);
	return err_hint(e, "s3mounts up with the variables of its own endpoint uploads them");
}

static int rclone_keys(const struct driver_job *job, struct creds *c)
{
	struct buf config = buf_heap(RCLONE_CONF_MAX);
	struct err unused;
	int ret = 0;

	if (file_read(job->config, &config, &unused) || !rclone_conf_creds(rclone_conf_find(buf_all(&config)), c))
		ret = -1;
	buf_wipe(&config);
	return ret;
}

/* With the proxy that its keys came with. */
static char **environment(struct arena *a, const struct driver_job *job, const struct rclone_paths *p)
{
	struct rclone_paths with = *p;
	struct creds keys;
	char **env;

	if (rclone_keys(job, &keys) == 0 && keys.proxy[0]) {
		with.proxy_variable = proxy_variable(strncmp(job->endpoint, "https:", 6) == 0);
		with.proxy = keys.proxy;
		with.no_proxy = keys.no_proxy;
	}
	env = rclone_env(a, &with, environ);
	creds_wipe(&keys);
	return env;
}

/* By the command that it was compared by, and what is known only now. */
static int rclone_start(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	struct rclone_paths p = paths(job);
	char **command, **env;

	if (check_site(job, e))
		return -1;
	rclone_version_of(&p.version, job->program_version);
	p.room = room_of(job);
	if (rclone_version_has_rc_socket(&p.version)) {
		p.rc_socket = job->socket;
		unlink(job->socket); /* of one that was killed */
	}
	command = rclone_list(a, job, &p, target, e);
	if (!command)
		return -1;
	env = environment(a, job, &p);

	/* Another user's helper is the system's set-uid one. */
	if (geteuid() == 0 && fuse_may_mount())
		confine_mount();
	if (env)
		execve(job->program, command, env);
	err_sys(e, CODE_MOUNT, "start %s", job->program);
	return err_hint(e, "it must be rclone's program for this machine, with the libraries that it loads");
}

static bool listens(const struct driver_job *job)
{
	struct rclone_version v;

	rclone_version_of(&v, job->program_version);
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
	if (rclone_pending(job->cache_dir, job->spec, -1, p, e))
		return -1;
	queued = (uint64_t)s.uploads_in_progress + (uint64_t)s.uploads_queued;
	if (!p->files && queued)
		p->files = queued;
	return 0;
}

static int rclone_flush(const struct driver_job *job, struct err *e)
{
	struct rclone_version v;

	rclone_version_of(&v, job->program_version);
	return rclone_version_has_queue(&v) && listens(job) ? rclone_rc_upload_now(job->socket, RC_MS, e) : 0;
}

static bool rclone_fails_xattrs(const struct driver_job *job)
{
	struct rclone_version v;

	rclone_version_of(&v, job->program_version);
	return rclone_version_fails_xattrs(&v);
}

static void rclone_read_log(void *state, struct span text, struct failures *f)
{
	rclone_log_feed(state, text, f);
}

const struct driver driver_rclone = {
	.name = "rclone",
	.type = PLAN_RCLONE,
	.fstype = "fuse.rclone",
	.source_begin = RCLONE_REMOTE ":",
	.stop_signal = SIGTERM,
	.log_state = sizeof(struct rclone_log),
	.locate = rclone_locate,
	.check_option = rclone_option_check,
	.is_storage_option = rclone_stores_by,
	.requester_pays = rclone_requester_pays,
	.leftovers = rclone_pending,
	.place = rclone_place,
	.site = rclone_site,
	.source = rclone_devname,
	.identify = driver_identify,
	.settings = rclone_conf_section,
	.prepare = rclone_store,
	.forget = rclone_store_remove,
	.command = rclone_command,
	.fails_xattrs = rclone_fails_xattrs,
	.read_log = rclone_read_log,
	.explain_log = rclone_log_cause,
	.recover = rclone_recover,
	.start = rclone_start,
	.pending = rclone_dirty,
	.flush = rclone_flush,
	.keys = rclone_keys,
};
