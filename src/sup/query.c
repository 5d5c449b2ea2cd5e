#include "sup/query.h"

#include "sup/look.h"
#include "sup/mounts.h"
#include "sup/reason.h"
#include "sup/report.h"
#include "sup/states.h"

#define STATUS_MS 1000	 /* what has not answered by then is reported as not known */
#define FLUSH_LOOK_MS 50 /* no driver says when it has uploaded */

void query_prove_all(struct sup *s)
{
	for (size_t i = 0; i < s->count; i++) {
		enum mount_state now = s->mounts[i]->state;

		s->mounts[i]->replace_hung |= now == MOUNT_UP || now == MOUNT_UNHEALTHY || now == MOUNT_PROVE;
	}
	mounts_event(s, EVENT_PROBE);
}

static void begin_query(struct sup *s, struct client *c)
{
	struct err e;

	if (job_is_elsewhere(&c->head, &e)) {
		client_refuse(c, &e);
		return;
	}
	c->query = (struct query){ .since = look_stamp(), .look = clock_ms() };
	c->query.stamp = c->query.since;
	if (c->head.kind == REQUEST_STATUS) {
		c->deadline = clock_ms() + STATUS_MS;
		mounts_event(s, EVENT_PROBE);
		return;
	}
	for (size_t i = 0; i < s->count; i++)
		s->mounts[i]->upload_now = true;
	query_prove_all(s);
}

/* What all mounts have together. */
struct sum {
	uint64_t files, bytes;
	uint64_t waits; /* of the files: a driver that is there will upload them */
	int took;	/* the longest look */
};

/* -1 with *E set: it is not known of each. */
static int sum_pending(const struct sup *s, struct sum *sum, struct err *e)
{
	*sum = (struct sum){ 0 };
	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];

		if (!m->pending_known) {
			*e = m->pending_error;
			return -1;
		}
		sum->files += m->pending.files;
		sum->bytes += m->pending.bytes;
		if (mount_active(m))
			sum->waits += m->pending.files - m->pending.quarantined;
		sum->took = m->look_ms > sum->took ? m->look_ms : sum->took;
	}
	return 0;
}

static void not_flushed(const struct sup *s, const struct sum *sum, struct err *e)
{
	err_set(e, CODE_PENDING, "flush: not in S3 yet: %llu file%s, %llu bytes", (unsigned long long)sum->files,
		sum->files == 1 ? "" : "s", (unsigned long long)sum->bytes);
	if (sum->waits)
		err_hint(e,
			"give it more time (--timeout), and close what is open for writing (fuser -vm TARGET); the drivers' logs are in %s",
			s->run->dir);
	else
		err_hint(e,
			"no driver will upload them now: s3mounts up starts it again, and so does down (what is in quarantine/ of a cache is yours to look at)");
	for (size_t i = 0; i < s->count; i++)
		if (s->mounts[i]->pending.files && mount_reason_add(s->mounts[i], e))
			break;
}

/* All that is in S3 is known: is there anything that no driver will bring there? */
static void find_lost(const struct sup *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++)
		if (look_stray(s->mounts[i], "flush", e) || mount_reason_dropped(s->mounts[i], "flush", e))
			return;
}

/* Whoever is on its way up for the first time holds nothing that was written: it is not waited for. */
static bool is_at_rest(const struct sup *s)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct mount *m = s->mounts[i];
		bool comes_up = m->state == MOUNT_WAIT || m->state == MOUNT_LAUNCH || m->state == MOUNT_START ||
				m->state == MOUNT_PROVE;

		if (!mount_settled(m) && (m->was_up || !comes_up))
			return false;
	}
	return true;
}

/* Everything is in S3, or will not be, or its time is over (LAST): *E says so. False: it goes on. */
static bool flushed(struct sup *s, struct client *c, bool last, struct err *e)
{
	struct query *q = &c->query;
	int64_t now = clock_ms();
	struct sum sum;

	if (!last && ((!is_at_rest(s) && now < c->deadline) || now < q->look))
		return false;
	if (!mounts_looked(s, q->stamp)) {
		if (!last && now < c->deadline + OVERTIME_MS)
			return false;
		if (last) {
			err_set(e, CODE_PENDING,
				"flush: the supervisor was told to end (SIGTERM): what is not in S3 yet is not known");
			return true;
		}
		err_set(e, CODE_PENDING, "flush: what is not in S3 yet is not known: looking for it takes too long");
		return true;
	}
	if (sum_pending(s, &sum, e))
		return true;
	if (!sum.files) {
		find_lost(s, e);
		return true;
	}
	if (!last && sum.waits && now < c->deadline) {
		/* A large cache takes long to look through: most of the time is for others. */
		q->look = clock_earlier(c->deadline, now + FLUSH_LOOK_MS + 4 * sum.took);
		q->stamp = look_stamp();
		return false;
	}
	not_flushed(s, &sum, e);
	return true;
}

static bool status_known(const struct sup *s, const struct client *c, bool last)
{
	if (last || clock_ms() >= c->deadline)
		return true;
	return mounts_answered(s) && (c->head.brief || mounts_looked(s, c->query.since));
}

static void answer_query(struct sup *s, struct client *c, bool last)
{
	struct err e = { .code = CODE_OK };
	struct arena a = { 0 };
	struct report r;

	if (c->head.kind == REQUEST_STATUS ? !status_known(s, c, last) : !flushed(s, c, last, &e))
		return;
	report_make(s, &r, &a, &e, c->query.since);
	client_answer(c, &r);
	arena_free(&a);
}

static bool is_query(const struct client *c)
{
	return c->state == CLIENT_WAITING && (c->head.kind == REQUEST_STATUS || c->head.kind == REQUEST_FLUSH);
}

void query_step(struct sup *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_query(&s->clients[i]) && !s->clients[i].query.since)
			begin_query(s, &s->clients[i]);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_query(&s->clients[i]))
			answer_query(s, &s->clients[i], false);
}

void query_end(struct sup *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_query(&s->clients[i]))
			answer_query(s, &s->clients[i], true);
}

bool query_flush_waits(const struct sup *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (is_query(&s->clients[i]) && s->clients[i].head.kind == REQUEST_FLUSH)
			return true;
	return false;
}

int64_t query_deadline(const struct sup *s)
{
	int64_t first = NEVER, now = clock_ms();

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &s->clients[i];

		if (!is_query(c))
			continue;
		first = clock_earlier(first, now < c->deadline ? c->deadline : c->deadline + OVERTIME_MS);
		if (c->head.kind == REQUEST_FLUSH && is_at_rest(s) && now < c->query.look)
			first = clock_earlier(first, c->query.look);
	}
	return first;
}
