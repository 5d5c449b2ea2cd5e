/* sup_nest_test.c - mounts in mounts (sup/nest.h, sup/order.h): which comes up and goes down first, and what becomes of it when one of them dies. */

#include "sup_scene.h"

#include "sup/mount_new.h"
#include "sup/mounts.h"
#include "sup/nest.h"
#include "sup/states.h"

#include <signal.h>

enum { INNER, OUTER, INNERMOST }; /* world_nest() */

static int begin_nested(void **state)
{
	begin_scene(state);
	world_nest();
	return 0;
}

#define nested(test) cmocka_unit_test_setup_teardown(test, begin_nested, end_scene)

/* ---- what lies in what ---- */

static void names_tell_what_lies_in_what(void **state)
{
	static const struct {
		const char *target, *folder;
		bool inside;
	} pairs[] = {
		{ "/m/a/b", "/m/a", true },
		{ "/m/a/b/c", "/m/a", true },
		{ "/m/ab", "/m/a", false },
		{ "/m/a", "/m/ab", false },
		{ "/m/a", "/m/a", false },
		{ "/m/a", "/m/a/b", false },
		{ "/m/a b", "/m/a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		assert_int_equal(plan_inside(pairs[i].target, pairs[i].folder), pairs[i].inside);
}

static void the_nearest_is_the_outer_one(void **state)
{
	struct mount m[] = { { .spec.target = "/a/b/c/d" }, { .spec.target = "/a" }, { .spec.target = "/a/b/c" },
		{ .spec.target = "/a/bb" }, { .spec.target = "/a/b" } };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		m[i].state = MOUNT_UP;
		m[i].beside = &m[i];
		if (i)
			nest_join(&m[i], &m[0]);
	}
	assert_ptr_equal(nest_outer(&m[0]), &m[2]);
	assert_null(nest_outer(&m[1]));
	assert_ptr_equal(nest_outer(&m[2]), &m[4]);
	assert_ptr_equal(nest_outer(&m[3]), &m[1]);
	assert_ptr_equal(nest_outer(&m[4]), &m[1]);
	nest_leave(&m[2]);
	assert_ptr_equal(nest_outer(&m[0]), &m[4]);
	m[4].state = MOUNT_DOWN;
	assert_ptr_equal(nest_outer(&m[0]), &m[1]);
	m[4].keep_layer = true;
	assert_ptr_equal(nest_outer(&m[0]), &m[4]);
	nest_leave(&m[4]);
	nest_leave(&m[1]);
	assert_null(nest_outer(&m[0]));
	assert_ptr_equal(m[0].beside, &m[3]);
	assert_ptr_equal(m[3].beside, &m[0]);
}

/* ---- up ---- */

static void hold(enum work work)
{
	world.delay[work] = NEVER;
}

static void answer(enum work work, int place, enum how how)
{
	assert_non_null(world_find(work, place));
	world_answer(world_find(work, place), how);
	world_run(0);
}

static void three_levels_come_up_in_order(void **state)
{
	static const int order[] = { OUTER, INNER, INNERMOST };
	struct peer *p = ask_up(PLAN_ALL, 30000);

	(void)state;
	hold(WORK_PROBE);
	for (int i = 0; i < 3; i++) {
		world_run(100);
		assert_true(world.places[order[i]].ours);
		for (int k = i + 1; k < 3; k++)
			assert_false(world.places[order[k]].ours || world.places[order[k]].layer);
		answer(WORK_PROBE, order[i], HOW_WELL);
	}
	assert_answered_in(p, 0, 0);
	assert_code(p, CODE_OK);
	for (int i = 0; i < 3; i++)
		assert_mount(p, i, "up", CODE_OK);
}

/* Shown is not proven, and proven not accepted by S3. */
static void nothing_is_launched_in_what_s3_may_refuse(void **state)
{
	struct peer *p;

	(void)state;
	hold(WORK_CHECK);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(1000);
	assert_true(world.places[OUTER].ours);
	assert_int_equal(mount_at(INNER)->state, MOUNT_WAIT);
	assert_int_equal(mount_at(INNER)->error.code, CODE_OK);
	answer(WORK_CHECK, -1, HOW_WELL);
	assert_answered_in(p, 0, 0);
	assert_mount(p, INNER, "up", CODE_OK);
}

static void without_its_outer_one_it_fails(void **state)
{
	struct peer *p;

	(void)state;
	hold(WORK_LAUNCH);
	p = ask_up(PLAN_ALL, 30000);
	world_run(0);
	answer(WORK_LAUNCH, OUTER, HOW_ERROR);
	assert_answered_in(p, 0, 10);
	assert_mount(p, OUTER, "failed", CODE_MOUNT);
	assert_mount(p, INNER, "failed", CODE_MOUNT);
	assert_non_null(strstr(peer_mount(p, INNER)->error.text, "/m/a, which is not up"));
	assert_non_null(strstr(peer_mount(p, INNERMOST)->error.text, "/m/a/b, which is not up"));
	assert_nothing_stands();
	assert_false(world.places[INNER].layer);
	/* And it can be had again. */
	world.delay[WORK_LAUNCH] = 0;
	bring_up(PLAN_ALL);
}

static void an_inner_one_that_fails_leaves_the_outer_one_up(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_B);
	hold(WORK_LAUNCH);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(0);
	answer(WORK_LAUNCH, INNER, HOW_ERROR);
	assert_answered_in(p, 0, 10);
	assert_mount(p, OUTER, "up", CODE_OK);
	assert_mount(p, INNER, "failed", CODE_MOUNT);
}

