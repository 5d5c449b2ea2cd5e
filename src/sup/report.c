#include "sup/report.h"

#include "base/file.h"
#include "base/text.h"
#include "sup/look.h"
#include "sup/reason.h"

#include <limits.h>
#include <unistd.h>

/* VmRSS of /proc/PID/status (proc_pid_status(5)); -1: unknown. */
static long resident_kib(pid_t pid)
{
	struct buf b = buf_heap(16384);
	struct span rest, line;
	unsigned long kib = 0;
	bool known = false;
	char path[64];
	struct err e;

	text_fmt(path, sizeof path, "/proc/%ld/status", (long)pid);
	if (pid && file_read(path, &b, &e) == 0)
		for (rest = buf_all(&b); !known && span_cut(&rest, '\n', &line);)
			if (span_starts(line, SPAN("VmRSS:")) && line.n > 3)
				known = span_number(span_trim((struct span){ line.p + 6, line.n - 6 - 3 }), LONG_MAX, &kib);
	buf_free(&b);
	return known ? (long)kib : -1;
}

static void add_text(struct arena *a, const char ***list, size_t *count, const char *text)
{
	const char **room = arena_grow(a, *list, *count, sizeof *room);

	if (!room || !(room[*count] = arena_str(a, span_of(text))))
		return;
	*list = room;
	++*count;
}

/* A look that is older than STAMP says nothing. */
static void add_pending(struct report_mount *r, struct arena *a, const struct mount *m, unsigned long stamp)
{
	const struct pending *const both[] = { &m->pending, &m->stray };
	bool known = m->pending_known && m->pending_stamp > stamp;

	r->pending_files = r->pending_bytes = known ? 0 : -1;
	if (!known && r->error.code == CODE_OK && m->pending_stamp > stamp)
		r->error = m->pending_error;
	if (known && r->error.code == CODE_OK)
		look_stray(m, "mount", &r->error);
	if (m->refusal[0] && r->error.code == CODE_OK)
		mount_reason_refused(m, &r->error);
	for (int i = 0; i < m->pending.named && known; i++) {
		char why[sizeof r->error.text], line[sizeof why + 8];

		if (!mount_reason_of(m, m->pending.names[i], why, sizeof why))
			continue;
		text_fmt(line, sizeof line, "%d %s", i, why);
		add_text(a, &r->pending_reasons, &r->pending_reason_count, line);
	}
	for (size_t k = 0; k < 2 && known; k++) {
		r->pending_files += (long)both[k]->files;
		r->pending_bytes += (long)both[k]->bytes;
		for (int i = 0; i < both[k]->named; i++)
			add_text(a, &r->pending_names, &r->pending_name_count, both[k]->names[i]);
	}
}

static void report_mount(struct report_mount *r, struct arena *a, const struct mount *m, unsigned long stamp)
{
	*r = (struct report_mount){
		.target = m->spec.target,
		.source = m->source,
		.driver = m->driver->name,
		.state = mount_state_name(m),
		.cache = m->job.cache_dir,
		.nofail = m->spec.nofail,
		.ran = m->driver_started,
		.pid = m->pid,
		.ms = m->ms,
		.memory_kib = resident_kib(m->pid),
		.restarts = m->restarts,
		.check = m->check,
		.error = m->error,
	};
	for (size_t i = 0; i < m->note_count; i++)
		add_text(a, &r->notes, &r->note_count, m->notes[i]);
	if (r->error.code == CODE_OK)
		mount_reason_dropped(m, "mount", &r->error);
	if (mount_unproven(m) && r->error.code == CODE_OK)
		err_set(&r->error, CODE_MOUNT, "mount %s: it does not answer yet: whether it works is not known",
			m->spec.target);
	if (!stamp)
		return;
	for (size_t i = 0; i < m->history_count; i++)
		add_text(a, &r->history, &r->history_count, m->history[i]);
	add_pending(r, a, m, stamp);
}

void report_make(struct sup *s, struct report *r, struct arena *a, const struct err *e, unsigned long since)
{
	*r = (struct report){ .pid = (long)getpid(), .error = *e };
	r->mounts = arena_get(a, (s->count + 1) * sizeof *r->mounts);
	for (; r->mounts && r->mount_count < s->count; r->mount_count++)
		report_mount(&r->mounts[r->mount_count], a, s->mounts[r->mount_count], since);
}
