#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/down.h"
#include "cmd/init.h"
#include "cmd/last.h"
#include "cmd/print.h"
#include "cmd/remaining.h"
#include "cmd/up.h"
#include "mnt/table.h"
#include "sup/leftover.h"
#include "sup/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define ASK_MS 1000 /* how things are */

/*
 * How --stop-timeout is shared, from SIGTERM on, or from the end of CMD where there was none: CMD is killed after a third
 * (cmd/init.h); what it has left behind after a sixth more. At least a half is for flush and unmount.
 */
#define REMAINING_SHARE 6

struct session {
	const struct options *o;
	struct run run;
	struct init init;
	struct up_asked asked;
	struct arena mem;
	const char **before; /* targets of mounts that stood before: they stay */
	size_t before_count;
	int claim; /* RUN/run: targets of our own, each followed by a NUL, until they are down */
};

/* 0 with *R; else nobody has answered. */
static int ask_status(const struct run *run, enum ask_start start, struct arena *a, struct report *r)
{
	struct request q = { .kind = REQUEST_STATUS, .timeout_ms = ASK_MS, .brief = true };
	const struct ask_watch silent = { .tick = NULL };
	struct err unused;

	*r = (struct report){ .pid = 0 };
	return ask(run, start, &q, &silent, a, r, &unused);
}

/* An earlier run has made it, and could not take it down. */
static bool was_left(struct span left, const char *target)
{
	struct span name;

	while (span_cut(&left, 0, &name))
		if (span_is(name, target))
			return true;
	return false;
}

static void note_before(struct session *s)
{
	struct buf left = buf_heap(WIRE_MAX);
	struct arena a = { 0 };
	struct report r;

	ask_status(&s->run, ASK_NEVER, &a, &r);
	file_read_fd(s->claim, &left);
	s->before = arena_get(&s->mem, (r.mount_count + 1) * sizeof *s->before);
	for (size_t i = 0; i < r.mount_count && s->before; i++) {
		const struct report_mount *m = &r.mounts[i];

		if (!span_is(span_of(m->state), "down") && !span_is(span_of(m->state), "failed") &&
			!was_left(buf_all(&left), m->target) &&
			(s->before[s->before_count] = arena_str(&s->mem, span_of(m->target))))
			s->before_count++;
	}
	buf_free(&left);
	arena_free(&a);
}

static bool was_before(const struct session *s, const char *target)
{
	for (size_t i = 0; i < s->before_count; i++)
		if (strcmp(s->before[i], target) == 0)
			return true;
	return false;
}

/* Added to what earlier runs have left: a later one finds both, whatever becomes of this. */
static void note_own(const struct session *s)
{
	for (size_t i = 0; i < s->asked.target_count; i++)
		if (!was_before(s, s->asked.targets[i]))
			(void)!write_all(s->claim, s->asked.targets[i], strlen(s->asked.targets[i]) + 1);
}

/* Mounts of the plan that stood before are flushed, and stay; nothing else of those is touched. */
static int keep_shared(const struct session *s, const struct options *last)
{
	const struct down_scope flush = { .keep = true };
	bool any = false;

	for (size_t i = 0; i < s->asked.target_count; i++)
		if (was_before(s, s->asked.targets[i])) {
			text_print(2, "s3mounts: note: mount %s stood before this run: flushed, and left mounted\n",
				s->asked.targets[i]);
			any = true;
		}
	return any ? down_run(last, &flush) : CODE_OK;
}

/* What was mounted since this run began. */
static int take_down_own(const struct session *s, const struct options *last)
{
	struct down_scope own = { .targets = NULL };
	const char **targets;
	struct arena a = { 0 };
	struct report r;
	int code = CODE_OK;

	ask_status(&s->run, ASK_INHERIT, &a, &r);
	targets = arena_get(&a, (r.mount_count + 1) * sizeof *targets);
	for (size_t i = 0; i < r.mount_count && targets; i++)
		if (!was_before(s, r.mounts[i].target))
			targets[own.count++] = r.mounts[i].target;
	own.targets = targets;
	if (own.count)
		code = down_run(last, &own);
	arena_free(&a);
	return code;
}

