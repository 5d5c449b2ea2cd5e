#include "unsent/failures.h"

#include "base/text.h"
#include "s3/error.h"
#include "s3/verdict.h"

#define WEIGHT_OWN (S3_LACKS_SERVER + 1) /* of what is the driver's own failure */

/* ---- one failure ---- */

static bool is_same_failure(const struct failure *a, const struct failure *b)
{
	return strcmp(a->s3_code, b->s3_code) == 0 && strcmp(a->message, b->message) == 0 && a->http_status == b->http_status &&
	       a->unanswered == b->unanswered;
}

/* One of enum s3_lack (s3/error.h), or more where it is the driver's own failure: the smaller, the more other requests will fail so. */
static int weight_of_failure(const struct failure *r)
{
	if (r->http_status)
		return (int)s3_meaning_of(r->s3_code, r->http_status)->lacks;
	return r->unanswered ? S3_LACKS_SERVER : WEIGHT_OWN;
}

static void to_verdict(const struct failures *f, const struct failure *r, bool upload, struct verdict *v)
{
	const struct s3_meaning *m = s3_meaning_of(r->s3_code, r->http_status);

	*v = (struct verdict){ .http_status = r->http_status };
	memcpy(v->s3_code, r->s3_code, sizeof v->s3_code);
	if (r->http_status) {
		verdict_answer(v, r->s3_code, r->http_status, r->message);
		if (upload && m->write_hint)
			text_fmt(v->hint, sizeof v->hint, "%s", m->write_hint);
		return;
	}
	if (r->unanswered)
		verdict_set(v, CODE_UNREACHABLE, r->unanswered, r->message, "");
	else
		verdict_set(v, CODE_PENDING, "fault", r->message, "");
	text_fmt(v->hint, sizeof v->hint, "%s tries again by itself; %s", f->driver,
		r->unanswered ? "see whether the endpoint can be reached from here" : "the driver's log tells more");
}

/* ---- the memory of them ---- */

/* FNV-1a: two names that differ are taken for the same once in 2^64. */
static uint64_t hash_of(const char *name)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3;
	return h;
}

static bool is_referenced(const struct failures *f, size_t reason)
{
	for (size_t i = 0; i < FAILURES_FILES; i++)
		if (f->files[i].seen && f->files[i].reason == reason)
			return true;
	return false;
}

/* A place for another one: free, or of no file any more, or the one that was seen longest ago, whose files are forgotten with it. */
static size_t oldest_reason(struct failures *f)
{
	size_t oldest = 0;

	for (size_t i = 0; i < FAILURES_REASONS; i++) {
		if (!is_referenced(f, i))
			return i;
		if (f->reasons[i].seen < f->reasons[oldest].seen)
			oldest = i;
	}
	for (size_t i = 0; i < FAILURES_FILES; i++)
		if (f->files[i].reason == oldest)
			f->files[i].seen = 0;
	return oldest;
}

static unsigned add_reason(struct failures *f, const struct failure *why)
{
	size_t i = 0;

	while (i < FAILURES_REASONS && (!f->reasons[i].seen || !is_same_failure(&f->reasons[i].why, why)))
		i++;
	if (i == FAILURES_REASONS)
		i = oldest_reason(f);
	f->reasons[i] = (struct failure_seen){ *why, f->seen };
	return (unsigned)i;
}

void failures_init(struct failures *f, const char *driver)
{
	memset(f, 0, sizeof *f);
	f->driver = driver;
}

void failures_of_upload(struct failures *f, struct span path, const struct failure *why)
{
	char name[PENDING_NAME];
	size_t to = 0;
	uint64_t h;

	f->seen++;
	pending_name(name, path);
	h = hash_of(name);
	for (size_t i = 0; i < FAILURES_FILES; i++) {
		if (f->files[i].seen && f->files[i].name == h) {
			to = i;
			break;
		}
		if (f->files[i].seen < f->files[to].seen)
			to = i;
	}
	f->files[to].seen = 0; /* what it refers to may be replaced */
	f->files[to] = (struct failure_file){ h, f->seen, add_reason(f, why) };
}

void failures_of_request(struct failures *f, const struct failure *why, bool root)
{
	int weight = weight_of_failure(why);

	f->last = (struct failure_seen){ *why, ++f->seen };
	if (weight == S3_LACKS_KEY || weight == S3_LACKS_BUCKET || (root && weight == S3_LACKS_RIGHT))
		f->request = f->last;
}

/* ---- questions ---- */

bool failures_why(const struct failures *f, const char *name, struct verdict *v)
{
	uint64_t h = hash_of(name);

	for (size_t i = 0; i < FAILURES_FILES; i++)
		if (f->files[i].seen && f->files[i].name == h) {
			to_verdict(f, &f->reasons[f->files[i].reason].why, true, v);
			return true;
		}
	return false;
}

bool failures_worst(const struct failures *f, struct verdict *v)
{
	const struct failure_seen *worst = f->request.seen ? &f->request : NULL;

	for (size_t i = 0; i < FAILURES_REASONS; i++) {
		const struct failure_seen *r = &f->reasons[i];
		int more = worst ? weight_of_failure(&worst->why) - weight_of_failure(&r->why) : 1;

		if (is_referenced(f, i) && (more > 0 || (more == 0 && r->seen > worst->seen)))
			worst = r;
	}
	if (worst)
		to_verdict(f, &worst->why, worst != &f->request, v);
	return worst;
}

void failures_keep(struct failures *f, const struct pending *p)
{
	uint64_t names[PENDING_NAMES];

	if (p->files > (uint64_t)p->named)
		return; /* those that are not named cannot be told from those that are not pending */
	for (int i = 0; i < p->named; i++)
		names[i] = hash_of(p->names[i]);
	for (size_t i = 0; i < FAILURES_FILES; i++) {
		int k = 0;

		while (k < p->named && names[k] != f->files[i].name)
			k++;
		if (k == p->named)
			f->files[i].seen = 0;
	}
}

void failures_of_root(struct failures *f)
{
	if (f->last.seen && weight_of_failure(&f->last.why) <= S3_LACKS_BUCKET)
		f->request = f->last;
}

void failures_answered(struct failures *f)
{
	f->request.seen = 0;
}
