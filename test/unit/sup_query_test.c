/* sup_query_test.c - status and flush (sup/query.h): what is said of mounts and files, and when. */

#include "sup_scene.h"

#include "sup/look.h"

/* ---- flush ---- */

static void a_flush_is_done_at_once(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	p = ask_flush(5000);
	assert_answered_in(p, 0, 0);
	assert_code(p, CODE_OK);
	assert_int_equal(peer_mount(p, 0)->pending_files, 0);
}

static void a_flush_of_nothing_is_done(void **state)
{
	struct peer *p = ask_flush(5000);

	(void)state;
	assert_answered_in(p, 0, 0);
	assert_code(p, CODE_OK);
}

static void a_flush_waits_for_the_last_file(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(1);
	world_write(1);
	p = ask_flush(60000);
	world_run(1000);
	assert_null(peer_report(p));
	world_upload(1, 1);
	world_run(1000);
	assert_null(peer_report(p));
	world_upload(1, 0);
	assert_answered_in(p, 0, 60);
	assert_code(p, CODE_OK);
}

static void a_flush_says_what_is_left(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(0);
	world_write(1);
	p = ask_flush(5000);
	assert_answered_in(p, 5000, 5000 + OVERTIME_MS);
	assert_code(p, CODE_PENDING);
	assert_says(p, "not in S3 yet: 2 files, 2 bytes");
	assert_int_equal(peer_mount(p, 0)->pending_files, 1);
}

/* The look that answers was begun before the file was written. */
static void an_old_look_does_not_answer(void **state)
{
	struct peer *first, *second;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_LOOK] = NEVER;
	first = ask_flush(60000);
	world_run(0);
	assert_non_null(world_find(WORK_LOOK, 0));
	world_write(0);
	second = ask_flush(60000);
	world_run(0);
	world_answer(world_find(WORK_LOOK, 0), HOW_WELL);
	world_run(0);
	assert_code(first, CODE_OK);
	assert_null(peer_report(second));
	world_answer(world_find(WORK_LOOK, 0), HOW_WELL);
	world_run(1000);
	assert_null(peer_report(second));
	world_upload(0, 0);
	world.delay[WORK_LOOK] = 0;
	world_go_on();
	/* The next look comes after four times what the last one took. */
	assert_answered_in(second, 0, 5000);
	assert_code(second, CODE_OK);
}

static void what_is_not_known_is_not_flushed(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.look_fails = true;
	p = ask_flush(5000);
	assert_answered_in(p, 0, 5000);
	assert_code(p, CODE_FAULT);
	assert_int_equal(peer_mount(p, 0)->pending_files, -1);
}

static void a_look_that_hangs_ends_with_the_flush(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_LOOK] = NEVER;
	p = ask_flush(5000);
	assert_answered_in(p, 5000, 5000 + OVERTIME_MS);
	assert_code(p, CODE_PENDING);
	assert_says(p, "is not known");
}

/* The mount is forgotten with `down`; what it has left is not in S3. */
static void a_flush_beside_a_down_is_not_done_by_it(void **state)
{
	struct request r = world_request(REQUEST_DOWN, 30000, 0);
	struct peer *flush, *down;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(0);
	flush = ask_flush(60000);
	world_run(200);
	r.abandon = true;
	down = ask(&r);
	wait_for(down);
	wait_for(flush);
	assert_code(flush, CODE_PENDING);
	world_run(100);
	assert_int_equal(world.sup.count, 0);
}

static void a_flush_beside_a_down_that_uploads_is_done(void **state)
{
	struct peer *flush, *down;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	flush = ask_flush(60000);
	down = ask_down(60000);
	world_run(1000);
	assert_null(peer_report(flush));
	assert_null(peer_report(down));
	world_upload(0, 0);
	wait_for(down);
	wait_for(flush);
	assert_code(down, CODE_OK);
	assert_code(flush, CODE_OK);
}

static void what_no_driver_uploads_ends_a_flush(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	world_cache_of(0)->quarantined = 1;
	p = ask_flush(60000);
	assert_answered_in(p, 0, 1000);
	assert_code(p, CODE_PENDING);
}

static void files_under_the_mount_are_told(void **state)
{
	struct mount *m;
	struct err e;

	(void)state;
	bring_up(PLAN_A);
	m = mount_at(0);
	assert_false(look_stray(m, "flush", &e));
	m->stray.files = 1;
	assert_true(look_stray(m, "flush", &e));
	assert_int_equal(e.code, CODE_PENDING);
	assert_non_null(strstr(e.text, "flush /m/a: 1 file lies in the folder itself"));
	m->stray.files = 0;
}