static int take_mounts_down(const struct session *s, int64_t deadline)
{
	const struct down_scope all = { .targets = NULL };
	struct options last = *s->o;
	int code, kept;

	last.timeout_ms = clock_left(deadline);
	/* With process 1 ends everything that uses a mount, and nobody will take it down later. */
	last.lazy = getpid() == 1;
	code = s->before_count ? take_down_own(s, &last) : down_run(&last, &all);
	if (code == CODE_OK)
		(void)!ftruncate(s->claim, 0);
	last.timeout_ms = clock_left(deadline);
	kept = s->before_count ? keep_shared(s, &last) : CODE_OK;
	if (code || kept)
		last_forget(&s->run, s->o, s->asked.supervisor);
	return code ? code : kept;
}

static void spare_supervisor(struct spared *spared, const struct run *run)
{
	struct arena a = { 0 };
	struct report r;

	ask_status(run, ASK_INHERIT, &a, &r);
	spared_add(spared, (pid_t)r.pid);
	for (size_t i = 0; i < r.mount_count; i++)
		spared_add(spared, (pid_t)r.mounts[i].pid);
	arena_free(&a);
}

/* Drivers whose supervisor was killed are no descendants of one: who they are is asked, where anybody but the supervisor runs. */
static void end_remaining(const struct session *s)
{
	struct spared spared = { .count = 0 };
	struct run left;
	struct err unused;
	int share = s->o->stop_ms / REMAINING_SHARE;

	spared_add(&spared, (pid_t)s->asked.supervisor);
	if (remaining_any(&spared)) {
		spare_supervisor(&spared, &s->run);
		if (leftover_run(&left, &s->run, &unused) == 0 && access(left.dir, F_OK) == 0)
			spare_supervisor(&spared, &left);
		remaining_end("run", &spared, share, share);
	}
	spared_free(&spared);
}

static int check_run_options(const struct options *o, struct err *e)
{
	if (!o->command || !o->command[0]) {
		err_set(e, CODE_USAGE, "run: what shall be run is missing");
		return err_hint(e, "s3mounts run [OPTIONS] [--] COMMAND [ARGUMENTS]");
	}
	if (o->uid >= 0 && geteuid() != 0)
		return err_set(e, CODE_FAULT, "option --user: only root can become another user");
	return 0;
}

/* A supervisor that is started for it says here when a driver dies. Without a pipe that stands in the log alone. */
static int mount_with_news(struct session *s, const struct options *o)
{
	int fds[2], code;

	if (pipe2(fds, O_CLOEXEC))
		return up_run("run", o, true, &s->asked);
	s->init.news = fds[0];
	serve_news_to(fds[1]);
	code = up_run("run", o, true, &s->asked);
	serve_news_to(-1);
	close(fds[1]);
	return code;
}

static int mount_and_run(struct session *s, struct options *o)
{
	int64_t begin;
	int code, status;

	code = mount_with_news(s, o);
	note_own(s);
	if (code != CODE_OK && !o->anyway) {
		init_cancel(&s->init);
		take_mounts_down(s, clock_ms() + o->timeout_ms);
		return code;
	}
	status = init_run(&s->init);
	begin = s->init.asked == INIT_NEVER ? clock_ms() : s->init.asked;
	end_remaining(s);
	code = take_mounts_down(s, begin + o->stop_ms);
	return status ? status : code;
}

int cmd_run(char **argv)
{
	struct options o;
	struct session s = { .o = &o };
	struct err e;
	int code;

	text_stderr_within(STDERR_MS);
	if (options_read(&o, FOR_RUN, "Mounts, then runs COMMAND; at its end flushes and unmounts, and exits with its status",
		    UP_TIMEOUT_S, argv, &e))
		return print_failure("run", false, &e);
	if (o.help)
		return CODE_OK;
	if (check_run_options(&o, &e) || run_find(&s.run, o.run_dir, &e) || run_prepare(&s.run, &e) ||
		(s.claim = run_claim(&s.run, &e)) < 0 || init_prepare(&s.init, &o, &e))
		return print_failure("run", false, &e);
	note_before(&s);
	o.keep = s.before_count > 0;
	code = mount_and_run(&s, &o);
	arena_free(&s.asked.mem);
	arena_free(&s.mem);
	return code;
}
