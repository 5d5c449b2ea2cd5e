#include "cmd/up.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/leftover.h"
#include "cmd/live.h"
#include "cmd/print.h"
#include "cmd/setup.h"

static bool is_mount_proven(const struct report_mount *m)
{
	return span_is(span_of(m->state), "up") && m->error.code == CODE_OK;
}

/* The exit code; *WHY is the error that stands for all: that of the whole, else of the first mount that counts. */
static enum code up_exit_code(const struct report *r, const struct err **why)
{
	size_t hold = 0, bad = 0;

	*why = &r->error;
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		if (is_mount_proven(m)) {
			hold++;
		} else if (!m->nofail) {
			bad++;
			if ((*why)->code == CODE_OK)
				*why = &m->error;
		}
	}
	if (r->error.code != CODE_OK)
		return r->error.code;
	if (!bad || hold)
		return bad ? CODE_SOME : CODE_OK;
	return (*why)->code == CODE_OK ? CODE_MOUNT : (*why)->code;
}

/* What this rclone is known to lose; nothing if no mount is writable. */
static size_t known_losses(const struct setup *s, const char *const **list)
{
	for (size_t i = 0; i < s->plan.mount_count; i++)
		if (!s->plan.mounts[i].ro)
			return rclone_version_losses(&s->rclone, list);
	*list = NULL;
	return 0;
}

static void json_rclone(struct json *j, const struct setup *s)
{
	const char *const *list;
	size_t count = known_losses(s, &list);

	json_open(j, "rclone", '{');
	json_str(j, "version", s->rclone.text);
	json_strings(j, "known_losses", list, count);
	json_close(j, '}');
}

static void print_losses(const struct setup *s)
{
	const char *const *list;
	size_t count = known_losses(s, &list);

	for (size_t i = 0; i < count; i++)
		text_print(2, "s3mounts: note: rclone %s: %s\n", s->rclone.text, list[i]);
	if (count)
		text_print(2, "          hint: rclone 1.76 or newer is the one for mounts that are written to\n");
}

static int print_up_json(const struct setup *s, const struct report *r, const struct leftovers *l, enum code code,
	const struct err *why, int64_t ms)
{
	struct json_out o;

	json_begin(&o, "up", code, why);
	json_int(&o.j, "ms", ms);
	json_strings(&o.j, "warnings", s->plan.warnings, s->plan.warning_count);
	json_open(&o.j, "supervisor", '{');
	json_int(&o.j, "pid", r->pid);
	json_close(&o.j, '}');
	json_open(&o.j, "mounts", '[');
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		json_mount(&o.j, m);
		json_int(&o.j, "pid", m->pid);
		json_int(&o.j, "ms", m->ms);
		json_strings(&o.j, "notes", m->notes, m->note_count);
		json_verdict(&o.j, "check", &m->check);
		json_error(&o.j, "error", &m->error);
		json_close(&o.j, '}');
	}
	json_close(&o.j, ']');
	json_leftovers(&o.j, l);
	json_rclone(&o.j, s);
	return json_end(&o, code);
}

static void print_up_lines(const struct report *r, bool brief, int64_t ms)
{
	int target, source;
	size_t hold = 0;

	print_column_widths(r, &target, &source);
	if (r->error.code != CODE_OK)
		print_error(&r->error);
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		hold += is_mount_proven(m);
		if (brief && is_mount_proven(m))
			continue;
		text_print(2, "%-9s %-*s  %-*s  %s", m->state, target, m->target, source, m->source, m->driver);
		if (m->pid)
			text_print(2, " pid %ld", m->pid);
		if (is_mount_proven(m) && m->ms)
			text_print(2, ", %ld ms", m->ms);
		else if (is_mount_proven(m))
			text_print(2, ", was up");
		text_print(2, "\n");
		for (size_t k = 0; k < m->note_count; k++)
			text_print(2, "          note: %s\n", m->notes[k]);
		if (m->error.code != CODE_OK)
			print_error(&m->error);
	}
	if (r->error.code == CODE_OK)
		text_print(2, "s3mounts: %zu of %zu mounts up and proven, %lld ms\n", hold, r->mount_count, (long long)ms);
}

