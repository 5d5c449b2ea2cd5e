/* sup_job_test.c - up and down (sup/job.h, sup/up.h, sup/mounts.h): one at a time, in their time, and what becomes of them when nobody waits any more. */

#include "sup_scene.h"

#include "sup/check.h"

#include <signal.h>
#include <stdio.h>

/* ---- up ---- */

static void all_go_up_and_down(void **state)
{
	struct peer *up = ask_up(PLAN_ALL, 30000), *down;

	(void)state;
	assert_answered_in(up, 0, 0);
	assert_code(up, CODE_OK);
	for (int i = 0; i < PLACES; i++)
		assert_mount(up, i, "up", CODE_OK);
	assert_true(world.config);
	down = ask_down(30000);
	assert_answered_in(down, 0, 0);
	for (int i = 0; i < PLACES; i++)
		assert_mount(down, i, "down", CODE_OK);
	world_run(0);
	assert_int_equal(world.sup.count, 0);
	assert_nothing_stands();
	for (int i = 0; i < PLACES; i++)
		assert_false(world.places[i].layer);
	assert_false(world.config);
}

static void what_stands_is_left_alone(void **state)
{
	pid_t driver;
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	driver = mount_at(0)->pid;
	p = ask_up(PLAN_A | PLAN_B | PLAN_C, 30000);
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_int_equal(mount_at(0)->pid, driver);
	assert_int_equal(peer_mount(p, 0)->ms, 0);
	assert_mount(p, 2, "up", CODE_OK);
}

static void what_the_plan_does_not_name_goes(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	p = ask_up(PLAN_A | PLAN_KEEP, 30000);
	wait_for(p);
	assert_stands(1, "up");
	p = ask_up(PLAN_A, 30000);
	wait_for(p);
	assert_code(p, CODE_OK);
	assert_null(peer_mount(p, 1));
	assert_false(world.places[1].ours);
}

static void no_verdict_no_up(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	p = ask_up(PLAN_A, 30000);
	world_run(5000);
	assert_null(peer_report(p));
	assert_true(world.places[0].ours);
	assert_stands(0, "checking");
	world_answer(world_find(WORK_CHECK, -1), HOW_WELL);
	assert_answered_in(p, 0, 0);
	assert_mount(p, 0, "up", CODE_OK);
	assert_stands(0, "up");
}

static void what_s3_refuses_goes_down_again(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_CHECK] = 500;
	world.refused = true;
	p = ask_up(PLAN_A, 30000);
	wait_for(p);
	assert_mount(p, 0, "failed", CODE_REFUSED);
	assert_int_equal(peer_mount(p, 0)->check.code, CODE_REFUSED);
	assert_nothing_stands();
}

/* Its client hangs up, and a `down` comes while the layer of what S3 refuses is taken away: that is down, and no failure of the `down`. */
static void down_of_what_is_being_given_up(void **state)
{
	struct peer *p;

	(void)state;
	world.refused = true;
	world.delay[WORK_CLEAR] = 500;
	p = ask_up(PLAN_A, 30000);
	while (world.sup.count == 0 || mount_at(0)->state != MOUNT_CLEAR)
		world_run(10);
	peer_hang_up(p);
	p = ask_down(30000);
	wait_for(p);
	assert_mount(p, 0, "down", CODE_OK);
	assert_code(p, CODE_OK);
	assert_nothing_stands();
}

/* The check never answers; it ends without a word; it ends in the middle. */
static void a_verdict_that_never_came_is_none(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	p = ask_up(PLAN_A, 5000);
	assert_answered_in(p, 5000, 5000 + OVERTIME_MS);
	assert_mount(p, 0, "failed", CODE_UNREACHABLE);
	assert_nothing_stands();
	p = ask_up(PLAN_A, 5000);
	world_run(0);
	world_answer(world_find(WORK_CHECK, -1), HOW_NOTHING);
	assert_answered_in(p, 0, 100);
	assert_mount(p, 0, "failed", CODE_UNREACHABLE);
	assert_string_equal(peer_mount(p, 0)->check.kind, "timeout");
}

