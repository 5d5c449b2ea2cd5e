#include "base/clock.h"
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/last.h"
#include "cmd/leftover.h"
#include "cmd/print.h"
#include "cmd/setup.h"
#include "ctl/control.h"
#include "sup/serve.h"

#include <poll.h>
#include <unistd.h>

#define MOUNT_S 30	 /* for the first mounts */
#define END_LOOK_MS 3000 /* behind --stop-timeout, and before the SIGKILL that usually comes 30 s after SIGTERM */
#define STATUS_MS 10000
#define LOOK_MS 100 /* nothing notifies a process that another has begun to serve */

/* -1 with *E: another supervisor answers there, and is named. What else is there, and may have been killed, listen_on_control() finds out. */
static int check_nobody_answers(const struct run *run, struct err *e)
{
	struct request q = { .kind = REQUEST_STATUS, .timeout_ms = STATUS_MS, .brief = true };
	struct ask_watch nothing = { .tick = NULL };
	struct arena a = { 0 };
	struct report r = { 0 };
	bool answers = ask(run, ASK_NEVER, &q, &nothing, &a, &r, e) == 0;

	if (answers) {
		err_set(e, CODE_MOUNT, "start: a supervisor serves it already, in %s: process %ld, with %zu mount%s", run->dir,
			r.pid, r.mount_count, plural((long)r.mount_count));
		err_hint(e, "s3mounts up and s3mounts status reach it; --run-dir gives another one a place of its own");
	}
	arena_free(&a);
	return answers ? -1 : 0;
}

/* Opens the socket, under the lock: whoever starts at the same time finds it, or gets an error. */
static int listen_on_control(const struct setup *s, int64_t deadline, struct err *e)
{
	int lock, fd;

	if (run_prepare(&s->run, e) || (lock = run_lock(&s->run, deadline, e)) < 0)
		return -1;
	fd = control_listen(&s->run, e);
	close(lock);
	return fd;
}

/* At its end, as with `down`, files that are left anywhere are reported. */
static int report_left(const struct setup *s, const struct options *o, const char *cache, int code)
{
	int64_t deadline = clock_ms() + END_LOOK_MS;
	const struct leftover_scope scope = { .ours = &s->run, .deadline = deadline };
	const struct report nobody = { 0 };
	struct leftovers l = { 0 };

	leftovers_find(&l, &s->run, o, &nobody, false, deadline);
	if (cache[0])
		leftover_find(&l, cache, &scope);
	print_leftovers(&l);
	code = l.folders && code == CODE_OK ? CODE_PENDING : code;
	leftover_free(&l);
	return code;
}

static int run_start(struct setup *s, const struct options *o, struct err *e)
{
	bool now = s->plan.have_creds && !o->wait;
	struct up_request up;
	size_t made = s->plan.placeholder_count + s->plan.mount_count;
	const char *cache;
	int listener, code;

	setup_warn(s);
	if (check_nobody_answers(&s->run, e) || (o->wait ? setup_make_targets(s, e) : setup_make_placeholders(s, e)) ||
		(now && setup_request(&up, s, o, e)))
		return -1;
	creds_wipe(&s->plan.creds);
	listener = listen_on_control(s, clock_ms() + o->timeout_ms, e);
	if (listener < 0) {
		if (now)
			creds_wipe(&up.request.creds);
		return -1;
	}
	if (!now)
		setup_note_version(o);
	if (!now)
		text_print(2,
			"s3mounts: start: %zu placeholder folder%s stand%s; waiting for 's3mounts up' with the credentials\n",
			made, plural((long)made), made == 1 ? "s" : "");
	code = serve_here(&s->run, listener, now ? &up.request : NULL, o->stop_ms, &cache);
	if (code == CODE_PENDING && getpid() == 1) {
		text_print(2,
			"s3mounts: start: process 1 ends, and every mount with it: what is not in S3 lies in %s, and is uploaded by up, start or "
			"flush --left with that --cache-dir, if it outlives this container\n",
			cache);
		last_forget(&s->run, o, getpid());
	}
	return report_left(s, o, cache, code);
}

int cmd_start(char **argv)
{
	struct setup s = { 0 };
	struct options o;
	struct err e;
	int code = -1;

	text_stderr_within(STDERR_MS);
	if (options_read(&o, FOR_START,
		    "Serves in the foreground: mounts at once where credentials are given, else waits for up", MOUNT_S, argv,
		    &e))
		return print_failure("start", false, &e);
	if (o.help)
		return CODE_OK;
	if (setup_read(&s, &o, &e) == 0)
		code = run_start(&s, &o, &e);
	setup_free(&s);
	return code < 0 ? print_failure("start", false, &e) : code;
}

/* Asks once. 0: ready; else -1 with *E: not yet. */
static int check_ready(const struct run *run, const struct options *o, struct err *e)
{
	struct request q = { .kind = REQUEST_STATUS, .timeout_ms = STATUS_MS, .brief = true };
	struct ask_watch nothing = { .tick = NULL };
	struct arena a = { 0 };
	struct report r = { 0 };
	struct run other;
	int got = ask(run, ASK_NEVER, &q, &nothing, &a, &r, e);

	/* Here it is no matter of files. */
	if (got < 0 && e->code == CODE_PENDING)
		e->code = CODE_MOUNT;
	if (got > 0) {
		err_set(e, CODE_MOUNT, "ready: no supervisor serves in %s", run->dir);
		got = control_other(run, &other) ? err_hint(e, "a supervisor serves in %s (--run-dir)", other.dir) :
						   err_hint(e, "s3mounts start serves");
	} else if (got == 0 && o->mounted && (!r.mount_count || !mounts_are(&r, "up"))) {
		got = err_set(e, CODE_MOUNT, "ready: %zu mount%s there%sup", r.mount_count,
			r.mount_count == 1 ? " is" : "s are",
			r.mount_count > 1 ? ", not all of them " :
			r.mount_count	  ? ", not " :
					    ": none is ");
		err_hint(e, "s3mounts status tells of each");
	}
	arena_free(&a);
	return got;
}

int cmd_ready(char **argv)
{
	struct options o;
	struct run run;
	struct err e;
	int64_t deadline;

	if (options_read(
		    &o, FOR_READY, "Exit 0 when a supervisor serves; --mounted: when every mount is proven too", 0, argv, &e))
		return print_failure("ready", o.json, &e);
	if (o.help)
		return CODE_OK;
	if (run_find(&run, o.run_dir, &e))
		return print_failure("ready", o.json, &e);
	deadline = clock_ms() + o.timeout_ms;
	while (check_ready(&run, &o, &e)) {
		if (clock_ms() >= deadline)
			return print_failure("ready", o.json, &e);
		poll(NULL, 0, LOOK_MS);
	}
	if (o.json) {
		struct json_out out;

		json_begin(&out, "ready", CODE_OK, NULL);
		return json_end(&out, CODE_OK);
	}
	return CODE_OK;
}
