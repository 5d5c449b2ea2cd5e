#include "sup/up.h"

#include "base/text.h"
#include "sup/check.h"
#include "sup/mount_new.h"
#include "sup/mounts.h"
#include "sup/states.h"
#include "sup/up_plan.h"
#include "sup/up_settings.h"

#include <limits.h>
#include <string.h>

/*
 * Something would be stopped, would upload with the new credentials what it has left, or would be healed with them: S3 has to take them first.
 */
static bool change_needed(const struct sup *s)
{
	if (s->job.asked.mount_count > s->job.req.mount_count)
		return true;
	for (size_t i = 0; i < s->count; i++)
		if (!up_leaves_alone(&s->job, s->mounts[i]) && up_in_use(s->mounts[i]))
			return true;
	return false;
}

/* Nothing but its keys is new, and its driver takes those while it runs. */
static bool takes_keys(const struct mount *old, const struct mount *m)
{
	bool serves = old->state == MOUNT_UP || old->state == MOUNT_UNHEALTHY || old->state == MOUNT_RENEW ||
		      (old->state == MOUNT_PROVE && old->proven);

	return serves && old->goal == GOAL_UP && old->driver == m->driver && m->driver->renew && up_same_cache(old, m) &&
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
	bool followed = up_names(j, m) && up_same_cache(j->fresh[up_place(j, m)], m);

	m->down_failed = false;
	m->keep_layer = up_names(j, m);
	/* Keys may have run out: the new ones, and the other mounts, get a share of the time. */
	m->give_up = j->deadline - j->req.timeout_ms / (followed ? 2 : 4);
	/* Whatever is started of it now reads the new config. */
	if (j->stored)
		memset(m->fingerprint, '0', MOUNT_ID - 1);
	mount_event(m, EVENT_STOP, sup_table(s));
	if (followed && m->goal == GOAL_DOWN)
		m->goal = GOAL_HANDOVER;
}

/*
 * The config is written first: where that fails nothing has been touched. Drivers that run have read theirs, and what is started while it goes down
 * uploads with the new keys; but where a mount of another endpoint, or with another file, stands, it may still have to be healed with its own.
 */
static int stop_others(struct sup *s)
{
	struct job *j = &s->job;
	const struct mount *foreign = up_find_foreign(s);

	if (foreign ? up_try_settings(s, foreign) : up_store_settings(s))
		return -1;
	text_fmt(s->cache, sizeof s->cache, "%s", j->req.cache_dir);
	j->phase = JOB_STOP;
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (up_leaves_alone(j, m))
			continue;
		if (up_names(j, m) && takes_keys(m, j->fresh[up_place(j, m)]))
			give_keys(s, m, &j->fresh[up_place(j, m)]);
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
		s3_endpoint_set_style(&site, j->req.addressing, &j->error) ||
		settings_make(&j->settings, j->req.mounts, j->req.mount_count, &site, &j->req.creds, &j->error) ||
		up_make_fresh(s, &site, &j->error) || up_refuse_foreign(s, &j->error) || up_make_asked(s, &j->error) ||
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
	return mount_active(old) || (old->error.code != CODE_OK && (!m || !up_same_cache(old, m)));
}

/* Those that the plan no longer names are forgotten when they have gone. */
static void drop_others(struct sup *s)
{
	for (size_t i = s->count; i--;)
		if (!up_names(&s->job, s->mounts[i]) && !s->job.req.keep && !must_stay(s->mounts[i], NULL))
			mounts_drop(s, s->mounts[i]);
}

/* Why M takes the place of OLD, which was up. */
static const char *renewal_note(const struct mount *old, const struct mount *m)
{
	if (!old->up_since || !up_same_cache(old, m))
		return NULL;
	if (old->error.code != CODE_OK)
		return "mounted again with its new settings, to upload what was not in S3 yet";
	return strcmp(old->options, m->options) == 0 ? "flushed and mounted again, for its new credentials or proxy" :
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

int up_start(struct sup *s)
{
	struct job *j = &s->job;
	const struct mount *foreign = j->stored ? NULL : up_find_foreign(s);

	if (foreign) {
		up_explain_foreign(j, foreign);
		return 0;
	}
	if (!j->stored && up_store_settings(s))
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
		if (!up_leaves_alone(&s->job, s->mounts[i]) && !mount_settled(s->mounts[i]) && !s->mounts[i]->down_failed)
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
		else if (m->check.hint[0])
			mount_note(m, m->check.hint);
		m->checking = false;
	}
}

bool up_accepted(struct sup *s)
{
	struct job *j = &s->job;
	struct verdict first = { 0 };

	for (size_t i = 0; i < j->req.mount_count; i++) {
		struct verdict v = check_verdict(&j->verdicts, i);

		if (v.code == CODE_OK)
			return up_kept_accepted(j) && stop_others(s) == 0;
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
