#include "cmd/down.h"
#include "base/clock.h"
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/flush_left.h"
#include "cmd/last.h"
#include "cmd/leftover.h"
#include "cmd/live.h"
#include "cmd/options.h"
#include "cmd/print.h"
#include "driver/driver.h"
#include "driver/settings.h"
#include "mnt/layer.h"
#include "sup/cache.h"

#define TIMEOUT_S 50 /* a sandbox's SDK gives a command 60 s */
#define LOOK_MS 500  /* "all of it is in S3" is reported even when the steps before took all of the time */

/* What keeps "all of it is in S3" from being true. */
struct down_result {
	struct report report;
	struct leftovers left, tried; /* what is left now; what --left has tried to upload */
	struct err left_error;	      /* of LEFT; code CODE_OK: none */
	struct unserved_list others;  /* mounts of other run directories, which are no failure of this one */
};

/* For `flush` the supervisor has decided: what was written since does not count. */
static enum code down_exit_code(const struct down_result *v, bool down, const struct err **why)
{
	const struct report *r = &v->report;
	bool left = v->left.folders;
	size_t hold = 0;

	*why = &r->error;
	for (size_t i = 0; i < r->mount_count && down; i++) {
		const struct report_mount *m = &r->mounts[i];

		left |= m->pending_files != 0 || m->error.code == CODE_PENDING;
		if (span_is(span_of(m->state), "down") && m->pending_files == 0 && m->error.code != CODE_PENDING)
			hold++;
		else if ((*why)->code == CODE_OK)
			*why = &m->error;
	}
	if ((*why)->code == CODE_OK)
		*why = &v->left_error;
	/* Pending data is the worst outcome: it is reported even when other mounts went down. */
	if (left)
		return r->error.code == CODE_PENDING || v->left_error.code == CODE_OK ? CODE_PENDING : v->left_error.code;
	if (hold == r->mount_count || !down || r->error.code != CODE_OK)
		return r->error.code;
	return mounts_exit_code(hold, (*why)->code == CODE_OK ? CODE_MOUNT : (*why)->code);
}

static int print_down_json(const char *command, const struct down_result *v, enum code code, const struct err *why, int64_t ms)
{
	const struct report *r = &v->report;
	struct json_out o;

	json_begin(&o, command, code, why);
	json_int(&o.j, "ms", ms);
	json_others(&o.j, &v->others);
	json_open(&o.j, "mounts", '[');
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		json_mount(&o.j, m);
		json_pending(&o.j, m);
		json_error(&o.j, "error", &m->error);
		json_close(&o.j, '}');
	}
	json_close(&o.j, ']');
	json_leftovers(&o.j, &v->left);
	json_uploaded(&o.j, &v->tried, &v->left);
	return json_end(&o, code);
}

/* Of a mount whose files are all known, and of which none is pending. */
static const char *say_clean(const struct report_mount *m, bool down)
{
	bool gone = span_is(span_of(m->state), "down") || span_is(span_of(m->state), "failed");

	if (down && !gone)
		return "nothing is pending now; it still stands";
	return m->ran ? "all of it is in S3" : "was not mounted";
}

static void print_down_lines(const char *command, bool down, const struct down_result *v)
{
	const struct report *r = &v->report;
	int target, source;

	print_column_widths(r, &target, &source);
	if (r->error.code != CODE_OK)
		print_error(&r->error);
	else if (!r->mount_count && !v->tried.count)
		text_print(2, "s3mounts: %s: nothing is mounted\n", command);
	for (size_t i = 0; i < r->mount_count; i++) {
		const struct report_mount *m = &r->mounts[i];

		text_print(2, "%-9s %-*s  %-*s", m->state, target, m->target, source, m->source);
		if (m->pending_files < 0)
			text_print(2, "  pending: unknown");
		else if (m->pending_files)
			text_print(2, "  pending: %ld file%s, %ld bytes", m->pending_files, plural(m->pending_files),
				m->pending_bytes);
		else if (m->error.code == CODE_PENDING)
			text_print(2, "  what is in S3 is not known");
		else
			text_print(2, "  %s", say_clean(m, down));
		text_print(2, "\n");
		print_pending(m, false);
		if (m->error.code != CODE_OK)
			print_error(&m->error);
	}
	print_uploaded(&v->tried, &v->left);
	print_leftovers(&v->left);
	print_others(&v->others);
}