static void keys_that_are_refused_take_nothing_down(void **state)
{
	static const unsigned plans[] = { PLAN_A | PLAN_B | PLAN_KEYS, PLAN_A | PLAN_B | PLAN_OPTION, PLAN_C,
		PLAN_A | PLAN_B | PLAN_SHIFTED };
	pid_t driver;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	driver = mount_at(0)->pid;
	world.refused = true;
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		struct peer *p = ask_up(plans[i], 30000);

		wait_for(p);
		assert_code(p, CODE_REFUSED);
		assert_says(p, "the mounts stay as they were");
		assert_int_equal(mount_at(0)->pid, driver);
		assert_stands(0, "up");
		assert_stands(1, "up");
	}
}

static void new_keys_take_no_mount_down(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A);
	driver = mount_at(0)->pid;
	p = ask_up(PLAN_A | PLAN_KEYS, 30000);
	wait_for(p);
	assert_mount(p, 0, "up", CODE_OK);
	assert_int_equal(mount_at(0)->pid, driver);
}

static void new_options_are_flushed_first(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A);
	driver = mount_at(0)->pid;
	world_write(0);
	p = ask_up(PLAN_A | PLAN_OPTION, 60000);
	world_run(5000);
	assert_null(peer_report(p));
	assert_int_equal(mount_at(0)->pid, driver);
	world_upload(0, 0);
	wait_for(p);
	assert_mount(p, 0, "up", CODE_OK);
	assert_true(mount_at(0)->pid != driver);
}

/* Half of the time is for the old driver's files; what it has not sent then the next one sends. */
static void what_is_not_sent_is_handed_over(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	p = ask_up(PLAN_A | PLAN_OPTION, 20000);
	assert_answered_in(p, 10000, 11000);
	assert_mount(p, 0, "up", CODE_OK);
	assert_int_equal(world_cache_of(0)->written - world_cache_of(0)->uploaded, 1);
}

/* Nobody would send them: it stays. */
static void what_is_not_sent_is_not_left_behind(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	p = ask_up(PLAN_B, 20000);
	assert_answered_in(p, 15000, 16000);
	assert_mount(p, 0, "up", CODE_PENDING);
	assert_mount(p, 1, "up", CODE_OK);
	assert_true(world.places[0].ours);
}

static void one_that_does_not_come_up_in_time_goes_down(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_DRIVE] = NEVER;
	p = ask_up(PLAN_A, 5000);
	assert_answered_in(p, 5000, 5000 + OVERTIME_MS);
	assert_mount(p, 0, "failed", CODE_MOUNT);
	assert_nothing_stands();
}

/* Nothing ends: the answer comes all the same. */
static void an_up_takes_no_longer_than_its_overtime(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_LAUNCH] = world.end_ms = NEVER;
	p = ask_up(PLAN_A, 3000);
	assert_answered_in(p, 3000 + OVERTIME_MS, 3000 + OVERTIME_MS);
	assert_non_null(strstr(peer_mount(p, 0)->error.text, "not up within 3 s"));
	assert_string_not_equal(peer_state(p, 0), "up");
}

static void a_config_that_cannot_be_written_touches_nothing(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.no_disk = true;
	p = ask_up(PLAN_B, 30000);
	wait_for(p);
	assert_code(p, CODE_FAULT);
	assert_stands(0, "up");
	assert_null(world_find(WORK_DRIVE, 1));
}

static void no_process_to_spare_is_a_fault(void **state)
{
	struct peer *p;

	(void)state;
	world.no_children = true;
	p = ask_up(PLAN_A, 30000);
	wait_for(p);
	assert_code(p, CODE_FAULT);
}

