#include "sup/child.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "mnt/layer.h"
#include "mnt/users.h"
#include "sup/below.h"
#include "sup/cache.h"
#include "sup/check.h"
#include "sup/driver_log.h"
#include "sup/nest.h"
#include "sup/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ASK_MS 4000 /* less than a launch may take */
#define SOON_MS 500 /* a root that is listed again is listed as soon: what is asked behind that delays no proof */

static int send_answer(int out, enum answer_kind kind, const struct err *e)
{
	struct answer a = { .kind = kind };

	if (e)
		a.e = *e;
	return write_all(out, &a, sizeof a) ? 1 : 0;
}

/*
 * The lock is held for as long as somebody writes to the log: it goes on to the driver and what that starts. So there is never a second driver
 * beside one of a supervisor that was killed: such a one is ended first. (Its target is not mounted: it only starts, or is of no use any more.)
 */
static int lock_log(const struct mount *m, int fd, struct err *e)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	pidfile_kill(m);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return err_sys(e, CODE_FAULT, "lock %s", driver_log_path(m).s);
	return 0;
}

static int redirect_output(const struct mount *m, struct err *e)
{
	struct run_path log = driver_log_path(m);
	int fd = open(log.s, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600), null;

	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		return err_sys(e, CODE_FAULT, "open %s", log.s);
	close(fd);
	/* The supervisor in the foreground has its caller's stdin, which is none of a driver's. */
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null > 0) {
		dup2(null, 0);
		close(null);
	}
	return lock_log(m, 2, e);
}

/* What lies in what has to be known before anything is laid or mounted. Another one that comes too finds the links of its own path. */
static int links_agree(const struct mount *m, const char *path, struct err *e)
{
	bool linked = strcmp(path, m->spec.target) != 0;
	char other[PATH_MAX];

	for (const struct mount *i = m->beside; i != m; i = i->beside) {
		if (!mount_wanted(i) || (!linked && (!i->path || strcmp(i->path, i->spec.target) == 0)))
			continue;
		if (!i->path && mnt_target_resolve(i->spec.target, other, e))
			return -1;
		if (nest_links_agree(m, path, i, i->path ? i->path : other, e))
			return -1;
	}
	return 0;
}

static int target_ready(const struct mount *m, struct mnt_ready *ready, struct err *e)
{
	const struct mount *outer = nest_outer(m);
	char path[PATH_MAX];
	struct err links;

	if (mnt_target_prepare(m->spec.target, m->driver->fstype, m->source, ready, e) == 0)
		return 0;
	/* By a link it may lie in another one, before that is mounted: in our layer nothing can be made. */
	if (mnt_target_resolve(m->spec.target, path, &links) == 0 && links_agree(m, path, &links)) {
		*e = links;
		return -1;
	}
	if (outer && outer->spec.ro && access(m->spec.target, F_OK) && errno == ENOENT) {
		err_set(e, CODE_MOUNT,
			"mount %s: there is no such folder in %s, and none can be made: that is mounted read-only",
			m->spec.target, outer->spec.target);
		err_hint(e, "put a file below it in %s, or mount %s without ro", outer->source, outer->spec.target);
	}
	return -1;
}

/*
 * The layer goes between the plain folder, which stays open, and the mount. Where it may not stand the mount comes all the same. What lies in the
 * folder of an inner mount is the outer one's, which uploads it; and open it would keep that from being unmounted.
 */
static int lay_layer(struct mount *m, struct answer *a)
{
	char path[PATH_MAX];
	int64_t since;
	int below;

	if (a->ready.mounted || a->ready.layered)
		return m->below;
	below = m->below < 0 && !nest_outer(m) ? below_open(a->ready.path, &a->below_since) : m->below;
	if (mnt_layer_mount(a->ready.path, run_layer_name(m->run).s, &a->layer) == 0)
		a->layer.code = CODE_OK;
	/* What was reported before, and is still there, is reported again. */
	if (a->below_since && below_noted(m->job.cache_dir, path, &since) && strcmp(path, a->ready.path) == 0 &&
		since < a->below_since)
		a->below_since = since;
	m->below_since = m->below < 0 ? a->below_since : m->below_since;
	return below;
}

