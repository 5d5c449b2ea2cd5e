/* caps_test.c - capabilities against what /proc/self/status says of them. Given up in a child. */

#include "base/caps.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

/* The set NAME ("CapEff:"). */
static unsigned long long status_set(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long set = 0;
	char line[256];

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, name, strlen(name)) == 0)
			set = strtoull(line + strlen(name), NULL, 16);
	if (f)
		fclose(f);
	return set;
}

static bool agrees(void)
{
	for (int cap = 0; cap < 64; cap++)
		if (caps_effective(cap) != (status_set("CapEff:") >> cap & 1))
			return false;
	return true;
}

static void effective_ones_are_reported(void **state)
{
	(void)state;
	assert_true(agrees());
}

/* Returns what is wrong, as an exit status. */
static int keep_two(void)
{
	uint64_t keep = CAPS_BIT(CAP_CHOWN) | CAPS_BIT(CAP_CHECKPOINT_RESTORE); /* one of each 32 */
	unsigned long long had = status_set("CapPrm:"), bounds = status_set("CapBnd:");
	bool may_bound = caps_effective(CAP_SETPCAP);

	caps_keep(keep);
	if (status_set("CapPrm:") != (had & keep) || status_set("CapEff:") != (had & keep))
		return 1;
	if (status_set("CapBnd:") != (may_bound ? bounds & keep : bounds))
		return 2;
	if (status_set("CapInh:"))
		return 3;
	return agrees() ? 0 : 4;
}

static void the_others_are_given_up(void **state)
{
	int status = -1;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		_exit(keep_two());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(effective_ones_are_reported),
		cmocka_unit_test(the_others_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
