/* clock_test.c - whether time went on without us, told from two readings of the clocks; and deadlines. */

#include "base/clock.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

/* A machine that runs for a day, half of which it was suspended. */
static const struct clock_reading begin = { .wall = INT64_C(1790000000000), .mono = DAY / 2, .boot = DAY };

static const struct {
	const char *what;
	int64_t wall, mono, boot; /* what each clock went on by */
	int asked;
	int64_t away;
} rows[] = {
	{ "woken at once", 0, 0, 0, 1000, -1 },
	{ "waited as asked", 1000, 1000, 1000, 1000, -1 },
	{ "woken early", 3, 3, 3, 1000, -1 },
	{ "a day of waiting without end", DAY, DAY, DAY, -1, -1 },
	{ "a busy machine", 3000, 3000, 3000, 1000, -1 },
	{ "clocks that are read one after the other", 1001, 1000, 1002, 1000, -1 },

	{ "stopped", 3001, 3001, 3001, 1000, 2001 },
	{ "stopped for an hour", HOUR, HOUR, HOUR, 1000, HOUR - 1000 },
	{ "stopped when nothing was to be waited for", 2001, 2001, 2001, 0, 2001 },
	{ "suspended", DAY + 1000, 1000, DAY + 1000, 1000, DAY },
	{ "suspended while it waited without end", DAY + 5, 5, DAY + 5, -1, DAY },
	{ "suspended, at the limit", 2000, 1000, 2000, 1000, -1 },
	{ "suspended, above the limit", 2001, 1000, 2001, 1000, 1001 },
	{ "suspended, the wall clock not set yet", 1000, 1000, DAY, 1000, DAY - 1000 },
	{ "suspended, and stopped as well", 20000, 10000, 20000, 1000, 10000 },
	{ "paused from outside, then the wall clock was set", DAY + 1000, 1000, 1000, 1000, DAY },

	{ "set forward by an hour", HOUR + 1000, 1000, 1000, 1000, HOUR },
	{ "set forward, at the limit", 2000, 1000, 1000, 1000, -1 },
	{ "set forward, above the limit", 2001, 1000, 1000, 1000, 1001 },
	{ "set back, at the limit", 0, 1000, 1000, 1000, -1 },
	{ "set back, above the limit", -1, 1000, 1000, 1000, 0 },
	{ "set back by hours", -5 * HOUR, 1000, 1000, 1000, 0 },
	{ "set back to the epoch", -INT64_C(1790000000000), 7, 7, -1, 0 },
	{ "set back while stopped", -HOUR, 5000, 5000, 1000, 4000 },
	{ "set back while suspended", -HOUR, 0, DAY, 1000, DAY },
	{ "set forward while stopped", HOUR + 5000, 5000, 5000, 1000, HOUR },
};

static struct clock_reading later(const struct clock_reading *from, size_t row)
{
	return (struct clock_reading){ from->wall + rows[row].wall, from->mono + rows[row].mono, from->boot + rows[row].boot };
}

static void away_is_what_one_clock_lacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clock_reading now = later(&begin, i);
		int64_t away = clock_jump(&begin, &now, rows[i].asked);

		if (away != rows[i].away)
			fail_msg("%s: %lld ms, not %lld", rows[i].what, (long long)away, (long long)rows[i].away);
	}
}

/* How far apart the clocks are from the start says nothing: a time namespace, a machine without a clock that keeps its time. */
static void where_the_clocks_stand_does_not_matter(void **state)
{
	static const struct clock_reading from[] = {
		{ .wall = 0, .mono = 0, .boot = 0 },
		{ .wall = 0, .mono = 400 * DAY, .boot = 0 },
		{ .wall = INT64_C(1790000000000), .mono = 1, .boot = 4000 * DAY },
		{ .wall = INT64_C(253402300799000), .mono = 30 * DAY, .boot = 30 * DAY },
		{ .wall = -DAY, .mono = 5, .boot = 5 },
	};

	(void)state;
	for (size_t f = 0; f < COUNT(from); f++) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			struct clock_reading now = later(&from[f], i);

			if (clock_jump(&from[f], &now, rows[i].asked) != rows[i].away)
				fail_msg("%s, from reading %zu", rows[i].what, f);
		}
	}
}

static void nothing_is_missing_between_two_readings_now(void **state)
{
	struct clock_reading before = clock_read(), now = clock_read();

	(void)state;
	assert_true(before.wall > 0 && before.mono >= 0 && before.boot >= before.mono);
	assert_true(now.mono >= before.mono);
	assert_int_equal(clock_jump(&before, &now, -1), -1);
}

static void nanoseconds_of_a_time(void **state)
{
	(void)state;
	assert_int_equal(clock_ns(&(struct timespec){ 0, 999999999 }), 999999999);
	assert_int_equal(clock_ns(&(struct timespec){ 1795442745, 7 }), 1795442745000000007);
	assert_int_equal(clock_ns(&(struct timespec){ -1, 500000000 }), -500000000);
}

/* In a time namespace (time_namespaces(7)): each of the two clocks is read by its own name. */
static int look_suspended(void)
{
	struct clock_reading before = clock_read(), now;
	int fd, status = 1;
	pid_t pid;

	if (unshare(CLONE_NEWTIME) || (fd = open("/proc/self/timens_offsets", O_WRONLY)) < 0)
		return 2;
	if (write(fd, "monotonic 1000 0\nboottime 90000 0\n", 34) != 34)
		return 3;
	pid = fork(); /* the first process that is in it */
	if (pid == 0) {
		now = clock_read();
		_exit(clock_jump(&before, &now, -1) / 1000 != 90000 - 1000 || clock_ms() < before.mono + 1000000);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static void a_machine_that_was_suspended(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(look_suspended());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void the_earlier_deadline(void **state)
{
	(void)state;
	assert_int_equal(clock_earlier(1, 2), 1);
	assert_int_equal(clock_earlier(2, 1), 1);
	assert_int_equal(clock_earlier(-1, 5), 5);
	assert_int_equal(clock_earlier(5, -1), 5);
	assert_int_equal(clock_earlier(0, 5), 0);
	assert_int_equal(clock_earlier(-1, -1), -1);
}

static void what_is_left_of_a_deadline(void **state)
{
	int left = clock_left(clock_ms() + HOUR);

	(void)state;
	assert_int_equal(clock_left(-1), -1);
	assert_int_equal(clock_left(0), 0);
	assert_int_equal(clock_left(clock_ms() - 5), 0);
	assert_true(left > HOUR / 2 && left <= HOUR);
	assert_int_equal(clock_left(clock_ms() + 100 * DAY), INT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(away_is_what_one_clock_lacks),
		cmocka_unit_test(where_the_clocks_stand_does_not_matter),
		cmocka_unit_test(nothing_is_missing_between_two_readings_now),
		cmocka_unit_test(nanoseconds_of_a_time),
		cmocka_unit_test(a_machine_that_was_suspended),
		cmocka_unit_test(the_earlier_deadline),
		cmocka_unit_test(what_is_left_of_a_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
