#include "sup/order.h"

#include "sup/nest.h"
#include "sup/states.h"

static bool tell(struct mount *m, enum mount_event ev, const struct mnt_table *t)
{
	mount_event(m, ev, t);
	return true;
}

/* What goes down for new settings comes back. */
static bool waits_in_vain(const struct sup *s, const struct mount *m)
{
	return nest_waits_in_vain(m) && !(nest_outer(m)->state == MOUNT_DOWN && s->job.phase == JOB_STOP);
}

static bool order_waiting(const struct sup *s, struct mount *m, const struct mnt_table *t)
{
	if (nest_ready(m, t))
		return tell(m, EVENT_READY, t);
	return m->error.code == CODE_OK && waits_in_vain(s, m) && tell(m, EVENT_OUTER_FAILED, t);
}

/* M could not go down: what it lies in has to stay for it, or cannot be mounted. */
static bool order_staying(struct mount *m, const struct mnt_table *t)
{
	bool failed = m->state == MOUNT_FAILED && t && mount_seen(m, t) != EVENT_GONE;
	bool stays = failed || (mount_wanted(m) && m->down_failed);
	bool told = false;

	for (struct mount *o = nest_outer(m); stays && o; o = nest_outer(o))
		if ((o->state == MOUNT_DRAIN && nest_holder(o, t)) ||
			(o->state == MOUNT_WAIT && o->error.code == CODE_OK && nest_standing(o, t)))
			told |= tell(o, EVENT_INNER_STAYS, t);
	return told;
}

static bool order_standing(struct mount *m, const struct mnt_table *t)
{
	bool works = m->state == MOUNT_UP || m->state == MOUNT_UNHEALTHY || m->state == MOUNT_RENEW;
	bool comes = m->state == MOUNT_LAUNCH || m->state == MOUNT_START || m->state == MOUNT_PROVE;

	/* What is on its way, in one that only goes, comes to its end first. */
	return ((works && nest_must_go(m, t)) || (comes && nest_lost(m, t))) && tell(m, EVENT_OUTER_GOES, t);
}

bool order_step(struct sup *s)
{
	const struct mnt_table *t = s->count ? sup_table(s) : NULL;
	bool told = false;

	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (m->state == MOUNT_WAIT)
			told |= order_waiting(s, m, t);
		else
			told |= order_standing(m, t) || order_staying(m, t);
	}
	return told;
}
