#include "sup/job.h"

#include "base/clock.h"
#include "base/log.h"
#include "mnt/layer.h"
#include "sup/check.h"
#include "sup/child.h"
#include "sup/look.h"
#include "sup/reason.h"

#include <stdlib.h>

#define STATUS_MS 6000	  /* longer than a probe takes to be given up */
#define OVERTIME_MS 15000 /* beyond the job's own time: to take down what did not come up */
#define FLUSH_LOOK_MS 50  /* no driver tells when it has uploaded */

/* ---- mounts ---- */

struct mount *job_find(const struct sup *s, const char *target)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->mounts[i]->spec.target, target) == 0)
			return s->mounts[i];
	return NULL;
}

static bool any_stands(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (mount_stands(s->mounts[i], sup_table(s)))
			return true;
	return false;
}

static bool all_settled(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (!mount_settled(s->mounts[i]))
			return false;
	return true;
}

int job_add(struct sup *s, struct mount *m)
{
	struct mount **bigger = realloc(s->mounts, (s->count + 1) * sizeof *bigger);

	if (!bigger)
		return -1;
	s->mounts = bigger;
	s->mounts[s->count++] = m;
	return 0;
}

void job_drop(struct sup *s, struct mount *m)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i] == m) {
			memmove(&s->mounts[i], &s->mounts[i + 1], (--s->count - i) * sizeof(struct mount *));
			mount_free(m);
			return;
		}
}

bool job_left_files(const struct mount *m)
{
	return look_dirty(m) && (m->pending_known || m->ran);
}

/* `down` has told what they have left, and nobody asks again; after `up` somebody may. */
static void drop_inactive(struct sup *s)
{
	for (size_t i = s->count; i--;)
		if (!mount_active(s->mounts[i]) && (s->job.req.kind == REQUEST_DOWN || !job_left_files(s->mounts[i])))
			job_drop(s, s->mounts[i]);
}

static void all(struct sup *s, enum mount_event ev)
{
	for (size_t i = 0; i < s->count; i++)
		mount_event(s->mounts[i], ev, sup_table(s));
}

void job_insist(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++) {
		enum mount_state now = s->mounts[i]->state;

		s->mounts[i]->insist |= now == MOUNT_UP || now == MOUNT_SICK || now == MOUNT_PROVE;
	}
	all(s, EVENT_PROBE);
}

/* ---- the end of a job ---- */

/* With no mount left the keys go from the disk too. */
static void forget_config(struct sup *s)
{
	struct err e;

	if (!s->config[0])
		return;
	if (settings_forget(s->config, &e))
		log_line("%s", e.text);
	s->config[0] = 0;
}

static void finish(struct sup *s)
{
	struct job *j = &s->job;
	struct report r;

	for (size_t i = 0; i < j->req.mount_count && j->fresh; i++)
		if (j->fresh[i])
			mount_free(j->fresh[i]);
	for (size_t i = 0; i < s->count; i++)
		s->mounts[i]->fresh = false;
	report_make(s, &r, &j->mem, j->req.kind == REQUEST_UP ? 0 : j->first_stamp);
	if (j->client)
		client_answer(j->client, &r);
	for (size_t i = 0; i < s->count && j->req.kind == REQUEST_UP && j->client; i++)
		mount_reason_told(s->mounts[i]);
	if (!any_stands(s) && (j->req.kind == REQUEST_UP || j->req.kind == REQUEST_DOWN)) {
		drop_inactive(s);
		forget_config(s);
	}
	s->stopped = j->last;
	task_stop(&j->check);
	buf_free(&j->verdicts);
	settings_wipe(&j->settings);
	creds_wipe(&j->req.creds);
	arena_free(&j->mem);
	*j = (struct job){ .phase = JOB_NONE };
}