static bool is_all_down(const struct report *r)
{
	return mounts_are(r, "down") && (r->error.code == CODE_OK || r->error.code == CODE_PENDING);
}

/* After supervisor and driver were killed, the layer below the mount is still there. */
static int clear_stale_layers(const struct run *run, struct err *e)
{
	struct run_path layer = run_layer_name(run);
	struct mnt_table t;
	int ret = 0;

	if (mnt_table_read(&t, e))
		return -1;
	for (size_t i = 0; i < t.count && ret == 0; i++) {
		char target[PATH_MAX];

		if (!mnt_layer_is(&t.entries[i], layer.s))
			continue;
		text_fmt(target, sizeof target, "%.*s", (int)t.entries[i].target.n, t.entries[i].target.p);
		ret = mnt_layer_unmount(target, e);
	}
	mnt_table_free(&t);
	return ret;
}

/*
 * Is there really no mount? For `down` this also removes what goes with the last mount, such as the config that `s3mounts
 * config` may have left in RUN.
 */
static int confirm_no_mounts(const struct run *run, bool down, struct down_result *v, struct err *e)
{
	if (unserved_find(&v->others, run, &v->report.error))
		return 0;
	return down ? settings_forget(run_path(run, "rclone.conf").s, e) : 0;
}

/* What is asked for. */
struct down_task {
	const char *command;
	const struct options *o;
	bool down;			/* else `flush` */
	const struct down_scope *scope; /* of `run`, which reports failures alone; NULL: of everything */
};

/* The mounts that T names, for the request of it. */
static void name_targets(struct request *q, const struct down_task *t, struct arena *a)
{
	size_t count = t->scope ? t->scope->count : 0;

	q->mounts = arena_get(a, (count + 1) * sizeof *q->mounts);
	for (size_t i = 0; i < count && q->mounts; i++)
		q->mounts[q->mount_count++] = (struct plan_mount){ .target = t->scope->targets[i] };
}

/* Without a failure so far (GOT): what is to be known, and done, beside what the supervisor has done. As GOT. */
static int look_around(struct down_result *v, const struct run *run, const struct down_task *t, bool some, int64_t deadline,
	int got, struct err *e)
{
	/* Root speaks to another user's supervisor, but neither believes nor removes anything in that user's folders. */
	bool own = !run_is_anothers(run);

	if (got >= 0 && t->down && own)
		flush_left_end(run, clock_left(deadline));
	if (got >= 0 && !v->report.mount_count && v->report.error.code == CODE_OK)
		got = confirm_no_mounts(run, t->down && own, v, e);
	if (!own)
		return got;
	if (got >= 0 && t->down && !some && is_all_down(&v->report))
		got = clear_stale_layers(run, e);
	if (got >= 0) {
		leftovers_find(&v->left, run, t->o, &v->report, false, deadline);
		flush_left_reasons(&v->left, &v->tried, &v->left_error);
	}
	return got;
}

/* Fills *V; the report's strings are in A. 0, or -1 with *E set. */
static int collect_down_result(
	struct down_result *v, const struct run *run, const struct down_task *t, struct arena *a, struct err *e)
{
	const struct options *o = t->o;
	bool down = t->down;
	struct request q = { .kind = down ? REQUEST_DOWN : REQUEST_FLUSH, .timeout_ms = o->timeout_ms, .lazy = o->lazy };
	int64_t deadline = clock_ms() + o->timeout_ms;
	struct live live = { .pending = true };
	struct ask_watch w = live_watch(&live, o->json);
	int got = o->left ? flush_left_upload(&v->tried, run, o, e) : 0;

	name_targets(&q, t, a);
	if (got == 0) {
		q.timeout_ms = clock_left(deadline) > LOOK_MS ? clock_left(deadline) : LOOK_MS;
		got = ask(run, ASK_INHERIT, &q, &w, a, &v->report, e);
		live_end(&live);
	}
	got = look_around(v, run, t, q.mount_count > 0, deadline, got, e);
	return got < 0 ? -1 : 0;
}

/* What is reported of a command that has --stop-timeout for its --timeout. */
static void name_stop_timeout(struct err *e)
{
	static const char option[] = "(--timeout)";
	const char *at = text_find(e->hint, option);
	char hint[sizeof e->hint];

	if (!at)
		return;
	text_fmt(hint, sizeof hint, "%.*s(--stop-timeout)%s", (int)(at - e->hint), e->hint, at + sizeof option - 1);
	err_hint(e, "%s", hint);
}

