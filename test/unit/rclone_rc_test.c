/* rclone_rc_test.c - what a running rclone, or something else on its socket, answers: against a server that follows a script. */

#include "unit.h"

#include "base/buf.h"
#include "base/clock.h"
#include "rclone/rc.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STATS                                                                                                                      \
	"{\n\t\"diskCache\": {\n\t\t\"bytesUsed\": 6,\n\t\t\"erroredFiles\": 1,\n\t\t\"files\": 9,\n\t\t\"hashType\": 1,\n"        \
	"\t\t\"outOfSpace\": true,\n\t\t\"path\": \"/c/vfs\",\n\t\t\"pathMeta\": \"/c/vfsMeta\",\n\t\t\"uploadsInProgress\": 2,\n" \
	"\t\t\"uploadsQueued\": 3\n\t},\n\t\"fs\": \"s3mounts:b\",\n\t\"inUse\": 1,\n\t\"opt\": {\"uploadsQueued\": 99}\n}\n"
#define CACHE(progress, queued, errored, full)                                                                      \
	"{\"diskCache\":{\"uploadsInProgress\":" progress ",\"uploadsQueued\":" queued ",\"erroredFiles\":" errored \
	",\"outOfSpace\":" full "}}"
#define SILENCE "(silence)"
#define FLOOD "(flood)"
#define DRIP "(drip)"
#define TIMEOUT 5000

static char path[] = "/tmp/rc_test.XXXXXX/socket";
static char seen_path[] = "/tmp/rc_test.XXXXXX/seen";
static pid_t server;

static char *answer_of(const char *status, const char *body)
{
	static char text[8192];

	snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", status,
		strlen(body), body);
	return text;
}

static bool read_request(int fd)
{
	char text[4096];
	size_t have = 0;
	ssize_t n;
	FILE *f;

	while (have < sizeof text && (n = read(fd, text + have, sizeof text - have)) > 0) {
		have += (size_t)n;
		if (!memmem(text, have, "\r\n\r\n", 4))
			continue;
		f = fopen(seen_path, "a");
		if (!f)
			_exit(1);
		fwrite(text, 1, have, f);
		fclose(f);
		return true;
	}
	return false;
}

/* One that sends the same for ever, at once or slowly. */
static void never_end(int fd, const char *text, unsigned pause_us)
{
	while (write(fd, text, strlen(text)) > 0)
		usleep(pause_us);
}

static void say(int fd, const char *text, size_t split)
{
	size_t n = strlen(text);

	if (strcmp(text, SILENCE) == 0)
		pause();
	if (strcmp(text, FLOOD) == 0)
		never_end(fd, "HTTP/1.1 100 Continue\r\n\r\n", 0);
	if (strcmp(text, DRIP) == 0)
		never_end(fd, "H", 20000);
	split = split < n ? split : n;
	if (write(fd, text, split) < 0)
		_exit(1);
	if (split < n) {
		usleep(500); /* so that it comes in two pieces */
		if (write(fd, text + split, n - split) < 0)
			_exit(1);
	}
}

/* SCRIPT: an answer for each request, the first SPLIT bytes of it on their own; "" closes the connection. */
static void serve(int listener, const char *const *script, size_t split)
{
	while (*script) {
		int fd = accept(listener, NULL, NULL);

		for (; *script && **script && read_request(fd); script++)
			say(fd, *script, split);
		if (*script && !**script)
			script++;
		close(fd);
	}
	_exit(0);
}

static void start(const char *const *script, size_t split)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	unlink(path);
	unlink(seen_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 8), 0);
	server = fork();
	if (server == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGPIPE, SIG_IGN);
		serve(fd, script, split);
	}
	close(fd);
}

