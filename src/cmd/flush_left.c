#include "cmd/flush_left.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/leftover.h"
#include "cmd/print.h"
#include "cmd/setup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AT_ONCE 8	 /* each is a driver, and the transfers of one fill most lines */
#define MOUNT_MS 15000	 /* to come up */
#define ABANDON_MS 10000 /* to go down without its files */
#define END_MS 5000	 /* for a supervisor without mounts to exit */

static const struct ask_watch silent = { .tick = NULL };

/* ---- the run directory RUN/left ---- */

/* With its entries, except for folders that are not empty. */
static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (unlinkat(dirfd(d), entry->d_name, 0) && (errno == EISDIR || errno == EPERM))
			unlinkat(dirfd(d), entry->d_name, AT_REMOVEDIR);
	if (d)
		closedir(d);
	rmdir(path);
}

static void remove_left_dir(const struct run *left)
{
	remove_folder(run_path(left, "mnt").s);
	remove_folder(run_path(left, "bin").s);
	remove_folder(left->dir);
}

/* A descriptor that locks others out; -1 with *E set. */
static int lock_left_dir(const struct run *left, struct err *e)
{
	int fd = open(left->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, CODE_FAULT, "open %s", left->dir);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	err_set(e, CODE_PENDING, "flush --left: another one is at work in %s", left->dir);
	return err_hint(e, "wait until it has ended");
}

static bool wait_for_exit(long pid, int timeout_ms)
{
	int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	bool ended = fd < 0 || poll(&p, 1, timeout_ms) > 0;

	if (fd >= 0)
		close(fd);
	return ended;
}

/* Its mount is gone, and nothing of it is pending: only that proves an upload. */
static bool is_mount_uploaded(const struct report_mount *m)
{
	return span_is(span_of(m->state), "down") && m->pending_files == 0 && m->error.code == CODE_OK;
}

/* What R says of the folders in TRIED: which are uploaded, and the first reason why one is not. */
static void copy_outcomes(struct leftovers *tried, const struct report *r)
{
	for (size_t i = 0; i < r->mount_count; i++)
		for (size_t k = 0; k < tried->count; k++) {
			struct leftover *left = &tried->list[k];

			if (strcmp(r->mounts[i].cache, left->folder) != 0)
				continue;
			left->uploaded |= is_mount_uploaded(&r->mounts[i]);
			if (left->error.code == CODE_OK)
				left->error = r->mounts[i].error;
		}
}

/*
 * Takes every mount there down: within TIMEOUT_MS once its files are in S3, then without. The supervisor exits with the last,
 * and its files are removed. If it does not answer nothing is touched: the next run finds them. True: no mount is left there.
 */
static bool take_left_down(const struct run *left, struct leftovers *tried, int timeout_ms)
{
	struct request down = { .kind = REQUEST_DOWN, .timeout_ms = timeout_ms };
	struct arena a = { 0 };
	struct report r = { 0 };
	struct err unused;
	int got = ask(left, ASK_INHERIT, &down, &silent, &a, &r, &unused);

	if (got == 0) {
		copy_outcomes(tried, &r);
		if (!mounts_are(&r, "down")) {
			down.abandon = true;
			down.timeout_ms = ABANDON_MS;
			got = ask(left, ASK_INHERIT, &down, &silent, &a, &r, &unused);
		}
	}
	arena_free(&a);
	if (got < 0 || (got == 0 && !wait_for_exit(r.pid, END_MS)))
		return false;
	remove_left_dir(left);
	return true;
}

/*
 * The supervisor there, if it is already taking its mounts down, as somebody who was killed had asked; 0: it is not, or there
 * is none.
 */
static pid_t find_stopping(const struct run *left)
{
	struct request status = { .kind = REQUEST_STATUS, .timeout_ms = ABANDON_MS };
	struct arena a = { 0 };
	struct report r = { 0 };
	struct err unused;
	pid_t pid = 0;

	if (ask(left, ASK_NEVER, &status, &silent, &a, &r, &unused) == 0 && r.mount_count && mounts_are(&r, "stopping"))
		pid = (pid_t)r.pid;
	arena_free(&a);
	return pid;
}

/* ---- the upload ---- */

