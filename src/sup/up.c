#include "sup/up.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "sup/cache.h"
#include "sup/check.h"
#include "sup/mount_new.h"
#include "sup/mounts.h"
#include "sup/states.h"

#include <unistd.h>

/* The place in the plan of the mount M's target; the plan's size where it does not name it. */
static size_t place_of(const struct job *j, const struct mount *m)
{
	size_t i = 0;

	while (i < j->req.mount_count && strcmp(j->req.mounts[i].target, m->spec.target) != 0)
		i++;
	return i;
}

static bool is_named(const struct job *j, const struct mount *m)
{
	return place_of(j, m) < j->req.mount_count;
}

/* Stays as it is. */
static bool stays_unchanged(const struct job *j, const struct mount *m)
{
	return is_named(j, m) ? !j->fresh[place_of(j, m)] : j->req.keep;
}

/* What one leaves the other uploads. */
static bool same_cache(const struct mount *a, const struct mount *b)
{
	return strcmp(a->job.cache_dir, b->job.cache_dir) == 0 && strcmp(a->job.endpoint, b->job.endpoint) == 0;
}

/* Something of it is to be kept from harm: a driver, or files. */
static bool is_in_use(const struct mount *m)
{
	return mount_active(m) || mounts_left_files(m);
}

/* ---- one file with settings for all ---- */

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

static const struct mount *find_foreign(const struct sup *s)
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

	return !is_named(j, m) && j->req.keep && is_in_use(m) && reads_settings(j, m) && same_site(j, m) &&
	       settings_differ(s, m);
}

/* What S3 is asked of: the mounts of the request, and behind them those that is_to_be_asked(). */
static int make_asked(struct sup *s, struct err *e)
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

/* A mount that would be left standing cannot be healed any more once the settings are those of another endpoint, or elsewhere. */
static int refuse_foreign_kept(const struct sup *s, struct err *e)
{
	const struct job *j = &s->job;

	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];

		if (is_named(j, m) || !j->req.keep || !is_foreign(j, m))
			continue;
		err_set(e, CODE_USAGE,
			"up --keep: mount %s, which would stay, is of S3 endpoint %s, with its settings in %s, and this call of %s, in %s: nothing was changed",
			m->spec.target, m->job.endpoint, m->job.config, j->endpoint, j->req.config);
		return err_hint(e,
			"--run-dir gives other mounts a supervisor and settings of their own; without --keep that mount goes down first");
	}
	return 0;
}

/* ---- what an `up` changes ---- */

/*
 * Something would be stopped, would upload with the new credentials what it has left, or would be healed with them: S3 has to take them first.
 */
static bool change_needed(const struct sup *s)
{
	if (s->job.asked.mount_count > s->job.req.mount_count)
		return true;
	for (size_t i = 0; i < s->count; i++)
		if (!stays_unchanged(&s->job, s->mounts[i]) && is_in_use(s->mounts[i]))
			return true;
	return false;
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

/* A struct mount for each of the plan's that does not stand as it is wanted. */
static int make_fresh(struct sup *s, const struct s3_endpoint *site, struct err *e)
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
		if (old && strcmp(old->fingerprint, m->fingerprint) == 0 && same_cache(old, m)) {
			old->spec.nofail = spec->nofail;
			mount_free(m);
		} else {
			j->fresh[i] = m;
		}
	}
	return 0;
}

/* Nothing but its keys is new, and its driver takes those while it runs. */
static bool takes_keys(const struct mount *old, const struct mount *m)
{
	bool serves = old->state == MOUNT_UP || old->state == MOUNT_UNHEALTHY || old->state == MOUNT_RENEW ||
		      (old->state == MOUNT_PROVE && old->proven);

	return serves && old->goal == GOAL_UP && old->driver == m->driver && m->driver->renew && same_cache(old, m) &&
	       strcmp(old->options, m->options) == 0;
}

/* The driver of OLD gets the keys of FRESH, which is not needed then. */
static void give_keys(struct sup *s, struct mount *old, struct mount **fresh)
{
	if (old->keys)
		*old->keys = *(*fresh)->keys;
	memcpy(old->fingerprint, (*fresh)->fingerprint, sizeof old->fingerprint);
	mount_free(*fresh);
	*fresh = NULL;
	mount_event(old, EVENT_RENEW, sup_table(s));
}

