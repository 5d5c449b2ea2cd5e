#include "sup/job.h"

#include "base/text.h"
#include "mnt/table.h"
#include "sup/check.h"
#include "sup/driver_log.h"
#include "sup/look.h"
#include "sup/mount_new.h"
#include "sup/mounts.h"
#include "sup/nest.h"
#include "sup/order.h"
#include "sup/reason.h"
#include "sup/report.h"
#include "sup/states.h"
#include "sup/up.h"
#include "sup/up_plan.h"

#include <string.h>

/* ---- the end of a job ---- */

/* `down` is of all mounts, or of those with a target that it names. */
static bool is_asked_down(const struct job *j, const struct mount *m)
{
	return !j->req.mount_count || up_names(j, m);
}

static bool is_down_of_some(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->job.req.kind == REQUEST_DOWN && !is_asked_down(&s->job, s->mounts[i]))
			return true;
	return false;
}

static void report_asked_down(const struct job *j, struct report *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->mount_count; i++)
		for (size_t k = 0; k < j->req.mount_count; k++)
			if (strcmp(r->mounts[i].target, j->req.mounts[k].target) == 0) {
				r->mounts[kept++] = r->mounts[i];
				break;
			}
	r->mount_count = kept;
}

/* Others stay, for which mounts_tidy() waits. */
static void forget_asked_down(struct sup *s)
{
	for (size_t i = s->count; i--;) {
		struct mount *m = s->mounts[i];

		if (is_asked_down(&s->job, m) && m->state == MOUNT_DOWN && !mounts_left_files(m))
			mounts_drop(s, m);
	}
}

/* Forgets the job, and what it has of the request. */
static void clear_job(struct sup *s)
{
	struct job *j = &s->job;

	for (size_t i = 0; i < j->req.mount_count && j->fresh; i++)
		if (j->fresh[i])
			mount_free(j->fresh[i]);
	for (size_t i = 0; i < s->count; i++)
		s->mounts[i]->checking = false;
	s->stopped = j->last;
	task_stop(&j->check);
	buf_free(&j->verdicts);
	settings_wipe(&j->settings);
	creds_wipe(&j->req.creds);
	creds_wipe(&j->asked.creds);
	arena_free(&j->mem);
	*j = (struct job){ .phase = JOB_NONE };
}

static void finish_job(struct sup *s)
{
	struct job *j = &s->job;
	struct report r;

	for (size_t i = 0; i < s->count; i++)
		s->mounts[i]->checking = false;
	report_make(s, &r, &j->mem, &j->error, j->req.kind == REQUEST_UP ? 0 : j->since);
	if (j->req.kind == REQUEST_DOWN && j->req.mount_count)
		report_asked_down(j, &r);
	if (j->client)
		client_answer(j->client, &r);
	if (is_down_of_some(s))
		forget_asked_down(s);
	for (size_t i = 0; i < s->count && j->req.kind == REQUEST_UP && j->client; i++)
		mount_reason_reported(s->mounts[i]);
	s->tidy_due = true;
	clear_job(s);
}

/* Its client has gone, and nobody wants an answer. */
static void cancel_job(struct sup *s)
{
	if (s->job.req.kind == REQUEST_UP)
		up_cancel(s);
	else if (!s->job.req.abandon)
		mounts_keep(s);
	s->tidy_due = true;
	clear_job(s);
}

/* What a mount that is neither up nor down waits for. */
static const char *waits_for(const struct mount *m, const struct mnt_table *t)
{
	switch ((int)m->state) {
	case MOUNT_PROVE:
	case MOUNT_UNHEALTHY:
		return "its driver does not answer, or S3 does not answer that";
	case MOUNT_WAIT:
		return "what it lies in is not up";
	case MOUNT_DRAIN:
		return nest_holder(m, t) ? "what stands in it goes down first" : "its files are waited for";
	case MOUNT_DETACH:
		return "the kernel has not unmounted it yet";
	case MOUNT_STOP:
		return "its driver has not ended yet";
	case MOUNT_LEFT:
		return "what it has left is being looked for";
	}
	return "it is on its way";
}

/* `down` ends before they do. */
static void explain_unfinished(struct sup *s)
{
	struct err e;

	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (mount_settled(m) || m->down_failed || !is_asked_down(&s->job, m))
			continue;
		err_set(&e, m->pending_known && !m->pending.files ? CODE_MOUNT : CODE_PENDING,
			"unmount %s: not down within %d s: %s", m->spec.target, s->job.req.timeout_ms / 1000,
			waits_for(m, sup_table(s)));
		err_hint(&e, "s3mounts status tells what becomes of it; its driver's log is %s", driver_log_path(m).s);
		mount_set_error(m, &e);
	}
}

/* The time of `up` is over: what is not up goes down again. */
static void end_up(struct sup *s)
{
	struct job *j = &s->job;
	struct err e;

	if (j->check.active) {
		task_stop(&j->check);
		if (j->phase == JOB_SETTLE)
			up_take_verdicts(s);
	}
	if (j->phase == JOB_STOP) {
		up_give_up_stop(s);
		return;
	}
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		/* One that was up, and is only asked again, is not taken down for that. */
		if (mount_settled(m) || !mount_wanted(m) || m->down_failed || mount_unproven(m))
			continue;
		err_set(&e, CODE_MOUNT, "mount %s: not up within %d s", m->spec.target, j->req.timeout_ms / 1000);
		err_hint(&e, "its log is %s", driver_log_path(m).s);
		mount_abort(m, &e, sup_table(s));
	}
}

/* ---- its way ---- */

bool job_is_over(const struct job *j)
{
	return clock_ms() >= j->deadline + OVERTIME_MS;
}