/* By a request of our own, with the keys that its config has. */
static int ask_s3(const struct mount *m, struct err *e)
{
	struct request r = cache_request(m);
	struct verdict v = { .code = CODE_OK };
	char what[PATH_MAX];
	int ret = 0;

	r.timeout_ms = ASK_MS;
	text_fmt(what, sizeof what, "mount %s, where parts of a file have to be read from S3 first", m->spec.target);
	if (m->driver->keys(&m->job, &r.creds))
		ret = err_set(e, CODE_FAULT, "%s: there are no keys in %s", what, m->job.config);
	else if (task_run(check_child, &r, ASK_MS, &v, sizeof v, e) != sizeof v)
		ret = err_set(e, CODE_UNREACHABLE, "%s: S3 does not answer", what);
	else if (v.code != CODE_OK)
		check_error(e, what, &v);
	creds_wipe(&r.creds);
	return ret || v.code != CODE_OK ? -1 : 0;
}

static int recover_cache(const struct mount *m, struct err *e)
{
	int got = m->driver->recover ? m->driver->recover(&m->job, e) : 0;

	return got > 0 ? ask_s3(m, e) : got;
}

static int make_cache_dir(const char *path, struct err *e)
{
	if (dir_make(path, 0700, e) == 0 && dir_private(path, e) == 0)
		return 0;
	return e->hint[0] ? -1 : err_hint(e, "--cache-dir, or S3MOUNTS_CACHE_DIR, names another folder for the caches");
}

static int launch_driver(struct mount *m, int out, struct err *e)
{
	struct answer a = { .kind = ANSWER_DONE };
	struct arena mem = { 0 };
	int below;

	if (target_ready(m, &a.ready, e))
		return -1;
	if (a.ready.mounted)
		return task_send(out, &a, sizeof a, -1);
	if (links_agree(m, a.ready.path, e))
		return -1;
	/* Whoever had to be waited for may have mounted meanwhile, and left that behind. */
	if (make_cache_dir(m->job.cache_dir, e) || redirect_output(m, e) || cache_take(m, e) || target_ready(m, &a.ready, e))
		return -1;
	below = lay_layer(m, &a);
	m->pid = getpid();
	pidfile_write(m);
	if (!a.ready.mounted && recover_cache(m, e))
		return -1;
	if (task_send(out, &a, sizeof a, a.below_since ? below : -1))
		return err_sys(e, CODE_FAULT, "tell the supervisor");
	return a.ready.mounted ? 0 : m->driver->start(&mem, &m->job, a.ready.path, e);
}

int child_launch(void *arg, int out)
{
	struct err e = { .code = CODE_OK };

	/* A driver outlives its supervisor: the next one finds it. */
	prctl(PR_SET_PDEATHSIG, 0);
	setsid();
	umask(022);
	if (launch_driver(arg, out, &e) < 0)
		return send_answer(out, ANSWER_ERROR, &e);
	return 0;
}

/* It has listed FILE, in a time of MS. What is known of its driver anyhow is reported with that. */
static bool fails_xattrs(const struct mount *m, const char *file, int64_t ms)
{
	bool known = m->driver->fails_xattrs && m->driver->fails_xattrs(&m->job);

	return !known && *file && ms <= SOON_MS && mnt_target_fails_xattrs(m->path, file);
}

int child_probe(void *arg, int out)
{
	const struct mount *m = arg;
	struct err e;
	struct answer a = { .kind = ANSWER_STATFS, .cache_free = UINT64_MAX };
	struct statvfs disk;
	char file[NAME_MAX + 1];
	int64_t begin;

	confine_search();
	if (mnt_target_answers(m->path, &e))
		return send_answer(out, ANSWER_ERROR, &e);
	if (statvfs(m->job.cache_dir, &disk) == 0)
		a.cache_free = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (write_all(out, &a, sizeof a))
		return 1;
	/* Another one waits for the listing already. */
	while (m->listing_pid)
		pause();
	begin = clock_ms();
	if (mnt_target_lists(m->path, file, &e))
		return send_answer(out, ANSWER_UNLISTED, &e);
	a.kind = ANSWER_DONE;
	a.fails_xattrs = fails_xattrs(m, file, clock_ms() - begin);
	return write_all(out, &a, sizeof a) ? 1 : 0;
}

/* The layers of what has stood in it, which would keep it busy: they go with it, or are laid again. */
static void clear_inner_layers(const struct mount *m)
{
	struct err unused;

	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (nest_outer(i) == m)
			mnt_layer_unmount(mount_path(i), &unused);
}

static void lay_inner_layers(const struct mount *m, const struct mnt_table *before)
{
	struct err unused;

	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (nest_outer(i) == m && mnt_layer_on_top(before, mount_path(i)))
			mnt_layer_mount(mount_path(i), run_layer_name(m->run).s, &unused);
}