/* ---- status ---- */

static void a_status_proves_anew(void **state)
{
	struct peer *p;
	unsigned long before;

	(void)state;
	bring_up(PLAN_A);
	before = world.places[0].proven;
	p = ask_status();
	assert_answered_in(p, 0, 0);
	assert_mount(p, 0, "up", CODE_OK);
	assert_true(world.places[0].proven > before);
}

static void a_status_is_answered_in_time(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world.delay[WORK_PROBE] = world.delay[WORK_LOOK] = NEVER;
	p = ask_status();
	assert_answered_in(p, 1000, 1000);
	assert_mount(p, 0, "unknown", CODE_MOUNT);
	assert_int_equal(peer_mount(p, 0)->pending_files, -1);
	assert_code(p, CODE_OK);
}

/* What was known before it was asked is not what is. */
static void an_old_look_says_nothing(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	assert_stands(0, "up");
	world_write(0);
	world.delay[WORK_LOOK] = NEVER;
	p = ask_status();
	assert_answered_in(p, 1000, 1000);
	assert_mount(p, 0, "up", CODE_OK);
	assert_int_equal(peer_mount(p, 0)->pending_files, -1);
}

static void one_that_hangs_holds_up_no_other(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world.delay[WORK_PROBE] = NEVER;
	p = ask_status();
	world_run(0);
	world_answer(world_find(WORK_PROBE, 1), HOW_WELL);
	assert_answered_in(p, 1000, 1000);
	assert_mount(p, 0, "unknown", CODE_MOUNT);
	assert_mount(p, 1, "up", CODE_OK);
}

/* Of what is pending nothing is asked. */
static void a_brief_status_asks_for_states_alone(void **state)
{
	struct request r = world_request(REQUEST_STATUS, 1000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_LOOK] = NEVER;
	r.brief = true;
	p = ask(&r);
	assert_answered_in(p, 0, 0);
	assert_mount(p, 0, "up", CODE_OK);
}

static void what_is_pending_is_told(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(1);
	p = ask_status();
	wait_for(p);
	assert_int_equal(peer_mount(p, 0)->pending_files, 0);
	assert_int_equal(peer_mount(p, 1)->pending_files, 1);
}

static void a_status_waits_for_a_driver_that_gets_new_keys(void **state)
{
	struct peer *up, *status;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_RENEW] = NEVER;
	up = ask_up(PLAN_A | PLAN_KEYS, 30000);
	status = ask_status();
	assert_answered_in(status, 1000, 1000);
	assert_non_null(world_find(WORK_RENEW, 0));
	assert_mount(status, 0, "unknown", CODE_MOUNT);
	world_go_on();
	wait_for(up);
	assert_mount(up, 0, "up", CODE_OK);
}

/* An `up` that changes nothing has every mount proven, too. */
static void sighup_proves_all(void **state)
{
	unsigned long before;

	(void)state;
	bring_up(PLAN_ALL);
	before = world.events;
	world_hup();
	world_run(10);
	for (int i = 0; i < PLACES; i++)
		assert_true(world.places[i].proven > before);
}

static void another_mount_namespace_is_told_nothing(void **state)
{
	struct request r = world_request(REQUEST_STATUS, 1000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	r.mount_ns = 1;
	p = ask(&r);
	wait_for(p);
	assert_code(p, CODE_FAULT);
	assert_int_equal(peer_report(p)->mount_count, 0);
	r.kind = REQUEST_DOWN;
	p = ask(&r);
	wait_for(p);
	assert_code(p, CODE_FAULT);
	assert_stands(0, "up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(a_flush_is_done_at_once),
		scene(a_flush_of_nothing_is_done),
		scene(a_flush_waits_for_the_last_file),
		scene(a_flush_says_what_is_left),
		scene(an_old_look_does_not_answer),
		scene(what_is_not_known_is_not_flushed),
		scene(a_look_that_hangs_ends_with_the_flush),
		scene(a_flush_beside_a_down_is_not_done_by_it),
		scene(a_flush_beside_a_down_that_uploads_is_done),
		scene(what_no_driver_uploads_ends_a_flush),
		scene(files_under_the_mount_are_told),
		scene(a_status_proves_anew),
		scene(a_status_is_answered_in_time),
		scene(an_old_look_says_nothing),
		scene(one_that_hangs_holds_up_no_other),
		scene(a_brief_status_asks_for_states_alone),
		scene(what_is_pending_is_told),
		scene(a_status_waits_for_a_driver_that_gets_new_keys),
		scene(sighup_proves_all),
		scene(another_mount_namespace_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