/* A probe whose child is killed behind the first half of its answer; nobody may wait for it without a pause. */
static void a_proof_that_ends_halfway_has_failed(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_PROBE] = NEVER;
	p = ask_up(PLAN_A, 30000);
	world_run(0);
	world_answer(world_find(WORK_PROBE, 0), HOW_STATFS);
	world_run(0);
	world_exit(world_find(WORK_PROBE, 0), SIGKILL);
	assert_answered_in(p, 0, 100);
	assert_mount(p, 0, "failed", CODE_MOUNT);
}

/* The list of its root may be long. */
static void a_first_listing_is_given_all_the_time(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_PROBE] = NEVER;
	p = ask_up(PLAN_A, 30000);
	world_run(0);
	world_answer(world_find(WORK_PROBE, 0), HOW_STATFS);
	world_run(20000);
	assert_null(peer_report(p));
	world_answer(world_find(WORK_PROBE, 0), HOW_WELL);
	assert_answered_in(p, 0, 0);
	assert_mount(p, 0, "up", CODE_OK);
}

/* ---- whose client hangs up ---- */

static void hung_up_while_checked(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A);
	driver = mount_at(0)->pid;
	world.delay[WORK_CHECK] = NEVER;
	p = ask_up(PLAN_A | PLAN_OPTION, 30000);
	world_run(100);
	assert_int_equal(world.sup.job.phase, JOB_CHECK);
	peer_hang_up(p);
	world_run(100);
	assert_int_equal(world.sup.job.phase, JOB_NONE);
	assert_int_equal(mount_at(0)->pid, driver);
	assert_stands(0, "up");
}

/* What was to go down for it, and still stands, stays. */
static void hung_up_while_others_stop(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_A);
	driver = mount_at(0)->pid;
	world_write(0);
	p = ask_up(PLAN_B, 30000);
	world_run(100);
	assert_int_equal(world.sup.job.phase, JOB_STOP);
	assert_stands(0, "stopping");
	peer_hang_up(p);
	world_run(100);
	assert_int_equal(world.sup.job.phase, JOB_NONE);
	assert_stands(0, "up");
	assert_int_equal(mount_at(0)->pid, driver);
	assert_null(world_find(WORK_DRIVE, 1));
}

static void hung_up_before_the_verdict(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	p = ask_up(PLAN_A, 30000);
	world_run(100);
	assert_true(world.places[0].ours);
	peer_hang_up(p);
	world_run(100);
	assert_int_equal(world.sup.job.phase, JOB_NONE);
	assert_nothing_stands();
}

/* S3 has taken its credentials: it comes up unseen. */
static void hung_up_behind_the_verdict(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_PROBE] = NEVER;
	p = ask_up(PLAN_A, 30000);
	world_run(100);
	peer_hang_up(p);
	world_run(100);
	world.delay[WORK_PROBE] = 0;
	world_go_on();
	world_run(100);
	assert_stands(0, "up");
}

static void hung_up_on_a_down(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(0);
	p = ask_down(30000);
	world_run(100);
	assert_false(world.places[1].ours);
	peer_hang_up(p);
	world_run(100);
	assert_stands(0, "up");
	assert_true(world.config);
	assert_int_equal(world.sup.job.phase, JOB_NONE);
}

static void hung_up_on_a_flush(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	p = ask_flush(30000);
	world_run(100);
	peer_hang_up(p);
	world_run(100);
	assert_true(p->closed);
	assert_stands(0, "up");
}

/* ---- one at a time ---- */

static void time_counts_from_arrival(void **state)
{
	struct request r = world_request(REQUEST_UP, 5000, PLAN_B);
	struct buf whole = buf_heap(65536);
	struct peer *slow = peer_new();

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	ask_up(PLAN_A, 60000);
	wire_put_request(&whole, &r);
	buf_add(&slow->says, whole.p, 50);
	world_run(3000);
	buf_add(&slow->says, whole.p + 50, whole.len - 50);
	buf_free(&whole);
	assert_answered_in(slow, 2000, 2000);
	assert_code(slow, CODE_MOUNT);
}

