#include "s3/check.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/setup.h"
#include "sup/check.h"

#include <limits.h>
#include <stdlib.h>

static enum code check_exit_code(const struct plan *p, const struct verdict *v)
{
	enum code first = CODE_OK;
	size_t hold = 0;

	for (size_t i = 0; i < p->mount_count; i++) {
		if (v[i].code == CODE_OK)
			hold++;
		else if (first == CODE_OK && !p->mounts[i].nofail)
			first = v[i].code;
	}
	return mounts_exit_code(hold, first);
}

/* The error that stands for all: that of the first mount that counts. */
static void check_first_error(struct err *e, const struct plan *p, const struct verdict *v)
{
	char what[PATH_MAX];

	for (size_t i = 0; i < p->mount_count; i++)
		if (v[i].code != CODE_OK && !p->mounts[i].nofail) {
			text_fmt(what, sizeof what, "check s3://%s/%s", p->mounts[i].bucket, p->mounts[i].prefix);
			check_error(e, what, &v[i]);
			return;
		}
}

static int print_check_json(const struct setup *s, const struct verdict *v, enum code code, int64_t ms)
{
	struct err first = { .code = CODE_OK };
	struct json_out o;
	char url[640];

	s3_endpoint_url(&s->endpoint, url, sizeof url);
	check_first_error(&first, &s->plan, v);
	json_begin(&o, "check", code, &first);
	json_int(&o.j, "ms", ms);
	json_strings(&o.j, "warnings", s->plan.warnings, s->plan.warning_count);
	json_str(&o.j, "endpoint", url[0] ? url : s->endpoint.host);
	json_open(&o.j, "mounts", '[');
	for (size_t i = 0; i < s->plan.mount_count; i++) {
		json_open(&o.j, NULL, '{');
		json_str(&o.j, "target", s->plan.mounts[i].target);
		json_str(&o.j, "bucket", s->plan.mounts[i].bucket);
		json_str(&o.j, "prefix", s->plan.mounts[i].prefix);
		json_verdict(&o.j, "check", &v[i]);
		json_close(&o.j, '}');
	}
	json_close(&o.j, ']');
	return json_end(&o, code);
}

static void print_check_lines(const struct setup *s, const struct verdict *v)
{
	for (size_t i = 0; i < s->plan.mount_count; i++) {
		const struct plan_mount *m = &s->plan.mounts[i];

		text_print(2, "%-18s s3://%s/%s  for %s, %d ms\n", v[i].kind, m->bucket, m->prefix, m->target, v[i].ms);
		if (v[i].cause[0])
			text_print(2, "          %s\n", v[i].cause);
		if (v[i].hint[0])
			text_print(2, "          hint: %s\n", v[i].hint);
	}
}

/* As its driver will ask; that its options fit the endpoint has been checked. */
static void check_mount(struct s3_checker *c, const struct setup *s, const struct plan_mount *m, struct verdict *v)
{
	struct s3_place place;
	struct err unused;

	driver_place(m, &s->endpoint, &place, &unused);
	s3_check(c, &place, v);
}

static int check_prefixes(const struct setup *s, const struct options *o, struct verdict *v, struct err *e)
{
	struct s3_check_options how = {
		.write = o->write, .timeout_ms = S3_CHECK_MS, .connect_ms = S3_CONNECT_MS, .deadline = -1
	};
	struct s3_checker *c;

	if (o->timeout_ms) {
		how.timeout_ms = o->timeout_ms;
		how.deadline = clock_ms() + o->timeout_ms;
	}
	confine_network();
	c = s3_checker_open(&s->endpoint, &s->plan.creds, &how, e);
	if (!c)
		return -1;
	for (size_t i = 0; i < s->plan.mount_count; i++)
		check_mount(c, s, &s->plan.mounts[i], &v[i]);
	s3_checker_close(c);
	return 0;
}

static int run_check(const struct setup *s, const struct options *o, struct err *e)
{
	struct verdict *v = calloc(s->plan.mount_count + 1, sizeof *v);
	int64_t started = clock_ms();
	enum code code;
	int ret = 0;

	if (!o->json)
		setup_warn(s);
	if (!v)
		return err_set(e, CODE_FAULT, "check: no memory");
	if (check_prefixes(s, o, v, e)) {
		free(v);
		return -1;
	}
	code = check_exit_code(&s->plan, v);
	if (o->json)
		ret = print_check_json(s, v, code, clock_ms() - started);
	else
		print_check_lines(s, v);
	free(v);
	return o->json ? ret : (int)code;
}

int cmd_check(char **argv)
{
	struct setup s = { 0 };
	struct options o;
	struct err e;
	int code;

	if (options_read(&o, FOR_CHECK, "Asks S3 whether it takes the credentials for each mount's prefix", 0, argv, &e))
		return print_failure("check", o.json, &e);
	if (o.help)
		return CODE_OK;
	if (setup_read(&s, &o, &e)) {
		code = -1;
	} else if (!s.plan.have_creds) {
		code = err_no_creds(&e, "check", &s.plan, "");
	} else {
		code = run_check(&s, &o, &e);
	}
	setup_free(&s);
	return code < 0 ? print_failure("check", o.json, &e) : code;
}
