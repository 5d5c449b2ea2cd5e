#include "sup/states.h"

#include "base/log.h"
#include "sup/child.h"
#include "sup/mount_down.h"
#include "sup/mount_drain.h"
#include "sup/mount_launch.h"
#include "sup/mount_nest.h"
#include "sup/mount_prove.h"
#include "sup/mount_up.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define DOWN STATE_BIT(MOUNT_DOWN)
#define WAIT STATE_BIT(MOUNT_WAIT)
#define LAUNCH STATE_BIT(MOUNT_LAUNCH)
#define START STATE_BIT(MOUNT_START)
#define PROVE STATE_BIT(MOUNT_PROVE)
#define UP STATE_BIT(MOUNT_UP)
#define UNHEALTHY STATE_BIT(MOUNT_UNHEALTHY)
#define RENEW STATE_BIT(MOUNT_RENEW)
#define DRAIN STATE_BIT(MOUNT_DRAIN)
#define DETACH STATE_BIT(MOUNT_DETACH)
#define STOP STATE_BIT(MOUNT_STOP)
#define LEFT STATE_BIT(MOUNT_LEFT)
#define CLEAR STATE_BIT(MOUNT_CLEAR)
#define BACKOFF STATE_BIT(MOUNT_BACKOFF)
#define FAILED STATE_BIT(MOUNT_FAILED)

/* What is done when a state is entered (NULL: nothing), and where that may lead at once. */
static const struct entry {
	const char *label;
	step *act;
	unsigned next;
} entries[MOUNT_STATES] = {
	[MOUNT_DOWN] = { "down", NULL, 0 },
	[MOUNT_WAIT] = { "wait", enter_wait, 0 },
	[MOUNT_LAUNCH] = { "launch", enter_launch, FAILED },
	[MOUNT_START] = { "start", NULL, 0 },
	[MOUNT_PROVE] = { "prove", enter_prove, UNHEALTHY | DETACH | STOP },
	[MOUNT_UP] = { "up", enter_up, 0 },
	[MOUNT_UNHEALTHY] = { "unhealthy", enter_unhealthy, 0 },
	[MOUNT_RENEW] = { "renew", enter_renew, DRAIN },
	[MOUNT_DRAIN] = { "drain", enter_drain, DETACH | PROVE | STOP },
	[MOUNT_DETACH] = { "detach", enter_detach, 0 },
	[MOUNT_STOP] = { "stop", enter_stop, DETACH | WAIT | BACKOFF | LEFT },
	[MOUNT_LEFT] = { "left", enter_left, WAIT | CLEAR | DOWN | FAILED },
	[MOUNT_CLEAR] = { "clear", enter_clear, FAILED },
	[MOUNT_BACKOFF] = { "backoff", NULL, 0 },
	[MOUNT_FAILED] = { "failed", NULL, 0 },
};

/* What an event does in a state: a step, and the states to which that may lead; without any it stays where it is. */
struct cell {
	step *act;
	unsigned next;
};

#define ignored         \
	{               \
		NULL, 0 \
	}

