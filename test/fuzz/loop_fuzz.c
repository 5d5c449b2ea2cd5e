/*
 * loop_fuzz.c - the life of a supervisor (src/sup) in a world of data (test/unit/sup_world.h): each byte of the input is something that happens.
 *
 * Whoever has asked is answered in time. A flush says that all is in S3 only when it is, "up" is said after a proof and a verdict, "down" of what
 * has gone. Whatever has happened, the supervisor comes to rest when everybody has hung up, and ends in time after SIGTERM. Where mounts lie in each
 * other, none is launched but in what is proven, and none is unmounted before what stands in it (sup_world_processes.c).
 */

#include "fuzz.h"

#include "../unit/sup_world.h"
#include "sup/states.h"

#include <signal.h>

#define STATUS_MS 1000 /* a status is answered so soon, with what is known then */
#define REST_MS 100000 /* longer than any time-out */

/* ---- what is promised ---- */

static int place_in_world(const struct report_mount *m)
{
	for (int i = 0; i < PLACES; i++)
		if (strcmp(world.places[i].target, m->target) == 0)
			return i;
	CHECK(!"a target of the world's");
	return 0;
}

static void check_all_sent(const struct peer *p)
{
	for (int i = 0; i < CACHES; i++)
		CHECK(p->need[i] <= world.caches[i].uploaded);
}

/* It has been proven since it was asked for, and S3 takes its keys. */
static void check_up(const struct peer *p, const struct report_mount *m)
{
	const struct place *at = &world.places[place_in_world(m)];

	CHECK(at->proven > p->events);
	CHECK(!at->unverified);
	CHECK(!world_out_of_reach(place_in_world(m)));
	if (p->head.kind == REQUEST_UP && m->check.kind)
		CHECK(m->check.code == CODE_OK && strcmp(m->check.kind, "ok") == 0 && m->check.ms > p->verdicts);
}

static void check_down(const struct peer *p, const struct report_mount *m)
{
	int i = place_in_world(m);

	CHECK(world.places[i].foreign || (!world.places[i].ours && !world_find(WORK_DRIVE, i)));
	CHECK(p->need[world_cache(m->cache) - world.caches] <= world_cache(m->cache)->uploaded);
}

static void check_mount(const struct peer *p, const struct report_mount *m)
{
	/* One that ended before it touched anything reports what was; and so each does of what its plan does not name. */
	if (p->head.kind == REQUEST_UP && (p->report.error.code != CODE_OK || !(p->plan & (1u << place_in_world(m)))))
		return;
	if (strcmp(m->state, "up") == 0 && m->error.code == CODE_OK)
		check_up(p, m);
	if (p->head.kind == REQUEST_DOWN && strcmp(m->state, "down") == 0 && m->error.code == CODE_OK)
		check_down(p, m);
	if (m->pending_files == 0 && (p->head.kind == REQUEST_STATUS || p->head.kind == REQUEST_FLUSH))
		CHECK(p->need[world_cache(m->cache) - world.caches] <= world_cache(m->cache)->uploaded);
}

static void check_answer(struct peer *p)
{
	const struct report *r = peer_report(p);

	CHECK(p->asked != NEVER);
	if (p->head.kind == REQUEST_FLUSH && r->error.code == CODE_OK)
		check_all_sent(p);
	/* Whoever reads late is told what was. */
	for (size_t i = 0; i < r->mount_count && !p->slow; i++)
		check_mount(p, &r->mounts[i]);
}

/* When it must have been answered. */
static int64_t last_time(const struct peer *p)
{
	if (p->head.kind == REQUEST_STATUS)
		return p->asked + STATUS_MS;
	return p->came + p->head.timeout_ms + OVERTIME_MS;
}

static void check_peer(const struct peer *p)
{
	int64_t late = world.late - p->late;

	CHECK(p->uid == WORLD_UID || p->uid == 0 || (p->closed && !p->got.len && !p->heard));
	if (p->hung_up || p->more || p->uid != WORLD_UID)
		return;
	if (p->asked == NEVER) {
		CHECK(p->closed || world.now <= p->came + CLIENT_MS + late);
		return;
	}
	if (p->slow)
		return;
	/* What comes while it ends is for the next supervisor: the command asks that one. */
	CHECK(!p->closed || p->answered ||
		(world.sup.ending && p->head.kind != REQUEST_STATUS && p->head.kind != REQUEST_FLUSH));
	if (!p->answered && !p->closed)
		CHECK(world.now <= last_time(p) + late);
}

static void check_all(void)
{
	for (int i = 0; i < world.peer_count; i++)
		if (world.peers[i].accepted)
			check_peer(&world.peers[i]);
	CHECK(!state_faults());
}

static void run(int64_t ms)
{
	world_run(ms);
	check_all();
}

/* ---- what happens ---- */

static struct span input;

static int64_t some_time(unsigned arg)
{
	static const int64_t times[] = { 1, 10, 60, 200, 1000, 2500, 10000, 40000 };

	return times[arg];
}

