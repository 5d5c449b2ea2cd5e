/* log_test.c - base/log: lines reach the file and whoever reads beside it, nobody is waited for, and neither disk nor memory fills. */

#include "folder.h"

#include "base/log.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PIPE_SIZE 4096 /* as small as one can be */
#define LINE 100

static int pipes[2];

/* The log's own memory goes with the process: each test has one. */
static void in_a_child(void (*test)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define MUST(holds)                                                                                \
	do {                                                                                       \
		if (!(holds)) {                                                                    \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds); \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void make_pipe(void)
{
	MUST(pipe(pipes) == 0);
	MUST(fcntl(pipes[1], F_SETPIPE_SZ, PIPE_SIZE) == PIPE_SIZE);
}

/* Line number N, of LINE bytes with time and newline. */
static void say_line(int n)
{
	log_line("%04d %.*s", n, LINE - 27,
		"....................................................................................................");
}

/* Appends what there is in the pipe to TEXT. */
static size_t drain_pipe(char *text, size_t have, size_t size)
{
	struct pollfd p = { .fd = pipes[0], .events = POLLIN };
	ssize_t n;

	while (poll(&p, 1, 0) > 0 && (n = read(pipes[0], text + have, size - 1 - have)) > 0)
		have += (size_t)n;
	text[have] = 0;
	return have;
}

/* All that goes out, while there is some. */
static size_t drain_all(char *text, size_t size)
{
	size_t have = drain_pipe(text, 0, size);

	while (log_waiting() >= 0) {
		log_go_on();
		have = drain_pipe(text, have, size);
	}
	return have;
}

static int count_lines(const char *text)
{
	int n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static char text[256 * 1024];

static void both_get_a_line(void)
{
	char file[128];
	int fd;

	make_pipe();
	log_open("log");
	log_also(pipes[1]);
	errno = E2BIG;
	log_line("%s %d", "one", 1);
	MUST(errno == E2BIG);
	drain_all(text, sizeof text);
	MUST(strlen(text) == strlen("2026-11-23T14:05:00Z one 1\n") && strstr(text, "Z one 1\n") && text[10] == 'T');
	fd = open("log", O_RDONLY);
	MUST(read(fd, file, sizeof file) == (ssize_t)strlen(text) && memcmp(file, text, strlen(text)) == 0);
	MUST(log_waiting() == -1);
}

static void news_alone_are_for_who_wants_these(void)
{
	char file[256] = "";
	int fd;

	make_pipe();
	log_open("log");
	log_news_to(pipes[1]);
	log_line("no news");
	log_news("news %d", 1);
	drain_all(text, sizeof text);
	MUST(strcmp(text, "s3mounts: news 1\n") == 0);
	fd = open("log", O_RDONLY);
	MUST(read(fd, file, sizeof file - 1) > 0 && strstr(file, "Z no news\n") && strstr(file, "Z news 1\n"));
}

static void who_reads_all_gets_news_once(void)
{
	make_pipe();
	log_also(pipes[1]);
	log_news("news");
	drain_all(text, sizeof text);
	MUST(count_lines(text) == 1 && strstr(text, "Z news\n"));
}

static void without_a_file_lines_go_nowhere(void)
{
	log_line("nobody");
	MUST(log_waiting() == -1);
	log_open("/nonexistent/log");
	log_line("nobody");
}

/* More than the pipe takes, and less than may be kept: none is lost, and nothing waits. */
static void lines_to_a_full_pipe_are_kept(void)
{
	make_pipe();
	log_also(pipes[1]);
	for (int i = 0; i < 200; i++)
		say_line(i);
	MUST(log_waiting() >= 0);
	drain_all(text, sizeof text);
	MUST(count_lines(text) == 200);
	for (int i = 0; i < 200; i++) {
		char number[16];

		snprintf(number, sizeof number, "Z %04d .", i);
		MUST(strstr(text, number));
	}
	MUST(!strstr(text, "dropped"));
}

/* Lines in the text, those that were dropped too. */
static unsigned long count_all_lines(void)
{
	unsigned long n = 0;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		const char *words = strchr(line, ' ') + 1;

		n += strncmp(words + strspn(words, "0123456789"), " lines were dropped", 19) ? 1 : strtoul(words, NULL, 10);
	}
	return n;
}

static void what_is_kept_is_bounded(void)
{
	make_pipe();
	log_also(pipes[1]);
	for (int i = 0; i < 2000; i++)
		say_line(i);
	drain_all(text, sizeof text);
	MUST(strlen(text) <= LOG_KEPT + PIPE_SIZE + 1500);
	MUST(strstr(text, "Z 0000 .") && !strstr(text, "Z 1999 ."));
	MUST(strstr(text, " lines were dropped: nobody has read them\n"));
	MUST(count_all_lines() == 2000);
	log_line("later");
	drain_all(text, sizeof text);
	MUST(strstr(text, "later") && !strstr(text, "dropped"));
}

/* Others have the pipe open too, and expect to wait. */
static void the_callers_pipe_stays_blocking(void)
{
	make_pipe();
	log_also(pipes[1]);
	for (int i = 0; i < 100; i++)
		say_line(i);
	MUST(!(fcntl(pipes[1], F_GETFL) & O_NONBLOCK));
}

static void a_socket_is_not_waited_for_either(void)
{
	int small = 4096;

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes) == 0);
	MUST(setsockopt(pipes[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small) == 0);
	log_also(pipes[1]);
	alarm(5);
	for (int i = 0; i < 300; i++)
		say_line(i);
	MUST(log_waiting() >= 0);
	MUST(!(fcntl(pipes[1], F_GETFL) & O_NONBLOCK));
	drain_all(text, sizeof text);
	MUST(count_lines(text) == 300);
}

static void a_reader_that_has_gone_is_forgotten(void)
{
	signal(SIGPIPE, SIG_IGN);
	make_pipe();
	log_also(pipes[1]);
	for (int i = 0; i < 100; i++)
		say_line(i);
	close(pipes[0]);
	log_go_on();
	MUST(log_waiting() == -1);
	log_line("nobody");
	MUST(log_waiting() == -1);
}

/* A child of the supervisor writes to the file alone: two would mix what is kept. */
static void a_child_writes_to_the_file_alone(void)
{
	int status;
	pid_t pid;

	make_pipe();
	log_open("log");
	log_also(pipes[1]);
	pid = fork();
	if (pid == 0) {
		log_line("from a child");
		_exit(0);
	}
	waitpid(pid, &status, 0);
	MUST(drain_all(text, sizeof text) == 0);
}

static void one_old_file_is_kept(void)
{
	struct stat st;

	put_str("log.1", "older\n");
	log_open("log");
	for (int i = 0; i < 3 * LOG_MAX / LINE; i++)
		say_line(i);
	MUST(stat("log", &st) == 0 && st.st_size <= LOG_MAX + LINE && (st.st_mode & 0777) == 0600);
	MUST(stat("log.1", &st) == 0 && st.st_size > LOG_MAX - LINE && st.st_size <= LOG_MAX + 2 * LINE);
	MUST(stat("log.2", &st) != 0);
}

static void a_link_is_no_log(void)
{
	struct stat st;

	put_str("other", "");
	MUST(symlink("other", "log") == 0);
	log_open("log");
	log_line("nobody");
	MUST(stat("other", &st) == 0 && st.st_size == 0);
}

#define each(name)                        \
	static void name##_(void **state) \
	{                                 \
		(void)state;              \
		in_a_child(name);         \
	}
each(both_get_a_line) each(without_a_file_lines_go_nowhere) each(lines_to_a_full_pipe_are_kept) each(what_is_kept_is_bounded)
	each(the_callers_pipe_stays_blocking) each(a_socket_is_not_waited_for_either) each(a_reader_that_has_gone_is_forgotten)
		each(a_child_writes_to_the_file_alone) each(one_old_file_is_kept) each(a_link_is_no_log)
			each(news_alone_are_for_who_wants_these) each(who_reads_all_gets_news_once)

#define alone(name) cmocka_unit_test_setup_teardown(name##_, enter, leave)

				int main(void)
{
	const struct CMUnitTest tests[] = {
		alone(both_get_a_line),
		alone(news_alone_are_for_who_wants_these),
		alone(who_reads_all_gets_news_once),
		alone(without_a_file_lines_go_nowhere),
		alone(lines_to_a_full_pipe_are_kept),
		alone(what_is_kept_is_bounded),
		alone(the_callers_pipe_stays_blocking),
		alone(a_socket_is_not_waited_for_either),
		alone(a_reader_that_has_gone_is_forgotten),
		alone(a_child_writes_to_the_file_alone),
		alone(one_old_file_is_kept),
		alone(a_link_is_no_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
