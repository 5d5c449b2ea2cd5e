#include "sup/mounts.h"

#include "base/log.h"
#include "mnt/layer.h"
#include "sup/look.h"
#include "sup/mount_new.h"
#include "sup/nest.h"
#include "sup/states.h"

#include <stdlib.h>

struct mount *mounts_find(const struct sup *s, const char *target)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->mounts[i]->spec.target, target) == 0)
			return s->mounts[i];
	return NULL;
}

int mounts_add(struct sup *s, struct mount *m)
{
	struct mount **bigger = realloc(s->mounts, (s->count + 1) * sizeof *bigger);

	if (!bigger)
		return -1;
	s->mounts = bigger;
	if (s->count)
		nest_join(m, s->mounts[0]);
	s->mounts[s->count++] = m;
	return 0;
}

void mounts_drop(struct sup *s, struct mount *m)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i] == m) {
			memmove(&s->mounts[i], &s->mounts[i + 1], (--s->count - i) * sizeof(struct mount *));
			nest_leave(m);
			mount_free(m);
			return;
		}
}

void mounts_event(struct sup *s, enum mount_event ev)
{
	for (size_t i = 0; i < s->count; i++)
		mount_event(s->mounts[i], ev, sup_table(s));
}

void mounts_want(struct sup *s, struct mount *m, int64_t deadline)
{
	m->lazy = m->down_failed = m->keep_layer = m->upload_now = false;
	m->replace_hung = true;
	m->tries = 0;
	m->started = clock_ms();
	m->give_up = deadline;
	m->ms = 0;
	mount_event(m, EVENT_START, sup_table(s));
}

void mounts_keep(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!mount_wanted(s->mounts[i]) && s->mounts[i]->goal != GOAL_ABORT && mount_active(s->mounts[i]))
			mounts_want(s, s->mounts[i], clock_ms() + MOUNT_START_MS);
}

bool mounts_settled(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!mount_settled(s->mounts[i]))
			return false;
	return true;
}

bool mounts_stand(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (mount_stands(s->mounts[i], sup_table(s)))
			return true;
	return false;
}

bool mounts_looked(const struct sup *s, unsigned long stamp)
{
	bool all = true;

	for (size_t i = 0; i < s->count; i++)
		all &= look_done(s->mounts[i], stamp);
	return all;
}

bool mounts_answered(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (mount_unproven(s->mounts[i]))
			return false;
	return true;
}

bool mounts_left_files(const struct mount *m)
{
	return look_dirty(m) && (m->pending_known || m->driver_started);
}

/* `down` has reported what it has left, and nobody asks again; after `up` somebody may. */
static bool is_done_with(const struct sup *s, const struct mount *m)
{
	return s->going_down || !mounts_left_files(m);
}

void mounts_clear_layers(struct sup *s)
{
	const struct mnt_table *t = sup_table(s);

	if (mounts_stand(s) || !t)
		return;
	for (size_t i = 0; i < s->count; i++)
		if (is_done_with(s, s->mounts[i]) && mnt_layer_on_top(t, mount_path(s->mounts[i])))
			mount_event(s->mounts[i], EVENT_CLEAR, t);
}

/* With no mount left the keys go from the disk too. */
static void forget_settings(struct sup *s)
{
	struct err e;

	if (!s->config[0])
		return;
	if (settings_forget(s->config, &e))
		log_line("%s", e.text);
	s->config[0] = 0;
}

/* Whoever asks a supervisor that goes on without a mount finds out why. */
static bool tells_failure(const struct sup *s, const struct mount *m)
{
	return s->stay && !s->going_down && m->error.code != CODE_OK;
}

void mounts_tidy(struct sup *s)
{
	if (mounts_stand(s))
		return;
	for (size_t i = s->count; i--;)
		if (is_done_with(s, s->mounts[i]) && !tells_failure(s, s->mounts[i]))
			mounts_drop(s, s->mounts[i]);
	forget_settings(s);
}
