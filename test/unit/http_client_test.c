/* http_client_test.c - connections that are kept, closed, cut off and silent: against a server on loopback that follows a script. */

#include "unit.h"

#include "base/clock.h"
#include "http/client.h"
#include "http/dial.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n##" /* each # becomes the number of the connection */
#define SILENCE "(silence)"

static struct http_client client;
static struct http_origin origin = { .host = "localhost" };
static struct proxy via; /* and by which proxy */
static pid_t server;

static bool read_request(int fd)
{
	char seen[4096];
	size_t have = 0;
	ssize_t n;

	while (have < sizeof seen && (n = read(fd, seen + have, sizeof seen - have)) > 0) {
		have += (size_t)n;
		if (memmem(seen, have, "\r\n\r\n", 4))
			return true;
	}
	return false;
}

/* In one piece: what stands behind an answer comes with it. */
static void answer(int fd, const char *text, int connection)
{
	size_t n = strlen(text);
	char *out = malloc(n + 1);

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] == '#' ? (char)('0' + connection) : text[i];
	if (write(fd, out, n) < 0)
		_exit(1);
	free(out);
}

/* SCRIPT: answers in order; "" closes the connection; a client that closes goes on with the next one. */
static void serve(int listener, const char *const *script)
{
	for (int connection = 1; *script; connection++) {
		int fd = accept(listener, NULL, NULL);

		for (; *script && **script && read_request(fd); script++) {
			if (strcmp(*script, SILENCE) == 0)
				pause();
			answer(fd, *script, connection);
		}
		if (!*script)
			read_request(fd); /* until the client has had enough */
		else if (!**script)
			script++;
		close(fd);
	}
	_exit(0);
}

static void start(const char *const *script)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	origin.port = via.port = ntohs(a.sin_port);
	server = fork();
	if (server == 0)
		serve(fd, script);
	close(fd);
	http_client_init(&client, NULL, 2000);
}

static void stop(void)
{
	http_client_close(&client);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
}

/* Asks once. Returns 0 with the body in BODY, or -1. */
static int ask(char *body, size_t size, int timeout_ms, struct fail *f)
{
	int64_t deadline = clock_ms() + timeout_ms;
	struct buf b = buf_over(body, size);

	if (http_client_send(&client, &origin, &via, SPAN("GET / HTTP/1.1\r\nhost: x\r\n\r\n"), SPAN(""), false, deadline, f))
		return -1;
	return http_client_collect(&client, &b, deadline, f);
}

#define SCRIPT(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* Each script is asked twice; both must be answered, the second time on the connection that is told. */
static void test_two_requests(void **state)
{
	static const struct {
		const char *script[5], *second;
	} cases[] = {
		{ { OK, OK }, "11" },
		{ { OK, "", OK }, "22" },
		{ { "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n##", OK }, "22" },
		{ { "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n##", OK }, "22" },
		{ { OK "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", OK }, "22" },
		{ { "HTTP/1.1 200 OK\r\n\r\n##", "", OK }, "22" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fail f;
		char body[16];

		start(cases[i].script);
		if (ask(body, sizeof body, 3000, &f))
			fail_msg("case %zu: %s", i, f.err.text);
		assert_string_equal(body, "11");
		if (ask(body, sizeof body, 3000, &f))
			fail_msg("case %zu, second: %s", i, f.err.text);
		assert_string_equal(body, cases[i].second);
		stop();
	}
}

/* One that is kept leads to the same proxy by the same login, or is not used. */
static void test_a_connection_is_of_its_proxy(void **state)
{
	static const struct proxy one = {
		.kind = PROXY_HTTP, .host = "127.0.0.1", .has_login = true, .login = "u:p", .login_length = 3
	};
	struct fail f;
	char body[16];

	(void)state;
	via = one;
	start(SCRIPT(OK, OK, OK));
	assert_int_equal(ask(body, sizeof body, 3000, &f), 0);
	assert_int_equal(ask(body, sizeof body, 3000, &f), 0);
	assert_string_equal(body, "11");
	via.login[0] = 'v';
	assert_int_equal(ask(body, sizeof body, 3000, &f), 0);
	assert_string_equal(body, "22");
	stop();
	via = (struct proxy){ .kind = PROXY_NONE };
	for (size_t i = 0; i < sizeof client.via.login; i++)
		assert_int_equal(client.via.login[i], 0);
}

/* The proxy has spoken; the server behind it has not. */
static void test_closed_behind_the_proxy(void **state)
{
	struct trust trust = { .file = NULL };
	struct fail f;
	char body[16];

	(void)state;
	via = (struct proxy){ .kind = PROXY_HTTP, .host = "127.0.0.1", .variable = "HTTPS_PROXY" };
	start(SCRIPT("HTTP/1.1 200 OK\r\n\r\n", ""));
	client.trust = &trust;
	origin.tls = true;
	assert_int_equal(ask(body, sizeof body, 3000, &f), -1);
	origin.tls = false;
	via = (struct proxy){ .kind = PROXY_NONE };
	assert_int_equal(f.kind, FAIL_BLOCKED);
	assert_non_null(strstr(f.err.text, " by the proxy 127.0.0.1 port "));
	stop();
}

static const struct {
	const char *name, *answer;
	enum fail_kind kind;
} failures[] = {
	{ "not a word", "", FAIL_BLOCKED },
	{ "half a head", "HTTP/1.1 200 OK\r\nContent-Le", FAIL_PROTOCOL },
	{ "half a body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", FAIL_UNREACHABLE },
	{ "half a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi", FAIL_UNREACHABLE },
	{ "another protocol", "SSH-2.0-x\r\n", FAIL_PROTOCOL },
	{ "TLS", "\x15\x03\x01\x01\x02\x02\x50", FAIL_PROTOCOL },
	{ "bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", FAIL_PROTOCOL },
	{ "no answer", SILENCE, FAIL_TIMEOUT },
};

static void test_failures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		const char *first = failures[i].answer;
		struct fail f = { 0 };
		char body[16];

		start(first[0] ? SCRIPT(first, "") : SCRIPT(""));
		if (!ask(body, sizeof body, 300, &f) || f.kind != failures[i].kind)
			fail_msg("%s: kind %d, %s", failures[i].name, f.kind, f.err.text);
		assert_int_equal(f.err.code, CODE_UNREACHABLE);
		assert_int_equal(client.conn.fd, -1);
		stop();
	}
}