static void stop(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

static int enter(void **state)
{
	char dir[] = "/tmp/rc_test.XXXXXX";

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	memcpy(path, dir, strlen(dir));
	memcpy(seen_path, dir, strlen(dir));
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink(path);
	unlink(seen_path);
	*strrchr(path, '/') = 0;
	rmdir(path);
	path[strlen(path)] = '/';
	return 0;
}

static int stats(const char *text, size_t split, struct rclone_rc_stats *s, struct err *e)
{
	const char *script[] = { text, "", NULL };
	int ret;

	start(script, split);
	ret = rclone_rc_stats(path, TIMEOUT, s, e);
	stop();
	return ret;
}

static void assert_the_stats(const struct rclone_rc_stats *s)
{
	assert_int_equal(s->uploads_in_progress, 2);
	assert_int_equal(s->uploads_queued, 3);
	assert_int_equal(s->errored_files, 1);
	assert_true(s->out_of_space);
}

/* What was sent to the server so far. */
static const char *requests(void)
{
	static char text[65536];
	FILE *f = fopen(seen_path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	return text;
}

static void reads_the_stats(void **state)
{
	struct rclone_rc_stats s;
	struct err e;

	(void)state;
	assert_int_equal(stats(answer_of("200 OK", STATS), 1 << 20, &s, &e), 0);
	assert_the_stats(&s);
	assert_string_equal(requests(), "POST /vfs/stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(stats(answer_of("200 OK", CACHE("0", "0", "0", "false")), 1 << 20, &s, &e), 0);
	assert_int_equal(s.uploads_in_progress + s.uploads_queued + s.errored_files + s.out_of_space, 0);
}

static void reads_it_split_anywhere(void **state)
{
	static const char text[] =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"diskC\r\n61;x=y\r\n"
		"ache\":{\"uploadsInProgress\":2,\"uploadsQueued\":3,\"erroredFiles\":1,\"outOfSpace\":true,\"x\":\"0123456\"}}"
		"\r\n0\r\nTrailer: x\r\n\r\n";
	struct rclone_rc_stats s;
	struct err e;

	(void)state;
	for (size_t split = 1; split < sizeof text; split++) {
		memset(&s, 0, sizeof s);
		if (stats(text, split, &s, &e))
			fail_msg("split at %zu: %s", split, e.text);
		assert_the_stats(&s);
	}
}

static void refuses_what_was_cut_off(void **state)
{
	static char text[1024], whole[1024];
	struct rclone_rc_stats s = { .uploads_queued = 77 };

	(void)state;
	strcpy(whole, answer_of("200 OK", CACHE("2", "3", "1", "true")));
	for (size_t n = 1; n < strlen(whole); n++) {
		struct err e = { .code = CODE_OK };

		memcpy(text, whole, n);
		text[n] = 0;
		assert_int_equal(stats(text, 1 << 20, &s, &e), -1);
		assert_int_equal(e.code, CODE_FAULT);
		assert_non_null(strstr(e.text, path));
	}
	assert_int_equal(s.uploads_queued, 77);
}

#define WITHOUT(mode, read_only) "{\"fs\":\"b\",\"opt\":{\"CacheMode\":" mode ",\"ReadOnly\":" read_only "}}"

/* A read-only mount that caches nothing: by the number of its mode, or the name. */
static void what_has_no_cache_has_nothing_pending(void **state)
{
	static const char *const bodies[] = { WITHOUT("0", "true"), WITHOUT("\"off\"", "true") };

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct rclone_rc_stats s = { .uploads_queued = 77 };
		struct err e;

		assert_int_equal(rclone_rc_parse_stats(span_of(bodies[i]), &s, &e), 0);
		assert_int_equal(s.uploads_queued, 0);
	}
}

/* Never 0 by default. */
static void refuses_what_tells_no_number(void **state)
{
	static const char *const bodies[] = {
		"",
		"{}",
		"null",
		"[]",
		"{\"diskCache\":null}",
		WITHOUT("0", "false"),
		WITHOUT("1", "true"),
		WITHOUT("3", "true"),
		"{\"opt\":{\"CacheMode\":0}}",
		"{\"diskCache\":[]}",
		"{\"diskCache\":{}}",
		"{\"uploadsInProgress\":0,\"uploadsQueued\":0,\"erroredFiles\":0,\"outOfSpace\":false}",
		"{\"diskCache\":{\"uploadsQueued\":0,\"erroredFiles\":0,\"outOfSpace\":false}}",
		"{\"diskCache\":{\"uploadsInProgress\":0,\"erroredFiles\":0,\"outOfSpace\":false}}",
		"{\"diskCache\":{\"uploadsInProgress\":0,\"uploadsQueued\":0,\"outOfSpace\":false}}",
		"{\"diskCache\":{\"uploadsInProgress\":0,\"uploadsQueued\":0,\"erroredFiles\":0}}",
		CACHE("-1", "0", "0", "false"),
		CACHE("0", "\"0\"", "0", "false"),
		CACHE("0", "null", "0", "false"),
		CACHE("0", "0.5", "0", "false"),
		CACHE("0", "0", "9223372036854775808", "false"),
		CACHE("0", "0", "0", "null"),
		CACHE("0", "0", "0", "\"false\""),
		CACHE("0", "0", "0", "false") "x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		struct rclone_rc_stats s = { .uploads_queued = 77 };
		struct err e = { .code = CODE_OK };

		if (stats(answer_of("200 OK", bodies[i]), 1 << 20, &s, &e) != -1)
			fail_msg("taken: %s", bodies[i]);
		assert_int_equal(e.code, CODE_FAULT);
		assert_int_equal(s.uploads_queued, 77);
	}
}

static void refuses_other_answers(void **state)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{ "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 26\r\n\r\n{\"error\":\"no \x7f"
		  "VFS active\"}",
			"no ?VFS active" },
		{ "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops", "500" },
		{ "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404" },
		{ "HTTP/1.1 204 No Content\r\n\r\n", "204" },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", "" },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n{}", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct rclone_rc_stats s;
		struct err e = { .code = CODE_OK };

		assert_int_equal(stats(cases[i].text, 1 << 20, &s, &e), -1);
		assert_int_equal(e.code, CODE_FAULT);
		assert_non_null(strstr(e.text, cases[i].words));
	}
}

