/* sup_loop_test.c - the supervisor's loop (sup/loop.h): pauses of the machine, drivers that die, and when it is at its end. */

#include "folder.h"
#include "sup_scene.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>

/* ---- time that is missing ---- */

static void a_pause_does_not_count_for_a_job(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_CHECK] = NEVER;
	p = ask_up(PLAN_A, 5000);
	world_run(1000);
	world_stop(3600000);
	world_run(2500); /* what the loop had slept for anyway is not missing: a second at most */
	assert_null(peer_report(p));
	assert_true(world.places[0].ours);
	world_answer(world_find(WORK_CHECK, -1), HOW_WELL);
	wait_for(p);
	assert_mount(p, 0, "up", CODE_OK);
}

static void a_pause_does_not_count_for_who_waits(void **state)
{
	struct peer *silent = peer_new(), *flush;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	flush = ask_flush(5000);
	world_run(2000);
	world_stop(100000);
	world_run(1900);
	assert_false(silent->closed);
	assert_null(peer_report(flush));
	assert_answered_in(flush, 0, 1200 + OVERTIME_MS);
	world_run(CLIENT_MS);
	assert_true(silent->closed);
}

static void a_pause_does_not_count_for_who_connects(void **state)
{
	struct request r = world_request(REQUEST_FLUSH, 5000, 0);
	struct peer *p = peer_new();

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	world_run(2000);
	world_stop(100000);
	world_run(0);
	peer_say(p, &r, 0);
	world_run(1900);
	assert_null(peer_report(p));
	assert_answered_in(p, 0, 1200 + OVERTIME_MS);
}

/* What a mount was given: to come up, to be listed. */
static void a_pause_does_not_count_for_a_mount(void **state)
{
	struct peer *p;

	(void)state;
	world.delay[WORK_DRIVE] = world.delay[WORK_PROBE] = NEVER;
	p = ask_up(PLAN_A, 10000);
	world_run(7000);
	world_stop(50000);
	world_run(500);
	assert_int_equal(mount_at(0)->state, MOUNT_START);
	world_show(0);
	world_run(0);
	assert_int_equal(mount_at(0)->state, MOUNT_PROVE);
	world_stop(50000);
	world_run(0);
	assert_int_equal(mount_at(0)->state, MOUNT_PROVE);
	assert_null(peer_report(p));
	world_answer(world_find(WORK_PROBE, 0), HOW_WELL);
	wait_for(p);
	assert_mount(p, 0, "up", CODE_OK);
}

static void a_pause_does_not_count_for_the_end(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	world_term();
	world_run(10000);
	world_stop(100000);
	world_run(world.sup.stop_ms - 10000 - 1000);
	assert_false(world.over);
	world_run(1000 + OVERTIME_MS);
	assert_true(world.over);
}

static void check_all_probed(void (*pause)(int64_t), int64_t ms)
{
	unsigned long before = world.events;

	pause(ms);
	world_run(1100);
	assert_true(world.resets >= 2);
	assert_true(world.places[0].proven > before && world.places[1].proven > before);
}

static void after_a_pause_all_are_probed(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	check_all_probed(world_stop, 20000);
}

static void after_a_suspend_all_are_probed(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	check_all_probed(world_suspend, 20000);
}

static void after_the_clock_was_set_all_are_probed(void **state)
{
	(void)state;
	bring_up(PLAN_A | PLAN_B);
	check_all_probed(world_set_clock, 20000);
}

/* By how little it may be: whoever resumes a machine does that. */
static void after_the_clock_was_corrected_all_are_probed(void **state)
{
	unsigned long before;

	(void)state;
	bring_up(PLAN_A);
	for (int by = -500; by <= 500; by += 1000) {
		before = world.events;
		world_set_clock(by);
		world_run(10);
		assert_true(world.places[0].proven > before);
	}
}

static void a_busy_machine_is_no_pause(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	for (int i = 0; i < 20; i++) {
		world_stop(1500);
		world_run(100);
	}
	assert_int_equal(world.resets, 0);
}

/* A driver whose connections are cut for nothing has to dial again. */
static void a_short_pause_cuts_no_connection(void **state)
{
	unsigned long before;

	(void)state;
	bring_up(PLAN_A);
	before = world.events;
	world_stop(5000);
	world_run(1100);
	assert_true(world.places[0].proven > before);
	assert_int_equal(world.resets, 0);
}