/* Its driver has just been started again, and will mount: nothing is mounted over that. */
static void one_that_starts_is_not_covered(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	hold(WORK_DRIVE);
	world_exit(world_find(WORK_DRIVE, INNER), 256);
	world_run(0);
	assert_int_equal(mount_at(INNER)->state, MOUNT_START);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(1000);
	assert_false(world.places[OUTER].layer);
	world_go_on();
	assert_answered_in(p, 0, 100);
	assert_code(p, CODE_OK);
	assert_int_equal(world.places[INNER].on, WORLD_MOUNT(OUTER));
}

/* The kernel tells once that the table has changed, and it was read meanwhile. */
static void show_inner(struct process *p)
{
	if (p->work == WORK_LAUNCH && p->place == INNERMOST)
		world_show(INNER);
}

static void what_is_mounted_in_between_is_seen(void **state)
{
	struct peer *p;

	(void)state;
	world.places[INNERMOST].target = "/m/c";
	bring_up(PLAN_A);
	hold(WORK_DRIVE);
	world_exit(world_find(WORK_DRIVE, INNER), 256);
	world_run(0);
	hold(WORK_LAUNCH);
	hold(WORK_CHECK);
	world.forked = show_inner;
	p = ask_up(PLAN_A | PLAN_C, 30000);
	world_run(0);
	assert_int_equal(mount_at(INNER)->state, MOUNT_UP);
	world.forked = NULL;
	world_go_on();
	assert_answered_in(p, 0, 0);
	assert_code(p, CODE_OK);
}

/* What is in no other one waits for nobody. */
static void those_beside_it_come_up_at_once(void **state)
{
	struct peer *p;

	(void)state;
	world.places[INNERMOST].target = "/m/ab";
	hold(WORK_PROBE);
	p = ask_up(PLAN_ALL, 30000);
	world_run(0);
	assert_true(world.places[OUTER].ours && world.places[INNERMOST].ours);
	assert_false(world.places[INNER].ours);
	answer(WORK_PROBE, OUTER, HOW_WELL);
	answer(WORK_PROBE, INNERMOST, HOW_WELL);
	answer(WORK_PROBE, INNER, HOW_WELL);
	assert_answered_in(p, 0, 0);
	assert_code(p, CODE_OK);
}

/* An outer one that is not up for long is not waited for until the time is over. */
static void one_that_restarts_is_not_waited_for(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_LAUNCH);
	world_exit(world_find(WORK_DRIVE, INNER), 256);
	world_exit(world_find(WORK_DRIVE, OUTER), 256);
	world_run(0);
	for (int i = 0; i < 4; i++) {
		while (!world_find(WORK_LAUNCH, OUTER))
			world_run(100);
		answer(WORK_LAUNCH, OUTER, HOW_ERROR);
	}
	p = ask_status();
	wait_for(p);
	assert_string_equal(peer_state(p, OUTER), "restarting");
	assert_string_equal(peer_state(p, INNER), "starting");
	assert_non_null(strstr(peer_mount(p, INNER)->error.text, "/m/a, which is not up"));
	world.delay[WORK_LAUNCH] = 0;
	world_run(60000);
	assert_stands(OUTER, "up");
	assert_stands(INNER, "up");
}

/* However long that has taken, it has its time when its turn comes. */
static void one_that_has_never_been_up_comes_up_later(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_B);
	hold(WORK_LAUNCH);
	world_exit(world_find(WORK_DRIVE, OUTER), 256);
	world_run(0);
	p = ask_up(PLAN_A | PLAN_B, 5000);
	while (!peer_report(p)) {
		world_run(1);
		if (world_find(WORK_LAUNCH, OUTER))
			answer(WORK_LAUNCH, OUTER, HOW_ERROR);
	}
	assert_mount(p, INNER, "starting", CODE_MOUNT);
	world_run(6000);
	world.delay[WORK_LAUNCH] = 0;
	world.delay[WORK_DRIVE] = 100;
	world_run(60000);
	assert_stands(OUTER, "up");
	assert_stands(INNER, "up");
}

static void the_outer_driver_dies_as_it_is_launched(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_B);
	hold(WORK_LAUNCH);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(0);
	assert_non_null(world_find(WORK_LAUNCH, INNER));
	world_exit(world_find(WORK_DRIVE, OUTER), 256);
	world.delay[WORK_LAUNCH] = 0;
	assert_answered_in(p, 0, 500);
	assert_code(p, CODE_OK);
	assert_mount(p, INNER, "up", CODE_OK);
	assert_mount(p, OUTER, "up", CODE_OK);
}

/* ---- down ---- */