static int unmount_shown(const struct mount *m, const struct mnt_table *t, struct err *e)
{
	bool detach = m->lazy || m->goal == GOAL_ABORT || !m->pid;
	int ret;

	if (!detach)
		clear_inner_layers(m);
	ret = mnt_target_unmount(mount_path(m), detach, e);
	/* A child of ours that waits for a listing is no reason: it cannot be ended before the driver answers. */
	if (ret == 1 && m->listing_pid && !mnt_in_use(mount_path(m), getppid()))
		ret = mnt_target_unmount(mount_path(m), true, e);
	if (ret && !detach)
		lay_inner_layers(m, t);
	return ret;
}

/* 0, 1: busy, -1: *E. */
static int unmount_target(const struct mount *m, struct err *e)
{
	struct mnt_table t;
	int ret = 0;

	if (mnt_table_read(&t, e))
		return -1;
	switch ((int)mount_seen(m, &t)) {
	case EVENT_SHOWN:
		ret = unmount_shown(m, &t, e);
		break;
	case EVENT_COVERED:
		ret = err_set(e, CODE_MOUNT, "unmount %s: something else is mounted over it, or above it", mount_path(m));
		err_hint(e, "unmount that first (findmnt shows it)");
		break;
	}
	mnt_table_free(&t);
	return ret;
}

int child_unmount(void *arg, int out)
{
	struct err e;
	int got = unmount_target(arg, &e);

	return send_answer(out, got < 0 ? ANSWER_ERROR : got ? ANSWER_BUSY : ANSWER_DONE, got < 0 ? &e : NULL);
}

int child_renew(void *arg, int out)
{
	const struct mount *m = arg;
	struct err e;

	if (m->driver->renew && m->driver->renew(&m->job, &e) == 0)
		return send_answer(out, ANSWER_DONE, NULL);
	if (!m->driver->renew)
		err_set(&e, CODE_MOUNT, "mount %s: its driver takes new keys only when it is started", m->spec.target);
	return send_answer(out, ANSWER_ERROR, &e);
}

int child_clear(void *arg, int out)
{
	const struct mount *m = arg;
	struct err e;

	if (mnt_layer_unmount(mount_path(m), &e))
		return send_answer(out, ANSWER_ERROR, &e);
	return send_answer(out, ANSWER_DONE, NULL);
}

/* Where the supervisor has no descriptor of the plain folder, it is looked at once nothing stands on it. */
static int look_below(const struct mount *m, struct pending *p, struct err *e)
{
	int64_t unused;
	int fd = m->below;

	/* Under one that has never been up nothing lies: its folder is a plain one. */
	if (!m->below_since || !m->was_up)
		return 0;
	if (fd < 0)
		fd = below_reach(mount_path(m));
	if (fd < 0 && m->state == MOUNT_LEFT)
		fd = below_open(mount_path(m), &unused);
	if (fd < 0)
		return 0;
	if (below_look(fd, mount_path(m), m->below_since, p, e))
		return -1;
	if (p->files)
		below_note(m->job.cache_dir, mount_path(m), m->below_since);
	else
		below_forget(m->job.cache_dir);
	return 0;
}

/* Its driver can be asked. */
static bool driver_serves(const struct mount *m)
{
	return m->pid && (m->state == MOUNT_UP || m->state == MOUNT_UNHEALTHY || m->state == MOUNT_DRAIN ||
				 (m->state == MOUNT_PROVE && m->proven));
}

int child_look(void *arg, int out)
{
	const struct mount *m = arg;
	struct look_answer a = { .e = { .code = CODE_OK } };
	struct err e;

	if (m->upload_now && driver_serves(m)) {
		/* What goes down has that done by umount2(2). */
		if (mount_wanted(m))
			mnt_sync(mount_path(m));
		if (m->driver->flush && m->driver->flush(&m->job, &e))
			log_line("%s: %s", m->spec.target, e.text);
	}
	if (m->driver->pending(&m->job, driver_serves(m), &a.pending, &e) || look_below(m, &a.stray, &e))
		a.e = e;
	return write_all(out, &a, sizeof a) ? 1 : 0;
}

const struct answer *child_answer(const struct buf *have)
{
	size_t whole = have->len / sizeof(struct answer);

	/* The buffer is malloc(3)'s, so its start is aligned, and each answer behind the first too. */
	return whole ? (const struct answer *)(const void *)have->p + (whole - 1) : NULL;
}
