#include "sup/loop.h"

#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Field 2 of /proc/PID/statm (proc_pid_statm(5)), in KiB; -1: unknown. */
static long resident_kib(pid_t pid)
{
	struct buf b = buf_heap(4096);
	struct span rest, field;
	unsigned long pages;
	long kib = -1;
	char path[64];
	struct err e;

	snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
	if (pid && file_read(path, &b, &e) == 0) {
		rest = buf_all(&b);
		span_cut(&rest, ' ', &field);
		span_cut(&rest, ' ', &field);
		if (span_number(field, LONG_MAX / 64, &pages))
			kib = (long)pages * (sysconf(_SC_PAGESIZE) / 1024);
	}
	buf_free(&b);
	return kib;
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
	if (!p || m->driver->pending(&m->job, p, &e))
		return;
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
	if (pending)
		add_pending(r, a, m);
}

void report_make(struct sup *s, struct report *r, struct arena *a, bool pending)
{
	*r = (struct report){ .pid = (long)getpid(), .error = s->job.error };
	r->mounts = arena_get(a, (s->count + 1) * sizeof *r->mounts);
	for (; r->mounts && r->mount_count < s->count; r->mount_count++)
		fill(&r->mounts[r->mount_count], a, s->mounts[r->mount_count], pending);
}