/* Through a driver that hangs nothing can be unmounted: whether it does is asked first. */
static void what_it_lies_in_is_proven_first(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_LOOK);
	hold(WORK_PROBE);
	p = ask_down(30000);
	world_run(0);
	answer(WORK_LOOK, INNER, HOW_WELL);
	world.delay[WORK_LOOK] = 0;
	world_run(500);
	assert_true(world.places[INNER].ours);
	answer(WORK_LOOK, OUTER, HOW_WELL);
	world_run(500);
	assert_true(world.places[INNER].ours);
	answer(WORK_PROBE, OUTER, HOW_WELL);
	assert_answered_in(p, 0, 500);
	assert_mount(p, INNER, "down", CODE_OK);
	assert_mount(p, OUTER, "down", CODE_OK);
}

/* What it has left can be uploaded only from where it is mounted: both looks end at the same moment. */
static void an_outer_one_stays_for_what_is_left(void **state)
{
	unsigned long shown;
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	p = ask_down(30000);
	world_run(200);
	hold(WORK_LOOK);
	world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
	world_run(200);
	assert_int_equal(mount_at(INNER)->state, MOUNT_LEFT);
	shown = world.places[OUTER].shown;
	world_answer(world_find(WORK_LOOK, INNER), HOW_WELL);
	world_answer(world_find(WORK_LOOK, OUTER), HOW_WELL);
	world.delay[WORK_LOOK] = 0;
	world.uploads = true;
	assert_answered_in(p, 0, 1000);
	assert_mount(p, INNER, "down", CODE_OK);
	assert_mount(p, OUTER, "down", CODE_OK);
	assert_int_equal(world_cache(peer_mount(p, INNER)->cache)->uploaded, 1);
	assert_int_equal(world.places[OUTER].shown, shown);
}

/* A driver that cannot be ended is no reason, once it is unmounted. */
static void one_whose_driver_does_not_end(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_find(WORK_DRIVE, INNER)->hangs = true;
	p = ask_down(60000);
	wait_for(p);
	assert_mount(p, INNER, "failed", CODE_MOUNT);
	assert_mount(p, OUTER, "down", CODE_OK);
}

/* Under a cover nothing is mounted, not even to upload what is left: that is kept, and told. */
static void what_is_left_under_a_cover(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	hold(WORK_LAUNCH);
	world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
	world_run(10);
	world_cover(OUTER, true);
	world_run(10);
	answer(WORK_LAUNCH, INNER, HOW_ERROR);
	world.delay[WORK_LAUNCH] = 0;
	p = ask_down(10000);
	wait_for(p);
	assert_mount(p, INNER, "down", CODE_PENDING);
	assert_false(world.places[INNER].ours);
}

/* Nor in one that does not answer: that goes, as it has nothing. */
static void what_is_left_in_one_that_does_not_answer(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	hold(WORK_PROBE);
	world_hup();
	world_run(0);
	answer(WORK_PROBE, INNER, HOW_WELL);
	answer(WORK_PROBE, OUTER, HOW_UNLISTED);
	world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
	world_run(10);
	p = ask_down(10000);
	world_run(500);
	answer(WORK_PROBE, OUTER, HOW_UNLISTED);
	assert_answered_in(p, 0, 1000);
	assert_mount(p, INNER, "down", CODE_PENDING);
	assert_mount(p, OUTER, "down", CODE_OK);
}

/* That is told when it is known, not when the time is over. */
static void one_that_does_not_leave_the_table(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_UNMOUNT);
	world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
	p = ask_down(120000);
	assert_answered_in(p, 5000, 60000);
	assert_mount(p, INNER, "failed", CODE_MOUNT);
	assert_mount(p, OUTER, "up", CODE_MOUNT);
}

static void they_go_down_in_reverse(void **state)
{
	static const int order[] = { INNERMOST, INNER, OUTER };
	struct peer *p;

	(void)state;
	bring_up(PLAN_ALL);
	hold(WORK_UNMOUNT);
	p = ask_down(30000);
	for (int i = 0; i < 3; i++) {
		world_run(1000);
		for (int k = i + 1; k < 3; k++)
			assert_null(world_find(WORK_UNMOUNT, order[k]));
		answer(WORK_UNMOUNT, order[i], HOW_WELL);
	}
	assert_answered_in(p, 0, 100);
	for (int i = 0; i < 3; i++)
		assert_mount(p, i, "down", CODE_OK);
	world_run(0);
	assert_nothing_stands();
	for (int i = 0; i < 3; i++)
		assert_false(world.places[i].layer);
	assert_int_equal(world.sup.count, 0);
}

static void what_stands_in_it_keeps_it(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_ALL);
	world_write(INNER);
	p = ask_down(5000);
	assert_answered_in(p, 5000, 5000 + OVERTIME_MS);
	assert_mount(p, INNERMOST, "down", CODE_OK);
	assert_mount(p, INNER, "up", CODE_PENDING);
	assert_mount(p, OUTER, "up", CODE_PENDING);
	assert_non_null(strstr(peer_mount(p, OUTER)->error.text, "it stays mounted: /m/a/b stands in it"));
	assert_true(world.places[INNER].ours && world.places[OUTER].ours);
}

