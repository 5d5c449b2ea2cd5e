#include "base/text.h"
#include "sup/loop.h"

#include "base/file.h"

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

static void add_pending(struct report_mount *r, struct arena *a, const struct mount *m)
{
	struct pending *p = arena_get(a, sizeof *p);
	struct err e;

	r->pending_files = r->pending_bytes = -1;
	if (!p)
		return;
	if (m->driver->pending(&m->job, p, &e)) {
		if (r->error.code == CODE_OK)
			r->error = e;
		return;
	}
	r->pending_files = (long)p->files;
	r->pending_bytes = (long)p->bytes;
	for (int i = 0; i < p->named; i++)
		add_text(a, &r->pending_names, &r->pending_name_count, p->names[i]);
}

static void fill(struct report_mount *r, struct arena *a, const struct mount *m, bool pending)
{
	*r = (struct report_mount){
		.target = m->spec.target,
		.source = m->source,
		.driver = m->driver->name,
		.state = mount_state_name(m),
		.nofail = m->spec.nofail,
		.pid = m->pid,
		.ms = m->ms,
		.memory_kib = resident_kib(m->pid),
		.restarts = m->restarts,
		.check = m->check,
		.error = m->error,
	};
	for (size_t i = 0; i < m->note_count; i++)
		add_text(a, &r->notes, &r->note_count, m->notes[i]);
	if (!pending)
		return;
	for (size_t i = 0; i < m->history_count; i++)
		add_text(a, &r->history, &r->history_count, m->history[i]);
	add_pending(r, a, m);
}

void report_make(struct sup *s, struct report *r, struct arena *a, bool pending)
{
	*r = (struct report){ .pid = (long)getpid(), .error = s->job.error };
	r->mounts = arena_get(a, (s->count + 1) * sizeof *r->mounts);
	for (; r->mounts && r->mount_count < s->count; r->mount_count++)
		fill(&r->mounts[r->mount_count], a, s->mounts[r->mount_count], pending);
}
