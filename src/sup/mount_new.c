#include "sup/mount_new.h"

#include "base/text.h"
#include "sup/child.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKET_NAME sizeof "0123456.rc"
#define COMMAND_MAX (1024 * 1024)

static bool copy_string(struct arena *a, const char **s)
{
	return (*s = arena_str(a, span_of(*s))) != NULL;
}

/* The caller's strings become the mount's own. */
static bool own_strings(struct mount *m)
{
	struct plan_mount *spec = &m->spec;
	struct driver_job *job = &m->job;
	const char **options = arena_get(&m->mem, (spec->option_count + 1) * sizeof *options);

	if (!options)
		return false;
	for (size_t i = 0; i < spec->option_count; i++) {
		options[i] = spec->options[i];
		if (!copy_string(&m->mem, &options[i]))
			return false;
	}
	spec->options = options;
	spec->cache = spec->cache ? spec->cache : "";
	spec->own_cache = false; /* it has been chosen */
	job->spec = spec;
	return copy_string(&m->mem, &spec->target) && copy_string(&m->mem, &spec->bucket) &&
	       copy_string(&m->mem, &spec->prefix) && copy_string(&m->mem, &spec->cache) &&
	       copy_string(&m->mem, &job->program) && copy_string(&m->mem, &job->config) &&
	       copy_string(&m->mem, &job->cache_dir) && copy_string(&m->mem, &job->ca_cert) &&
	       copy_string(&m->mem, &job->helper_dir) && copy_string(&m->mem, &job->endpoint) &&
	       copy_string(&m->mem, &job->region) && copy_string(&m->mem, &job->provider) &&
	       copy_string(&m->mem, &job->addressing) && copy_string(&m->mem, &job->program_version) &&
	       copy_string(&m->mem, &job->socket);
}

/* Wiped with the mount. */
static bool own_keys(struct mount *m)
{
	const struct creds *given = m->job.creds;

	m->job.creds = NULL;
	if (!given || !m->driver->keeps_keys)
		return true;
	if (!(m->keys = malloc(sizeof *m->keys)))
		return false;
	*m->keys = *given;
	m->job.creds = m->keys;
	return true;
}

static int set_identity(struct mount *m, const char *cache_root, struct span settings, struct err *e)
{
	char path[PATH_MAX];
	struct arena a = { 0 };
	struct buf all = buf_heap(COMMAND_MAX);
	char **command;

	text_fmt(path, sizeof path, "%s/%s", cache_root, m->id);
	m->job.cache_dir = arena_str(&m->mem, span_of(path));
	if (!m->job.cache_dir)
		return err_set(e, CODE_FAULT, "mount %s: no memory", m->spec.target);
	command = m->driver->command(&a, &m->job, m->spec.target, e);
	for (char **arg = command; arg && *arg; arg++)
		buf_add(&all, *arg, strlen(*arg) + 1);
	if (command) {
		struct span what[] = { buf_all(&all), settings };

		driver_hash(m->options, what, 1);
		driver_hash(m->fingerprint, what, 2);
	}
	buf_free(&all);
	arena_free(&a);
	return command ? 0 : -1;
}

/* RUN_PATH_MAX leaves room for a part of the id in the name of a socket: two mounts of one run directory that share it are not to be expected. */
static struct run_path socket_of(const struct mount *m)
{
	char name[SOCKET_NAME];

	text_fmt(name, sizeof name, "%.7s.rc", m->id);
	return run_path(m->run, name);
}

struct mount *mount_make(
	const struct run *run, const struct plan_mount *spec, const struct driver_job *job, const char *id, struct err *e)
{
	const struct driver *driver = driver_of(spec, e);
	struct run_path socket;
	struct mount *m;

	if (!driver)
		return NULL;
	if (!(m = calloc(1, sizeof *m))) {
		err_set(e, CODE_FAULT, "mount %s: no memory", spec->target);
		return NULL;
	}
	*m = (struct mount){
		.spec = *spec,
		.job = *job,
		.driver = driver,
		.run = run,
		.deadline = NEVER,
		.busy_until = NEVER,
		.give_up = NEVER,
		.pidfd = -1,
		.below = -1,
		.late_since = NEVER,
		.answer = buf_heap(4 * sizeof(struct answer)),
		.found = buf_heap(2 * sizeof(struct look_answer)),
	};
	m->beside = m;
	text_fmt(m->id, sizeof m->id, "%.*s", MOUNT_ID - 1, id);
	socket = socket_of(m);
	m->job.socket = socket.s;
	if (own_strings(m) && own_keys(m) && (m->source = m->driver->source(&m->mem, &m->spec)))
		return m;
	err_set(e, CODE_FAULT, "mount %s: no memory", spec->target);
	mount_free(m);
	return NULL;
}

struct mount *mount_new(const struct run *run, const struct plan_mount *spec, const struct driver_job *job, const char *id,
	const char *cache_root, struct span settings, struct err *e)
{
	struct mount *m = mount_make(run, spec, job, id, e);

	if (!m || set_identity(m, cache_root, settings, e) == 0)
		return m;
	mount_free(m);
	return NULL;
}

void mount_free(struct mount *m)
{
	task_stop(&m->task);
	task_stop(&m->look);
	mount_forget_notes(m);
	while (m->history_count)
		free(m->history[--m->history_count]);
	buf_free(&m->answer);
	buf_free(&m->found);
	free(m->failures);
	free(m->path);
	if (m->pidfd >= 0)
		close(m->pidfd);
	if (m->below >= 0)
		close(m->below);
	if (m->keys)
		creds_wipe(m->keys);
	free(m->keys);
	arena_free(&m->mem);
	free(m);
}
