/* process_test.c - processes and what descends from them, as /proc tells it. */

#include "base/process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
	const char *stat;
	bool parsed;
	struct process p;
} rows[] = {
	{ "12 (sleep) S 1 12 12 0 -1 4194304 91 0", true, { .pid = 12, .parent = 1 } },
	{ "12 (a) b (c) R 7 12 12 34816 12 4194304 1", true, { .pid = 12, .parent = 7 } },
	{ "12 ()) S 7 12 12 0 -1 4194304 1", true, { .pid = 12, .parent = 7 } },
	{ "12 (held) T 1 12 12 0 -1 4194304 91 0", true, { .pid = 12, .parent = 1, .stopped = true } },
	{ "12 (traced) t 1 12 12 0 -1 4194304 91 0", true, { .pid = 12, .parent = 1, .stopped = true } },
	{ "12 (gone) Z 1 12 12 0 -1 4194316 0", true, { .pid = 12, .parent = 1, .ended = true } },
	{ "12 (dead) X 0 -1 -1 0 -1 4194316 0", true, { .pid = 12, .ended = true } },
	{ "2 (kthreadd) S 0 0 0 0 -1 2129984 0", true, { .pid = 2, .kernel = true } },
	{ "31 (kworker/0:1-events) I 2 0 0 0 -1 69238880 0", true, { .pid = 31, .parent = 2, .kernel = true } },
	{ "12 (sleep) S 1 12 12 0", false, { 0 } },
	{ "12 (sleep)", false, { 0 } },
	{ "12 (sleep S 1 12 12 0 -1 4194304 91 0", false, { 0 } },
	{ "x (sleep) S 1 12 12 0 -1 4194304 91 0", false, { 0 } },
	{ "", false, { 0 } },
};

static void a_stat_is_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct process p = { 0 };

		print_message("%s\n", rows[i].stat);
		assert_int_equal(process_parse(&p, span_of(rows[i].stat)), rows[i].parsed);
		assert_int_equal(p.pid, rows[i].p.pid);
		assert_int_equal(p.parent, rows[i].p.parent);
		assert_int_equal(p.stopped, rows[i].p.stopped);
		assert_int_equal(p.ended, rows[i].p.ended);
		assert_int_equal(p.kernel, rows[i].p.kernel);
	}
}

static void descent_is_by_parents(void **state)
{
	struct process list[] = { { .pid = 1 }, { .pid = 5, .parent = 1 }, { .pid = 7, .parent = 9 }, { .pid = 8, .parent = 8 },
		{ .pid = 9, .parent = 5 }, { .pid = 20, .parent = 0 } };
	const struct process_table t = { list, COUNT(list) };

	(void)state;
	assert_true(process_descends(&t, 7, 7) && process_descends(&t, 7, 9) && process_descends(&t, 7, 5) &&
		    process_descends(&t, 7, 1));
	assert_false(process_descends(&t, 9, 7) || process_descends(&t, 20, 1) || process_descends(&t, 8, 1) ||
		     process_descends(&t, 6, 1) || process_descends(&t, 7, 20));
	assert_ptr_equal(process_find(&t, 9), &list[4]);
	assert_null(process_find(&t, 6));
}

static void our_own_are_found(void **state)
{
	struct process_table t;
	char name[PROCESS_NAME];
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		pause();
		_exit(0);
	}
	assert_int_equal(process_table_read(&t), 0);
	assert_true(process_descends(&t, child, getpid()) && process_descends(&t, getpid(), 1));
	for (size_t i = 1; i < t.count; i++)
		assert_true(t.list[i - 1].pid < t.list[i].pid);
	process_table_free(&t);
	process_name(name, child);
	assert_string_equal(name, "process_test");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	process_name(name, child);
	assert_string_equal(name, "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stat_is_parsed),
		cmocka_unit_test(descent_is_by_parents),
		cmocka_unit_test(our_own_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
