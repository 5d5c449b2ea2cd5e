#include "sup/step.h"

#include "base/log.h"
#include "base/text.h"
#include "sup/child.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const state_names[MOUNT_STATES] = {
	[MOUNT_DOWN] = "down",
	[MOUNT_LAUNCH] = "starting",
	[MOUNT_START] = "starting",
	[MOUNT_PROVE] = "starting",
	[MOUNT_UP] = "up",
	[MOUNT_SICK] = "unhealthy",
	[MOUNT_DRAIN] = "stopping",
	[MOUNT_DETACH] = "stopping",
	[MOUNT_STOP] = "stopping",
	[MOUNT_LEFT] = "stopping",
	[MOUNT_CLEAR] = "stopping",
	[MOUNT_BACKOFF] = "restarting",
	[MOUNT_FAILED] = "failed",
};

const char *mount_state_name(const struct mount *m)
{
	if (m->state == MOUNT_PROVE && m->proven)
		return m->up_since ? "unknown" : "unhealthy";
	if (m->state == MOUNT_UP && m->fresh && !m->check.kind)
		return "checking";
	if ((m->state == MOUNT_UP || m->state == MOUNT_SICK) && m->refusal[0])
		return "refused";
	return state_names[m->state];
}

/* The driver, and what it started: its mount helper may outlive it by a moment, and still mount. */
bool mount_running(const struct mount *m)
{
	return m->pid || (m->group && kill(-m->group, 0) == 0);
}

void mount_signal_driver(const struct mount *m, int sig)
{
	if (m->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, m->pidfd, sig, NULL, 0);
	/* A child that has just been started is not yet the leader of its group. */
	else if (m->pid && (!m->group || kill(-m->group, sig)))
		kill(m->pid, sig);
	else if (m->group)
		kill(-m->group, sig);
}

void mount_tell(struct mount *m, const char *words)
{
	char time[LOG_TIME], line[LOG_TIME + sizeof m->error.text + 1];

	log_line("%s: %s", m->spec.target, words);
	if (m->history_count == MOUNT_HISTORY) {
		free(m->history[0]);
		memmove(m->history, m->history + 1, --m->history_count * sizeof *m->history);
	}
	log_time(time);
	text_fmt(line, sizeof line, "%s %s", time, words);
	if ((m->history[m->history_count] = strdup(line)))
		m->history_count++;
}

void mount_enter(struct mount *m, enum mount_state s, int64_t deadline)
{
	const char *name;

	m->state = s;
	m->deadline = deadline;
	if (s == MOUNT_UP)
		buf_free(&m->answer); /* for as long as all is well */
	name = mount_state_name(m);
	/* That somebody asks again is nothing to tell, nor that it still works on its way down. */
	if (name == m->told || (s == MOUNT_PROVE && m->proven) || (s == MOUNT_UP && !m->wanted))
		return;
	m->told = name;
	mount_tell(m, name);
}

void mount_set_error(struct mount *m, const struct err *e)
{
	m->error = *e;
	mount_tell(m, e->text);
}

void mount_note(struct mount *m, const char *text)
{
	if (m->note_count < MOUNT_NOTES && (m->notes[m->note_count] = strdup(text)))
		m->note_count++;
}

void mount_forget_notes(struct mount *m)
{
	while (m->note_count)
		free(m->notes[--m->note_count]);
}

bool mount_ours(const struct mount *m, const struct mnt_entry *entry)
{
	return span_is(entry->fstype, m->driver->fstype) && span_is(entry->source, m->source);
}

const char *mount_path(const struct mount *m)
{
	return m->path ? m->path : m->spec.target;
}

struct run_path mount_layer(const struct run *run)
{
	struct run_path name;

	name.s[0] = 0;
	text_fmt(name.s, sizeof name.s, "s3mounts:%s", run->dir);
	return name;
}

enum mount_event mount_seen(const struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *top = mnt_table_find(t, mount_path(m));

	if (m->foreign)
		return EVENT_GONE;
	if (top && mount_ours(m, top))
		return EVENT_SHOWN;
	/* Under another mount at its place, or at a folder above it: it stands all the same. */
	for (size_t i = 0; i < t->count; i++)
		if (span_is(t->entries[i].target, mount_path(m)) && mount_ours(m, &t->entries[i]))
			return EVENT_COVERED;
	return EVENT_GONE;
}

bool mount_stands(const struct mount *m, const struct mnt_table *t)
{
	return mount_active(m) || !t || mount_seen(m, t) != EVENT_GONE;
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
	if (pid && !m->lister && m->state == MOUNT_PROVE && a && a->kind == ANSWER_STATFS && kill(pid, 0) == 0)
		m->lister = pid;
}

bool mount_start_task(struct mount *m, task_fn *fn, int timeout_ms, enum mount_state s)
{
	struct err e;

	mount_end_task(m);
	buf_clear(&m->answer);
	if (task_start(&m->task, fn, m, timeout_ms, &e)) {
		mount_set_error(m, &e);
		return false;
	}
	mount_enter(m, s, m->task.deadline);
	return true;
}
