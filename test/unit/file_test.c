/* file_test.c - whole files and folders: what is refused, what is left behind; and children with a deadline. */

#include "base/clock.h"
#include "base/file.h"
#include "base/task.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static char top[] = "/tmp/s3mounts-file-XXXXXX";
static char path[200];

static const char *at(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", top, name);
	return path;
}

static int make_top(void **state)
{
	(void)state;
	strcpy(top, "/tmp/s3mounts-file-XXXXXX");
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", top);
	return system(command);
}

static int entries(void)
{
	char command[100];
	FILE *p;
	int n = -1;

	snprintf(command, sizeof command, "ls -A %s | wc -l", top);
	p = popen(command, "r");
	if (!p || fscanf(p, "%d", &n) != 1)
		n = -1;
	if (p)
		pclose(p);
	return n;
}

static void replace_is_whole_and_private(void **state)
{
	struct buf b = buf_heap(100);
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(file_replace(at("f"), 0600, SPAN("one"), &e), 0);
	assert_int_equal(chmod(at("f"), 0644), 0);
	assert_int_equal(file_replace(at("f"), 0600, SPAN("two!"), &e), 0);
	assert_int_equal(stat(at("f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(file_read(at("f"), &b, &e), 0);
	assert_string_equal(b.p, "two!");
	assert_int_equal(entries(), 1);
	buf_free(&b);
}

static void replace_refuses_links_and_others(void **state)
{
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(file_replace(at("victim"), 0600, SPAN("keep"), &e), 0);
	assert_int_equal(symlink("victim", at("link")), 0);
	assert_int_equal(file_replace(at("link"), 0600, SPAN("gone"), &e), -1);
	assert_non_null(strstr(e.text, "symbolic link"));
	assert_int_equal(lstat(at("victim"), &st), 0);
	assert_int_equal(st.st_size, 4);
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(file_replace(at("fifo"), 0600, SPAN("x"), &e), -1);
	assert_int_equal(file_replace(at("no/such/folder"), 0600, SPAN("x"), &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_int_equal(entries(), 3);
}

static void read_has_its_limits(void **state)
{
	struct buf b = buf_heap(5), exact = buf_heap(6);
	struct err e;

	(void)state;
	assert_int_equal(file_read(at("none"), &b, &e), 1);
	assert_int_equal(file_replace(at("five"), 0600, SPAN("12345"), &e), 0);
	assert_int_equal(file_read(at("five"), &b, &e), -1);
	assert_non_null(strstr(e.text, "File too large"));
	assert_int_equal(file_read(at("five"), &exact, &e), -1); /* one more is needed to see the end */
	buf_free(&exact);
	exact = buf_heap(7);
	assert_int_equal(file_read(at("five"), &exact, &e), 0);
	assert_string_equal(exact.p, "12345");
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(file_read(at("fifo"), &b, &e), -1); /* and does not wait for a writer */
	assert_int_equal(file_read(top, &b, &e), -1);
	buf_free(&b);
	buf_free(&exact);
}

static void private_folders(void **state)
{
	struct stat st;
	struct err e;

	(void)state;
	assert_int_equal(dir_private(at("a/b/c"), &e), 0);
	assert_int_equal(stat(at("a/b/c"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(at("a/b"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0755);
	assert_int_equal(dir_private(at("a/b/c"), &e), 0);
	assert_int_equal(chmod(at("a/b/c"), 0750), 0);
	assert_int_equal(dir_private(at("a/b/c"), &e), -1);
	assert_non_null(strstr(e.text, "others may enter"));
	assert_int_equal(symlink("a", at("link")), 0);
	assert_int_equal(dir_private(at("link"), &e), -1);
	assert_int_equal(file_replace(at("file"), 0600, SPAN(""), &e), 0);
	assert_int_equal(dir_private(at("file"), &e), -1);
	assert_int_equal(dir_make(at("file/x"), 0755, &e), -1);
	assert_int_equal(dir_make(at("file"), 0755, &e), -1);
}

static void splits_paths(void **state)
{
	static const struct {
		const char *path, *above, *name;
	} cases[] = {
		{ "/a/b/c", "/a/b", "c" },
		{ "/a", "/", "a" },
		{ "/", "/", "" },
		{ "a/b", "a", "b" },
		{ "a", ".", "a" },
		{ "/a/", "/a", "" },
	};
	static char longest[PATH_MAX + 10], out[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_string_equal(file_dirname(out, cases[i].path), cases[i].name);
		assert_string_equal(out, cases[i].above);
		assert_string_equal(file_basename(cases[i].path), cases[i].name);
	}
	memset(longest, 'x', sizeof longest - 1);
	longest[0] = longest[sizeof longest - 3] = '/';
	assert_string_equal(file_dirname(out, longest), "x");
	assert_string_equal(out, "");
}

/* TOP lies in /tmp, which is root's and sticky. */
static void root_alone_can_change_it(void **state)
{
	char real[PATH_MAX];

	(void)state;
	if (geteuid())
		return;
	assert_int_equal(mkdir(at("a"), 0755), 0);
	assert_int_equal(symlink("a", at("link")), 0);
	assert_int_equal(mkdir(at("link/b"), 0755), 0);
	assert_true(file_is_root_owned(realpath(at("a/b"), real)));
	assert_true(file_is_root_owned(at("link/b")));
	assert_int_equal(lchown(at("link"), 65534, 65534), 0);
	assert_false(file_is_root_owned(at("link/b")));
	assert_int_equal(chmod(at("a"), 0777), 0);
	assert_false(file_is_root_owned(at("a/b")));
	assert_int_equal(chmod(at("a"), 01777), 0);
	assert_true(file_is_root_owned(at("a/b")));
	assert_false(file_is_root_owned(at("a/none")));
}

static char hello[] = "hello", too_long[] = "much too long for the room";

static int say(void *arg, int out)
{
	return write_all(out, arg, strlen(arg)) ? 1 : 0;
}

static int hang(void *arg, int out)
{
	(void)arg;
	return out >= 0 ? pause() : 0;
}

static void tasks_answer_or_are_ended(void **state)
{
	char answer[16];
	int64_t begun = clock_ms();
	struct err e;

	(void)state;
	assert_int_equal(task_run(say, hello, 5000, answer, sizeof answer, &e), 5);
	assert_memory_equal(answer, "hello", 5);
	assert_int_equal(task_run(say, too_long, 5000, answer, 4, &e), 4);
	assert_int_equal(task_run(hang, NULL, 100, answer, sizeof answer, &e), -1);
	assert_int_equal(e.code, CODE_UNREACHABLE);
	assert_true(clock_ms() - begun < 4000);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	assert_int_equal(errno, ECHILD);
}

static void close_both(void *arg)
{
	const int *fds = arg;

	close(fds[0]);
	close(fds[1]);
}

static int ask_again(void *arg, int out)
{
	char answer[8];
	struct err e;
	ssize_t n = task_run(say, arg, 5000, answer, sizeof answer, &e);

	return n < 0 || write_all(out, answer, (size_t)n) ? 1 : 0;
}

/* What only the parent may keep open is closed in its children, once: their own children have other descriptors of these numbers. */
static void a_task_has_tasks_of_its_own(void **state)
{
	char answer[8];
	struct err e;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	task_in_children(close_both, fds);
	assert_int_equal(task_run(ask_again, hello, 5000, answer, sizeof answer, &e), 5);
	assert_memory_equal(answer, "hello", 5);
	task_in_children(NULL, NULL);
	close_both(fds);
}

/* All bytes arrive, the descriptor with the first; who has hung up is an error, and no signal. */
static void descriptors_are_sent(void **state)
{
	struct task t = { .active = true };
	int fds[2], got = -1;
	char text[8];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	t.out = fds[0];
	assert_int_equal(send_with_fd(fds[1], "abc", 3, fds[1]), 0);
	assert_int_equal(task_read(&t, text, sizeof text, &got), 3);
	assert_memory_equal(text, "abc", 3);
	assert_true(got >= 0);
	assert_int_equal(write(got, "x", 1), 1);
	assert_int_equal(read(fds[0], text, sizeof text), 1);
	close(got);
	close(fds[0]);
	assert_int_equal(send_with_fd(fds[1], "abc", 3, fds[1]), -1);
	assert_int_equal(errno, EPIPE);
	close(fds[1]);
}

static void deadlines(void **state)
{
	(void)state;
	assert_int_equal(clock_earlier(-1, -1), -1);
	assert_int_equal(clock_earlier(-1, 5), 5);
	assert_int_equal(clock_earlier(7, 5), 5);
	assert_int_equal(clock_left(-1), -1);
	assert_int_equal(clock_left(clock_ms() - 100), 0);
	assert_in_range(clock_left(clock_ms() + 10000), 9000, 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replace_is_whole_and_private, make_top, remove_top),
		cmocka_unit_test_setup_teardown(replace_refuses_links_and_others, make_top, remove_top),
		cmocka_unit_test_setup_teardown(read_has_its_limits, make_top, remove_top),
		cmocka_unit_test_setup_teardown(private_folders, make_top, remove_top),
		cmocka_unit_test(splits_paths),
		cmocka_unit_test_setup_teardown(root_alone_can_change_it, make_top, remove_top),
		cmocka_unit_test(tasks_answer_or_are_ended),
		cmocka_unit_test(a_task_has_tasks_of_its_own),
		cmocka_unit_test(descriptors_are_sent),
		cmocka_unit_test(deadlines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
