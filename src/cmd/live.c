#include "cmd/live.h"

#include "base/text.h"
#include "cmd/print.h"

#include <unistd.h>

#define EVERY_MS 200 /* the eye can follow; usually `up` has answered before the first */

/* ECMA-48: CUU moves up, EL clears the line, ED what is below. */
static void move_cursor_up(const struct live *l)
{
	if (l->lines)
		text_print(2, "\033[%zuA\r", l->lines);
}

static void draw_live_table(void *arg, const struct report *now)
{
	struct live *l = arg;

	move_cursor_up(l);
	for (size_t i = 0; i < now->mount_count; i++) {
		const struct report_mount *m = &now->mounts[i];

		text_print(2, "\033[K%-10s %s", m->state, m->target);
		if (l->pending && m->pending_files > 0)
			text_print(2, "  %ld file%s, %ld bytes left", m->pending_files, plural(m->pending_files),
				m->pending_bytes);
		text_print(2, "\n");
	}
	text_print(2, "\033[J");
	l->lines = now->mount_count;
}

struct ask_watch live_watch(struct live *l, bool quiet)
{
	return (struct ask_watch){ .tick = quiet || !isatty(2) ? NULL : draw_live_table, .arg = l, .every_ms = EVERY_MS };
}

void live_end(struct live *l)
{
	move_cursor_up(l);
	if (l->lines)
		text_print(2, "\033[J");
	l->lines = 0;
}