static bool has_settled(struct sup *s)
{
	struct job *j = &s->job;

	if (!job_is_over(j) && (!mounts_settled(s) || j->check.active))
		return false;
	if (!job_is_over(j) && j->req.kind == REQUEST_DOWN && !mounts_looked(s, j->since))
		return false;
	/* Once more: a proof that came later has forgotten what the check said. */
	if (j->req.kind == REQUEST_UP)
		up_take_verdicts(s);
	if (mounts_settled(s))
		mounts_clear_layers(s);
	if (mounts_settled(s))
		return true;
	if (job_is_over(j) && j->req.kind == REQUEST_DOWN)
		explain_unfinished(s);
	return job_is_over(j);
}

/* One step; false: nothing more to do now. */
static bool step_job(struct sup *s)
{
	struct job *j = &s->job;

	if (j->phase == JOB_NONE)
		return false;
	if (j->abandoned) {
		cancel_job(s);
		return false;
	}
	if (j->req.kind == REQUEST_UP && clock_ms() >= j->deadline)
		end_up(s);
	switch (j->phase) {
	case JOB_NONE:
		return false;
	case JOB_CHECK:
		if (j->check.active)
			return false;
		if (up_accepted(s))
			return true;
		finish_job(s);
		return false;
	case JOB_STOP:
		if (!up_others_settled(s))
			return false;
		j->phase = JOB_SETTLE;
		if (up_start(s)) {
			finish_job(s);
			return false;
		}
		if (!j->check.active)
			up_take_verdicts(s);
		return true;
	case JOB_SETTLE:
		if (has_settled(s))
			finish_job(s);
		return false;
	}
	return false;
}

void job_step(struct sup *s)
{
	do
		while (order_step(s))
			;
	while (step_job(s) || order_step(s));
}

int64_t job_deadline(const struct sup *s)
{
	const struct job *j = &s->job;

	if (j->phase == JOB_NONE)
		return NEVER;
	return clock_ms() < j->deadline ? j->deadline : j->deadline + OVERTIME_MS;
}

void job_read_check(struct sup *s)
{
	struct job *j = &s->job;

	if (check_read(&j->check, &j->verdicts))
		return;
	task_stop(&j->check);
	if (j->phase == JOB_SETTLE)
		up_take_verdicts(s);
}

/* ---- its beginning ---- */

bool job_is_elsewhere(const struct request_head *r, struct err *e)
{
	long here = mnt_namespace();

	if (!r->mount_ns || !here || r->mount_ns == here)
		return false;
	err_set(e, CODE_FAULT, "the supervisor runs in another mount namespace: its mounts are not in this one");
	err_hint(e, "call it where it was started (nsenter --mount), or give --run-dir to have another one here");
	return true;
}

static void begin_down(struct sup *s)
{
	bool all = !is_down_of_some(s);

	s->going_down = all;
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		if (!is_asked_down(&s->job, m))
			continue;
		m->give_up = s->job.deadline;
		m->lazy = s->job.req.lazy;
		m->down_failed = false;
		/* What goes down first stays closed until all of it is down: mounts_clear_layers() takes the layers away then. */
		m->keep_layer = all;
		mount_event(m, s->job.req.abandon ? EVENT_ABORT : EVENT_STOP, sup_table(s));
	}
}

static void begin_job(struct sup *s, int64_t arrived)
{
	struct job *j = &s->job;

	j->phase = JOB_SETTLE;
	j->started = clock_ms();
	j->deadline = arrived + j->req.timeout_ms;
	j->since = look_stamp();
	j->verdicts = buf_heap(2 * PLAN_MOUNTS_MAX * sizeof(struct verdict) + 1);
	if (j->req.kind == REQUEST_DOWN) {
		begin_down(s);
		return;
	}
	s->going_down = false;
	if (up_begin(s))
		finish_job(s);
}

/* MESSAGE is wiped: it may hold credentials. */
static void begin_message(struct sup *s, struct buf *message, int64_t arrived)
{
	struct job *j = &s->job;
	int bad = wire_get_request(span_skip(buf_all(message), 4), &j->mem, &j->req, &j->error);

	buf_wipe(message);
	if (!bad) {
		begin_job(s, arrived);
		return;
	}
	if (j->client)
		client_refuse(j->client, &j->error);
	clear_job(s);
}

void job_begin(struct sup *s, struct client *c)
{
	struct err e;

	if (job_is_elsewhere(&c->head, &e)) {
		client_refuse(c, &e);
		return;
	}
	s->job.client = c;
	begin_message(s, &c->in, c->arrived);
}

void job_begin_first(struct sup *s, const struct request *first)
{
	struct buf message = buf_heap(WIRE_MAX);

	wire_put_request(&message, first);
	begin_message(s, &message, clock_ms());
}

static void refuse_ending(struct client *c)
{
	struct err e;

	err_set(&e, c->head.kind == REQUEST_UP ? CODE_MOUNT : CODE_PENDING,
		"%s: the supervisor was told to end (SIGTERM): it flushes and unmounts everything", request_name(c->head.kind));
	client_refuse(c, &e);
}

void job_begin_last(struct sup *s)
{
	struct client *c;

	if (s->job.client)
		refuse_ending(s->job.client);
	if (s->job.phase != JOB_NONE && s->job.req.kind == REQUEST_UP)
		up_cancel(s);
	if (s->job.phase != JOB_NONE)
		clear_job(s);
	while ((c = client_next(s)))
		refuse_ending(c);
	s->job.req = (struct request){ .kind = REQUEST_DOWN, .timeout_ms = s->stop_ms };
	s->job.last = true;
	begin_job(s, s->ending_since);
}
