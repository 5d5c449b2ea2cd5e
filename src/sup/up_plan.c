#include "sup/up_plan.h"

#include "base/text.h"
#include "sup/cache.h"
#include "sup/mount_new.h"
#include "sup/mounts.h"

#include <string.h>

size_t up_place(const struct job *j, const struct mount *m)
{
	size_t i = 0;

	while (i < j->req.mount_count && strcmp(j->req.mounts[i].target, m->spec.target) != 0)
		i++;
	return i;
}

bool up_names(const struct job *j, const struct mount *m)
{
	return up_place(j, m) < j->req.mount_count;
}

bool up_leaves_alone(const struct job *j, const struct mount *m)
{
	return up_names(j, m) ? !j->fresh[up_place(j, m)] : j->req.keep;
}

bool up_same_cache(const struct mount *a, const struct mount *b)
{
	return strcmp(a->job.cache_dir, b->job.cache_dir) == 0 && strcmp(a->job.endpoint, b->job.endpoint) == 0;
}

bool up_in_use(const struct mount *m)
{
	return mount_active(m) || mounts_left_files(m);
}

/* Another mount has the folder ID below the cache root, or will have it by this plan, in which SPEC is number COUNT. */
static bool id_taken(const struct sup *s, const char *id, const struct plan_mount *spec, size_t count)
{
	struct run_path dir;

	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->mounts[i]->id, id) == 0 && strcmp(s->mounts[i]->spec.target, spec->target) != 0)
			return true;
	for (size_t i = 0; i < count; i++)
		if (s->job.fresh[i] && strcmp(s->job.fresh[i]->id, id) == 0)
			return true;
	text_fmt(dir.s, sizeof dir.s, "%s/%s", s->job.req.cache_dir, id);
	return cache_held(dir.s) > 0;
}

/*
 * Which cache SPEC has: its source's; one of its own where another mount of that source has it. A mount that stands keeps the one that it has.
 */
static void choose_id(const struct sup *s, char id[MOUNT_ID], const char *endpoint, const struct plan_mount *spec, size_t count)
{
	const struct driver *d = driver_find(spec->type);
	const struct mount *old = mounts_find(s, spec->target);
	char own[MOUNT_ID];

	if (spec->cache && cache_is_id(spec->cache)) {
		text_fmt(id, MOUNT_ID, "%s", spec->cache);
		return;
	}
	d->identify(id, endpoint, spec, false);
	d->identify(own, endpoint, spec, true);
	if (old && strcmp(old->id, id) == 0)
		return;
	if ((old && strcmp(old->id, own) == 0) || id_taken(s, id, spec, count) ||
		(spec->own_cache && !id_taken(s, own, spec, count)))
		memcpy(id, own, MOUNT_ID);
}

int up_make_fresh(struct sup *s, const struct s3_endpoint *site, struct err *e)
{
	struct job *j = &s->job;
	struct run_path helpers = run_path(s->run, "bin");
	char endpoint[640], id[MOUNT_ID];
	struct driver_job with = {
		.program = j->req.program,
		.program_version = j->req.program_version,
		.config = j->req.config,
		.cache_dir = "",
		.ca_cert = j->req.ca_cert,
		.helper_dir = helpers.s,
		.allow_other = j->req.allow_other,
		.endpoint = endpoint,
		.region = site->region,
		.provider = site->provider,
		.addressing = j->req.addressing,
		.creds = &j->req.creds,
		.shares = (unsigned)j->req.mount_count,
	};

	s3_endpoint_identity(site, endpoint, sizeof endpoint);
	j->endpoint = arena_str(&j->mem, span_of(endpoint));
	j->fresh = arena_get(&j->mem, (j->req.mount_count + 1) * sizeof *j->fresh);
	if (!j->fresh || !j->endpoint)
		return err_set(e, CODE_FAULT, "up: no memory");
	for (size_t i = 0; i < j->req.mount_count; i++) {
		const struct plan_mount *spec = &j->req.mounts[i];
		struct mount *old = mounts_find(s, spec->target), *m;

		if (!driver_of(spec, e))
			return -1;
		choose_id(s, id, endpoint, spec, i);
		m = mount_new(s->run, spec, &with, id, j->req.cache_dir, settings_of(&j->settings, driver_find(spec->type)), e);
		if (!m)
			return -1;
		if (old && strcmp(old->fingerprint, m->fingerprint) == 0 && up_same_cache(old, m)) {
			old->spec.nofail = spec->nofail;
			mount_free(m);
		} else {
			j->fresh[i] = m;
		}
	}
	return 0;
}