/* That it could not go down once is no reason to say so the next time. */
static void one_that_could_not_go_down_is_asked_again(void **state)
{
	struct request r = world_request(REQUEST_UP, 30000, PLAN_A | PLAN_B);
	static const char *const option[] = { "x=1" };
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	p = ask_down(1000);
	world_run(900);
	hold(WORK_PROBE);
	wait_for(p);
	answer(WORK_PROBE, OUTER, HOW_WELL);
	answer(WORK_PROBE, INNER, HOW_UNLISTED);
	assert_true(mount_at(INNER)->down_failed);
	world.delay[WORK_PROBE] = 0;
	world_upload(INNER, 0);
	r.mounts[OUTER].options = (const char **)option;
	r.mounts[OUTER].option_count = 1;
	p = ask(&r);
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_mount(p, OUTER, "up", CODE_OK);
}

/* As soon as that is known. */
static void a_busy_one_keeps_it(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_UNMOUNT);
	p = ask_down(60000);
	while (!peer_report(p) && world.now < WORLD_BEGIN + 60000) {
		world_run(10);
		if (world_find(WORK_UNMOUNT, INNER))
			answer(WORK_UNMOUNT, INNER, HOW_BUSY);
	}
	assert_in_range(world.now - WORLD_BEGIN, 2000, 4000);
	assert_mount(p, INNER, "up", CODE_MOUNT);
	assert_mount(p, OUTER, "up", CODE_MOUNT);
}

static void what_is_abandoned_goes_at_once(void **state)
{
	struct request r = world_request(REQUEST_DOWN, 30000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_ALL);
	for (int i = 0; i < 3; i++)
		world_write(i);
	r.abandon = true;
	p = ask(&r);
	assert_answered_in(p, 0, 1000);
	assert_nothing_stands();
}

static void lazy_takes_busy_ones_down_in_reverse_too(void **state)
{
	struct request r = world_request(REQUEST_DOWN, 30000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	r.lazy = true;
	p = ask(&r);
	world_run(1000);
	assert_true(world.places[OUTER].ours && world.places[INNER].ours);
	world_upload(INNER, 0);
	assert_answered_in(p, 0, 500);
	assert_mount(p, INNER, "down", CODE_OK);
	assert_mount(p, OUTER, "down", CODE_OK);
	assert_nothing_stands();
}

static void an_inner_one_goes_alone(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_ALL);
	driver = mount_at(OUTER)->pid;
	p = ask_up(PLAN_B, 30000);
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_int_equal(mount_at(OUTER)->pid, driver);
	assert_false(world.places[INNER].ours || world.places[INNER].layer || world.places[INNERMOST].ours);
}

/* The inner one loses its ground, and is mounted on what is there then: once the other has gone, with its layer. */
static void an_outer_one_goes_alone(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	p = ask_up(PLAN_A, 30000);
	world_run(1000);
	assert_true(world.places[OUTER].ours && world.places[INNER].ours);
	world_upload(INNER, 0);
	assert_answered_in(p, 0, 500);
	assert_mount(p, INNER, "up", CODE_OK);
	assert_int_equal(world.places[INNER].on, 1);
	assert_false(world.places[OUTER].ours || world.places[OUTER].layer);
}

static void an_outer_one_comes_later(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(INNER);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(1000);
	assert_false(world.places[OUTER].ours);
	world_upload(INNER, 0);
	assert_answered_in(p, 0, 500);
	assert_code(p, CODE_OK);
	assert_mount(p, OUTER, "up", CODE_OK);
	assert_mount(p, INNER, "up", CODE_OK);
	assert_int_equal(world.places[INNER].on, WORLD_MOUNT(OUTER));
	p = ask_down(30000);
	wait_for(p);
	world_run(100);
	assert_nothing_stands();
	assert_int_equal(world.sup.count, 0);
}

static void an_inner_one_that_cannot_go_is_not_covered(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A);
	driver = mount_at(INNER)->pid;
	hold(WORK_UNMOUNT);
	p = ask_up(PLAN_A | PLAN_B, 60000);
	while (!peer_report(p) && world.now < WORLD_BEGIN + 60000) {
		world_run(10);
		if (world_find(WORK_UNMOUNT, INNER))
			answer(WORK_UNMOUNT, INNER, HOW_BUSY);
	}
	assert_in_range(world.now - WORLD_BEGIN, 2000, 4000);
	assert_mount(p, OUTER, "starting", CODE_MOUNT);
	assert_non_null(strstr(peer_mount(p, OUTER)->error.text, "it would cover /m/a/b, which is mounted in that folder"));
	/* It is left alone then, until somebody asks. */
	for (int i = 0; i < 100; i++) {
		world_run(100);
		assert_null(world_find(WORK_UNMOUNT, INNER));
	}
	assert_stands(INNER, "up");
	assert_int_equal(mount_at(INNER)->pid, driver);
	world.delay[WORK_UNMOUNT] = 0;
	bring_up(PLAN_A | PLAN_B);
	assert_int_equal(world.places[INNER].on, WORLD_MOUNT(OUTER));
}

static void a_middle_one_goes_alone(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_ALL);
	p = ask_up(PLAN_B | PLAN_C, 30000);
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_mount(p, INNERMOST, "up", CODE_OK);
	assert_int_equal(world.places[INNERMOST].on, WORLD_MOUNT(OUTER));
}