static void too_late(struct sup *s)
{
	struct job *j = &s->job;
	struct err e;

	if (j->check.active) {
		task_stop(&j->check);
		if (j->phase == JOB_SETTLE)
			up_take_verdicts(s);
	}
	for (size_t i = 0; i < s->count && j->req.kind == REQUEST_UP; i++) {
		struct mount *m = s->mounts[i];

		if (mount_settled(m) || m->aborted || !m->wanted || m->kept)
			continue;
		err_set(&e, CODE_MOUNT, "mount %s: not up within %d s", m->spec.target, j->req.timeout_ms / 1000);
		err_hint(&e, "its log is %s", child_log(m).s);
		mount_abort(m, &e, sup_table(s));
	}
}

/* Is it known since STAMP what every mount has pending? Each is asked where it is not. */
static bool all_looked(const struct sup *s, unsigned long stamp)
{
	bool all = true;

	for (size_t i = 0; i < s->count; i++)
		all &= look_done(s->mounts[i], stamp);
	return all;
}

/* Everything is in S3, or will not be; the error tells. */
static bool flushed(struct sup *s)
{
	struct job *j = &s->job;
	uint64_t files = 0, bytes = 0, waits = 0;
	int took = 0;

	if (!all_looked(s, j->stamp)) {
		if (clock_ms() <= j->deadline + OVERTIME_MS)
			return false;
		err_set(&j->error, CODE_PENDING, "flush: what is not in S3 yet is not known: looking for it takes too long");
		return true;
	}
	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];

		if (!m->pending_known) {
			j->error = m->pending_error;
			return true;
		}
		files += m->pending.files;
		bytes += m->pending.bytes;
		if (mount_active(m))
			waits += m->pending.files - m->pending.quarantined;
		took = m->look_ms > took ? m->look_ms : took;
	}
	for (size_t i = 0; i < s->count && !files; i++)
		if (look_stray(s->mounts[i], "flush", &j->error) || mount_reason_dropped(s->mounts[i], "flush", &j->error))
			return true;
	if (!files)
		return true;
	if (waits && clock_ms() < j->deadline) {
		/* A large cache takes long to look through: most of the time is for others. */
		j->look = clock_first(j->deadline, clock_ms() + FLUSH_LOOK_MS + 4 * took);
		j->stamp = look_stamp();
		return false;
	}
	err_set(&j->error, CODE_PENDING, "flush: not in S3 yet: %llu file%s, %llu bytes", (unsigned long long)files,
		files == 1 ? "" : "s", (unsigned long long)bytes);
	if (waits)
		err_hint(&j->error,
			"give it more time (--timeout), and close what is open for writing (fuser -vm TARGET); the drivers' logs are in %s",
			s->run->dir);
	else
		err_hint(&j->error,
			"no driver will upload them now: s3mounts up starts it again, and so does down (what is in quarantine/ of a cache is yours to look at)");
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i]->pending.files && mount_reason_add(s->mounts[i], &j->error))
			break;
	return true;
}

bool job_all_asked(const struct sup *s, unsigned long stamp)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i]->state == MOUNT_PROVE && s->mounts[i]->proven)
			return false;
	return all_looked(s, stamp);
}

/* Mounts that stand here are not there for a caller in another mount namespace: nothing may be said of them to it. */
static bool elsewhere(const struct request *r)
{
	long here = mnt_namespace();

	return r->mount_ns && here && r->mount_ns != here;
}

/* Where nothing stands, and nobody stays to look after it, the targets become what they were. */
static void clear_layers_of(struct sup *s)
{
	const struct mnt_table *t = sup_table(s);

	if (any_stands(s) || !t)
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if ((s->job.req.kind == REQUEST_DOWN || !job_left_files(m)) &&
			mnt_layer_on_top(t, m->path ? m->path : m->spec.target))
			mount_event(m, EVENT_CLEAR, t);
	}
}

static bool settled(struct sup *s)
{
	struct job *j = &s->job;

	if (j->req.kind == REQUEST_FLUSH)
		return (all_settled(s) || clock_ms() >= j->deadline) && clock_ms() >= j->look && flushed(s);
	if (elsewhere(&j->req))
		return true;
	if (j->req.kind == REQUEST_STATUS)
		return job_all_asked(s, j->stamp) || clock_ms() >= j->deadline;
	if (clock_ms() <= j->deadline + OVERTIME_MS && (!all_settled(s) || j->check.active))
		return false;
	/* Once more: a proof that came later has forgotten what the check said. */
	if (j->req.kind == REQUEST_UP)
		up_take_verdicts(s);
	if (all_settled(s))
		clear_layers_of(s);
	return all_settled(s) || clock_ms() > j->deadline + OVERTIME_MS;
}

