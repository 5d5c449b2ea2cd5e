/* mnt_users_test.c - who uses a folder: by its working directory, its root, an open file or a mapped one; and who does not count. */

#include "mnt/users.h"

#include <signal.h>
#include <sys/mman.h>

#include "mntns.h"

static const char *target;

static int hold_folder(void)
{
	return chdir(in_base("used"));
}

static int hold_below(void)
{
	return chdir(in_base("used/below"));
}

static int hold_root(void)
{
	return chroot(in_base("used")) || chdir("/");
}

static int hold_file(void)
{
	return open(in_base("used/file"), O_RDONLY) < 0;
}

static int hold_mapping(void)
{
	int fd = open(in_base("used/file"), O_RDONLY);

	return mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED || close(fd);
}

static int hold_beside(void)
{
	return chdir(in_base("used-not"));
}

static int hold_nothing(void)
{
	return 0;
}

/* A process that has done HOLD, and does nothing more until it is killed. */
static pid_t start(int (*hold)(void))
{
	int ready[2];
	char word = 1;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		word = chdir("/") || hold() ? 'x' : 'o';
		if (write(ready[1], &word, 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &word, 1), 1);
	assert_int_equal(word, 'o');
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *what;
	int (*hold)(void);
	bool used;
} rows[] = {
	{ "nothing", hold_nothing, false },
	{ "its working directory", hold_folder, true },
	{ "its working directory, below", hold_below, true },
	{ "its root", hold_root, true },
	{ "an open file", hold_file, true },
	{ "a mapped file that is closed", hold_mapping, true },
	{ "a folder whose name begins alike", hold_beside, false },
};

static void whoever_holds_it_uses_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		pid_t pid = start(rows[i].hold);
		bool used = mnt_in_use(target, 0);

		end(pid);
		if (used != rows[i].used)
			fail_msg("%s", rows[i].what);
	}
}

/* The supervisor and the children that ask for it. */
static void the_parent_and_its_children_do_not_count(void **state)
{
	pid_t pid = start(hold_file);

	(void)state;
	assert_true(mnt_in_use(target, 0));
	assert_false(mnt_in_use(target, getpid()));
	assert_false(mnt_in_use(target, pid));
	end(pid);
	assert_int_equal(chdir(target), 0);
	assert_true(mnt_in_use(target, 0));
	assert_false(mnt_in_use(target, getpid()));
	assert_int_equal(chdir("/"), 0);
}

static int make(void **state)
{
	if (mntns_enter(state))
		return -1;
	target = make_folder("used");
	make_folder("used/below");
	make_folder("used-not");
	make_file(in_base("used/file"), "x");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_holds_it_uses_it),
		cmocka_unit_test(the_parent_and_its_children_do_not_count),
	};

	return cmocka_run_group_tests(tests, make, mntns_leave);
}