static const struct cell table[MOUNT_STATES][EVENT_COUNT] = {
	[MOUNT_DOWN] = {
		[EVENT_START] = { step_begin, WAIT },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant_ended, STOP | LEFT },
		[EVENT_ABORT] = ignored,
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = { step_clear, CLEAR },
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = ignored,
	},
	[MOUNT_WAIT] = {
		[EVENT_START] = { step_wait_again, WAIT },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant_waiting, STOP },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = { step_ready, LAUNCH },
		[EVENT_OUTER_FAILED] = { step_outer_failed, STOP },
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = { step_inner_in_the_way, 0 },
		[EVENT_TIME] = ignored,
	},
	[MOUNT_LAUNCH] = {
		[EVENT_START] = { step_want, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_give_up, STOP },
		[EVENT_DONE] = { step_launched, START | PROVE | STOP },
		[EVENT_REFUSED] = { step_launch_failed, STOP },
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = { step_outer_goes, STOP },
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_launch_failed, STOP },
	},
	[MOUNT_START] = {
		[EVENT_START] = { step_want, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = { step_prove, PROVE },
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = { step_covered, UNHEALTHY },
		[EVENT_EXIT] = { step_died, STOP },
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = { step_outer_goes, STOP },
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_never_shown, DETACH | STOP },
	},
	[MOUNT_PROVE] = {
		[EVENT_START] = { step_want, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = { step_renew, RENEW },
		[EVENT_STOP] = { step_unwant_proven, 0 },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = { step_proven, UP | DRAIN | UNHEALTHY | STOP | DETACH },
		[EVENT_REFUSED] = { step_not_proven, UNHEALTHY | DRAIN | STOP | DETACH },
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = { step_vanished, STOP },
		[EVENT_COVERED] = { step_covered, UNHEALTHY },
		[EVENT_EXIT] = { step_died, STOP },
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = { step_prove, PROVE },
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = { step_outer_goes, DRAIN },
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_proof_late, UNHEALTHY | DRAIN | STOP | DETACH },
	},
	[MOUNT_UP] = {
		[EVENT_START] = { step_prove, PROVE },
		[EVENT_PROBE] = { step_prove, PROVE },
		[EVENT_RENEW] = { step_renew, RENEW },
		[EVENT_STOP] = { step_unwant_up, DRAIN },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = { step_vanished, STOP },
		[EVENT_COVERED] = { step_covered, UNHEALTHY },
		[EVENT_EXIT] = { step_died, STOP },
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = { step_outer_goes, DRAIN },
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = ignored,
	},
	[MOUNT_UNHEALTHY] = {
		[EVENT_START] = { step_replace_hung, STOP | PROVE },
		[EVENT_PROBE] = { step_prove, PROVE },
		[EVENT_RENEW] = { step_renew, RENEW },
		[EVENT_STOP] = { step_unwant_up, DRAIN },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = { step_prove, PROVE },
		[EVENT_GONE] = { step_vanished, STOP },
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = { step_died, STOP },
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = { step_prove, PROVE },
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = { step_outer_goes, DRAIN },
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_prove, PROVE },
	},
	[MOUNT_RENEW] = {
		[EVENT_START] = { step_want, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = { step_renew, RENEW },
		[EVENT_STOP] = { step_unwant_up, DRAIN },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = { step_renewed, PROVE },
		[EVENT_REFUSED] = { step_not_renewed, DRAIN },
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = { step_vanished, STOP },
		[EVENT_COVERED] = { step_covered, UNHEALTHY },
		[EVENT_EXIT] = { step_died, STOP },
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = { step_outer_goes, DRAIN },
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_not_renewed, DRAIN },
	},
	[MOUNT_DRAIN] = {
		[EVENT_START] = { step_keep, PROVE },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = { step_vanished, STOP },
		[EVENT_COVERED] = { step_covered, UNHEALTHY },
		[EVENT_EXIT] = { step_died, STOP },
		[EVENT_PENDING] = { step_drain_seen, DETACH | PROVE | STOP },
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = { step_inner_stays, PROVE },
		[EVENT_TIME] = { step_drain_again, DETACH | PROVE | STOP },
	},
	[MOUNT_DETACH] = {
		[EVENT_START] = { step_restart, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_abandon, 0 },
		[EVENT_DONE] = { step_detached, STOP },
		[EVENT_REFUSED] = { step_detach_failed, STOP | PROVE },
		[EVENT_BUSY] = { step_busy, DRAIN | PROVE },
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_detach_failed, STOP | PROVE },
	},
	[MOUNT_STOP] = {
		[EVENT_START] = { step_restart, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_abandon, 0 },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = { step_stop_look, DETACH | WAIT | BACKOFF | LEFT },
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = { step_stop_look, DETACH | WAIT | BACKOFF | LEFT },
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_escalate, DETACH | WAIT | BACKOFF | LEFT | FAILED },
	},
	[MOUNT_LEFT] = {
		[EVENT_START] = { step_restart, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_abandon, 0 },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = { step_left_seen, WAIT | CLEAR | DOWN | FAILED },
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_left_seen, WAIT | CLEAR | DOWN | FAILED },
	},
	[MOUNT_CLEAR] = {
		[EVENT_START] = { step_restart, 0 },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant, 0 },
		[EVENT_ABORT] = { step_abandon, 0 },
		[EVENT_DONE] = { step_cleared, WAIT | LEFT | DOWN | FAILED },
		[EVENT_REFUSED] = { step_cleared, WAIT | DOWN | FAILED },
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_cleared, WAIT | DOWN | FAILED },
	},
	[MOUNT_BACKOFF] = {
		[EVENT_START] = { step_launch, WAIT },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant_stopped, LEFT },
		[EVENT_ABORT] = { step_give_up, DETACH | STOP },
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = ignored,
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = { step_launch, WAIT },
	},
	[MOUNT_FAILED] = {
		[EVENT_START] = { step_begin, WAIT },
		[EVENT_PROBE] = ignored,
		[EVENT_RENEW] = ignored,
		[EVENT_STOP] = { step_unwant_ended, STOP | LEFT },
		[EVENT_ABORT] = ignored,
		[EVENT_DONE] = ignored,
		[EVENT_REFUSED] = ignored,
		[EVENT_BUSY] = ignored,
		[EVENT_SHOWN] = ignored,
		[EVENT_GONE] = ignored,
		[EVENT_COVERED] = ignored,
		[EVENT_EXIT] = ignored,
		[EVENT_PENDING] = ignored,
		[EVENT_CLEAR] = { step_clear, CLEAR },
		[EVENT_LISTED] = ignored,
		[EVENT_READY] = ignored,
		[EVENT_OUTER_FAILED] = ignored,
		[EVENT_OUTER_GOES] = ignored,
		[EVENT_INNER_STAYS] = ignored,
		[EVENT_TIME] = ignored,
	},
};