/* ---- an outer one that is replaced ---- */

static void new_options_of_the_outer_one(void **state)
{
	struct request r = world_request(REQUEST_UP, 30000, PLAN_ALL);
	static const char *const option[] = { "x=1" };
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_ALL);
	driver = mount_at(INNER)->pid;
	world_write(INNERMOST);
	r.mounts[OUTER].options = (const char **)option;
	r.mounts[OUTER].option_count = 1;
	p = ask(&r);
	world_run(10000);
	assert_true(world.places[OUTER].ours);
	world_upload(INNERMOST, 0);
	assert_answered_in(p, 0, 500);
	assert_code(p, CODE_OK);
	for (int i = 0; i < 3; i++)
		assert_mount(p, i, "up", CODE_OK);
	assert_int_not_equal(mount_at(INNER)->pid, driver);
	assert_int_equal(mount_at(INNER)->restarts, 1);
}

/* What has gone down for its new settings comes back, though another mount takes longer. */
static void an_outer_one_that_is_away_for_a_while(void **state)
{
	static const char *const option[] = { "x=1" };
	struct request r;
	struct peer *p;

	(void)state;
	world.places[INNERMOST].target = "/m/c";
	bring_up(PLAN_ALL);
	world_write(INNERMOST);
	r = world_request(REQUEST_UP, 30000, PLAN_ALL);
	r.mounts[OUTER].options = r.mounts[INNERMOST].options = (const char **)option;
	r.mounts[OUTER].option_count = r.mounts[INNERMOST].option_count = 1;
	p = ask(&r);
	world_run(1000);
	assert_int_equal(mount_at(OUTER)->state, MOUNT_DOWN);
	assert_int_equal(mount_at(INNER)->state, MOUNT_WAIT);
	world_upload(INNERMOST, 0);
	assert_answered_in(p, 0, 500);
	assert_code(p, CODE_OK);
	assert_mount(p, INNER, "up", CODE_OK);
}

static void a_busy_inner_one_keeps_the_old_options(void **state)
{
	struct request r = world_request(REQUEST_UP, 30000, PLAN_A | PLAN_B);
	static const char *const option[] = { "x=1" };
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	driver = mount_at(OUTER)->pid;
	hold(WORK_UNMOUNT);
	r.mounts[OUTER].options = (const char **)option;
	r.mounts[OUTER].option_count = 1;
	p = ask(&r);
	while (!peer_report(p) && world.now < WORLD_BEGIN + 60000) {
		world_run(10);
		if (world_find(WORK_UNMOUNT, INNER))
			answer(WORK_UNMOUNT, INNER, HOW_BUSY);
	}
	assert_int_equal(mount_at(OUTER)->pid, driver);
	assert_mount(p, OUTER, "up", CODE_MOUNT);
	assert_stands(INNER, "up");
}

static void keys_that_the_outer_driver_does_not_take(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	driver = mount_at(OUTER)->pid;
	hold(WORK_RENEW);
	p = ask_up(PLAN_A | PLAN_B | PLAN_KEYS, 30000);
	world_run(0);
	answer(WORK_RENEW, OUTER, HOW_ERROR);
	wait_for(p);
	assert_mount(p, OUTER, "up", CODE_OK);
	assert_mount(p, INNER, "up", CODE_OK);
	assert_int_not_equal(mount_at(OUTER)->pid, driver);
	assert_int_equal(world.places[INNER].on, WORLD_MOUNT(OUTER));
}

/* ---- a driver that dies ---- */

static void the_outer_driver_dies(void **state)
{
	pid_t driver;

	(void)state;
	bring_up(PLAN_ALL);
	driver = mount_at(INNER)->pid;
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(0);
	assert_int_not_equal(mount_at(INNER)->state, MOUNT_UP);
	world_run(300);
	for (int i = 0; i < 3; i++)
		assert_stands(i, "up");
	assert_int_not_equal(mount_at(INNER)->pid, driver);
	assert_int_equal(mount_at(INNER)->error.code, CODE_OK);
}

static void the_outer_driver_dies_while_both_are_asked(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_PROBE);
	world_hup();
	world_run(0);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world.delay[WORK_PROBE] = 0;
	world_run(500);
	assert_stands(OUTER, "up");
	assert_stands(INNER, "up");
}

/* Earlier faults of its own do not count then. */
static void it_comes_back_at_once(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	for (int i = 0; i < 5; i++) {
		world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
		for (int64_t ms = 0; ms < 20000 && (world_run(10), mount_at(INNER)->state != MOUNT_UP); ms += 10)
			;
	}
	assert_true(mount_at(INNER)->tries > 3);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(500);
	assert_int_equal(mount_at(INNER)->state, MOUNT_UP);
}

/* It hangs before the inner one has ever been proven. */
static void the_outer_driver_hangs_at_first(void **state)
{
	struct peer *p;

	(void)state;
	hold(WORK_PROBE);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(0);
	answer(WORK_PROBE, OUTER, HOW_WELL);
	assert_int_equal(mount_at(INNER)->state, MOUNT_PROVE);
	world_hup();
	world_run(4000);
	world.delay[WORK_PROBE] = 0;
	wait_for(p);
	world_run(2000);
	assert_stands(OUTER, "up");
	assert_stands(INNER, "up");
}

