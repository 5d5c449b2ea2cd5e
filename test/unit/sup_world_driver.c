#include "sup_world.h"

#include "base/text.h"
#include "driver/driver.h"
#include "sup/pidfile.h"

#include <signal.h>

/* ---- sup/pidfile.c ---- */

void pidfile_write(const struct mount *m)
{
	(void)m;
	MUST(!"in the supervisor");
}

int pidfile_adopt(struct mount *m, bool *same)
{
	struct place *at = &world.places[world_place_at(m->spec.target)];
	struct process *p = at->adoptable ? world_driver_at((int)(at - world.places)) : NULL;

	*same = false;
	if (!p || p->open || strcmp(p->cache->dir, m->job.cache_dir) != 0)
		return -1;
	p->open = true;
	at->unverified = at->foreign = false;
	*same = !at->outdated;
	m->pid = p->pid;
	m->pidfd = WORLD_PIDFDS + (int)(p - world.processes);
	/* By its pidfd, of which nothing is known here. */
	world_tell(p);
	return 0;
}

void pidfile_kill(const struct mount *m)
{
	(void)m;
	MUST(!"in the supervisor");
}

void pidfile_remove(const struct mount *m)
{
	world.places[world_place_at(m->spec.target)].adoptable = false;
}

bool pidfile_exists(const struct run *run, const char *id)
{
	(void)run;
	(void)id;
	return false;
}

struct mount *pidfile_mount(const struct run *run, const char *name)
{
	(void)run;
	(void)name;
	return NULL;
}

/* ---- the driver ---- */

static char *world_source(struct arena *a, const struct plan_mount *spec)
{
	char text[256];

	text_fmt(text, sizeof text, "world:%s/%s", spec->bucket, spec->prefix);
	return arena_str(a, span_of(text));
}

static char **world_command(struct arena *a, const struct driver_job *job, const char *target, struct err *e)
{
	char **list = arena_get(a, (job->spec->option_count + 3) * sizeof *list);

	if (!list) {
		err_set(e, CODE_FAULT, "command: no memory");
		return NULL;
	}
	list[0] = arena_str(a, SPAN("world"));
	list[1] = arena_str(a, span_of(target));
	for (size_t i = 0; i < job->spec->option_count; i++)
		list[2 + i] = arena_str(a, span_of(job->spec->options[i]));
	return list;
}

static int world_settings(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e)
{
	(void)endpoint;
	(void)e;
	buf_str(out, creds->key_id);
	return 0;
}

static int world_prepare(const char *config, struct span text, struct err *e)
{
	if (world.no_disk)
		return err_set(e, CODE_FAULT, "write %s: no", config);
	MUST(text.n);
	world.config = true;
	return 0;
}

/* With the keys go the drivers: none can be started again. */
static int world_forget(const char *config, struct err *e)
{
	(void)config;
	(void)e;
	for (int i = 0; i < PLACES; i++)
		MUST(world.places[i].foreign || (!world_find(WORK_DRIVE, i) && !world.places[i].ours));
	world.config = false;
	return 0;
}

static void world_explain_log(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size)
{
	(void)log;
	MUST(cause_size && hint_size);
	*cause = *hint = 0;
}

/* In a child: never called here. */
static int world_renew(const struct driver_job *job, struct err *e)
{
	(void)job;
	(void)e;
	return -1;
}

static const struct driver driver_world = {
	.name = "world",
	.type = PLAN_NATIVE,
	.fstype = "fuse.world",
	.source_begin = "world:",
	.stop_signal = SIGTERM,
	.source = world_source,
	.identify = driver_identify,
	.settings = world_settings,
	.command = world_command,
	.prepare = world_prepare,
	.forget = world_forget,
	.explain_log = world_explain_log,
	.renew = world_renew,
};

const struct driver *const drivers[] = { &driver_world, NULL };

const struct driver *driver_find(enum plan_type type)
{
	(void)type;
	return &driver_world;
}
