/* sup_states_test.c - the tables of a mount's states (sup/states.h): whole, and never left, whatever happens in whatever order. */

#include "sup_scene.h"

#include "sup/states.h"

#include <signal.h>

#define ROUNDS 100
#define EVENTS 1000 /* in each: enough to be in every state again and again */

#define ALL_STATES (STATE_BIT(MOUNT_STATES) - 1)

/* The one that leads nowhere may wait, the one that leads somewhere must do something. */
static void every_cell_is_filled(void **state)
{
	(void)state;
	for (enum mount_state s = 0; s < MOUNT_STATES; s++) {
		assert_non_null(state_label(s));
		assert_int_equal(state_entry_next(s) & ~ALL_STATES, 0);
		for (enum mount_event ev = 0; ev < EVENT_COUNT; ev++) {
			assert_non_null(event_label(ev));
			assert_int_equal(state_next(s, ev) & ~ALL_STATES, 0);
			assert_true(!state_ignores(s, ev) || !state_next(s, ev));
		}
	}
}

/* Each can be reached from MOUNT_DOWN, and MOUNT_DOWN and MOUNT_FAILED from each. */
static unsigned reached_from(enum mount_state from)
{
	unsigned reached = STATE_BIT(from), before = 0;

	while (before != reached) {
		before = reached;
		for (enum mount_state s = 0; s < MOUNT_STATES; s++) {
			if (!(reached & STATE_BIT(s)))
				continue;
			reached |= state_entry_next(s);
			for (enum mount_event ev = 0; ev < EVENT_COUNT; ev++)
				reached |= state_next(s, ev);
		}
	}
	return reached;
}

static void no_state_is_a_dead_end(void **state)
{
	(void)state;
	for (enum mount_state s = 0; s < MOUNT_STATES; s++)
		assert_int_equal(reached_from(s), ALL_STATES);
}

/* What a mount that is not settled waits for comes: time, a child, or the table. */
static void who_is_on_the_way_takes_time(void **state)
{
	static const enum mount_state ways[] = { MOUNT_LAUNCH, MOUNT_START, MOUNT_PROVE, MOUNT_UNHEALTHY, MOUNT_RENEW,
		MOUNT_DRAIN, MOUNT_DETACH, MOUNT_STOP, MOUNT_LEFT, MOUNT_CLEAR, MOUNT_BACKOFF };

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
		assert_false(state_ignores(ways[i], EVENT_TIME));
	for (enum mount_state s = 0; s < MOUNT_STATES; s++)
		assert_false(state_ignores(s, EVENT_START));
}

/* ---- random events ---- */

static uint64_t seed;

/* xorshift64* */
static unsigned roll(unsigned sides)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (unsigned)((seed * UINT64_C(2685821657736338717)) >> 33) % sides;
}

static void happen_to_child(void)
{
	enum work work = roll(WORK_CHECK);
	struct process *p = world_find(work, 0);

	if (!p)
		return;
	if (work == WORK_PROBE && roll(4) == 0)
		world_answer(p, roll(2) ? HOW_STATFS : HOW_UNLISTED);
	else if (work == WORK_UNMOUNT && roll(4) == 0)
		world_answer(p, HOW_BUSY);
	else
		world_answer(p, roll(4) ? HOW_WELL : roll(2) ? HOW_ERROR : HOW_NOTHING);
}

static void happen_to_driver(void)
{
	struct process *p = world_find(roll(3) ? WORK_DRIVE : WORK_HELP, 0);

	if (p && roll(2))
		p->hangs = !p->hangs;
	else if (p && p->work == WORK_DRIVE && p->group && roll(2))
		world_help(p);
	else if (p)
		world_exit(p, 256);
}

static void happen_to_mount(void)
{
	switch (roll(6)) {
	case 0:
		world_unmount(0);
		break;
	case 1:
		world_cover(0, !world.places[0].covered);
		break;
	case 2:
		world_write(0);
		break;
	case 3:
		world_upload(0, 0);
		break;
	default:
		world_show(0);
		break;
	}
}

/* It lies in another one, which comes and goes. */
static void happen_to_outer(void)
{
	struct process *p = world_find(WORK_DRIVE, 1);

	if (p && roll(20) == 0)
		world_exit(p, SIGKILL);
	for (enum work w = 0; w < WORK_DRIVE; w++)
		if ((p = world_find(w, 1)))
			world_answer(p, HOW_WELL);
	world_show(1);
}

/* What a job or the loop may say to a mount at any time; the rest comes from what happens. */
static void say_to_mount(struct mount *m)
{
	static const enum mount_event events[] = { EVENT_START, EVENT_START, EVENT_STOP, EVENT_PROBE, EVENT_RENEW, EVENT_ABORT,
		EVENT_CLEAR, EVENT_TIME, EVENT_LISTED };
	enum mount_event ev = events[roll(sizeof events / sizeof *events)];

	if ((ev == EVENT_CLEAR && (world.places[0].ours || world_find(WORK_DRIVE, 0))) ||
		(ev == EVENT_RENEW && !mount_wanted(m)))
		return;
	m->give_up = world.now + roll(5000);
	m->lazy = roll(2);
	world.interrupted = true;
	mount_event(m, ev, sup_table(&world.sup));
}

static void happen_once(struct mount *m)
{
	switch (roll(9)) {
	case 0:
		say_to_mount(m);
		break;
	case 5:
		happen_to_outer();
		break;
	case 1:
		happen_to_driver();
		break;
	case 2:
		happen_to_mount();
		break;
	case 3:
		world_run(roll(4) ? roll(200) : roll(20000));
		break;
	case 4:
		world.no_children = roll(10) == 0;
		world.unreadable = roll(10) == 0;
		world.look_fails = roll(10) == 0;
		world_change_table();
		break;
	default:
		happen_to_child();
		break;
	}
	world_run(0);
}

static void a_mount_goes_where_the_table_leads(void **state)
{
	unsigned seen = 0;

	(void)state;
	seed = UINT64_C(20261123);
	for (int round = 0; round < ROUNDS; round++) {
		world_end();
		world_begin();
		world_nest();
		bring_up(PLAN_A | PLAN_B);
		for (enum work w = 0; w < WORKS; w++)
			world.delay[w] = NEVER;
		for (int i = 0; i < EVENTS; i++) {
			happen_once(mount_at(0));
			seen |= STATE_BIT(mount_at(0)->state);
			assert_int_equal(state_faults(), 0);
		}
	}
	/* A launch that cannot begin, a clearing that ends at once: all others are seen at rest. */
	assert_int_equal(seen, ALL_STATES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(every_cell_is_filled),
		scene(no_state_is_a_dead_end),
		scene(who_is_on_the_way_takes_time),
		scene(a_mount_goes_where_the_table_leads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