static void a_job_has_had_part_of_its_time_when_it_begins(void **state)
{
	struct peer *first, *second;

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	first = ask_up(PLAN_A, 3000);
	second = ask_up(PLAN_B | PLAN_KEEP, 5000);
	assert_answered_in(first, 3000, 3000 + OVERTIME_MS);
	assert_answered_in(second, 1000, 2000 + OVERTIME_MS);
	assert_mount(second, 1, "failed", CODE_UNREACHABLE);
}

static void who_waits_too_long_is_told_for_whom(void **state)
{
	struct peer *first, *up, *down;
	char words[64];

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	first = ask_up(PLAN_A, 60000);
	world_run(1000);
	up = ask_up(PLAN_B, 2000);
	down = ask_down(4000);
	assert_answered_in(up, 2000, 2000);
	assert_code(up, CODE_MOUNT);
	snprintf(words, sizeof words, "up of process %ld has been at work for 3 s", (long)world.sup.job.client->pid);
	assert_says(up, words);
	assert_says(up, "up: not started within 2 s");
	assert_answered_in(down, 2000, 2000);
	assert_code(down, CODE_PENDING);
	assert_says(down, "down: not started within 4 s");
	assert_null(peer_report(first));
}

static void they_are_served_in_their_order(void **state)
{
	struct peer *up, *down;

	(void)state;
	up = ask_up(PLAN_A, 30000);
	down = ask_down(30000);
	wait_for(up);
	assert_mount(up, 0, "up", CODE_OK);
	wait_for(down);
	assert_mount(down, 0, "down", CODE_OK);
	assert_nothing_stands();
}

/* ---- down ---- */

static void a_down_waits_for_files(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	p = ask_down(30000);
	world_run(5000);
	assert_null(peer_report(p));
	assert_true(world.places[0].ours);
	world_upload(0, 0);
	assert_answered_in(p, 0, 1000);
	assert_mount(p, 0, "down", CODE_OK);
}

static void what_is_not_sent_in_time_stays_mounted(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(0);
	p = ask_down(5000);
	assert_answered_in(p, 5000, 5000 + OVERTIME_MS);
	assert_mount(p, 0, "up", CODE_PENDING);
	assert_true(world.places[0].ours);
	assert_mount(p, 1, "down", CODE_OK);
	assert_true(world.places[1].layer);
	assert_true(world.config);
	assert_stands(0, "up");
}

static void what_is_busy_stays_mounted(void **state)
{
	struct request lazy = world_request(REQUEST_DOWN, 30000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_UNMOUNT] = NEVER;
	p = ask_down(30000);
	for (int i = 0; i < 100 && !peer_report(p); i++) {
		world_run(100);
		if (world_find(WORK_UNMOUNT, 0))
			world_answer(world_find(WORK_UNMOUNT, 0), HOW_BUSY);
	}
	assert_mount(p, 0, "up", CODE_MOUNT);
	assert_non_null(strstr(peer_mount(p, 0)->error.text, "in use"));
	world.delay[WORK_UNMOUNT] = 0;
	lazy.lazy = true;
	p = ask(&lazy);
	wait_for(p);
	assert_mount(p, 0, "down", CODE_OK);
}

/* The layers go, and the settings with the keys, when the last mount has gone. */
static void nothing_is_cleared_while_one_stands(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(1);
	p = ask_down(60000);
	world_run(5000);
	assert_false(world.places[0].ours);
	assert_true(world.places[0].layer);
	assert_true(world.config);
	world_upload(1, 0);
	wait_for(p);
	world_run(0);
	assert_false(world.places[0].layer || world.places[1].layer);
	assert_false(world.config);
	assert_int_equal(world.sup.count, 0);
}

static void a_down_that_ends_later_is_tidied_then(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_UNMOUNT] = NEVER;
	p = ask_down(1000);
	assert_answered_in(p, 1000, 1000 + OVERTIME_MS);
	assert_mount(p, 0, "stopping", CODE_MOUNT);
	assert_true(world.config);
	world_go_on();
	world_run(100);
	assert_int_equal(world.sup.count, 0);
	assert_false(world.config || world.places[0].layer);
}