static void gives_up_at_the_deadline(void **state)
{
	static const char *const never[] = { SILENCE, DRIP, FLOOD, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{" };

	(void)state;
	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		const char *script[] = { never[i], SILENCE, NULL };
		struct rclone_rc_stats s;
		struct err e = { .code = CODE_OK };
		int64_t begin = clock_ms();

		start(script, 1 << 20);
		assert_int_equal(rclone_rc_stats(path, 200, &s, &e), -1);
		stop();
		assert_int_equal(e.code, CODE_FAULT);
		assert_in_range(clock_ms() - begin, 1, 2000);
	}
}

/* One that listens and does not accept: connect(2) itself waits. */
static void gives_up_where_nobody_accepts(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), waiting[4];
	struct rclone_rc_stats s;
	struct err e = { .code = CODE_OK };
	int64_t begin = clock_ms();

	(void)state;
	strcpy(a.sun_path, path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 4; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		connect(waiting[i], (struct sockaddr *)&a, sizeof a);
	}
	assert_int_equal(rclone_rc_stats(path, 200, &s, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_in_range(clock_ms() - begin, 1, 2000);
	for (int i = 0; i < 4; i++)
		close(waiting[i]);
	close(fd);
}

static void says_when_nobody_is_there(void **state)
{
	static char longer[200];
	struct rclone_rc_stats s;
	struct err e = { .code = CODE_OK };

	(void)state;
	assert_int_equal(rclone_rc_stats("/nonexistent/socket", TIMEOUT, &s, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	memset(longer, 'x', sizeof longer - 1);
	longer[0] = '/';
	assert_int_equal(rclone_rc_stats(longer, TIMEOUT, &s, &e), -1);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(rclone_rc_upload_now("/nonexistent/socket", TIMEOUT, &e), -1);
}

#define EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}\n"
#define CLOSING "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n{}\n"
#define GONE "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 34\r\n\r\n{\"error\": \"id not found in queue\"}\n"
#define QUEUE                                                                                                            \
	"{\"queue\":[{\"name\":\"a\",\"id\":7,\"size\":1,\"expiry\":59.9,\"tries\":0,\"delay\":60,\"uploading\":false}," \
	"{\"name\":\"b\",\"id\":8,\"size\":1,\"expiry\":-1.5,\"tries\":1,\"delay\":60,\"uploading\":true}, {\"id\":12}]}"

static int upload_now(const char *const *script, struct err *e)
{
	int ret;

	start(script, 1 << 20);
	ret = rclone_rc_upload_now(path, TIMEOUT, e);
	stop();
	return ret;
}

#define POST(method) "POST /" method " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"

/* Over one connection, or several; what is gone from the queue meanwhile is no error; what is being uploaded is let alone. */
static void hurries_all_that_waits(void **state)
{
	char queue[1024];
	const char *const scripts[][5] = {
		{ queue, EMPTY, EMPTY, NULL },
		{ queue, GONE, EMPTY, NULL },
		{ queue, CLOSING, "", EMPTY, NULL },
	};
	struct err e;

	(void)state;
	strcpy(queue, answer_of("200 OK", QUEUE));
	for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
		assert_int_equal(upload_now(scripts[i], &e), 0);
		assert_string_equal(requests(), POST("vfs/queue") POST("vfs/queue-set-expiry?id=7&expiry=-1000000000")
							POST("vfs/queue-set-expiry?id=12&expiry=-1000000000"));
	}
}

static void does_nothing_with_an_empty_queue(void **state)
{
	const char *const script[] = { answer_of("200 OK", "{\"queue\": []}"), NULL };
	struct err e;

	(void)state;
	assert_int_equal(upload_now(script, &e), 0);
	assert_string_equal(requests(), POST("vfs/queue"));
}

static void refuses_what_is_no_queue(void **state)
{
	static const char *const bodies[] = { "{}", "{\"queue\":null}", "{\"queue\":{}}", "{\"queue\":[", "{\"queue\":[1]}",
		"{\"queue\":[{\"name\":\"a\"}]}", "{\"queue\":[{\"id\":-1}]}", "{\"queue\":[{\"id\":\"1\"}]}",
		"{\"queue\":[{\"id\":1.5}]}" };

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		const char *const script[] = { answer_of("200 OK", bodies[i]), NULL };
		struct err e = { .code = CODE_OK };

		assert_int_equal(upload_now(script, &e), -1);
		assert_int_equal(e.code, CODE_FAULT);
		assert_string_equal(requests(), POST("vfs/queue"));
	}
}

static void says_what_rclone_refuses(void **state)
{
	char queue[1024];
	const char *const script[] = { queue,
		"HTTP/1.1 404 Not Found\r\nContent-Length: 35\r\n\r\n{\"error\":\"couldn't find method \\\"x\\\"\"}", NULL };
	struct err e = { .code = CODE_OK };

	(void)state;
	strcpy(queue, answer_of("200 OK", QUEUE));
	assert_int_equal(upload_now(script, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	assert_non_null(strstr(e.text, "404"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_stats),
		cmocka_unit_test(reads_it_split_anywhere),
		cmocka_unit_test(refuses_what_was_cut_off),
		cmocka_unit_test(what_has_no_cache_has_nothing_pending),
		cmocka_unit_test(refuses_what_tells_no_number),
		cmocka_unit_test(refuses_other_answers),
		cmocka_unit_test(gives_up_at_the_deadline),
		cmocka_unit_test(gives_up_where_nobody_accepts),
		cmocka_unit_test(says_when_nobody_is_there),
		cmocka_unit_test(hurries_all_that_waits),
		cmocka_unit_test(does_nothing_with_an_empty_queue),
		cmocka_unit_test(refuses_what_is_no_queue),
		cmocka_unit_test(says_what_rclone_refuses),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