/* Nor is it the inner driver's fault where the answer is an error. */
static void an_error_while_the_outer_one_is_asked(void **state)
{
	pid_t inner;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	inner = mount_at(INNER)->pid;
	hold(WORK_PROBE);
	world_hup();
	world_run(0);
	answer(WORK_PROBE, INNER, HOW_ERROR);
	assert_stands(INNER, "unhealthy");
	world_go_on();
	world_run(11000);
	assert_stands(INNER, "up");
	assert_int_equal(mount_at(INNER)->pid, inner);
}

/* No path leads there any more; its driver uploads all the same. */
static void what_waits_in_it_is_uploaded_first(void **state)
{
	pid_t driver;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	driver = mount_at(INNER)->pid;
	world_write(INNER);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(2000);
	assert_int_equal(mount_at(INNER)->pid, driver);
	assert_true(world.places[OUTER].ours);
	assert_stands(INNER, "stopping");
	world_upload(INNER, 0);
	world_run(500);
	assert_stands(INNER, "up");
	assert_stands(OUTER, "up");
}

/* Not for ever: the next driver goes on with it. */
static void what_cannot_be_uploaded_is_left_to_the_next_driver(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(4900);
	assert_stands(OUTER, "stopping");
	world_run(600);
	assert_stands(INNER, "up");
	assert_stands(OUTER, "up");
	assert_int_equal(world_cache_of(INNER)->uploaded, 0);
}

static void the_inner_driver_dies(void **state)
{
	pid_t outer, inner;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	outer = mount_at(OUTER)->pid;
	inner = mount_at(INNER)->pid;
	world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
	world_run(100);
	assert_stands(INNER, "up");
	assert_int_equal(mount_at(OUTER)->pid, outer);
	assert_int_not_equal(mount_at(INNER)->pid, inner);
}

/* Its proof needs an answer of both: the fault is the outer driver's. */
static void the_outer_driver_hangs(void **state)
{
	pid_t outer, inner;
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	outer = mount_at(OUTER)->pid;
	inner = mount_at(INNER)->pid;
	hold(WORK_PROBE);
	world_hup();
	p = ask_status();
	world_run(1000);
	assert_string_equal(peer_state(p, INNER), "unknown");
	while (mount_at(OUTER)->pid == outer)
		world_run(10);
	assert_in_range(world.now - WORLD_BEGIN, 5000, 5100);
	assert_int_equal(mount_at(INNER)->pid, inner);
	world_go_on();
	world_run(500);
	assert_stands(OUTER, "up");
	assert_stands(INNER, "up");
}

static void down_when_the_outer_driver_hangs(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_PROBE);
	p = ask_down(30000);
	world_run(4900);
	assert_null(world_find(WORK_UNMOUNT, INNER));
	world.delay[WORK_PROBE] = 0;
	assert_answered_in(p, 0, 1000);
	assert_mount(p, OUTER, "down", CODE_OK);
	assert_mount(p, INNER, "down", CODE_OK);
	assert_nothing_stands();
}

static void down_when_the_outer_driver_is_dead(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_ALL);
	world_write(INNERMOST);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	p = ask_down(30000);
	world_run(1000);
	world_upload(INNERMOST, 0);
	assert_answered_in(p, 0, 1000);
	for (int i = 0; i < 3; i++)
		assert_mount(p, i, "down", CODE_OK);
	assert_nothing_stands();
}

/* As long as another one in it has files to send, it is not ended: what is mapped into memory goes to its driver when both are detached. */
static void down_when_another_one_has_files(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	world.places[INNERMOST].target = "/m/a/c";
	bring_up(PLAN_ALL);
	driver = mount_at(INNER)->pid;
	world_write(INNERMOST);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	p = ask_down(30000);
	world_run(20000);
	assert_int_equal(world_find(WORK_DRIVE, INNER)->pid, driver);
	world_upload(INNERMOST, 0);
	assert_answered_in(p, 0, 500);
	for (int i = 0; i < 3; i++)
		assert_mount(p, i, "down", CODE_OK);
}

/* umount(2) fails, as no path leads there any more. */
static void the_outer_driver_dies_before_it_is_unmounted(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_UNMOUNT);
	p = ask_down(30000);
	while (!world_find(WORK_UNMOUNT, INNER))
		world_run(10);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(0);
	answer(WORK_UNMOUNT, INNER, HOW_ERROR);
	answer(WORK_UNMOUNT, OUTER, HOW_WELL);
	assert_answered_in(p, 0, 1000);
	assert_mount(p, INNER, "down", CODE_OK);
	assert_mount(p, OUTER, "down", CODE_OK);
}

/* Nothing can be done then; and that is told. */
static void a_dead_outer_one_that_does_not_go(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	hold(WORK_UNMOUNT);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(60000);
	assert_stands(OUTER, "failed");
	assert_stands(INNER, "failed");
}