/* The loop wakes before its time then: that is nobody's time. */
static void the_wall_clock_moves_no_deadline(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	p = ask_flush(10000);
	for (int i = 0; i < 9; i++) {
		world_run(1000);
		world_set_clock(i % 2 ? -20000 : 20000);
	}
	world_run(500);
	assert_null(peer_report(p));
	assert_answered_in(p, 300, 500 + OVERTIME_MS);
}

/* ---- what comes from outside ---- */

static void a_driver_that_dies_is_started_again(void **state)
{
	pid_t first;

	(void)state;
	bring_up(PLAN_A);
	first = mount_at(0)->pid;
	world_exit(world_find(WORK_DRIVE, 0), SIGSEGV);
	world_run(100);
	assert_stands(0, "up");
	assert_true(mount_at(0)->pid && mount_at(0)->pid != first);
	assert_int_equal(mount_at(0)->restarts, 1);
}

static bool has_happened(int place, const char *words)
{
	const struct mount *m = mount_at(place);

	for (size_t i = 0; i < m->history_count; i++)
		if (strstr(m->history[i], words))
			return true;
	return false;
}

/* Only of who was killed, and only where the kernel has counted a kill. */
static void that_the_memory_limit_has_killed_it_is_known_or_not_said(void **state)
{
	static const char limit[] = "the memory limit: oom_kill in memory.events has risen by 2";

	(void)state;
	bring_up(PLAN_A);
	world_exit(world_find(WORK_DRIVE, 0), SIGKILL);
	world_run(100);
	assert_true(has_happened(0, "was killed by signal 9"));
	world.oom_kills = 2;
	world_exit(world_find(WORK_DRIVE, 0), SIGSEGV);
	world_run(1000);
	assert_true(has_happened(0, "was killed by signal 11"));
	assert_false(has_happened(0, "limit"));
	world_exit(world_find(WORK_DRIVE, 0), SIGKILL);
	world_run(100);
	assert_true(has_happened(0, limit));
}

static void one_that_always_dies_is_given_up(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	for (int i = 0; i < 20 && mount_at(0)->state != MOUNT_FAILED; i++) {
		if (world_find(WORK_DRIVE, 0))
			world_exit(world_find(WORK_DRIVE, 0), 256);
		world_run(31000);
	}
	/* Each time it was up for less than a minute. */
	assert_stands(0, "failed");
}

static void one_that_is_unmounted_comes_again(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	world_unmount(0);
	world_run(5000);
	assert_stands(0, "up");
}

static void one_that_is_covered_is_unhealthy(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	world_cover(0, true);
	world_run(0);
	assert_stands(0, "unhealthy");
	world_cover(0, false);
	world_run(10);
	assert_stands(0, "up");
}

/* What a driver has started is waited for, and signalled as long as it is there, not longer: its number may be another's. */
static void the_last_of_a_group_is_waited_for(void **state)
{
	struct process *helper;
	struct mount *m;
	pid_t group;

	(void)state;
	bring_up(PLAN_A);
	m = mount_at(0);
	group = m->group;
	helper = world_help(world_find(WORK_DRIVE, 0));
	helper->hangs = true;
	world_exit(world_find(WORK_DRIVE, 0), 0);
	world_run(2000);
	assert_int_equal(m->state, MOUNT_STOP);
	assert_int_equal(m->group, group);
	assert_true(helper->told);
	world_exit(helper, 0);
	world_run(100);
	assert_true(m->group != group);
	assert_stands(0, "up");
}

/* With the last of them it is forgotten, whatever becomes of the mount. */
static void a_group_that_has_gone_is_forgotten(void **state)
{
	struct process *helper;
	struct mount *m;

	(void)state;
	bring_up(PLAN_A);
	m = mount_at(0);
	helper = world_help(world_find(WORK_DRIVE, 0));
	helper->hangs = true;
	world_exit(world_find(WORK_DRIVE, 0), 0);
	world_run(10000);
	assert_int_equal(m->state, MOUNT_FAILED);
	assert_true(mount_active(m));
	world_exit(helper, 0);
	world_run(0);
	assert_int_equal(m->group, 0);
	assert_false(mount_active(m));
}

/* A child that has been given up, and waits in the kernel for its driver, is reaped when that answers. */
static void a_listing_that_hangs_is_waited_for(void **state)
{
	struct process *probe;
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.delay[WORK_PROBE] = NEVER;
	p = ask_status();
	world_run(0);
	probe = world_find(WORK_PROBE, 0);
	probe->hangs = true;
	world_answer(probe, HOW_STATFS);
	wait_for(p);
	world_run(6000);
	assert_int_equal(mount_at(0)->state, MOUNT_UNHEALTHY);
	assert_int_equal(mount_at(0)->listing_pid, probe->pid);
	world.delay[WORK_PROBE] = 0;
	world_exit(probe, SIGKILL);
	world_run(100);
	assert_int_equal(mount_at(0)->listing_pid, 0);
	assert_int_equal(mount_at(0)->state, MOUNT_UP);
	assert_stands(0, "up");
}

