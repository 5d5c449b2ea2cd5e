#include "sup/mount_up.h"

#include "base/clock.h"
#include "base/text.h"
#include "sup/child.h"
#include "sup/driver_log.h"
#include "sup/mount_down.h"
#include "sup/mount_drain.h"
#include "sup/nest.h"
#include "sup/oom.h"
#include "sup/states.h"

#include <signal.h>
#include <sys/wait.h>

#define RENEW_MS 5000
#define STABLE_MS 60000 /* up for so long: earlier failures are forgotten */

void step_want(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	if (!mount_wanted(m))
		m->goal = GOAL_UP;
}

/* It is on its way down, and stands: whether it still is up has to be proven. One that is to be replaced goes on to that. */
void step_keep(struct mount *m, const struct mnt_table *t)
{
	if (m->goal == GOAL_REPLACE)
		return;
	m->goal = GOAL_UP;
	mount_enter(m, MOUNT_PROVE, t);
}

/* It stays, and stays looked after: also one that was to go down and could not. */
void enter_unhealthy(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	if (!mount_wanted(m))
		m->goal = GOAL_UP;
	m->up_since = 0;
}

void enter_up(struct mount *m, const struct mnt_table *t)
{
	(void)t;
	buf_free(&m->answer); /* for as long as all is well */
}

void mount_fail(struct mount *m, const struct mnt_table *t, const struct err *e)
{
	mount_set_error(m, e);
	if (m->proven && m->up_since && clock_ms() - m->up_since > STABLE_MS)
		m->tries = 0;
	m->tries++;
	m->up_since = 0;
	mount_enter(m, MOUNT_STOP, t);
}

/* That a limit was the cause is said only where the kernel has counted that. */
static void explain_signal(char *out, size_t size, int number)
{
	long kills = number == SIGKILL ? oom_kills() : 0;

	if (kills)
		text_fmt(out, size, "was killed by signal %d (the memory limit: oom_kill in memory.events has risen by %ld)",
			number, kills);
	else
		text_fmt(out, size, "was killed by signal %d", number);
}

void step_died(struct mount *m, const struct mnt_table *t)
{
	char cause[sizeof(((struct err *)0)->text)], hint[sizeof(((struct err *)0)->hint)];
	char how[128] = "has ended";
	struct err e;

	/* How one ended that an earlier supervisor started is not known: it is no child of ours. */
	if (m->pidfd < 0 && WIFSIGNALED(m->exit_status))
		explain_signal(how, sizeof how, WTERMSIG(m->exit_status));
	else if (m->pidfd < 0)
		text_fmt(how, sizeof how, "ended with status %d", WEXITSTATUS(m->exit_status));
	driver_log_explain(m, cause, sizeof cause, hint, sizeof hint);
	err_set(&e, CODE_MOUNT, "mount %s: the driver (%s) %s%s%s", m->spec.target, m->driver->name, how, cause[0] ? ": " : "",
		cause);
	err_hint(&e, "%s%s", hint[0] ? hint : "its log is ", hint[0] ? "" : driver_log_path(m).s);
	mount_fail(m, t, &e);
}

void step_vanished(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	if (nest_went_along(m, t))
		err_set(&e, CODE_MOUNT, "mount %s: it went with %s, in which it lay", m->spec.target,
			nest_outer(m)->spec.target);
	else
		err_set(&e, CODE_MOUNT, "mount %s: it was unmounted from outside", m->spec.target);
	mount_fail(m, t, &e);
}

/* What hides it: on top of it, or mounted later on a folder above it. NULL: not to be seen. */
static const struct mnt_entry *find_cover(const struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *found = mnt_table_find(t, mount_path(m));
	struct span path = span_of(mount_path(m));

	for (size_t i = t->count; i-- && !found;) {
		struct span above = t->entries[i].target;

		if (span_eq(above, path))
			break;
		if (above.n > 1 && span_starts(path, above) && path.p[above.n] == '/')
			found = &t->entries[i];
	}
	return found;
}

void step_covered(struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *by = find_cover(m, t);
	struct err e;

	if (by)
		err_set(&e, CODE_MOUNT, "mount %s: %.*s (%.*s) has been mounted over it, at %.*s", m->spec.target,
			(int)by->source.n, by->source.p, (int)by->fstype.n, by->fstype.p, (int)by->target.n, by->target.p);
	else
		err_set(&e, CODE_MOUNT, "mount %s: something has been mounted over a folder above it", m->spec.target);
	err_hint(&e, "unmount that first (findmnt shows it)");
	mount_set_error(m, &e);
	mount_enter(m, MOUNT_UNHEALTHY, t);
}

void enter_renew(struct mount *m, const struct mnt_table *t)
{
	if (!mount_start_task(m, child_renew, RENEW_MS))
		step_not_renewed(m, t);
}

void step_renew(struct mount *m, const struct mnt_table *t)
{
	mount_enter(m, MOUNT_RENEW, t);
}

void step_renewed(struct mount *m, const struct mnt_table *t)
{
	mount_note(m, "its driver has got new credentials");
	mount_enter(m, MOUNT_PROVE, t);
}

/* Then it is started anew with them. */
void step_not_renewed(struct mount *m, const struct mnt_table *t)
{
	m->goal = GOAL_REPLACE;
	m->why = "its driver did not take the new credentials: flushed, and mounted again";
	step_drain(m, t);
}