/* One step; false: nothing more to do now. */
static bool step(struct sup *s)
{
	struct job *j = &s->job;

	if (clock_ms() >= j->deadline)
		too_late(s);
	switch (j->phase) {
	case JOB_NONE:
		return false;
	case JOB_CHECK:
		if (j->check.active)
			return false;
		if (up_accepted(s))
			return true;
		finish(s);
		return false;
	case JOB_STOP:
		if (!up_others_settled(s))
			return false;
		j->phase = JOB_SETTLE;
		if (up_start(s)) {
			finish(s);
			return false;
		}
		if (!j->check.active)
			up_take_verdicts(s);
		return true;
	case JOB_SETTLE:
		if (settled(s))
			finish(s);
		return false;
	}
	return false;
}

void job_step(struct sup *s)
{
	while (step(s))
		;
}

int64_t job_deadline(const struct sup *s)
{
	const struct job *j = &s->job;

	if (j->phase == JOB_NONE)
		return NEVER;
	if (j->req.kind == REQUEST_FLUSH && all_settled(s) && clock_ms() < j->look)
		return j->look;
	return clock_ms() < j->deadline ? j->deadline : j->deadline + OVERTIME_MS + 1;
}

static void begin(struct sup *s)
{
	struct job *j = &s->job;

	j->phase = JOB_SETTLE;
	j->begun = clock_ms();
	j->deadline = j->begun + (j->req.kind == REQUEST_STATUS ? STATUS_MS : j->req.timeout_ms);
	j->look = j->begun;
	j->stamp = j->first_stamp = look_stamp();
	j->verdicts = buf_heap(PLAN_MOUNTS_MAX * sizeof(struct verdict) + 1);
	if (elsewhere(&j->req)) {
		err_set(&j->error, CODE_FAULT,
			"the supervisor runs in another mount namespace: its mounts are not in this one");
		err_hint(&j->error,
			"call it where it was started (nsenter --mount), or give --run-dir to have another one here");
		return;
	}
	switch (j->req.kind) {
	case REQUEST_STATUS:
		all(s, EVENT_PROBE);
		break;
	case REQUEST_UP:
		if (up_begin(s))
			finish(s);
		break;
	case REQUEST_DOWN:
		for (size_t i = 0; i < s->count; i++) {
			s->mounts[i]->give_up = j->deadline;
			s->mounts[i]->lazy = j->req.lazy;
			/* What goes down first stays closed until all of it is down: clear_layers_of() takes the layers away then. */
			s->mounts[i]->successor = true;
		}
		all(s, j->req.abandon ? EVENT_ABORT : EVENT_STOP);
		break;
	case REQUEST_FLUSH:
		for (size_t i = 0; i < s->count; i++)
			s->mounts[i]->hurry = true;
		job_insist(s);
		break;
	}
}

/* MESSAGE is wiped: it may hold credentials. */
static void begin_message(struct sup *s, struct buf *message)
{
	struct job *j = &s->job;
	int bad = wire_get_request(span_skip(buf_all(message), 4), &j->mem, &j->req, &j->error);

	buf_wipe(message);
	if (bad)
		finish(s);
	else
		begin(s);
}

void job_begin(struct sup *s, struct client *c)
{
	s->job.client = c;
	begin_message(s, &c->in);
}

void job_begin_first(struct sup *s, const struct request *first)
{
	struct buf message = buf_heap(WIRE_MAX);

	wire_put_request(&message, first);
	begin_message(s, &message);
}

void job_begin_end(struct sup *s)
{
	s->job.req = (struct request){ .kind = REQUEST_DOWN, .timeout_ms = s->stop_ms };
	s->job.last = true;
	begin(s);
}
