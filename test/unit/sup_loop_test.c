/* sup_loop_test.c - the supervisor's loop, in a world of data. */

#include "unit.h"

#include "sup_world.h"

static int begin_world(void **state)
{
	(void)state;
	world_begin();
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	world_end();
	return 0;
}

static void up_and_down(void **state)
{
	struct peer *up = ask_up(PLAN_ALL, 30000), *status, *down;

	(void)state;
	world_run(0);
	assert_non_null(peer_report(up));
	assert_int_equal(peer_report(up)->error.code, CODE_OK);
	assert_string_equal(peer_state(up, 0), "up");
	assert_string_equal(peer_state(up, 2), "up");
	status = ask_status();
	world_run(0);
	assert_string_equal(peer_state(status, 1), "up");
	down = ask_down(30000);
	world_run(0);
	assert_int_equal(peer_report(down)->error.code, CODE_OK);
	assert_int_equal(world.sup.count, 0);
	assert_false(world.over);
	world_term();
	world_run(0);
	assert_true(world.over);
	assert_int_equal(world.result, CODE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(up_and_down, begin_world, end_world),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