static struct peer *ask_down_of(unsigned plan, int timeout_ms)
{
	struct request r = world_request(REQUEST_DOWN, timeout_ms, plan);

	return ask(&r);
}

static void a_down_of_some_leaves_the_others_alone(void **state)
{
	struct peer *p;
	pid_t driver;

	(void)state;
	bring_up(PLAN_ALL);
	driver = mount_at(1)->pid;
	world_write(1);
	p = ask_down_of(PLAN_A | PLAN_C, 30000);
	assert_answered_in(p, 0, 1000);
	assert_int_equal(peer_report(p)->mount_count, 2);
	assert_mount(p, 0, "down", CODE_OK);
	assert_mount(p, 2, "down", CODE_OK);
	world_run(1000);
	/* They are forgotten, with their layers; what stays is as it was, its keys too. */
	assert_int_equal(world.sup.count, 1);
	assert_int_equal(mount_at(1)->pid, driver);
	assert_true(world.places[1].ours && world.places[1].layer && world.config);
	assert_false(world.places[0].layer || world.places[2].layer);
	assert_stands(1, "up");
	world_upload(1, 0);
	wait_for(ask_down_of(PLAN_B, 30000));
	world_run(0);
	assert_nothing_stands();
	assert_false(world.places[1].layer || world.config);
}

static void a_down_of_some_reports_what_could_not_go(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A | PLAN_B);
	world_write(0);
	p = ask_down_of(PLAN_A, 3000);
	assert_answered_in(p, 3000, 4000);
	assert_int_equal(peer_report(p)->mount_count, 1);
	assert_mount(p, 0, "up", CODE_PENDING);
	world_run(1000);
	assert_int_equal(world.sup.count, 2);
	assert_stands(1, "up");
}

static void what_is_abandoned_goes_at_once(void **state)
{
	struct request r = world_request(REQUEST_DOWN, 30000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	r.abandon = true;
	p = ask(&r);
	assert_answered_in(p, 0, 0);
	assert_nothing_stands();
	assert_int_equal(peer_mount(p, 0)->pending_files, 1);
}

/* ---- SIGTERM ---- */

static void sigterm_answers_all_and_ends(void **state)
{
	struct peer *up, *down, *next, *flush, *status;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	world.delay[WORK_CHECK] = NEVER;
	up = ask_up(PLAN_A | PLAN_B, 60000);
	down = ask_down(60000);
	next = ask_up(PLAN_C, 60000);
	flush = ask_flush(60000);
	world_run(100);
	world_term();
	status = ask_status();
	world_run(100);
	assert_code(up, CODE_MOUNT);
	assert_says(up, "SIGTERM");
	assert_code(down, CODE_PENDING);
	assert_says(down, "SIGTERM");
	assert_code(next, CODE_MOUNT);
	assert_false(world.over);
	world_upload(0, 0);
	world_run(1000);
	assert_true(world.over);
	assert_int_equal(world.result, CODE_OK);
	assert_code(flush, CODE_OK);
	assert_code(status, CODE_OK);
	assert_nothing_stands();
	assert_false(world.config);
}

/* That the layer of one that is down is cleared away does not make it "stopping" once more. */
static void sigterm_reports_each_step_once(void **state)
{
	const struct mount *m;
	int stopping = 0;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_CLEAR] = NEVER;
	world_term();
	world_run(1000);
	m = mount_at(0);
	assert_int_equal(m->state, MOUNT_CLEAR);
	for (size_t i = 0; i < m->history_count; i++)
		stopping += strstr(m->history[i], " stopping") != NULL;
	assert_int_equal(stopping, 1);
	assert_non_null(strstr(m->history[m->history_count - 1], " down"));
}