static int some_timeout(unsigned arg)
{
	static const int timeouts[] = { 0, 1000, 5000, 60000 };

	return timeouts[arg % 4];
}

static int some_place(unsigned arg)
{
	return (int)(arg % PLACES);
}

/* One that waits for its answer, or has not asked. */
static struct peer *some_peer(unsigned arg)
{
	struct peer *found = NULL;

	for (int i = 0; i < world.peer_count; i++) {
		struct peer *p = &world.peers[i];

		if (!p->used || p->closed || p->hung_up)
			continue;
		found = p;
		if (!arg--)
			return p;
	}
	return found;
}

static void happen_up(unsigned arg)
{
	unsigned plan = fuzz_byte(&input);

	ask_up(plan & PLAN_ALL ? plan : plan | PLAN_A, some_timeout(arg + 1));
}

static void happen_down(unsigned arg)
{
	struct request r = world_request(REQUEST_DOWN, some_timeout(arg + 1), 0);

	r.lazy = arg & 4;
	ask(&r);
}

static void happen_flush(unsigned arg)
{
	ask_flush(some_timeout(arg));
}

static void happen_status(unsigned arg)
{
	struct request r = world_request(REQUEST_STATUS, 1000, 0);

	r.brief = arg & 1;
	ask(&r);
}

/* Somebody connects, and says nothing or half of a request. */
static void happen_connect(unsigned arg)
{
	struct request r = world_request(REQUEST_FLUSH, 1000, 0);
	struct peer *p;

	for (unsigned i = 0; i < (arg & 4 ? 40u : 1u) && (p = peer_new()); i++)
		if (arg & 1)
			peer_say(p, &r, 1 + arg);
}

static void happen_more(unsigned arg)
{
	struct request r = world_request(REQUEST_STATUS, 1000, 0);
	struct peer *p = some_peer(arg);

	if (p)
		peer_say(p, &r, 0);
}

static void happen_hang_up(unsigned arg)
{
	struct peer *p = some_peer(arg);

	if (p)
		peer_hang_up(p);
}

static void answer_some(unsigned arg, enum how how)
{
	struct process *p = arg < WORK_DRIVE ? world_find(arg, -1) : NULL;

	for (enum work w = 0; arg >= WORK_DRIVE && !p && w < WORK_DRIVE; w++)
		p = world_find(w, -1);
	if (p)
		world_answer(p, how);
}

static void happen_well(unsigned arg)
{
	answer_some(arg, HOW_WELL);
}

static void happen_error(unsigned arg)
{
	answer_some(arg, HOW_ERROR);
}

static void happen_nothing(unsigned arg)
{
	answer_some(arg, HOW_NOTHING);
}

static void happen_half(unsigned arg)
{
	static const enum how hows[] = { HOW_STATFS, HOW_UNLISTED, HOW_BUSY };
	enum how how = hows[arg % 3];
	struct process *p = world_find(how == HOW_BUSY ? WORK_UNMOUNT : WORK_PROBE, -1);

	if (p)
		world_answer(p, how);
}

static void happen_exit(unsigned arg)
{
	struct process *p = world_find(arg & 4 ? WORK_HELP : WORK_DRIVE, some_place(arg));

	if (p)
		world_exit(p, arg & 4 ? 0 : 256);
}

static void happen_help(unsigned arg)
{
	struct process *p = world_find(WORK_DRIVE, some_place(arg));

	if (p && p->group)
		world_help(p);
}

static void happen_show(unsigned arg)
{
	world_show(some_place(arg));
}

static void happen_unmount(unsigned arg)
{
	world_unmount(some_place(arg));
}

static void happen_cover(unsigned arg)
{
	struct place *at = &world.places[some_place(arg)];

	world_cover(some_place(arg), !at->covered);
}

static void happen_time(unsigned arg)
{
	run(some_time(arg));
}

static void happen_stop(unsigned arg)
{
	world_stop(some_time(arg));
}

static void happen_clock(unsigned arg)
{
	if (arg & 4)
		world_suspend(some_time(arg));
	else
		world_set_clock(arg & 1 ? 20000 : -20000);
}

static void happen_write(unsigned arg)
{
	world_write(some_place(arg));
}

static void happen_upload(unsigned arg)
{
	world_upload(some_place(arg), arg & 4 ? 1 : 0);
}

static void happen_signal(unsigned arg)
{
	if (arg & 4)
		world_term();
	else
		world_hup();
}

static void happen_fault(unsigned arg)
{
	bool *const faults[] = { &world.no_children, &world.unreadable, &world.no_descriptors, &world.no_disk,
		&world.look_fails, &world.refused, &world.places[0].outdated, &world.places[1].outdated };

	*faults[arg] = !*faults[arg];
	if (faults[arg] == &world.unreadable)
		world.table++;
}

/* A process that is told to end does not, or does after all. */
static void happen_hang(unsigned arg)
{
	struct process *p = world_find(arg & 4 ? WORK_DRIVE : WORK_PROBE, some_place(arg));

	if (p)
		p->hangs = true;
}