/* Its driver has died with what it had, and can only be started in the outer one, which is dead too. */
static void what_both_have_left_is_uploaded(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(INNER);
	hold(WORK_LAUNCH);
	world_exit(world_find(WORK_DRIVE, INNER), SIGKILL);
	world_exit(world_find(WORK_DRIVE, OUTER), SIGKILL);
	world_run(100);
	for (int i = 0; i < 2; i++) {
		answer(WORK_LAUNCH, OUTER, HOW_ERROR);
		world_run(i ? 0 : 1000);
	}
	assert_int_equal(mount_at(OUTER)->state, MOUNT_BACKOFF);
	hold(WORK_LOOK);
	p = ask_down(30000);
	world_run(0);
	answer(WORK_LOOK, OUTER, HOW_WELL);
	world_run(100);
	assert_int_equal(mount_at(OUTER)->state, MOUNT_LEFT);
	world.delay[WORK_LAUNCH] = 0;
	world.uploads = true;
	world_go_on();
	assert_answered_in(p, 0, 3000);
	assert_mount(p, INNER, "down", CODE_OK);
	assert_mount(p, OUTER, "down", CODE_OK);
	assert_int_equal(world_cache(peer_mount(p, INNER)->cache)->uploaded, 1);
}

/* ---- from outside ---- */

static bool has_said(int place, const char *words)
{
	const struct mount *m = mount_at(place);

	for (size_t i = 0; i < m->history_count; i++)
		if (strstr(m->history[i], words))
			return true;
	return false;
}

static void the_outer_one_is_unmounted_from_outside(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world.end_ms = 100;
	world_unmount(OUTER);
	world_run(300);
	p = ask_status();
	wait_for(p);
	assert_string_equal(peer_state(p, OUTER), "up");
	assert_string_equal(peer_state(p, INNER), "up");
	assert_int_equal(world.places[INNER].on, WORLD_MOUNT(OUTER));
	assert_true(has_said(INNER, "it went with /m/a, in which it lay"));
	assert_true(has_said(OUTER, "it was unmounted from outside"));
}

static void a_cover_of_the_outer_one_covers_the_inner_one(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_cover(OUTER, true);
	world_run(0);
	assert_stands(OUTER, "unhealthy");
	assert_stands(INNER, "unhealthy");
	assert_non_null(strstr(mount_at(INNER)->error.text, "has been mounted over it, at /m/a"));
	world_cover(OUTER, false);
	world_run(0);
	assert_stands(OUTER, "up");
	assert_stands(INNER, "up");
}

/* ---- links ---- */

