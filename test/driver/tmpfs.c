/*
 * tmpfs.c - a driver for the tests of the drivers' table: its mount is a tmpfs, and the option control=FOLDER lets a test play S3. FOLDER/queue
 * holds a file for each that is not in S3 yet; a flush empties it and adds a line to FOLDER/flushed; new keys add the key's id to FOLDER/renewed,
 * unless FOLDER/renew-fails is there. It is the only driver of the program that it is linked into, and takes every type.
 */

#include "driver/driver.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

struct control {
	char s[PATH_MAX];
};

static struct control control_path(const struct driver_job *job, const char *name)
{
	struct control path = { "" };

	for (size_t i = 0; i < job->spec->option_count; i++)
		if (strncmp(job->spec->options[i], "control=", 8) == 0)
			text_fmt(path.s, sizeof path.s, "%s/%s", job->spec->options[i] + 8, name);
	return path;
}

static int add_line(const struct driver_job *job, const char *name, const char *line, struct err *e)
{
	struct control path = control_path(job, name);
	int fd = open(path.s, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), ret;

	if (fd < 0)
		return err_sys(e, CODE_FAULT, "open %s", path.s);
	ret = write_all(fd, line, strlen(line)) || write_all(fd, "\n", 1);
	close(fd);
	return ret ? err_sys(e, CODE_FAULT, "write %s", path.s) : 0;
}

static int tmpfs_check_option(const char *option, bool ro, struct err *e)
{
	(void)ro;
	return strncmp(option, "control=", 8) ? err_set(e, CODE_USAGE, "option %s: the test's driver has none", option) : 0;
}

static char *tmpfs_source(struct arena *a, const struct plan_mount *spec)
{
	char *source = arena_get(a, strlen(spec->bucket) + strlen(spec->prefix) + 16);

	if (source)
		text_fmt(source, strlen(spec->bucket) + strlen(spec->prefix) + 16, "test:%s/%s", spec->bucket, spec->prefix);
	return source;
}

static int tmpfs_settings(struct buf *out, const struct s3_endpoint *site, const struct creds *creds, struct err *e)
{
	(void)site;
	buf_fmt(out, "%s\n%s\n%s\n", creds->key_id, creds->secret, creds->token);
	return out->full ? err_set(e, CODE_FAULT, "settings: no memory") : 0;
}

static char **tmpfs_command(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	char **list = arena_get(a, (job->spec->option_count + 3) * sizeof *list);

	if (!list) {
		err_set(e, CODE_FAULT, "command: no memory");
		return NULL;
	}
	list[0] = arena_str(a, SPAN("tmpfs"));
	list[1] = arena_str(a, span_of(target));
	for (size_t i = 0; i < job->spec->option_count; i++)
		list[2 + i] = arena_str(a, span_of(job->spec->options[i]));
	return list;
}

static int tmpfs_start(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	char *source = tmpfs_source(a, job->spec);
	sigset_t term;
	int sig;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	driver_detach();
	if (!source || !job->creds || mount(source, target, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=0777"))
		return err_sys(e, CODE_MOUNT, "mount a tmpfs on %s", target);
	sigwait(&term, &sig);
	_exit(0);
}

/* Each file in the queue: counted, or REMOVED. */
static int walk_queue(const struct driver_job *job, bool removed, struct pending *p, struct err *e)
{
	struct control path = control_path(job, "queue");
	DIR *d = opendir(path.s);
	const struct dirent *entry;

	if (!d)
		return err_sys(e, CODE_FAULT, "look into %s", path.s);
	while ((entry = readdir(d)))
		if (entry->d_name[0] == '.')
			continue;
		else if (removed)
			unlinkat(dirfd(d), entry->d_name, 0);
		else
			pending_add(p, span_of(entry->d_name), 1);
	closedir(d);
	return 0;
}

static int tmpfs_pending(const struct driver_job *job, bool running, struct pending *p, struct err *e)
{
	(void)running;
	memset(p, 0, sizeof *p);
	return walk_queue(job, false, p, e);
}

static int tmpfs_flush(const struct driver_job *job, struct err *e)
{
	return walk_queue(job, true, NULL, e) || add_line(job, "flushed", "flushed", e) ? -1 : 0;
}

static int tmpfs_renew(const struct driver_job *job, struct err *e)
{
	if (access(control_path(job, "renew-fails").s, F_OK) == 0)
		return err_set(e, CODE_MOUNT, "renew: the test says no");
	return add_line(job, "renewed", job->creds->key_id, e);
}

/* The last line that it has written. */
static void tmpfs_explain_log(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size)
{
	struct span line, last = SPAN("");

	while (span_cut(&log, '\n', &line))
		last = line;
	text_fmt(cause, cause_size, "%.*s", (int)last.n, last.p);
	text_fmt(hint, hint_size, "%s", "");
}

static const struct driver driver_tmpfs = {
	.name = "tmpfs",
	.type = PLAN_NATIVE,
	.fstype = "tmpfs",
	.source_begin = "test:",
	.stop_signal = SIGTERM,
	.keeps_keys = true,
	.check_option = tmpfs_check_option,
	.source = tmpfs_source,
	.identify = driver_identify,
	.settings = tmpfs_settings,
	.command = tmpfs_command,
	.explain_log = tmpfs_explain_log,
	.start = tmpfs_start,
	.pending = tmpfs_pending,
	.flush = tmpfs_flush,
	.renew = tmpfs_renew,
};

const struct driver *const drivers[] = { &driver_tmpfs, NULL };

const struct driver *driver_find(enum plan_type type)
{
	(void)type;
	return &driver_tmpfs;
}