static void an_earlier_driver_is_taken_over(void **state)
{
	struct peer *p;
	pid_t pid;

	(void)state;
	assert_true(world_inherit(0));
	pid = world_find(WORK_DRIVE, 0)->pid;
	/* Taken over it may end at any time: nothing is known of its pidfd. */
	world.end_ms = NEVER;
	p = ask_up(PLAN_A, 30000);
	wait_for(p);
	assert_mount(p, 0, "up", CODE_OK);
	assert_int_equal(mount_at(0)->pid, pid);
	world_go_on();
	world_run(5000);
	assert_true(mount_at(0)->pid != pid);
	assert_stands(0, "up");
}

static void an_unreadable_table_says_nothing(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world.unreadable = true;
	world_change_table();
	p = ask_status();
	wait_for(p);
	assert_string_not_equal(peer_state(p, 0), "up");
	assert_string_not_equal(peer_state(p, 0), "down");
	world.unreadable = false;
	world_change_table();
	world_run(11000);
	assert_stands(0, "up");
}

/* ---- the end ---- */

static void in_the_background_it_ends_with_the_last_mount(void **state)
{
	struct peer *p;

	(void)state;
	world.sup.stay = false;
	p = ask_up(PLAN_A, 30000);
	wait_for(p);
	world_run(3600000);
	assert_false(world.over);
	p = ask_down(30000);
	wait_for(p);
	world_run(10);
	assert_true(world.over);
	assert_int_equal(world.result, CODE_OK);
}

static void in_the_foreground_it_stays(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	wait_for(ask_down(30000));
	world_run(3600000);
	assert_false(world.over);
}

static void it_does_not_end_while_somebody_asks(void **state)
{
	struct peer *p;

	(void)state;
	world.sup.stay = false;
	p = peer_new();
	world_run(CLIENT_MS - 1);
	assert_false(world.over);
	world_run(2);
	assert_true(world.over && p->closed);
}

/* Whoever holds the lock of the run directory starts another supervisor, and may ask this one yet. */
static void it_does_not_end_while_another_is_started(void **state)
{
	int lock;

	enter(state);
	snprintf(world.run.dir, sizeof world.run.dir, "%s", folder);
	lock = open("lock", O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	world.sup.stay = false;
	wait_for(ask_status());
	world_run(1000);
	assert_false(world.over);
	assert_int_equal(flock(lock, LOCK_UN), 0);
	world_run(100);
	assert_true(world.over);
	(close)(lock);
	leave(state);
}

static void poll_that_fails_is_a_fault(void **state)
{
	(void)state;
	bring_up(PLAN_A);
	world.broken = true;
	world_run(0);
	assert_true(world.over);
	assert_int_equal(world.result, CODE_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(a_pause_does_not_count_for_a_job),
		scene(a_pause_does_not_count_for_who_waits),
		scene(a_pause_does_not_count_for_who_connects),
		scene(a_pause_does_not_count_for_a_mount),
		scene(a_pause_does_not_count_for_the_end),
		scene(after_a_pause_all_are_probed),
		scene(after_a_suspend_all_are_probed),
		scene(after_the_clock_was_set_all_are_probed),
		scene(after_the_clock_was_corrected_all_are_probed),
		scene(a_busy_machine_is_no_pause),
		scene(a_short_pause_cuts_no_connection),
		scene(the_wall_clock_moves_no_deadline),
		scene(a_driver_that_dies_is_started_again),
		scene(that_the_memory_limit_has_killed_it_is_known_or_not_said),
		scene(one_that_always_dies_is_given_up),
		scene(one_that_is_unmounted_comes_again),
		scene(one_that_is_covered_is_unhealthy),
		scene(the_last_of_a_group_is_waited_for),
		scene(a_group_that_has_gone_is_forgotten),
		scene(a_listing_that_hangs_is_waited_for),
		scene(an_earlier_driver_is_taken_over),
		scene(an_unreadable_table_says_nothing),
		scene(in_the_background_it_ends_with_the_last_mount),
		scene(in_the_foreground_it_stays),
		scene(it_does_not_end_while_somebody_asks),
		scene(it_does_not_end_while_another_is_started),
		scene(poll_that_fails_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