/* Goes down for what the plan says, or for nothing. */
static void stop_other(struct sup *s, struct mount *m)
{
	const struct job *j = &s->job;
	bool followed = is_named(j, m) && same_cache(j->fresh[place_of(j, m)], m);

	m->down_failed = false;
	m->keep_layer = is_named(j, m);
	/* Keys may have run out: the new ones, and the other mounts, get a share of the time. */
	m->give_up = j->deadline - j->req.timeout_ms / (followed ? 2 : 4);
	/* Whatever is started of it now reads the new config. */
	if (j->stored)
		memset(m->fingerprint, '0', MOUNT_ID - 1);
	mount_event(m, EVENT_STOP, sup_table(s));
	if (followed && m->goal == GOAL_DOWN)
		m->goal = GOAL_HANDOVER;
}

static int store_settings(struct sup *s)
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

/* Can they be stored once M is down? Nobody reads another file yet; the one that M reads has been written for it. */
static int try_settings(struct sup *s, const struct mount *m)
{
	struct job *j = &s->job;

	if (strcmp(m->job.config, j->req.config) == 0)
		return 0;
	return settings_store(&j->settings, j->req.config, &j->error) < 0 || settings_forget(j->req.config, &j->error) ? -1 : 0;
}

/*
 * The config is written first: where that fails nothing has been touched. Drivers that run have read theirs, and what is started while it goes down
 * uploads with the new keys; but where a mount of another endpoint, or with another file, stands, it may still have to be healed with its own.
 */
static int stop_others(struct sup *s)
{
	struct job *j = &s->job;
	const struct mount *foreign = find_foreign(s);

	if (foreign ? try_settings(s, foreign) : store_settings(s))
		return -1;
	text_fmt(s->cache, sizeof s->cache, "%s", j->req.cache_dir);
	j->phase = JOB_STOP;
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (stays_unchanged(j, m))
			continue;
		if (is_named(j, m) && takes_keys(m, j->fresh[place_of(j, m)]))
			give_keys(s, m, &j->fresh[place_of(j, m)]);
		else
			stop_other(s, m);
	}
	return 0;
}

int up_begin(struct sup *s)
{
	struct job *j = &s->job;
	struct s3_endpoint site;

	if (s3_endpoint_parse(&site, j->req.endpoint, j->req.provider, j->req.region, &j->error) ||
		settings_make(&j->settings, j->req.mounts, j->req.mount_count, &site, &j->req.creds, &j->error) ||
		make_fresh(s, &site, &j->error) || refuse_foreign_kept(s, &j->error) || make_asked(s, &j->error) ||
		task_start(&j->check, check_child, &j->asked, j->req.timeout_ms, &j->error))
		return -1;
	/* The check has its own copy now. */
	creds_wipe(&j->req.creds);
	creds_wipe(&j->asked.creds);
	if (!change_needed(s))
		return stop_others(s);
	j->phase = JOB_CHECK;
	return 0;
}

/* NEW: it does not stand yet, and goes down again where S3 refuses it. */
static void want_mount(struct sup *s, struct mount *m, bool new)
{
	m->checking = new;
	m->check.kind = NULL;
	mounts_want(s, m, s->job.deadline);
}

/* Could not go down, or has left files that M's driver (M is NULL: nobody) would not upload: it stays in the list, and says why. */
static bool must_stay(const struct mount *old, const struct mount *m)
{
	return mount_active(old) || (old->error.code != CODE_OK && (!m || !same_cache(old, m)));
}

/* Those that the plan no longer names are forgotten when they have gone. */
static void drop_others(struct sup *s)
{
	for (size_t i = s->count; i--;)
		if (!is_named(&s->job, s->mounts[i]) && !s->job.req.keep && !must_stay(s->mounts[i], NULL))
			mounts_drop(s, s->mounts[i]);
}

/* Why M takes the place of OLD, which was up. */
static const char *renewal_note(const struct mount *old, const struct mount *m)
{
	if (!old->up_since || !same_cache(old, m))
		return NULL;
	if (old->error.code != CODE_OK)
		return "mounted again with its new settings, to upload what was not in S3 yet";
	return strcmp(old->options, m->options) == 0 ? "flushed and mounted again, for its new credentials" :
						       "flushed and mounted again, for its new options";
}