/* False: it needs other credentials, or another command. */
static bool is_uploadable(const struct setup *s, struct leftover *left)
{
	char here[640];

	s3_endpoint_identity(&s->endpoint, here, sizeof here);
	if (left->files < 0 || left->running)
		return false;
	if (!left->placeable) {
		err_set(&left->error, CODE_PENDING, "left in %s: with which options it was mounted is not known", left->folder);
		err_hint(&left->error, "s3mounts up with the same mount and options uploads it");
		return false;
	}
	if ((!left->endpoint[0] || strcmp(left->endpoint, here) == 0) &&
		(!s->plan.bucket[0] || strcmp(left->bucket, s->plan.bucket) == 0))
		return true;
	err_set(&left->error, CODE_PENDING, "left in %s: it belongs to bucket %s%s%s, not to what the variables name",
		left->folder, left->bucket, left->endpoint[0] ? " at " : "", left->endpoint);
	err_hint(&left->error, "s3mounts flush --left with that one's S3_ENDPOINT_URL, S3_BUCKET_NAME and keys");
	return false;
}

/* Those that its files are stored by; the others are for users of a mount. */
static void keep_storage_options(struct arena *a, struct plan_mount *m, const struct leftover *left)
{
	bool (*is_storage)(const char *) = left->driver->is_storage_option;

	m->options = arena_get(a, (left->option_count + 1) * sizeof *m->options);
	for (size_t i = 0; m->options && i < left->option_count; i++)
		if (is_storage && is_storage(left->options[i]))
			m->options[m->option_count++] = left->options[i];
}

static struct plan_mount mount_for_leftover(struct arena *a, const struct run *left_run, const struct leftover *left)
{
	char above[PATH_MAX], name[64];
	struct plan_mount m = {
		.bucket = left->bucket,
		.prefix = left->prefix,
		.type = left->driver->type,
		.uid = (long)geteuid(),
		.gid = (long)getegid(),
		.umask = 077,
		.cache = file_dirname(above, left->folder),
	};

	text_fmt(name, sizeof name, "mnt/%s", m.cache);
	m.target = arena_str(a, span_of(run_path(left_run, name).s));
	keep_storage_options(a, &m, left);
	return m;
}

struct batch {
	struct setup *setup;	/* its run is RUN/left */
	struct request request; /* of `up` */
	struct plan_mount mounts[AT_ONCE];
	char root[PATH_MAX]; /* the cache folder of them all */
	struct leftovers *tried;
	int64_t deadline;
};

/*
 * Mounts those of the batch, which share a root, and takes them down once they are uploaded. False: they cannot be taken down.
 */
static bool upload_batch(struct batch *b)
{
	struct request *up = &b->request;
	struct arena a = { 0 };
	struct report r = { 0 };
	struct err e;

	up->timeout_ms = clock_left(clock_earlier(b->deadline, clock_ms() + MOUNT_MS));
	if (ask(&b->setup->run, ASK_START, up, &silent, &a, &r, &e) == 0 && r.error.code == CODE_OK)
		copy_outcomes(b->tried, &r);
	else
		for (size_t i = 0; i < b->tried->count; i++)
			for (size_t k = 0; k < up->mount_count; k++)
				if (text_find(b->tried->list[i].folder, up->mounts[k].cache))
					b->tried->list[i].error = r.error.code == CODE_OK ? e : r.error;
	arena_free(&a);
	up->mount_count = 0;
	return take_left_down(&b->setup->run, b->tried, clock_left(b->deadline));
}

static void upload_all(struct batch *b)
{
	char above[PATH_MAX];
	struct arena a = { 0 };
	bool go_on = true;
	size_t *count = &b->request.mount_count;
	struct plan_mount m;

	for (size_t i = 0; i < b->tried->count && go_on && clock_left(b->deadline); i++) {
		const struct leftover *left = &b->tried->list[i];

		if (!is_uploadable(b->setup, &b->tried->list[i]))
			continue;
		file_dirname(above, left->folder);
		if (*count == AT_ONCE || (*count && strcmp(above, b->root) != 0))
			go_on = upload_batch(b);
		memcpy(b->root, above, sizeof b->root);
		m = mount_for_leftover(&a, &b->setup->run, left);
		if (m.target && m.options && *count < AT_ONCE)
			b->mounts[(*count)++] = m;
	}
	if (go_on && *count)
		upload_batch(b);
	arena_free(&a);
}

static bool any_matches(const struct setup *s, struct leftovers *l)
{
	bool any = false;

	for (size_t i = 0; i < l->count; i++)
		any |= is_uploadable(s, &l->list[i]);
	return any;
}

