#include "sup/check.h"

#include "base/clock.h"
#include "base/confine.h"
#include "base/env.h"
#include "base/file.h"
#include "base/text.h"
#include "driver/driver.h"
#include "s3/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void fault_verdict(struct verdict *v, const struct err *e)
{
	*v = (struct verdict){ .code = e->code, .kind = "fault" };
	text_fmt(v->cause, sizeof v->cause, "%.*s", (int)sizeof v->cause - 1, e->text);
	text_fmt(v->hint, sizeof v->hint, "%.*s", (int)sizeof v->hint - 1, e->hint);
}

int check_child(void *arg, int out)
{
	const struct request *r = arg;
	struct s3_check_options o = { .timeout_ms = S3_CHECK_MS, .connect_ms = S3_CONNECT_MS };
	struct s3_checker *c = NULL;
	struct s3_endpoint site;
	struct s3_place place;
	struct verdict v;
	struct err e;

	/* In time for its verdict to be part of the answer. */
	o.deadline = clock_ms() + r->timeout_ms / 4 * 3;
	confine_network();
	/* The caller's choice of trust, not that of the environment in which the supervisor was once started. */
	if (r->ca_cert[0])
		env_set(SPAN("AWS_CA_BUNDLE"), span_of(r->ca_cert), &e);
	if (s3_endpoint_parse(&site, r->endpoint, r->provider, r->region, &e) == 0 &&
		s3_endpoint_set_style(&site, r->addressing, &e) == 0)
		c = s3_checker_open(&site, &r->creds, &o, &e);
	site.called = r->endpoint_called;
	for (size_t i = 0; i < r->mount_count; i++) {
		if (c && driver_place(&r->mounts[i], &site, &place, &e) == 0)
			s3_check(c, &place, &v);
		else
			fault_verdict(&v, &e);
		if (write_all(out, &v, sizeof v))
			return 1;
	}
	if (c)
		s3_checker_close(c);
	return 0;
}

int check_read(struct task *t, struct buf *have)
{
	for (;;) {
		char *to = buf_room(have, sizeof(struct verdict));
		ssize_t n = to ? read(t->out, to, sizeof(struct verdict)) : 0;

		if (n > 0)
			have->len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return 0;
		else
			return 1;
	}
}

struct verdict check_verdict(const struct buf *have, size_t i)
{
	struct verdict v;
	struct err e;

	if ((i + 1) * sizeof v <= have->len) {
		memcpy(&v, have->p + i * sizeof v, sizeof v);
	} else {
		err_set(&e, CODE_UNREACHABLE,
			"the check ended without an answer, or not in time: nothing is known of these credentials");
		fault_verdict(&v, &e);
		v.kind = "timeout";
	}
	return v;
}

void check_error(struct err *e, const char *what, const struct verdict *v)
{
	char sentence[sizeof v->cause + 128];

	verdict_sentence(v, "the check failed", sentence, sizeof sentence);
	err_set(e, v->code, "%s: %s", what, sentence);
	err_hint(e, "%s", v->hint);
}