static void links_must_agree_with_names(void **state)
{
	static const struct {
		const char *target, *path, *other, *other_path, *says;
	} cases[] = {
		{ "/a", "/a", "/b", "/b", NULL },
		{ "/a", "/a", "/a/b", "/a/b", NULL },
		{ "/link/a", "/real/a", "/link/a/b", "/real/a/b", NULL },
		{ "/link/ab", "/real/ab", "/link/a", "/real/a", NULL },
		{ "/link", "/a", "/a/b", "/a/b",
			"mount /link: by symbolic links its folder is /a, and that of /a/b is /a/b: one lies in the other, "
			"which their names do not say" },
		{ "/link", "/a/b", "/a", "/a",
			"mount /link: by symbolic links its folder is /a/b, and that of /a is /a: one lies in the other, "
			"which their names do not say" },
		{ "/link", "/a", "/a", "/a",
			"mount /link: by symbolic links its folder is /a, and that of /a is /a: they are the same" },
		{ "/a/link", "/b", "/a", "/a",
			"mount /a/link: by symbolic links its folder is /b, and that of /a is /a: neither lies in the "
			"other, as their names say" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct mount m = { .spec.target = cases[i].target }, other = { .spec.target = cases[i].other };
		struct err e = { 0 };

		assert_int_equal(nest_links_agree(&m, cases[i].path, &other, cases[i].other_path, &e), cases[i].says ? -1 : 0);
		assert_string_equal(e.text, cases[i].says ? cases[i].says : "");
	}
}

/* ---- another supervisor ---- */

static void those_of_an_earlier_supervisor_are_taken_over(void **state)
{
	struct peer *p;

	(void)state;
	assert_true(world_inherit(OUTER) && world_inherit(INNER));
	world.end_ms = NEVER; /* sup_loop_test.c */
	p = ask_up(PLAN_A | PLAN_B, 30000);
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_true(world_driver_at(INNER)->adopted && world_driver_at(OUTER)->adopted);
	assert_int_equal(mount_at(INNER)->restarts, 0);
}

/* It stands in the plain folder, and has to go before the outer one is mounted over it. */
static void an_outer_one_comes_after_a_take_over(void **state)
{
	struct peer *p;

	(void)state;
	assert_true(world_inherit(INNER));
	world.end_ms = NEVER;
	p = ask_up(PLAN_A | PLAN_B, 60000);
	world_run(500);
	assert_false(world.places[INNER].foreign);
	world_go_on();
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_int_equal(world.places[INNER].on, WORLD_MOUNT(OUTER));
}

/* As the supervisor begins with those that it finds: it waits for nothing first. */
static void what_is_found_is_launched_at_once(void **state)
{
	struct plan_mount spec = { .target = "/m/a", .bucket = "b", .prefix = "b/" };
	struct driver_job job = { .program = "",
		.program_version = "",
		.config = "",
		.cache_dir = "/nonexistent/cache/x",
		.ca_cert = "",
		.helper_dir = "",
		.endpoint = "",
		.region = "",
		.provider = "",
		.addressing = "" };
	struct err e;
	struct mount *m = mount_make(&world.run, &spec, &job, "0123456789abcdef0123456789abcdef", &e);

	(void)state;
	assert_non_null(m);
	assert_int_equal(mounts_add(&world.sup, m), 0);
	m->give_up = world.now + MOUNT_START_MS;
	mount_event(m, EVENT_START, sup_table(&world.sup));
	world_run(0);
	assert_int_equal(m->state, MOUNT_UP);
}

/* It is taken over to be flushed, and only then unmounted. */
static void down_while_they_are_taken_over(void **state)
{
	struct peer *p;

	(void)state;
	assert_true(world_inherit(OUTER) && world_inherit(INNER));
	world_write(INNER);
	hold(WORK_LAUNCH);
	p = ask_up(PLAN_A | PLAN_B, 30000);
	world_run(100);
	assert_int_equal(mount_at(INNER)->state, MOUNT_WAIT);
	peer_hang_up(p);
	p = ask_down(30000);
	world_run(0);
	assert_int_equal(mount_at(INNER)->state, MOUNT_WAIT);
	assert_true(world.places[INNER].ours);
}

/* The old outer driver has to go for its new options: the inner one is taken over first, to be taken down. */
static void an_outdated_outer_one_is_replaced(void **state)
{
	struct peer *p;

	(void)state;
	assert_true(world_inherit(OUTER) && world_inherit(INNER));
	world.places[OUTER].outdated = true;
	world.end_ms = 20000;
	p = ask_up(PLAN_A | PLAN_B, 60000);
	world_run(500);
	assert_false(world.places[INNER].foreign);
	world_go_on();
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_mount(p, OUTER, "up", CODE_OK);
	assert_mount(p, INNER, "up", CODE_OK);
	assert_false(world_driver_at(OUTER)->adopted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_tell_what_lies_in_what),
		cmocka_unit_test(the_nearest_is_the_outer_one),
		nested(three_levels_come_up_in_order),
		nested(nothing_is_launched_in_what_s3_may_refuse),
		nested(without_its_outer_one_it_fails),
		nested(an_inner_one_that_fails_leaves_the_outer_one_up),
		nested(one_that_starts_is_not_covered),
		nested(what_is_mounted_in_between_is_seen),
		nested(those_beside_it_come_up_at_once),
		nested(one_that_restarts_is_not_waited_for),
		nested(one_that_has_never_been_up_comes_up_later),
		nested(the_outer_driver_dies_as_it_is_launched),
		nested(what_it_lies_in_is_proven_first),
		nested(an_outer_one_stays_for_what_is_left),
		nested(one_whose_driver_does_not_end),
		nested(what_is_left_under_a_cover),
		nested(what_is_left_in_one_that_does_not_answer),
		nested(one_that_does_not_leave_the_table),
		nested(they_go_down_in_reverse),
		nested(what_stands_in_it_keeps_it),
		nested(one_that_could_not_go_down_is_asked_again),
		nested(a_busy_one_keeps_it),
		nested(what_is_abandoned_goes_at_once),
		nested(lazy_takes_busy_ones_down_in_reverse_too),
		nested(an_inner_one_goes_alone),
		nested(an_outer_one_goes_alone),
		nested(an_outer_one_comes_later),
		nested(an_inner_one_that_cannot_go_is_not_covered),
		nested(a_middle_one_goes_alone),
		nested(new_options_of_the_outer_one),
		nested(an_outer_one_that_is_away_for_a_while),
		nested(a_busy_inner_one_keeps_the_old_options),
		nested(keys_that_the_outer_driver_does_not_take),
		nested(the_outer_driver_dies),
		nested(the_outer_driver_dies_while_both_are_asked),
		nested(it_comes_back_at_once),
		nested(the_outer_driver_hangs_at_first),
		nested(an_error_while_the_outer_one_is_asked),
		nested(what_waits_in_it_is_uploaded_first),
		nested(what_cannot_be_uploaded_is_left_to_the_next_driver),
		nested(the_inner_driver_dies),
		nested(the_outer_driver_hangs),
		nested(down_when_the_outer_driver_hangs),
		nested(down_when_the_outer_driver_is_dead),
		nested(down_when_another_one_has_files),
		nested(the_outer_driver_dies_before_it_is_unmounted),
		nested(a_dead_outer_one_that_does_not_go),
		nested(what_both_have_left_is_uploaded),
		nested(the_outer_one_is_unmounted_from_outside),
		nested(a_cover_of_the_outer_one_covers_the_inner_one),
		cmocka_unit_test(links_must_agree_with_names),
		nested(those_of_an_earlier_supervisor_are_taken_over),
		nested(an_outer_one_comes_after_a_take_over),
		nested(what_is_found_is_launched_at_once),
		nested(down_while_they_are_taken_over),
		nested(an_outdated_outer_one_is_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
