/* sup_client_test.c - who may connect to the supervisor, who has to make room, and how long somebody may say nothing (sup/client.h). */

#include "sup_scene.h"

#define ACCEPT_PAUSE_MS 200 /* as sup/client.c has it */

static int count_open(void)
{
	int n = 0;

	for (int i = 0; i < world.peer_count; i++)
		n += world.peers[i].accepted && !world.peers[i].closed;
	return n;
}

static void another_user_is_refused(void **state)
{
	struct peer *p = ask_status();

	(void)state;
	p->uid = world.uid + 1;
	world_run(10);
	assert_true(p->accepted && p->closed);
	assert_int_equal(p->heard, 0);
	assert_int_equal(p->got.len, 0);
}

/* The supervisor is no root itself: root may see to everything. */
static void root_and_the_same_user_are_served(void **state)
{
	struct peer *root = ask_status(), *same = ask_status();

	(void)state;
	root->uid = 0;
	assert_true(world.uid);
	assert_answered_in(root, 0, 0);
	assert_answered_in(same, 0, 0);
}

static void who_says_nothing_is_hung_up_on(void **state)
{
	struct peer *p = peer_new();

	(void)state;
	world_run(CLIENT_MS - 1);
	assert_true(p->accepted && !p->closed);
	world_run(1);
	assert_true(p->closed);
}

static void who_does_not_read_is_hung_up_on(void **state)
{
	struct peer *p = ask_status();

	(void)state;
	p->room = 10;
	world_run(CLIENT_MS - 1);
	assert_false(p->closed);
	world_run(1);
	assert_true(p->closed);
	assert_int_equal(p->got.len, 10);
}

/* A little at a time, the answer comes whole. */
static void a_slow_reader_gets_all_of_it(void **state)
{
	struct peer *p;

	(void)state;
	bring_up(PLAN_ALL);
	p = ask_status();
	for (int i = 0; i < 1000 && !peer_report(p); i++) {
		p->room = 7;
		world_run(1);
	}
	assert_mount(p, 2, "up", CODE_OK);
}

static void who_says_more_than_one_request_is_hung_up_on(void **state)
{
	struct request r = world_request(REQUEST_FLUSH, 60000, 0);
	struct peer *p;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	p = ask(&r);
	world_run(10);
	peer_say(p, &r, 1);
	world_run(10);
	assert_true(p->closed);
	p = peer_new();
	peer_say(p, &r, 0);
	peer_say(p, &r, 0);
	world_run(10);
	assert_true(p->closed);
}

static void what_is_no_request_is_refused(void **state)
{
	static const char long_one[4] = "\xff\xff\xff\x7f", no_record[] = "\5\0\0\0abcde", no_kind[] = "\10\0\0\0kind=99";
	struct peer *too_long = peer_new(), *record = peer_new(), *kind = peer_new();

	(void)state;
	buf_add(&too_long->says, long_one, sizeof long_one);
	buf_add(&record->says, no_record, sizeof no_record - 1);
	buf_add(&kind->says, no_kind, sizeof no_kind);
	world_run(10);
	assert_true(too_long->closed);
	assert_code(record, CODE_FAULT);
	assert_code(kind, CODE_FAULT);
}

static void idle_ones_make_room(void **state)
{
	struct peer *first = peer_new(), *p;

	(void)state;
	world_run(1);
	for (int i = 1; i < CLIENTS_MAX; i++)
		peer_new();
	world_run(1);
	assert_int_equal(count_open(), CLIENTS_MAX);
	p = ask_status();
	assert_answered_in(p, 0, 0);
	assert_true(first->closed);
	assert_int_equal(count_open(), CLIENTS_MAX - 1);
}

static void a_whole_request_keeps_its_place(void **state)
{
	struct peer *flushes[CLIENTS_WAIT_MAX];

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	for (int i = 0; i < CLIENTS_WAIT_MAX; i++)
		flushes[i] = ask_flush(60000);
	world_run(1);
	for (int i = 0; i < 2 * CLIENTS_MAX - 40; i++) {
		peer_new();
		world_run(1);
	}
	for (int i = 0; i < CLIENTS_WAIT_MAX; i++)
		assert_false(flushes[i]->closed);
	world_upload(0, 0);
	for (int i = 0; i < CLIENTS_WAIT_MAX; i++) {
		wait_for(flushes[i]);
		assert_code(flushes[i], CODE_OK);
	}
}

static void not_more_than_half_may_wait(void **state)
{
	struct peer *flush, *down, *up, *status;

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	for (int i = 0; i < CLIENTS_WAIT_MAX; i++)
		ask_flush(60000);
	world_run(1);
	flush = ask_flush(60000);
	down = ask_down(60000);
	up = ask_up(PLAN_A, 60000);
	status = ask_status();
	world_run(1);
	assert_code(flush, CODE_PENDING);
	assert_code(down, CODE_PENDING);
	assert_code(up, CODE_MOUNT);
	assert_says(up, "up: 32 other commands wait already");
	assert_code(status, CODE_OK);
}

/* Those who are refused are told so, whoever else comes in the same moment. */
static void an_answer_keeps_its_place(void **state)
{
	struct peer *p[CLIENTS_MAX + 8];

	(void)state;
	bring_up(PLAN_A);
	world_write(0);
	for (int i = 0; i < CLIENTS_MAX + 8; i++)
		p[i] = ask_flush(2000);
	world_run(2000 + OVERTIME_MS);
	for (int i = 0; i < CLIENTS_MAX + 8; i++) {
		assert_non_null(peer_report(p[i]));
		assert_code(p[i], CODE_PENDING);
	}
}

/* With no descriptor to spare nobody is accepted for a while; the loop does not run hot meanwhile (sup_world.c would end it). */
static void no_descriptors_no_clients(void **state)
{
	struct peer *p;

	(void)state;
	world_run(0);
	world.no_descriptors = true;
	p = ask_status();
	world_run(10000);
	assert_false(p->accepted);
	world.no_descriptors = false;
	assert_answered_in(p, 0, ACCEPT_PAUSE_MS);
}

static void no_descriptors_at_the_end(void **state)
{
	struct peer *slow, *late;

	(void)state;
	slow = ask_status();
	slow->room = 0;
	world_run(1);
	world.no_descriptors = true;
	late = ask_status();
	world_term();
	world_run(CLIENT_MS);
	assert_true(world.over);
	assert_true(slow->closed);
	assert_false(late->accepted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scene(another_user_is_refused),
		scene(root_and_the_same_user_are_served),
		scene(who_says_nothing_is_hung_up_on),
		scene(who_does_not_read_is_hung_up_on),
		scene(a_slow_reader_gets_all_of_it),
		scene(who_says_more_than_one_request_is_hung_up_on),
		scene(what_is_no_request_is_refused),
		scene(idle_ones_make_room),
		scene(a_whole_request_keeps_its_place),
		scene(not_more_than_half_may_wait),
		scene(an_answer_keeps_its_place),
		scene(no_descriptors_no_clients),
		scene(no_descriptors_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
