#include "sup/mount.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const char *const state_names[MOUNT_STATES] = {
	[MOUNT_DOWN] = "down",
	[MOUNT_WAIT] = "starting",
	[MOUNT_LAUNCH] = "starting",
	[MOUNT_START] = "starting",
	[MOUNT_PROVE] = "starting",
	[MOUNT_UP] = "up",
	[MOUNT_UNHEALTHY] = "unhealthy",
	[MOUNT_RENEW] = "starting",
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
	if (mount_unproven(m))
		return m->up_since ? "unknown" : "unhealthy";
	if (m->state == MOUNT_UNHEALTHY && m->not_asked)
		return "unknown";
	if (m->state == MOUNT_UP && m->checking)
		return "checking";
	if ((m->state == MOUNT_UP || m->state == MOUNT_UNHEALTHY) && m->refusal[0])
		return "refused";
	return state_names[m->state];
}

bool mount_running(const struct mount *m)
{
	return m->pid || (m->group && (kill(-m->group, 0) == 0 || errno == EPERM));
}

void mount_report(struct mount *m, const char *text)
{
	char time[LOG_TIME], line[LOG_TIME + sizeof m->error.text + 1];

	log_line("%s: %s", m->spec.target, text);
	if (m->history_count == MOUNT_HISTORY) {
		free(m->history[0]);
		memmove(m->history, m->history + 1, --m->history_count * sizeof *m->history);
	}
	log_time(time);
	text_fmt(line, sizeof line, "%s %s", time, text);
	if ((m->history[m->history_count] = strdup(line)))
		m->history_count++;
}

void mount_set_error(struct mount *m, const struct err *e)
{
	m->error = *e;
	mount_report(m, e->text);
}

void mount_note(struct mount *m, const char *text)
{
	for (size_t i = 0; i < m->note_count; i++)
		if (strcmp(m->notes[i], text) == 0)
			return;
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

enum mount_event mount_seen(const struct mount *m, const struct mnt_table *t)
{
	const struct mnt_entry *top = mnt_table_find(t, mount_path(m));

	if (m->not_ours)
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

bool mount_settled(const struct mount *m)
{
	/* The first restart comes at once. One that waits for another mount says so where that does not come up soon. */
	return m->state == MOUNT_UP || m->state == MOUNT_DOWN || m->state == MOUNT_FAILED || m->state == MOUNT_UNHEALTHY ||
	       (m->state == MOUNT_BACKOFF && m->tries > 1) || (m->state == MOUNT_WAIT && m->error.code != CODE_OK);
}

bool mount_active(const struct mount *m)
{
	return mount_running(m) || (m->state != MOUNT_DOWN && m->state != MOUNT_FAILED);
}
