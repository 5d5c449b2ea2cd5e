#include "sup_world.h"

#include "base/clock.h"
#include "base/text.h"

#include <signal.h>

/* ---- answers ---- */

static void say_answer(struct process *p, enum answer_kind kind)
{
	struct answer a = { .kind = kind, .cache_free = UINT64_MAX, .e = { .code = CODE_MOUNT, .text = "no" } };

	text_fmt(a.ready.path, sizeof a.ready.path, "%s", world.places[p->place].target);
	a.ready.mounted = p->work == WORK_LAUNCH && p->stood;
	buf_add(&p->out, &a, sizeof a);
}

/* A driver that RUN names has the lock of the log: it is killed, and waited for. Any other is somebody else's. */
static void end_other(struct process *p, struct process *other)
{
	if (world.places[p->place].adoptable && other->cache == p->cache) {
		world_tell(other);
		p->at = world_after(other->hangs ? NEVER : 1);
		return;
	}
	say_answer(p, ANSWER_ERROR);
	world_exit(p, 256);
}

/* The child that has made the target ready becomes the driver, or has found that one serves it. */
static void answer_launch(struct process *p)
{
	struct place *at = &world.places[p->place];
	struct process *other = world_driver_at(p->place);

	p->stood = at->ours && other && strcmp(at->source, p->source) == 0;
	if (!p->stood && other) {
		end_other(p, other);
		return;
	}
	say_answer(p, ANSWER_DONE);
	p->eof = true;
	if (p->stood) {
		world_exit(p, 0);
		return;
	}
	world_unmount(p->place); /* a dead one is cleared */
	/* A layer that is hidden meanwhile is forgotten. */
	at->on = world_ground(p->place);
	at->layer = at->adoptable = true;
	at->outdated = false;
	p->work = WORK_DRIVE;
	p->at = world_after(world.delay[WORK_DRIVE]);
	world_change_table();
}

/* The first half of a probe's answer, once. */
static void say_statfs(struct process *p)
{
	if (!p->out.len)
		say_answer(p, ANSWER_STATFS);
}

static void answer_probe(struct process *p)
{
	const struct place *at = &world.places[p->place];

	say_statfs(p);
	say_answer(p, ANSWER_DONE);
	world_exit(p, 0);
	p->proof = at->ours && !at->covered && !world_out_of_reach(p->place);
}

static void answer_look(struct process *p, bool fails)
{
	struct look_answer a = { .pending.files = p->pending, .pending.bytes = p->pending };

	a.pending.quarantined = p->cache->quarantined;
	if (fails)
		err_set(&a.e, CODE_FAULT, "look for pending files: no");
	buf_add(&p->out, &a, sizeof a);
	world_exit(p, 0);
}

static void say_verdict(struct process *p, int place, bool refused)
{
	struct verdict v = { .code = CODE_OK, .kind = "ok", .ms = ++world.verdicts };

	if (refused)
		v = (struct verdict){ .code = CODE_REFUSED, .kind = "unknown-key", .cause = "no such key", .ms = v.ms };
	buf_add(&p->out, &v, sizeof v);
	if (!refused) {
		world.places[place].accepted = world.events;
		world.places[place].unverified = false;
	}
}

static void answer_check(struct process *p, bool refused)
{
	for (int i = 0; i < p->place_count; i++)
		say_verdict(p, p->places[i], refused);
	world_exit(p, 0);
}

/* These look into the mount table themselves. */
static bool reads_table(enum work work)
{
	return work == WORK_LAUNCH || work == WORK_UNMOUNT || work == WORK_CLEAR;
}

/* And these go there. */
static bool uses_path(enum work work)
{
	return reads_table(work) || work == WORK_PROBE;
}

static void answer_unmount(struct process *p)
{
	if (!p->detach)
		world_clear_inner(p->place);
	if (!p->detach && world_inner(p->place) >= 0) {
		world_answer(p, HOW_BUSY);
		return;
	}
	world_unmount(p->place);
	say_answer(p, ANSWER_DONE);
	world_exit(p, 0);
}

static void answer_well(struct process *p)
{
	if ((world.unreadable && reads_table(p->work)) || (uses_path(p->work) && world_out_of_reach(p->place))) {
		world_answer(p, HOW_ERROR);
		return;
	}
	switch (p->work) {
	case WORK_LAUNCH:
		answer_launch(p);
		return;
	case WORK_PROBE:
		if (!world.places[p->place].ours || !world_driver_at(p->place))
			world_answer(p, HOW_ERROR);
		else
			answer_probe(p);
		return;
	case WORK_LOOK:
		answer_look(p, world.look_fails);
		return;
	case WORK_CHECK:
		answer_check(p, world.refused);
		return;
	case WORK_UNMOUNT:
		answer_unmount(p);
		return;
	case WORK_CLEAR:
		world.places[p->place].layer = false;
		world_change_table();
		break;
	case WORK_RENEW:
	case WORK_DRIVE:
	case WORK_HELP:
	case WORKS:
		break;
	}
	say_answer(p, ANSWER_DONE);
	world_exit(p, 0);
}

static void answer_badly(struct process *p, enum answer_kind kind)
{
	if (p->work == WORK_LOOK) {
		answer_look(p, true);
		return;
	}
	if (p->work == WORK_CHECK) {
		answer_check(p, true);
		return;
	}
	if (kind == ANSWER_UNLISTED)
		say_statfs(p);
	say_answer(p, kind);
	world_exit(p, 256);
}

void world_answer(struct process *p, enum how how)
{
	MUST(p->alive && !p->eof && p->work < WORK_DRIVE);
	p->at = NEVER;
	world.events++;
	switch (how) {
	case HOW_WELL:
		answer_well(p);
		break;
	case HOW_STATFS:
		MUST(p->work == WORK_PROBE);
		say_statfs(p);
		break;
	case HOW_UNLISTED:
		MUST(p->work == WORK_PROBE);
		answer_badly(p, ANSWER_UNLISTED);
		break;
	case HOW_BUSY:
		MUST(p->work == WORK_UNMOUNT);
		answer_badly(p, ANSWER_BUSY);
		break;
	case HOW_ERROR:
		answer_badly(p, ANSWER_ERROR);
		break;
	case HOW_NOTHING:
		world_exit(p, 9);
		break;
	}
}

/* ---- what happens by itself ---- */

int64_t world_next(void)
{
	int64_t first = NEVER;

	for (int i = 0; i < world.process_count; i++)
		if (world.processes[i].alive)
			first = clock_earlier(first, world.processes[i].at);
	return first;
}

static void act(struct process *p)
{
	p->at = NEVER;
	if (p->told || p->work == WORK_HELP)
		world_exit(p, SIGTERM);
	else if (p->work != WORK_DRIVE)
		world_answer(p, HOW_WELL);
	else if (p->stood)
		world_exit(p, 0);
	else
		world_show(p->place);
}

bool world_happen(void)
{
	for (int i = 0; i < world.process_count; i++) {
		struct process *p = &world.processes[i];

		if (p->alive && p->at != NEVER && p->at <= world.now) {
			act(p);
			return true;
		}
	}
	return false;
}

void world_go_on(void)
{
	memset(world.delay, 0, sizeof world.delay);
	world.end_ms = 0;
	for (int i = 0; i < world.process_count; i++) {
		struct process *p = &world.processes[i];
		bool waits = p->work < WORK_DRIVE ? !p->eof : p->work == WORK_HELP || !world.places[p->place].ours;

		p->hangs = false;
		if (p->alive && (p->told || waits))
			p->at = world.now;
	}
}