static void name_stop_timeouts(struct report *r)
{
	name_stop_timeout(&r->error);
	for (size_t i = 0; i < r->mount_count; i++)
		name_stop_timeout(&r->mounts[i].error);
}

/* A driver that hangs does not say what it has not sent: the names that its cache knows. */
static void name_by_cache(struct report_mount *m, struct arena *a, int64_t deadline)
{
	struct plan_mount spec = { .bucket = "", .prefix = "" };
	struct pending p;
	struct request r;
	struct err unused;

	if (cache_origin(m->cache, a, &r) == 0)
		spec.prefix = r.mounts[0].prefix;
	for (const struct driver *const *d = drivers; *d; d++) {
		if (strcmp((*d)->name, m->driver) != 0 || !(*d)->leftovers ||
			(*d)->leftovers(m->cache, &spec, deadline, &p, &unused))
			continue;
		m->pending_names = arena_get(a, PENDING_NAMES * sizeof *m->pending_names);
		for (int i = 0; i < p.named && m->pending_names; i++)
			if ((m->pending_names[m->pending_name_count] = arena_str(a, span_of(p.names[i]))))
				m->pending_name_count++;
	}
}

static void name_unknown(struct report *r, struct arena *a)
{
	int64_t deadline = clock_ms() + LOOK_MS;

	for (size_t i = 0; i < r->mount_count; i++)
		if (r->mounts[i].pending_files < 0 && !r->mounts[i].pending_name_count)
			name_by_cache(&r->mounts[i], a, deadline);
}

static int flush_or_unmount(const struct down_task *t, struct err *e)
{
	struct down_result v = { .report = { 0 } };
	struct arena a = { 0 };
	int64_t started = clock_ms();
	const struct options *o = t->o;
	const struct err *why;
	char cache[PATH_MAX];
	struct run run;
	int code;

	/* Whether a cache folder is known is checked before anything goes down. */
	if (run_find(&run, o->run_dir, e) || run_cache_dir(cache, sizeof cache, o->cache_dir, e))
		return -1;
	code = collect_down_result(&v, &run, t, &a, e);
	if (code == 0) {
		name_unknown(&v.report, &a);
		if (t->scope) {
			name_stop_timeouts(&v.report);
			last_explain(&v.report);
		}
		code = (int)down_exit_code(&v, t->down, &why);
		if (o->json)
			code = print_down_json(t->command, &v, (enum code)code, why, clock_ms() - started);
		else if (!t->scope || code != CODE_OK)
			print_down_lines(t->command, t->down, &v);
	}
	leftover_free(&v.left);
	leftover_free(&v.tried);
	unserved_free(&v.others);
	arena_free(&a);
	return code;
}

static int run_and_report(const struct down_task *t)
{
	struct err e;
	int code = flush_or_unmount(t, &e);

	return code < 0 ? print_failure(t->command, t->o->json, &e) : code;
}

static int run_down_command(int which, const char *does, char **argv)
{
	struct options o;
	const struct down_task t = { .command = argv[0], .o = &o, .down = which == FOR_DOWN };
	struct err e;

	if (options_read(&o, which, does, TIMEOUT_S, argv, &e))
		return print_failure(argv[0], o.json, &e);
	return o.help ? CODE_OK : run_and_report(&t);
}

int down_run(const struct options *o, const struct down_scope *scope)
{
	const struct down_task t = { .command = "run", .o = o, .down = !scope->keep, .scope = scope };

	return run_and_report(&t);
}

static const char down_does[] =
	"Waits until every file is in S3, unmounts, and proves that the mounts are gone.\n"
	"A file that is open and has been written to is not in S3: it is waited for, and in the end 7.\n"
	"Empty folders are not kept: rclone makes no objects for them";

static const char flush_does[] = "Waits until every file that was closed before this call is in S3.\n"
				 "One that is still open, and has been written to, is not: it is waited for, and in the end 7";

int cmd_down(char **argv)
{
	return run_down_command(FOR_DOWN, down_does, argv);
}

int cmd_flush(char **argv)
{
	return run_down_command(FOR_FLUSH, flush_does, argv);
}