/* Without credentials the folders are made, so that whoever looks for them finds them, empty. */
static int make_placeholders_only(const char *command, const struct setup *s, const struct options *o)
{
	struct json_out out;
	size_t made = s->plan.placeholder_count;
	char means[80];
	struct err e;

	if (setup_make_placeholders(s, &e))
		return print_failure(command, o->json, &e);
	text_fmt(means, sizeof means, ": this command mounts nothing; %zu placeholder folder%s stand%s", made,
		plural((long)made), made == 1 ? "s" : "");
	err_no_creds(&e, command, &s->plan, means);
	if (!o->json)
		return print_failure(command, false, &e);
	json_begin(&out, command, e.code, &e);
	json_strings(&out.j, "warnings", s->plan.warnings, s->plan.warning_count);
	json_strings(&out.j, "placeholders", s->plan.placeholders, s->plan.placeholder_count);
	json_strings(&out.j, "mounts", NULL, 0);
	return json_end(&out, e.code);
}

static int ask_for_mounts(struct setup *s, const struct options *o, struct arena *a, struct report *r, struct err *e)
{
	struct live live = { 0 };
	struct ask_watch w = live_watch(&live, o->json);
	struct up_request up;
	int ret;

	if (setup_request(&up, s, o, e))
		return -1;
	ret = ask(&s->run, ASK_START, &up.request, &w, a, r, e);
	live_end(&live);
	creds_wipe(&up.request.creds);
	return ret;
}

/* What earlier runs have left is reported too; it does not affect the exit code. */
static int report_up(const struct setup *s, const struct options *o, const struct report *r, bool brief, int64_t ms)
{
	struct leftovers l = { 0 };
	const struct err *why;
	int code = (int)up_exit_code(r, &why);

	leftovers_find(&l, &s->run, o, r, true, clock_ms() + o->timeout_ms - ms);
	if (o->json) {
		code = print_up_json(s, r, &l, (enum code)code, why, ms);
	} else {
		print_up_lines(r, brief && code == CODE_OK, ms);
		if ((!brief || code != CODE_OK) && code <= CODE_SOME)
			print_losses(s);
		print_leftovers(&l);
	}
	leftover_free(&l);
	return code;
}

static void note_targets(struct up_asked *asked, const struct plan *p)
{
	asked->targets = arena_get(&asked->mem, (p->mount_count + 1) * sizeof *asked->targets);
	for (size_t i = 0; i < p->mount_count && asked->targets; i++)
		if ((asked->targets[asked->target_count] = arena_str(&asked->mem, span_of(p->mounts[i].target))))
			asked->target_count++;
}

int up_run(const char *command, const struct options *o, bool brief, struct up_asked *asked)
{
	struct arena a = { 0 };
	int64_t started = clock_ms();
	struct setup s = { 0 };
	struct report r;
	struct err e;
	int code;

	if (setup_read(&s, o, &e)) {
		setup_free(&s);
		return print_failure(command, o->json, &e);
	}
	if (!o->json)
		setup_warn(&s);
	note_targets(asked, &s.plan);
	if (!s.plan.have_creds) {
		code = make_placeholders_only(command, &s, o);
	} else if (ask_for_mounts(&s, o, &a, &r, &e)) {
		code = print_failure(command, o->json, &e);
	} else {
		asked->supervisor = r.pid;
		code = report_up(&s, o, &r, brief, clock_ms() - started);
	}
	setup_free(&s);
	arena_free(&a);
	return code;
}

int cmd_up(char **argv)
{
	struct up_asked asked = { .supervisor = 0 };
	struct options o;
	struct err e;
	int code;

	if (options_read(
		    &o, FOR_UP, "Checks the credentials, mounts everything in parallel and proves it", UP_TIMEOUT_S, argv, &e))
		return print_failure("up", o.json, &e);
	if (o.help)
		return CODE_OK;
	code = up_run("up", &o, false, &asked);
	arena_free(&asked.mem);
	return code;
}
