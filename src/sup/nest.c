#include "sup/nest.h"

#include <string.h>

static bool is_inside(const struct mount *m, const struct mount *outer)
{
	return plan_inside(m->spec.target, outer->spec.target);
}

static bool is_nearest(const struct mount *outer, const struct mount *m)
{
	return is_inside(m, outer) && (!m->outer || is_inside(outer, m->outer));
}

void nest_join(struct mount *m, struct mount *other)
{
	m->beside = other->beside;
	other->beside = m;
	for (struct mount *i = m->beside; i != m; i = i->beside) {
		if (is_nearest(i, m))
			m->outer = i;
		if (is_nearest(m, i))
			i->outer = m;
	}
}

void nest_leave(struct mount *m)
{
	struct mount *before = m;

	for (struct mount *i = m->beside; i != m; i = i->beside) {
		if (i->outer == m)
			i->outer = m->outer;
		before = i;
	}
	before->beside = m->beside;
	m->beside = m;
	m->outer = NULL;
}

struct mount *nest_outer(const struct mount *m)
{
	struct mount *outer = m->outer;

	while (outer && outer->state == MOUNT_DOWN && !outer->keep_layer)
		outer = outer->outer;
	return outer;
}

/* A driver answers there, as far as is known. */
static bool is_serving(const struct mount *m)
{
	return m->state == MOUNT_UP || (m->proven && (m->state == MOUNT_PROVE || m->state == MOUNT_RENEW ||
							     m->state == MOUNT_UNHEALTHY || m->state == MOUNT_DRAIN));
}

static bool is_in_table(const struct mount *m, const struct mnt_table *t)
{
	return !t || mount_seen(m, t) != EVENT_GONE;
}

bool nest_lost(const struct mount *m, const struct mnt_table *t)
{
	for (const struct mount *o = nest_outer(m); o; o = nest_outer(o))
		if (!is_serving(o) && is_in_table(o, t))
			return true;
	return false;
}

bool nest_goes_along(const struct mount *m, const struct mnt_table *t)
{
	for (const struct mount *o = nest_outer(m); o; o = nest_outer(o))
		if ((o->state == MOUNT_STOP || o->state == MOUNT_DETACH) && is_in_table(o, t))
			return true;
	return false;
}

bool nest_went_along(const struct mount *m, const struct mnt_table *t)
{
	const struct mount *o = nest_outer(m);

	return o && !is_in_table(o, t);
}

bool nest_doubtful(const struct mount *m, const struct mnt_table *t)
{
	for (const struct mount *o = nest_outer(m); o; o = nest_outer(o))
		if (o->state != MOUNT_UP && !(o->state == MOUNT_DRAIN && !o->replace_hung) && is_in_table(o, t))
			return true;
	return false;
}

bool nest_must_go(const struct mount *m, const struct mnt_table *t)
{
	const struct mount *o = nest_outer(m);
	bool comes = o && o->state == MOUNT_WAIT && o->error.code == CODE_OK;

	return o && (comes || o->state == MOUNT_DRAIN || nest_lost(m, t));
}

static bool has_work(const struct mount *m)
{
	return m->state == MOUNT_LAUNCH || m->state == MOUNT_START || m->state == MOUNT_PROVE || m->state == MOUNT_UP ||
	       m->state == MOUNT_UNHEALTHY || m->state == MOUNT_RENEW || m->state == MOUNT_DRAIN;
}

/* One that is wanted, and waits, comes when there is a place for it. */
static bool has_place(const struct mount *m, const struct mnt_table *t)
{
	bool waits = mount_wanted(m) && (m->state == MOUNT_WAIT || m->state == MOUNT_BACKOFF);

	if (m->state == MOUNT_DOWN)
		return false;
	if (mount_active(m) && !waits && m->state != MOUNT_FAILED)
		return true;
	/* Without a table only of these it is not known. */
	return t ? mount_seen(m, t) != EVENT_GONE : m->state == MOUNT_FAILED || m->state == MOUNT_WAIT;
}

const struct mount *nest_standing(const struct mount *m, const struct mnt_table *t)
{
	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (is_inside(i, m) && has_place(i, t))
			return i;
	return NULL;
}

const struct mount *nest_working(const struct mount *m)
{
	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (is_inside(i, m) && has_work(i))
			return i;
	return NULL;
}

const struct mount *nest_holder(const struct mount *m, const struct mnt_table *t)
{
	return nest_lost(m, t) ? nest_working(m) : nest_standing(m, t);
}

/* Its driver would be mounted over what stands in it. */
static bool would_cover(const struct mount *m, const struct mnt_table *t)
{
	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (is_inside(i, m) && i->state != MOUNT_DOWN &&
			(i->state == MOUNT_LAUNCH || i->state == MOUNT_START || is_in_table(i, t)))
			return true;
	return false;
}

/* It goes, and serves until then: as far as is known it has answered since it was mounted. */
static bool is_serving_last(const struct mount *m)
{
	return m->state == MOUNT_DRAIN && !m->replace_hung && m->up_since;
}

bool nest_ready(const struct mount *m, const struct mnt_table *t)
{
	const struct mount *o = nest_outer(m);
	bool stands = t && mount_seen(m, t) != EVENT_GONE;

	if (!o)
		return stands || !would_cover(m, t);
	/* What stands by an earlier supervisor is taken over, so that it can go before what it lies in does, or is mounted over it. */
	if (o->state == MOUNT_WAIT && !is_in_table(o, t))
		return stands;
	if (nest_lost(m, t))
		return false;
	if (is_serving_last(o))
		return stands || !mount_wanted(m);
	return o->state == MOUNT_UP && !o->checking && (stands || !would_cover(m, t));
}

bool nest_waits_in_vain(const struct mount *m)
{
	const struct mount *o = nest_outer(m);
	bool goes = o && o->state == MOUNT_DRAIN && !o->replace_hung && !o->up_since;

	return o && o->state != MOUNT_UP && (mount_settled(o) || (goes && !mount_wanted(m)));
}

bool nest_ending(const struct mount *m)
{
	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (is_inside(i, m) && !mount_wanted(i) && mount_active(i) && i->state != MOUNT_WAIT &&
			i->state != MOUNT_FAILED)
			return true;
	return false;
}

bool nest_needs(const struct mount *m)
{
	for (const struct mount *i = m->beside; i != m; i = i->beside)
		if (is_inside(i, m) && !mount_wanted(i) && i->state == MOUNT_WAIT)
			return true;
	return false;
}

/* How one folder lies to another. */
enum relation { APART, SAME, INSIDE, AROUND };

static enum relation relation_of(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return SAME;
	return plan_inside(a, b) ? INSIDE : plan_inside(b, a) ? AROUND : APART;
}

int nest_links_agree(const struct mount *m, const char *path, const struct mount *other, const char *other_path, struct err *e)
{
	enum relation is = relation_of(path, other_path);

	if (is == relation_of(m->spec.target, other->spec.target))
		return 0;
	err_set(e, CODE_MOUNT, "mount %s: by symbolic links its folder is %s, and that of %s is %s: %s", m->spec.target, path,
		other->spec.target, other_path,
		is == APART ? "neither lies in the other, as their names say" :
		is == SAME  ? "they are the same" :
			      "one lies in the other, which their names do not say");
	return err_hint(e, "name both targets without links: a mount in another one is then mounted after it");
}
