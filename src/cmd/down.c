#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/live.h"
#include "cmd/options.h"
#include "cmd/print.h"
#include "sup/ask.h"

#define TIMEOUT_S 50 /* a sandbox's SDK gives a command 60 s */

static bool is_down(const struct report_mount *m)
{
	return span_is(span_of(m->state), "down") || (span_is(span_of(m->state), "failed") && !m->pid);
}

/* What is left of a mount in files that are not in S3: pending, or unknown. */
static bool dirty(const struct report_mount *m)
{
	return m->pending_files != 0;
}

static enum code judge(const struct report *r, bool down)
{
	enum code first = r->error.code;
	size_t hold = 0;

	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		if (down ? is_down(m) && !dirty(m) : !dirty(m))
			hold++;
		else if (first == CODE_OK)
			first = m->error.code != CODE_OK && !dirty(m) ? m->error.code : CODE_PENDING;
	}
	/* Pending data is the worst of it: it is told even where other mounts went. */
	for (size_t i = 0; i < r->mount_count; i++)
		if (dirty(&r->mounts[i]))
			return CODE_PENDING;
	return down ? sum_up(hold, first) : first;
}

static int print_json(const char *command, const struct report *r, enum code code, int64_t ms)
{
	struct json_out o;

	json_begin(&o, command, code, &r->error);
	json_int(&o.j, "ms", ms);
	json_open(&o.j, "mounts", '[');
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		json_open(&o.j, NULL, '{');
		json_str(&o.j, "target", m->target);
		json_str(&o.j, "source", m->source);
		json_str(&o.j, "driver", m->driver);
		json_str(&o.j, "state", m->state);
		json_int(&o.j, "pending_files", m->pending_files);
		json_int(&o.j, "pending_bytes", m->pending_bytes);
		json_strings(&o.j, "pending_names", m->pending_names, m->pending_name_count);
		json_error(&o.j, "error", &m->error);
		json_close(&o.j, '}');
	}
	json_close(&o.j, ']');
	return json_end(&o, code);
}

static void print_lines(const char *command, const struct report *r)
{
	int target, source;

	columns(r, &target, &source);
	if (r->error.code != CODE_OK)
		say_error(&r->error);
	if (!r->mount_count)
		say(2, "s3mounts: %s: nothing is mounted\n", command);
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		say(2, "%-9s %-*s  %-*s", m->state, target, m->target, source, m->source);
		if (m->pending_files < 0)
			say(2, "  pending: unknown");
		else if (m->pending_files)
			say(2, "  pending: %ld file%s, %ld bytes", m->pending_files, m->pending_files == 1 ? "" : "s",
				m->pending_bytes);
		else
			say(2, "  all of it is in S3");
		say(2, "\n");
		for (size_t k = 0; k < m->pending_name_count; k++)
			say(2, "          not in S3 yet: %s\n", m->pending_names[k]);
		if (m->error.code != CODE_OK)
			say_error(&m->error);
	}
}

static int ask_down(const char *command, bool down, const struct options *o, struct err *e)
{
	struct request q = { .kind = down ? REQUEST_DOWN : REQUEST_FLUSH, .timeout_ms = o->timeout_ms, .lazy = o->lazy };
	struct arena a = { 0 };
	struct report r = { 0 };
	int64_t begun = clock_ms();
	struct live live = { .pending = true };
	struct ask_watch w = live_watch(&live, o->json);
	struct run run;
	int code, got;

	if (run_find(&run, o->run_dir, e))
		return -1;
	got = ask(&run, false, &q, &w, &a, &r, e);
	live_end(&live);
	if (got < 0) {
		arena_free(&a);
		return -1;
	}
	code = (int)judge(&r, down);
	if (o->json)
		code = print_json(command, &r, (enum code)code, clock_ms() - begun);
	else
		print_lines(command, &r);
	arena_free(&a);
	return code;
}

static int run_command(int which, const char *does, char **argv)
{
	struct options o;
	struct err e;
	int code;

	if (options_read(&o, which, does, TIMEOUT_S, argv, &e))
		return fail(argv[0], o.json, &e);
	if (o.help)
		return CODE_OK;
	code = ask_down(argv[0], which == FOR_DOWN, &o, &e);
	return code < 0 ? fail(argv[0], o.json, &e) : code;
}

int cmd_down(char **argv)
{
	return run_command(FOR_DOWN, "Waits until every file is in S3, unmounts, and proves that the mounts are gone", argv);
}

int cmd_flush(char **argv)
{
	return run_command(FOR_FLUSH, "Waits until every file that was closed before this call is in S3", argv);
}
