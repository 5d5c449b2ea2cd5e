#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/leftover.h"
#include "cmd/options.h"
#include "cmd/print.h"
#include "ctl/control.h"
#include "mnt/table.h"

#include <poll.h>
#include <unistd.h>

#define TIMEOUT_MS 10000
#define WATCH_MS 1000

static bool is_mount_up(const struct report_mount *m)
{
	return span_is(span_of(m->state), "up");
}

/* *WHY is the error that stands for all: that of the whole, else of the first mount that counts. */
static enum code status_exit_code(const struct report *r, const struct leftovers *l, const struct err **why)
{
	enum code first = r->error.code;
	size_t hold = 0;
	enum code all;

	*why = &r->error;
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		if (is_mount_up(m)) {
			hold++;
		} else if (first == CODE_OK && !m->nofail) {
			first = m->error.code == CODE_OK ? CODE_MOUNT : m->error.code;
			*why = &m->error;
		}
	}
	all = mounts_exit_code(hold, first);
	/* Without a supervisor nothing is worse than what is left. */
	return l->folders && (all == CODE_OK || !r->pid) ? CODE_PENDING : all;
}

static void json_history(struct json *j, const struct report_mount *m)
{
	json_open(j, "history", '[');
	for (size_t i = 0; i < m->history_count; i++) {
		char at[64];
		size_t n = strcspn(m->history[i], " ");

		text_fmt(at, sizeof at, "%.*s", (int)n, m->history[i]);
		json_open(j, NULL, '{');
		json_str(j, "at", at);
		json_str(j, "event", m->history[i] + n + (m->history[i][n] == ' '));
		json_close(j, '}');
	}
	json_close(j, ']');
}

static int print_status_json(const struct report *r, const struct leftovers *l, const struct unserved_list *others,
	enum code code, const struct err *why)
{
	struct json_out o;

	json_begin(&o, "status", code, why);
	if (r->pid) {
		json_open(&o.j, "supervisor", '{');
		json_int(&o.j, "pid", r->pid);
		json_close(&o.j, '}');
	} else {
		json_null(&o.j, "supervisor");
	}
	json_open(&o.j, "mounts", '[');
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		json_mount(&o.j, m);
		json_int(&o.j, "pid", m->pid);
		json_int(&o.j, "memory_kib", m->memory_kib);
		json_pending(&o.j, m);
		json_int(&o.j, "restarts", m->restarts);
		json_strings(&o.j, "notes", m->notes, m->note_count);
		json_history(&o.j, m);
		json_error(&o.j, "error", &m->error);
		json_close(&o.j, '}');
	}
	json_close(&o.j, ']');
	json_leftovers(&o.j, l);
	json_others(&o.j, others);
	return json_end(&o, code);
}

/* A number, or "?" for one that is not known. */
static const char *format_count(char out[24], long n)
{
	text_fmt(out, 24, n < 0 ? "?" : "%ld", n);
	return out;
}

static void print_status_table(const struct report *r)
{
	char a[24], b[24], c[24];
	int target, source;

	print_column_widths(r, &target, &source);
	text_print(1, "%-10s %-*s  %-*s  %-7s %7s %10s %8s %10s\n", "STATE", target, "TARGET", source, "SOURCE", "DRIVER",
		"PID", "MEMORY KiB", "PENDING", "BYTES");
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		text_print(1, "%-10s %-*s  %-*s  %-7s %7ld %10s %8s %10s\n", m->state, target, m->target, source, m->source,
			m->driver, m->pid, format_count(a, m->memory_kib), format_count(b, m->pending_files),
			format_count(c, m->pending_bytes));
	}
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		if (m->restarts)
			text_print(2, "%s: driver restarted %ld time%s:\n", m->target, m->restarts, plural(m->restarts));
		for (size_t k = 0; k < m->history_count && m->restarts; k++)
			text_print(2, "          %s\n", m->history[k]);
		for (size_t k = 0; k < m->note_count; k++)
			text_print(2, "%s: note: %s\n", m->target, m->notes[k]);
		if (m->error.code != CODE_OK)
			print_error(&m->error);
		print_pending(m, true);
	}
}

/* Reports R, from a supervisor or (SERVED is false) without one, and what earlier runs have left. */
static int report_status(
	const struct run *run, const struct options *o, const struct report *r, const struct unserved_list *others, bool served)
{
	struct leftovers l = { 0 };
	struct err left = { .code = CODE_OK };
	const struct err *why;
	int code;

	if (!run_is_anothers(run))
		leftovers_find(&l, run, o, r, false, 0);
	leftover_error(&l, &left);
	code = (int)status_exit_code(r, &l, &why);
	if (o->json) {
		code = print_status_json(r, &l, others, (enum code)code, code == CODE_PENDING && l.folders ? &left : why);
	} else {
		if (served)
			print_status_table(r);
		else
			print_error(&r->error);
		print_leftovers(&l);
		print_others(others);
	}
	leftover_free(&l);
	return code;
}

static int show_status(const struct run *run, const struct options *o, struct err *e)
{
	struct request q = { .kind = REQUEST_STATUS, .timeout_ms = TIMEOUT_MS, .mount_ns = mnt_namespace() };
	struct report r = { 0 };
	struct arena a = { 0 };
	struct ask_watch nothing = { .tick = NULL };
	struct unserved_list others = { .list = NULL };
	struct run other;
	int got = ask(run, ASK_NEVER, &q, &nothing, &a, &r, e);

	if (got > 0 && unserved_find(&others, run, &r.error) == 0) {
		err_set(&r.error, CODE_MOUNT, "status: no supervisor runs in %s: nothing is mounted by s3mounts", run->dir);
		if (control_other(run, &other))
			err_hint(&r.error, "a supervisor serves in %s (--run-dir); or s3mounts up mounts", other.dir);
		else
			err_hint(&r.error, "s3mounts up mounts");
	}
	/* It has ended, or was killed, and mounts stand: what of their files is in S3 their caches tell. */
	if (got < 0 && e->code == CODE_PENDING) {
		r.error = *e;
		got = 1;
	}
	if (got >= 0)
		got = report_status(run, o, &r, &others, got == 0);
	unserved_free(&others);
	arena_free(&a);
	return got;
}

int cmd_status(char **argv)
{
	struct options o;
	struct run run;
	struct err e;
	int code;

	if (options_read(&o, FOR_STATUS, "Shows each mount, proven now: state, driver, memory, and what is not in S3 yet", 0,
		    argv, &e))
		return print_failure("status", o.json, &e);
	if (o.help)
		return CODE_OK;
	if (run_find(&run, o.run_dir, &e))
		return print_failure("status", o.json, &e);
	do {
		if (o.watch && !o.json && isatty(STDOUT_FILENO))
			text_print(1, "\033[H\033[2J"); /* home, clear */
		code = show_status(&run, &o, &e);
	} while (o.watch && code >= 0 && poll(NULL, 0, WATCH_MS) == 0);
	return code < 0 ? print_failure("status", o.json, &e) : code;
}