static const char *const event_labels[EVENT_COUNT] = {
	[EVENT_START] = "wanted",
	[EVENT_PROBE] = "probe",
	[EVENT_RENEW] = "new keys",
	[EVENT_STOP] = "unwanted",
	[EVENT_ABORT] = "abort",
	[EVENT_DONE] = "done",
	[EVENT_REFUSED] = "refused",
	[EVENT_BUSY] = "busy",
	[EVENT_SHOWN] = "in table",
	[EVENT_GONE] = "not in table",
	[EVENT_COVERED] = "covered",
	[EVENT_EXIT] = "driver ended",
	[EVENT_PENDING] = "pending known",
	[EVENT_CLEAR] = "clear",
	[EVENT_LISTED] = "listed",
	[EVENT_READY] = "ready",
	[EVENT_OUTER_FAILED] = "outer failed",
	[EVENT_OUTER_GOES] = "outer goes",
	[EVENT_INNER_STAYS] = "inner stays",
	[EVENT_TIME] = "time",
};

static unsigned faults;

const char *state_label(enum mount_state s)
{
	return entries[s].label;
}

const char *event_label(enum mount_event ev)
{
	return event_labels[ev];
}

unsigned state_next(enum mount_state s, enum mount_event ev)
{
	return table[s][ev].next;
}

bool state_ignores(enum mount_state s, enum mount_event ev)
{
	return !table[s][ev].act;
}

unsigned state_entry_next(enum mount_state s)
{
	return entries[s].next;
}

unsigned state_faults(void)
{
	return faults;
}

/*
 * That somebody asks again is nothing to report, nor that it still works on its way down, nor that what has come to its end is looked at once more, or
 * cleared away.
 */
static bool is_news(const struct mount *m, const char *name)
{
	bool ended = m->state == MOUNT_LEFT || m->state == MOUNT_CLEAR;

	return name != m->reported && !ended && !mount_unproven(m) && !(m->state == MOUNT_UP && m->goal < GOAL_UP);
}

void mount_enter(struct mount *m, enum mount_state s, const struct mnt_table *t)
{
	const char *name;

	if (!(m->next & STATE_BIT(s))) {
		log_line("%s: from %s to %s: the table does not lead there", m->spec.target, state_label(m->state),
			state_label(s));
		faults++;
	}
	mount_end_task(m);
	m->state = s;
	m->next = entries[s].next;
	m->deadline = NEVER;
	name = mount_state_name(m);
	if (is_news(m, name)) {
		m->reported = name;
		mount_report(m, name);
	}
	if (entries[s].act)
		entries[s].act(m, t);
}

void mount_event(struct mount *m, enum mount_event ev, const struct mnt_table *t)
{
	const struct cell *c = &table[m->state][ev];

	m->next = c->next;
	if (c->act)
		c->act(m, t);
}

void mount_look(struct mount *m, const struct mnt_table *t)
{
	mount_event(m, mount_seen(m, t), t);
}

void mount_abort(struct mount *m, const struct err *e, const struct mnt_table *t)
{
	mount_set_error(m, e);
	mount_event(m, EVENT_ABORT, t);
}

void mount_read(struct mount *m, const struct mnt_table *t)
{
	const struct answer *a;
	char *to = buf_room(&m->answer, sizeof *a);
	ssize_t n = to ? task_read(&m->task, to, sizeof *a, &m->below) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		m->answer.len += (size_t)n;
		return;
	}
	a = child_answer(&m->answer);
	if (a && a->kind == ANSWER_DONE)
		mount_event(m, EVENT_DONE, t);
	else
		mount_event(m, a && a->kind == ANSWER_BUSY ? EVENT_BUSY : EVENT_REFUSED, t);
}

bool mount_reap(struct mount *m, pid_t pid, int status, const struct mnt_table *t)
{
	task_reaped(&m->task, pid);
	task_reaped(&m->look, pid);
	if (pid == m->listing_pid) {
		m->listing_pid = 0;
		mount_event(m, EVENT_LISTED, t);
		return true;
	}
	if (!pid || pid != m->pid)
		return false;
	m->pid = 0;
	m->exit_status = status;
	mount_event(m, EVENT_EXIT, t);
	return true;
}

void mount_reaped_any(struct mount *m, const struct mnt_table *t)
{
	if (m->pid || !m->group || kill(-m->group, 0) == 0)
		return;
	/* Its number may become another's. */
	m->group = 0;
	mount_event(m, EVENT_EXIT, t);
}

void mount_adopted_end(struct mount *m, const struct mnt_table *t)
{
	m->pid = 0;
	mount_event(m, EVENT_EXIT, t);
	close(m->pidfd);
	m->pidfd = -1;
}
