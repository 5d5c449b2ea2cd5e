/* unserved_test.c - whose mount it is that no supervisor serves, and what the kernel counts of the memory limit. */

#include "sup/oom.h"
#include "sup/unserved.h"

#include "unit.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define ID "0123456789abcdef0123456789abcdef"

static const struct {
	const char *link, *dir; /* NULL: it is no log of a driver */
} logs[] = {
	{ "/run/s3mounts/" ID ".log", "/run/s3mounts" },
	{ "/tmp/a b/" ID ".log (deleted)", "/tmp/a b" },
	{ "/run/s3mounts/log", NULL },
	{ "/run/s3mounts/" ID, NULL },
	{ "/run/s3mounts/" ID ".log.1", NULL },
	{ "/run/s3mounts/0123456789abcdef0123456789abcdeX.log", NULL },
	{ ID ".log", NULL },
	{ "/dev/null", NULL },
	{ "pipe:[1234]", NULL },
	{ "", NULL },
};

static void a_drivers_log_is_in_its_run_directory(void **state)
{
	char dir[64];

	(void)state;
	for (size_t i = 0; i < COUNT(logs); i++) {
		print_message("%s\n", logs[i].link);
		assert_int_equal(unserved_log_dir(dir, sizeof dir, span_of(logs[i].link)), logs[i].dir != NULL);
		if (logs[i].dir)
			assert_string_equal(dir, logs[i].dir);
	}
}

static void the_mounter_is_among_the_options(void **state)
{
	(void)state;
	assert_int_equal(unserved_mounter(SPAN("rw,user_id=0,group_id=0,allow_other")), 0);
	assert_int_equal(unserved_mounter(SPAN("rw,user_id=1000")), 1000);
	assert_int_equal(unserved_mounter(SPAN("user_id=7,rw")), 7);
	assert_int_equal(unserved_mounter(SPAN("rw,user_id=")), -1);
	assert_int_equal(unserved_mounter(SPAN("rw,user_id=x")), -1);
	assert_int_equal(unserved_mounter(SPAN("rw,fsuser_id=5,size=4k")), -1);
	assert_int_equal(unserved_mounter(SPAN("")), -1);
}

static const struct {
	const char *cgroup, *path; /* NULL: not in cgroup v2 */
} cgroups[] = {
	{ "0::/\n", "/sys/fs/cgroup/memory.events" },
	{ "0::/user.slice/a b.scope\n", "/sys/fs/cgroup/user.slice/a b.scope/memory.events" },
	{ "4:memory:/docker/x\n1:name=systemd:/\n0::/x\n", "/sys/fs/cgroup/x/memory.events" },
	{ "4:memory:/docker/x\n", NULL },
	{ "0::\n", NULL },
	{ "", NULL },
};

static void the_counter_of_our_cgroup_is_found(void **state)
{
	char path[128];

	(void)state;
	for (size_t i = 0; i < COUNT(cgroups); i++) {
		print_message("%s", cgroups[i].cgroup);
		assert_int_equal(oom_events_path(path, sizeof path, span_of(cgroups[i].cgroup)), cgroups[i].path != NULL);
		if (cgroups[i].path)
			assert_string_equal(path, cgroups[i].path);
	}
	assert_false(oom_events_path(path, 20, SPAN("0::/\n")));
}

static void kills_are_counted(void **state)
{
	(void)state;
	assert_int_equal(oom_count(SPAN("low 0\nhigh 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 1\n")), 2);
	assert_int_equal(oom_count(SPAN("oom_kill 0\n")), 0);
	assert_int_equal(oom_count(SPAN("oom 3\noom_group_kill 1\n")), -1);
	assert_int_equal(oom_count(SPAN("oom_kill x\n")), -1);
	assert_int_equal(oom_count(SPAN("")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_drivers_log_is_in_its_run_directory),
		cmocka_unit_test(the_mounter_is_among_the_options),
		cmocka_unit_test(the_counter_of_our_cgroup_is_found),
		cmocka_unit_test(kills_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