/* On a connection that was kept: once more, and then no more. */
static void test_once_more_only(void **state)
{
	struct fail f;
	char body[16];

	(void)state;
	start(SCRIPT(OK, "", "", OK));
	assert_int_equal(ask(body, sizeof body, 3000, &f), 0);
	assert_int_equal(ask(body, sizeof body, 3000, &f), -1);
	assert_int_equal(f.kind, FAIL_BLOCKED);
	stop();
}

static void test_large_body_is_bounded(void **state)
{
	struct buf b;
	struct fail f;
	char mem[2];

	(void)state;
	start(SCRIPT(OK));
	b = buf_over(mem, sizeof mem);
	assert_int_equal(http_client_send(&client, &origin, &via, SPAN("GET / HTTP/1.1\r\n\r\n"), SPAN(""), false,
				 clock_ms() + 3000, &f),
		0);
	assert_int_equal(http_client_collect(&client, &b, clock_ms() + 3000, &f), 0);
	assert_true(b.full);
	assert_int_equal(client.conn.fd, -1);
	stop();
}

static void test_addresses(void **state)
{
	unsigned char ip[16];
	struct dial_list l;
	struct fail f;

	(void)state;
	assert_int_equal(dial_numeric("127.0.0.1", ip), 4);
	assert_int_equal(dial_numeric("::1", ip), 16);
	assert_int_equal(dial_numeric("s3.example", ip), 0);
	assert_int_equal(dial_numeric("1.2.3", ip), 0);
	assert_int_equal(dial_resolve("b.localhost", 80, 0, &l, &f), 0);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.at[0].v4.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_int_equal(l.at[0].v4.sin_port, htons(80));
	assert_true(IN6_IS_ADDR_LOOPBACK(&l.at[1].v6.sin6_addr));
	assert_int_equal(dial_resolve("s3.example", 80, 0, &l, &f), -1);
	assert_int_equal(f.kind, FAIL_NAME);
}

/* A dead address first: the live one answers after the stagger, not after the first one's time-out. */
static void test_dead_address_first(void **state)
{
	struct dial_list l, live;
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	struct fail f;
	int listener = socket(AF_INET, SOCK_STREAM, 0), full = socket(AF_INET, SOCK_STREAM, 0), waiting[8], fd;
	int64_t start_ms;

	(void)state;
	/* A listener whose queue is full takes no connection: its SYN is dropped, as a firewall would. */
	assert_int_equal(bind(full, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(full, 0), 0);
	assert_int_equal(getsockname(full, (struct sockaddr *)&a, &n), 0);
	for (size_t i = 0; i < 8; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(waiting[i], (struct sockaddr *)&a, sizeof a);
	}
	assert_int_equal(dial_resolve("127.0.0.1", ntohs(a.sin_port), 0, &l, &f), 0);
	assert_int_equal(dial_connect(&l, "h", clock_ms() + 150, &f), -1);
	assert_int_equal(f.kind, FAIL_TIMEOUT);
	a.sin_port = 0;
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(dial_resolve("127.0.0.1", ntohs(a.sin_port), 0, &live, &f), 0);
	l.at[l.count++] = live.at[0];
	start_ms = clock_ms();
	fd = dial_connect(&l, "h", start_ms + 3000, &f);
	assert_true(fd >= 0);
	assert_in_range(clock_ms() - start_ms, 200, 1000);
	close(fd);
	close(listener);
	assert_int_equal(dial_connect(&live, "h", clock_ms() + 3000, &f), -1);
	assert_int_equal(f.kind, FAIL_REFUSED);
	for (size_t i = 0; i < 8; i++)
		close(waiting[i]);
	close(full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_requests),
		cmocka_unit_test(test_a_connection_is_of_its_proxy),
		cmocka_unit_test(test_closed_behind_the_proxy),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_once_more_only),
		cmocka_unit_test(test_large_body_is_bounded),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_dead_address_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