static int locate_drivers(
	struct up_request *up, const struct setup *s, struct leftovers *tried, const struct options *o, struct err *e)
{
	for (size_t i = 0; i < tried->count; i++)
		if (is_uploadable(s, &tried->list[i]) && setup_locate(up, tried->list[i].driver, o, e))
			return -1;
	return 0;
}

/* In RUN/left, which is made. */
static int upload_in_left_dir(struct setup *s, struct leftovers *tried, const struct run *left, const struct options *o,
	int64_t deadline, struct err *e)
{
	struct batch b = { .setup = s, .tried = tried, .deadline = deadline };
	struct up_request up;
	int lock;

	if (dir_private(s->run.dir, e) || dir_private(left->dir, e) || (lock = lock_left_dir(left, e)) < 0)
		return -1;
	s->run = *left;
	if (setup_request(&up, s, o, e) || locate_drivers(&up, s, tried, o, e)) {
		creds_wipe(&up.request.creds);
		close(lock);
		return -1;
	}
	/* Other configs are not touched. */
	up.config = run_path(left, "rclone.conf");
	b.request = up.request;
	b.request.mounts = b.mounts;
	b.request.mount_count = 0;
	b.request.cache_dir = b.root;
	upload_all(&b);
	creds_wipe(&up.request.creds);
	creds_wipe(&b.request.creds);
	close(lock);
	return 0;
}

/* The supervisor is responsible for mounts that are up or coming up; what it has given up is ours to upload. */
static void find_leftovers(struct leftovers *l, const struct run *run, const struct options *o, int64_t deadline)
{
	struct request status = { .kind = REQUEST_STATUS, .timeout_ms = ABANDON_MS };
	struct arena a = { 0 };
	struct report r = { 0 };
	struct err unused;

	ask(run, ASK_NEVER, &status, &silent, &a, &r, &unused);
	leftovers_find(l, run, o, &r, true, deadline);
	arena_free(&a);
}

int flush_left_upload(struct leftovers *tried, const struct run *run, const struct options *o, struct err *e)
{
	int64_t deadline = clock_ms() + o->timeout_ms;
	struct setup s = { 0 };
	struct run left;
	int ret = -1;

	if (setup_read(&s, o, e) || leftover_run(&left, run, e))
		goto out;
	/* Half of the time is for the upload. */
	find_leftovers(tried, run, o, clock_ms() + o->timeout_ms / 2);
	if (tried->count && !s.plan.have_creds) {
		err_no_creds(e, "flush --left", &s.plan, "");
		err_hint(e, "%s, and the variables of where to, as to up", s.plan.creds_hint);
		goto out;
	}
	ret = any_matches(&s, tried) ? upload_in_left_dir(&s, tried, &left, o, deadline, e) : 0;
	if (ret == 0)
		flush_left_end(run, clock_left(deadline));
out:
	setup_free(&s);
	return ret;
}

void flush_left_end(const struct run *run, int timeout_ms)
{
	struct leftovers none = { 0 };
	int64_t deadline = clock_ms() + timeout_ms;
	struct run left;
	struct err unused;
	pid_t pid;
	int lock;

	/* A run that is at work ends by itself. */
	if (leftover_run(&left, run, &unused) || access(left.dir, F_OK) || (lock = lock_left_dir(&left, &unused)) < 0)
		return;
	/* It would not answer before it is done: the next one takes over its mounts, and does answer. */
	if ((pid = find_stopping(&left)) > 0 && !wait_for_exit(pid, timeout_ms))
		kill(pid, SIGKILL);
	take_left_down(&left, &none, clock_left(deadline));
	close(lock);
}

void flush_left_reasons(struct leftovers *left, const struct leftovers *tried, struct err *e)
{
	const struct err *first = NULL;

	e->code = CODE_OK;
	for (size_t i = 0; i < left->count; i++)
		for (size_t k = 0; k < tried->count; k++) {
			const struct leftover *was = &tried->list[k];

			if (strcmp(left->list[i].folder, was->folder) != 0 || left->list[i].error.code != CODE_OK)
				continue;
			left->list[i].error = was->error;
			if (!first && was->error.code != CODE_OK && was->error.code != CODE_PENDING)
				first = &was->error;
		}
	leftover_error(left, e);
	if (first && left->folders == tried->folders)
		*e = *first;
}
