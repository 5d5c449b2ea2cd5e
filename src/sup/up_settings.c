#include "sup/up_settings.h"

#include "base/file.h"
#include "base/text.h"
#include "sup/check.h"
#include "sup/mount_new.h"
#include "sup/up_plan.h"

#include <limits.h>
#include <string.h>

/* Whenever M's driver is started again it reads a file, and this job writes that driver's settings. */
static bool reads_settings(const struct job *j, const struct mount *m)
{
	return m->driver->prepare && settings_of(&j->settings, m->driver).n;
}

static bool same_site(const struct job *j, const struct mount *m)
{
	return strcmp(m->job.endpoint, j->endpoint) == 0 && strcmp(m->job.config, j->req.config) == 0;
}

/* M stands, and must not be started again with the settings of this job: its files would go to another S3. */
static bool is_foreign(const struct job *j, const struct mount *m)
{
	return reads_settings(j, m) && mount_active(m) && !same_site(j, m);
}

const struct mount *up_find_foreign(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_foreign(&s->job, s->mounts[i]))
			return s->mounts[i];
	return NULL;
}

/* The settings of this job are not those that M was started with. */
static bool settings_differ(const struct sup *s, const struct mount *m)
{
	char root[PATH_MAX];
	struct mount *twin;
	struct err unused;
	bool differ;

	file_dirname(root, m->job.cache_dir);
	twin = mount_new(s->run, &m->spec, &m->job, m->id, root, settings_of(&s->job.settings, m->driver), &unused);
	differ = !twin || strcmp(twin->fingerprint, m->fingerprint) != 0;
	if (twin)
		mount_free(twin);
	return differ;
}

/* M stays as it is, and would be started again with settings that are new to it. */
static bool is_to_be_asked(const struct sup *s, const struct mount *m)
{
	const struct job *j = &s->job;

	return !up_names(j, m) && j->req.keep && up_in_use(m) && reads_settings(j, m) && same_site(j, m) &&
	       settings_differ(s, m);
}

int up_make_asked(struct sup *s, struct err *e)
{
	struct job *j = &s->job;
	size_t named = j->req.mount_count;

	j->asked = j->req;
	j->asked.mounts = arena_get(&j->mem, (named + s->count + 1) * sizeof *j->asked.mounts);
	if (!j->asked.mounts)
		return err_set(e, CODE_FAULT, "up: no memory");
	for (size_t i = 0; i < named; i++)
		j->asked.mounts[i] = j->req.mounts[i];
	for (size_t i = 0; i < s->count; i++)
		if (is_to_be_asked(s, s->mounts[i]))
			j->asked.mounts[j->asked.mount_count++] = s->mounts[i]->spec;
	return 0;
}

int up_refuse_foreign(const struct sup *s, struct err *e)
{
	const struct job *j = &s->job;

	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];

		if (up_names(j, m) || !j->req.keep || !is_foreign(j, m))
			continue;
		err_set(e, CODE_USAGE,
			"up --keep: mount %s, which would stay, is of S3 endpoint %s, with its settings in %s, and this call of %s, in %s: nothing was changed",
			m->spec.target, m->job.endpoint, m->job.config, j->endpoint, j->req.config);
		return err_hint(e,
			"--run-dir gives other mounts a supervisor and settings of their own; without --keep that mount goes down first");
	}
	return 0;
}

int up_store_settings(struct sup *s)
{
	struct job *j = &s->job;
	int stored = settings_store(&j->settings, j->req.config, &j->error);
	struct err unused;

	if (stored < 0)
		return -1;
	if (stored && strcmp(s->config, j->req.config) != 0 && s->config[0])
		settings_forget(s->config, &unused);
	settings_wipe(&j->settings);
	if (stored)
		text_fmt(s->config, sizeof s->config, "%s", j->req.config);
	j->stored = true;
	return 0;
}

int up_try_settings(struct sup *s, const struct mount *m)
{
	struct job *j = &s->job;

	if (strcmp(m->job.config, j->req.config) == 0)
		return 0;
	return settings_store(&j->settings, j->req.config, &j->error) < 0 || settings_forget(j->req.config, &j->error) ? -1 : 0;
}

void up_explain_foreign(struct job *j, const struct mount *m)
{
	err_set(&j->error, m->error.code == CODE_OK ? CODE_MOUNT : m->error.code,
		"up: mount %s still stands, of S3 endpoint %s, with its settings in %s: nothing is mounted of %s, with %s, before it is down",
		m->spec.target, m->job.endpoint, m->job.config, j->endpoint, j->req.config);
	err_hint(&j->error, "%s",
		m->error.hint[0] ? m->error.hint : "call up again, or give --run-dir: then both have settings of their own");
}

bool up_kept_accepted(struct job *j)
{
	char what[PATH_MAX + 128];

	for (size_t i = j->req.mount_count; i < j->asked.mount_count; i++) {
		struct verdict v = check_verdict(&j->verdicts, i);

		if (v.code == CODE_OK)
			continue;
		text_fmt(what, sizeof what,
			"up --keep with other settings, for mount %s, which would stay (the mounts stay as they were)",
			j->asked.mounts[i].target);
		check_error(&j->error, what, &v);
		return false;
	}
	return true;
}
