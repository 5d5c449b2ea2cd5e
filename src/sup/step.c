#include "sup/step.h"

#include "base/clock.h"
#include "sup/child.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

void mount_wait(struct mount *m, int64_t deadline)
{
	m->deadline = deadline;
}

void mount_end_task(struct mount *m)
{
	const struct answer *a = child_answer(&m->answer);
	pid_t pid = m->task.active ? m->task.pid : 0;

	if (pid && pid == m->pid) {
		task_release(&m->task);
		return;
	}
	task_stop(&m->task);
	/* One that waits for a listing hangs until the driver answers, and the mount is in use until then. */
	if (pid && !m->listing_pid && m->state == MOUNT_PROVE && a && a->kind == ANSWER_STATFS && kill(pid, 0) == 0)
		m->listing_pid = pid;
}

bool mount_start_task(struct mount *m, task_fn *fn, int timeout_ms)
{
	struct err e;

	buf_clear(&m->answer);
	if (task_start(&m->task, fn, m, timeout_ms, &e)) {
		mount_set_error(m, &e);
		return false;
	}
	mount_wait(m, m->task.deadline);
	return true;
}

void mount_signal_driver(const struct mount *m, int sig)
{
	if (m->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, m->pidfd, sig, NULL, 0);
	/* A child that has just been started is not yet the leader of its group. */
	else if (m->pid && (!m->group || kill(-m->group, sig)))
		kill(m->pid, sig);
	else if (!m->pid && m->group)
		kill(-m->group, sig);
}