/* M follows OLD at its target: what is known of the folder there goes on. */
static void take_place(struct mount *m, struct mount *old)
{
	memcpy(m->dropped, old->dropped, sizeof m->dropped);
	/* The folder of one that has never been up is a plain one. */
	if (!old->was_up)
		return;
	m->was_up = true;
	m->covers_files = old->covers_files;
	m->below_since = old->below_since;
	m->below = old->below;
	old->below = -1;
}

/* M could not go down: it keeps the settings that it was started with, and nothing is mounted with others. */
static void explain_foreign(struct job *j, const struct mount *m)
{
	err_set(&j->error, m->error.code == CODE_OK ? CODE_MOUNT : m->error.code,
		"up: mount %s still stands, of S3 endpoint %s, with its settings in %s: nothing is mounted of %s, with %s, before it is down",
		m->spec.target, m->job.endpoint, m->job.config, j->endpoint, j->req.config);
	err_hint(&j->error, "%s",
		m->error.hint[0] ? m->error.hint : "call up again, or give --run-dir: then both have settings of their own");
}

int up_start(struct sup *s)
{
	struct job *j = &s->job;
	const struct mount *foreign = j->stored ? NULL : find_foreign(s);

	if (foreign) {
		explain_foreign(j, foreign);
		return 0;
	}
	if (!j->stored && store_settings(s))
		return -1;
	drop_others(s);
	for (size_t i = 0; i < j->req.mount_count; i++) {
		struct mount *old = mounts_find(s, j->req.mounts[i].target), *m = j->fresh[i];

		if (!m) {
			want_mount(s, old, !mount_active(old));
			continue;
		}
		if (old && must_stay(old, m))
			continue;
		m->why = old ? renewal_note(old, m) : NULL;
		if (old)
			take_place(m, old);
		if (old)
			mounts_drop(s, old);
		if (mounts_add(s, m))
			return err_set(&j->error, CODE_FAULT, "up: no memory");
		j->fresh[i] = NULL;
		want_mount(s, m, true);
	}
	return 0;
}

bool up_others_settled(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!stays_unchanged(&s->job, s->mounts[i]) && !mount_settled(s->mounts[i]) && !s->mounts[i]->down_failed)
			return false;
	return true;
}

void up_give_up_stop(struct sup *s)
{
	struct job *j = &s->job;

	err_set(&j->error, CODE_MOUNT,
		"up: not done within %d s: what is mounted could not go down for the new settings in that time, and stays",
		j->req.timeout_ms / 1000);
	err_hint(&j->error, "s3mounts status tells what is waited for; --timeout gives it longer");
	mounts_keep(s);
	j->phase = JOB_SETTLE;
}

static void refuse_mount(struct sup *s, struct mount *m)
{
	char what[PATH_MAX];
	struct err e;

	text_fmt(what, sizeof what, "mount %s", m->spec.target);
	check_error(&e, what, &m->check);
	/* One that works is left alone: what S3 says of the new credentials is reported all the same. */
	if (m->checking && mount_active(m))
		mount_abort(m, &e, sup_table(s));
	else
		m->error = e;
}

void up_take_verdicts(struct sup *s)
{
	struct job *j = &s->job;

	for (size_t i = 0; i < j->req.mount_count; i++) {
		struct mount *m = mounts_find(s, j->req.mounts[i].target);

		if (!m)
			continue;
		m->check = check_verdict(&j->verdicts, i);
		if (m->check.code != CODE_OK)
			refuse_mount(s, m);
		m->checking = false;
	}
}

/* One that stays works with the keys that it has, and would be healed with these. */
static bool kept_accepted(struct job *j)
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

bool up_accepted(struct sup *s)
{
	struct job *j = &s->job;
	struct verdict first = { 0 };

	for (size_t i = 0; i < j->req.mount_count; i++) {
		struct verdict v = check_verdict(&j->verdicts, i);

		if (v.code == CODE_OK)
			return kept_accepted(j) && stop_others(s) == 0;
		if (!first.kind)
			first = v;
	}
	check_error(&j->error, "up with other settings (the mounts stay as they were)", &first);
	return false;
}

void up_cancel(struct sup *s)
{
	struct err e;

	mounts_keep(s);
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (!m->checking)
			continue;
		err_set(&e, CODE_MOUNT,
			"mount %s: given up before S3 had accepted its credentials: the command that asked for it has ended",
			m->spec.target);
		err_hint(&e, "s3mounts up mounts it; --timeout must be less than what its caller gives it");
		mount_abort(m, &e, sup_table(s));
	}
}