static void happen_end(unsigned arg)
{
	for (int i = 0; i < world.process_count; i++)
		if (world.processes[i].alive && world.processes[i].told && !arg--)
			world_exit(&world.processes[i], SIGKILL);
}

/* From now on these children answer by themselves, or do not any more. */
static void happen_delay(unsigned arg)
{
	world.delay[arg] = world.delay[arg] == NEVER ? 1 : NEVER;
}

static void happen_inherit(unsigned arg)
{
	world_inherit(some_place(arg));
}

static void happen_stranger(unsigned arg)
{
	struct request r = world_request(REQUEST_DOWN, 1000, 0);
	struct peer *p = ask(&r);

	if (p)
		p->uid = WORLD_UID + 1 + arg;
}

static void happen_full(unsigned arg)
{
	struct peer *p = some_peer(arg / 2);

	if (p)
		p->room = arg & 1 ? 0 : WIRE_MAX;
}

/* What goes well by itself. */
static void hold_all(int64_t delay)
{
	for (enum work w = 0; w < WORKS; w++)
		world.delay[w] = delay;
}

static void happen_all(unsigned arg)
{
	world_go_on();
	hold_all(1);
	world.end_ms = 1;
	run(some_time(arg));
	hold_all(NEVER);
}

static void (*const happenings[32])(unsigned arg) = {
	happen_up,
	happen_down,
	happen_flush,
	happen_status,
	happen_connect,
	happen_more,
	happen_hang_up,
	happen_well,
	happen_error,
	happen_nothing,
	happen_half,
	happen_exit,
	happen_help,
	happen_show,
	happen_unmount,
	happen_cover,
	happen_time,
	happen_stop,
	happen_clock,
	happen_write,
	happen_upload,
	happen_signal,
	happen_fault,
	happen_hang,
	happen_end,
	happen_delay,
	happen_inherit,
	happen_stranger,
	happen_full,
	happen_all,
	happen_well,
	happen_time,
};

/* ---- the end ---- */

static bool nothing_stands(void)
{
	for (int i = 0; i < PLACES; i++)
		if (!world.places[i].foreign && (world.places[i].ours || world_find(WORK_DRIVE, i)))
			return false;
	return true;
}

static void everybody_hangs_up(void)
{
	for (int i = 0; i < world.peer_count; i++)
		if (world.peers[i].used)
			peer_hang_up(&world.peers[i]);
}

/* A stranger's mount keeps the one that it stands in, or under; a dead one, what stands in it. */
static bool is_in_the_way(int place)
{
	for (int i = 0; i < PLACES; i++)
		if (world.places[place].foreign && (world_inside(place, i) || world_inside(i, place)))
			return true;
	return false;
}

/* Nothing is in anybody's way any more. */
static void heal(void)
{
	world.no_children = world.unreadable = world.no_descriptors = world.no_disk = world.look_fails = world.refused = false;
	world_go_on();
	hold_all(1);
	world.end_ms = 1;
	world.uploads = true;
	for (int i = 0; i < PLACES; i++) {
		world_cover(i, false);
		if (is_in_the_way(i))
			world_unmount(i);
	}
}

static void come_to_rest(void)
{
	const struct sup *s = &world.sup;

	everybody_hangs_up();
	heal();
	run(REST_MS);
	if (world.over)
		return;
	CHECK(s->job.phase == JOB_NONE);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		CHECK(s->clients[i].state == CLIENT_NONE);
	for (size_t i = 0; i < s->count; i++) {
		CHECK(mount_settled(s->mounts[i]) && s->mounts[i]->state != MOUNT_UNHEALTHY);
		CHECK(!s->mounts[i]->task.active && !s->mounts[i]->look.active);
	}
}

/* Whoever waits reads what he is told. */
static void end_in_time(void)
{
	if (world.over)
		return;
	for (int i = 0; i < world.peer_count; i++)
		world.peers[i].room = WIRE_MAX;
	world_term();
	run(world.sup.stop_ms + OVERTIME_MS);
	CHECK(world.over);
	if (world.result == CODE_OK)
		CHECK(nothing_stands() && !world.config);
	else
		CHECK(world.result == CODE_PENDING && world.sup.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned how;

	input = fuzz_input(data, size);
	how = fuzz_byte(&input);
	world_begin();
	hold_all(NEVER);
	world.answered = check_answer;
	if (how & 8)
		world_nest();
	world.sup.stay = how & 1;
	world.sup.stop_ms = how & 2 ? 25000 : 3000;
	while (input.n && !world.over) {
		unsigned what = fuzz_byte(&input);

		happenings[what % 32](what / 32);
		/* With this bit the next thing comes at once. */
		if (!(what & 128))
			run(0);
	}
	run(0);
	if (how & 4 && !world.sup.ending) {
		come_to_rest();
		end_in_time();
		CHECK(world.result == CODE_OK);
	} else {
		end_in_time();
	}
	world_end();
	return 0;
}
