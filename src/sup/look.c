#include "sup/look.h"

#include "base/clock.h"
#include "sup/child.h"
#include "sup/reason.h"
#include "sup/states.h"

#include <errno.h>
#include <unistd.h>

#define LOOK_MS 60000 /* a cache of a million files; nobody waits for it but who has asked */

unsigned long look_stamp(void)
{
	static unsigned long last;

	return ++last;
}

bool look_dirty(const struct mount *m)
{
	return !m->pending_known || m->pending.files;
}

bool look_stray(const struct mount *m, const char *doing, struct err *e)
{
	unsigned long long files = m->stray.files;

	if (!files)
		return false;
	err_set(e, CODE_PENDING, "%s %s: %llu file%s lie%s in the folder itself, under the mount, and %s not in S3: %s%s",
		doing, m->spec.target, files, files == 1 ? "" : "s", files == 1 ? "s" : "", files == 1 ? "is" : "are",
		m->stray.names[0], files == 1 ? "" : ", …");
	err_hint(e, "they can be reached when the mount is down: move them away, and into the mount after the next up");
	return true;
}

static void unknown_pending(struct mount *m, const struct err *e)
{
	m->pending_known = false;
	m->pending = m->stray = (struct pending){ 0 };
	m->pending_error = *e;
	m->pending_stamp = m->look_stamp;
}

bool look_done(struct mount *m, unsigned long stamp)
{
	struct err e;

	if (m->pending_stamp > stamp)
		return true;
	if (m->look.active)
		return false;
	m->look_stamp = look_stamp();
	buf_clear(&m->found);
	if (task_start(&m->look, child_look, m, LOOK_MS, &e) == 0) {
		m->upload_now = false; /* once: what S3 has refused waits for its time */
		return false;
	}
	unknown_pending(m, &e);
	return true;
}

static void end_look(struct mount *m, const struct mnt_table *t)
{
	m->look_ms = LOOK_MS - clock_left(m->look.deadline);
	task_stop(&m->look);
	buf_free(&m->found);
	mount_event(m, EVENT_PENDING, t);
}

void look_read(struct mount *m, const struct mnt_table *t)
{
	struct look_answer a = { .e = { .code = CODE_OK } };
	char *to = buf_room(&m->found, sizeof a);
	ssize_t n = to ? read(m->look.out, to, sizeof a) : 0;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		m->found.len += (size_t)n;
		return;
	}
	if (m->found.len == sizeof a)
		memcpy(&a, m->found.p, sizeof a);
	else
		err_set(&a.e, CODE_FAULT, "look for pending files of %s: the helper process ended without an answer",
			m->spec.target);
	if (a.e.code == CODE_OK) {
		m->pending_known = true;
		m->pending = a.pending;
		m->stray = a.stray;
		mount_reason_keep(m);
		m->pending_stamp = m->look_stamp;
	} else {
		unknown_pending(m, &a.e);
	}
	end_look(m, t);
}

void look_late(struct mount *m, const struct mnt_table *t)
{
	struct err e;

	err_set(&e, CODE_FAULT, "look for pending files of %s: no answer within %d s", m->spec.target, LOOK_MS / 1000);
	unknown_pending(m, &e);
	end_look(m, t);
}
