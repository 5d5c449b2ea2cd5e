#include "sup/mount.h"

#include "sup/child.h"
#include "sup/step.h"

#include <errno.h>
#include <unistd.h>

static step *const table[MOUNT_STATES][EVENT_COUNT] = {
	[MOUNT_DOWN] = { [EVENT_START] = step_begin, [EVENT_STOP] = step_forget, [EVENT_CLEAR] = step_clear },
	[MOUNT_FAILED] = { [EVENT_START] = step_begin, [EVENT_STOP] = step_forget, [EVENT_CLEAR] = step_clear },
	[MOUNT_BACKOFF] = { [EVENT_START] = step_launch,
		[EVENT_TIME] = step_launch,
		[EVENT_STOP] = step_unwant_stopped,
		[EVENT_ABORT] = step_give_up },
	[MOUNT_LAUNCH] = { [EVENT_STOP] = step_unwant,
		[EVENT_START] = step_want,
		[EVENT_ABORT] = step_give_up,
		[EVENT_DONE] = step_launched,
		[EVENT_REFUSED] = step_launch_failed,
		[EVENT_TIME] = step_launch_failed },
	[MOUNT_START] = { [EVENT_STOP] = step_unwant,
		[EVENT_START] = step_want,
		[EVENT_ABORT] = step_give_up,
		[EVENT_SHOWN] = step_prove,
		[EVENT_COVERED] = step_covered,
		[EVENT_EXIT] = step_died,
		[EVENT_TIME] = step_never_shown },
	[MOUNT_PROVE] = { [EVENT_STOP] = step_unwant,
		[EVENT_START] = step_want,
		[EVENT_ABORT] = step_give_up,
		[EVENT_DONE] = step_proven,
		[EVENT_REFUSED] = step_not_proven,
		[EVENT_TIME] = step_not_proven,
		[EVENT_EXIT] = step_died,
		[EVENT_GONE] = step_vanished,
		[EVENT_COVERED] = step_covered,
		[EVENT_LISTED] = step_prove },
	[MOUNT_UP] = { [EVENT_START] = step_prove,
		[EVENT_PROBE] = step_prove,
		[EVENT_STOP] = step_unwant_up,
		[EVENT_ABORT] = step_give_up,
		[EVENT_EXIT] = step_died,
		[EVENT_GONE] = step_vanished,
		[EVENT_COVERED] = step_covered },
	[MOUNT_SICK] = { [EVENT_START] = step_replace,
		[EVENT_PROBE] = step_prove,
		[EVENT_STOP] = step_unwant_up,
		[EVENT_ABORT] = step_give_up,
		[EVENT_EXIT] = step_died,
		[EVENT_GONE] = step_vanished,
		[EVENT_TIME] = step_prove,
		[EVENT_SHOWN] = step_prove,
		[EVENT_LISTED] = step_prove },
	[MOUNT_DRAIN] = { [EVENT_START] = step_want,
		[EVENT_STOP] = step_unwant,
		[EVENT_ABORT] = step_give_up,
		[EVENT_TIME] = step_drain,
		[EVENT_PENDING] = step_drain_seen,
		[EVENT_EXIT] = step_died,
		[EVENT_GONE] = step_vanished,
		[EVENT_COVERED] = step_covered },
	[MOUNT_DETACH] = { [EVENT_START] = step_want,
		[EVENT_STOP] = step_unwant,
		[EVENT_ABORT] = step_abandon,
		[EVENT_DONE] = step_stop,
		[EVENT_BUSY] = step_busy,
		[EVENT_REFUSED] = step_unmount_failed,
		[EVENT_TIME] = step_unmount_failed },
	[MOUNT_STOP] = { [EVENT_START] = step_want,
		[EVENT_STOP] = step_unwant,
		[EVENT_ABORT] = step_abandon,
		[EVENT_GONE] = step_stop,
		[EVENT_EXIT] = step_stop,
		[EVENT_TIME] = step_urge },
	[MOUNT_LEFT] = { [EVENT_START] = step_want,
		[EVENT_STOP] = step_unwant,
		[EVENT_ABORT] = step_abandon,
		[EVENT_PENDING] = step_left_seen,
		[EVENT_TIME] = step_left_seen },
	[MOUNT_CLEAR] = { [EVENT_START] = step_want,
		[EVENT_STOP] = step_unwant,
		[EVENT_ABORT] = step_abandon,
		[EVENT_DONE] = step_cleared,
		[EVENT_REFUSED] = step_cleared,
		[EVENT_TIME] = step_cleared },
};

void mount_event(struct mount *m, enum mount_event ev, const struct mnt_table *t)
{
	step *act = table[m->state][ev];

	if (act)
		act(m, t);
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
	if (pid == m->lister) {
		m->lister = 0;
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

void mount_adopted_end(struct mount *m, const struct mnt_table *t)
{
	m->pid = 0;
	mount_event(m, EVENT_EXIT, t);
	close(m->pidfd);
	m->pidfd = -1;
}

bool mount_settled(const struct mount *m)
{
	/* The first restart comes at once. */
	return m->state == MOUNT_UP || m->state == MOUNT_DOWN || m->state == MOUNT_FAILED || m->state == MOUNT_SICK ||
	       (m->state == MOUNT_BACKOFF && m->tries > 1);
}

bool mount_active(const struct mount *m)
{
	return mount_running(m) || (m->state != MOUNT_DOWN && m->state != MOUNT_FAILED);
}