static void sigterm_ends_in_time_with_files_left(void **state)
{
	struct peer *flush;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	flush = ask_flush(600000);
	world_run(10);
	world_term();
	world_run(world.sup.stop_ms - 1);
	assert_false(world.over);
	assert_null(peer_report(flush));
	world_run(1 + OVERTIME_MS);
	assert_true(world.over);
	assert_int_equal(world.result, CODE_PENDING);
	assert_code(flush, CODE_PENDING);
	assert_true(world.places[0].ours);
	assert_non_null(world_find(WORK_DRIVE, 0));
}

static void sigterm_ends_in_time_though_nothing_answers(void **state)
{
	(void)state;
	bring_up(PLAN_ALL);
	for (int i = 0; i < WORKS; i++)
		world.delay[i] = NEVER;
	world_term();
	world_run(world.sup.stop_ms + OVERTIME_MS);
	assert_true(world.over);
	assert_int_equal(world.result, CODE_PENDING);
}

/* ---- verdicts ---- */

static void verdicts_are_taken_whole(void **state)
{
	struct verdict ok = { .code = CODE_OK, .kind = "ok" }, v;
	struct buf have = buf_heap(8 * sizeof ok);
	struct err e;

	(void)state;
	v = check_verdict(&have, 0);
	assert_int_equal(v.code, CODE_UNREACHABLE);
	assert_string_equal(v.kind, "timeout");
	buf_add(&have, &ok, sizeof ok - 1);
	assert_int_equal(check_verdict(&have, 0).code, CODE_UNREACHABLE);
	buf_add(&have, (const char *)&ok + sizeof ok - 1, 1);
	assert_int_equal(check_verdict(&have, 0).code, CODE_OK);
	assert_int_equal(check_verdict(&have, 1).code, CODE_UNREACHABLE);
	v = check_verdict(&have, 1);
	check_error(&e, "mount /m/a", &v);
	assert_int_equal(e.code, CODE_UNREACHABLE);
	assert_non_null(strstr(e.text, "mount /m/a: "));
	buf_free(&have);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(all_go_up_and_down),
		scene(what_stands_is_left_alone),
		scene(what_the_plan_does_not_name_goes),
		scene(no_verdict_no_up),
		scene(what_s3_refuses_goes_down_again),
		scene(down_of_what_is_being_given_up),
		scene(a_verdict_that_never_came_is_none),
		scene(keys_that_are_refused_take_nothing_down),
		scene(new_keys_take_no_mount_down),
		scene(new_options_are_flushed_first),
		scene(what_is_not_sent_is_handed_over),
		scene(what_is_not_sent_is_not_left_behind),
		scene(one_that_does_not_come_up_in_time_goes_down),
		scene(an_up_takes_no_longer_than_its_overtime),
		scene(a_config_that_cannot_be_written_touches_nothing),
		scene(no_process_to_spare_is_a_fault),
		scene(a_proof_that_ends_halfway_has_failed),
		scene(a_first_listing_is_given_all_the_time),
		scene(hung_up_while_checked),
		scene(hung_up_while_others_stop),
		scene(hung_up_before_the_verdict),
		scene(hung_up_behind_the_verdict),
		scene(hung_up_on_a_down),
		scene(hung_up_on_a_flush),
		scene(time_counts_from_arrival),
		scene(a_job_has_had_part_of_its_time_when_it_begins),
		scene(who_waits_too_long_is_told_for_whom),
		scene(they_are_served_in_their_order),
		scene(a_down_waits_for_files),
		scene(what_is_not_sent_in_time_stays_mounted),
		scene(what_is_busy_stays_mounted),
		scene(nothing_is_cleared_while_one_stands),
		scene(a_down_that_ends_later_is_tidied_then),
		scene(a_down_of_some_leaves_the_others_alone),
		scene(a_down_of_some_reports_what_could_not_go),
		scene(what_is_abandoned_goes_at_once),
		scene(sigterm_answers_all_and_ends),
		scene(sigterm_reports_each_step_once),
		scene(sigterm_ends_in_time_with_files_left),
		scene(sigterm_ends_in_time_though_nothing_answers),
		scene(verdicts_are_taken_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
