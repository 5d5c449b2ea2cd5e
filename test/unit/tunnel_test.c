/* tunnel_test.c - what is said to a proxy, and what its answers mean: over a pair of sockets, at whose other end they lie ready. */

#include "unit.h"

#include "base/clock.h"
#include "http/tunnel.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
#define BYTES(literal)                         \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}
#define NONE (-1)

static const struct {
	const char *name, *proxy, *host;
	struct span answers, sent;
	int kind; /* NONE: the way is open */
	const char *cause;
} cases[] = {
	{ "open", "x:1", "s3.test", BYTES("HTTP/1.1 200 OK\r\n\r\n"),
		BYTES("CONNECT s3.test:443 HTTP/1.1\r\nhost: s3.test:443\r\nuser-agent: s3mounts\r\n\r\n"), NONE, "" },
	{ "with a login", "Aladdin:open%20sesame@x:1", "2001:db8::1",
		BYTES("HTTP/1.0 200 Connection established\r\nA: b\r\n\r\n"),
		BYTES("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nhost: [2001:db8::1]:443\r\nuser-agent: s3mounts\r\n"
		      "proxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"),
		NONE, "" },
	{ "an interim answer", "x:1", "h", BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r\n"), BYTES(""), NONE, "" },
	{ "a length that means nothing", "x:1", "h", BYTES("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), BYTES(""), NONE,
		"" },
	{ "more than its answer", "x:1", "h", BYTES("HTTP/1.1 200 OK\r\n\r\nx"), BYTES(""), FAIL_PROXY,
		"more than its answer" },
	{ "no login", "x:1", "h", BYTES("HTTP/1.1 407 Auth\r\n\r\n<html>"), BYTES(""), FAIL_PROXY,
		"the proxy x port 1 wants a user and a password, and HTTPS_PROXY has none" },
	{ "a wrong login", "u:p@x:1", "h", BYTES("HTTP/1.1 407 Auth\r\n\r\n"), BYTES(""), FAIL_PROXY,
		"does not take the user and the password in HTTPS_PROXY" },
	{ "a wrong login, to tinyproxy", "u:p@x:1", "h", BYTES("HTTP/1.1 401 Auth\r\n\r\n"), BYTES(""), FAIL_PROXY,
		"does not take the user and the password in HTTPS_PROXY" },
	{ "forbidden", "x:1", "h", BYTES("HTTP/1.1 403 Filtered\r\n\r\n"), BYTES(""), FAIL_BLOCKED,
		"the proxy x port 1 does not let us connect to h port 443" },
	{ "unreachable", "x:1", "h", BYTES("HTTP/1.1 503 Gone\r\n\r\n"), BYTES(""), FAIL_PROXY,
		"the proxy x port 1 answers 503 when it shall connect to h port 443" },
	{ "a redirect", "x:1", "h", BYTES("HTTP/1.1 302 Login\r\nLocation: http://y/\r\n\r\n"), BYTES(""), FAIL_PROXY,
		"answers 302" },
	{ "TLS", "x:1", "h", BYTES("\x15\x03\x01\x01\x02\x02\x50"), BYTES(""), FAIL_PROXY, "it speaks TLS" },
	{ "another protocol", "x:1", "h", BYTES("SSH-2.0-x\r\n"), BYTES(""), FAIL_PROXY, "does not answer as a proxy does" },
	{ "half an answer", "x:1", "h", BYTES("HTTP/1.1 200"), BYTES(""), FAIL_PROXY, "closes the connection" },
	{ "not a word", "x:1", "h", BYTES(""), BYTES(""), FAIL_BLOCKED, "the proxy x port 1" },

	{ "a name", "socks5://x:1", "s3.test", BYTES("\5\0\5\0\0\1\1\2\3\4\0\x50"), BYTES("\5\1\0\5\1\0\3\7s3.test\1\xbb"),
		NONE, "" },
	{ "an address", "socks5://x:1", "10.1.2.3", BYTES("\5\0\5\0\0\3\4name\0\x50"), BYTES("\5\1\0\5\1\0\1\xa\1\2\3\1\xbb"),
		NONE, "" },
	{ "an IPv6 address", "socks5://x:1", "2001:db8::1",
		BYTES("\5\0\5\0\0\4"
		      "0123456789abcdef"
		      "\0\x50"),
		BYTES("\5\1\0\5\1\0\4\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\1\xbb"), NONE, "" },
	{ "a login, wanted", "socks5://us:pass@x:1", "h", BYTES("\5\2\1\0\5\0\0\1\1\2\3\4\0\x50"),
		BYTES("\5\2\0\2\1\2us\4pass\5\1\0\3\1h\1\xbb"), NONE, "" },
	{ "a login, not wanted", "socks5://us:pass@x:1", "h", BYTES("\5\0\5\0\0\1\1\2\3\4\0\x50"),
		BYTES("\5\2\0\2\5\1\0\3\1h\1\xbb"), NONE, "" },
	{ "a wrong one", "socks5://us:pass@x:1", "h", BYTES("\5\2\1\1"), BYTES(""), FAIL_PROXY,
		"does not take the user and the password in HTTPS_PROXY" },
	{ "none", "socks5://x:1", "h", BYTES("\5\xff"), BYTES("\5\1\0"), FAIL_PROXY, "wants a user and a password" },
	{ "a login that was not offered", "socks5://x:1", "h", BYTES("\5\2"), BYTES("\5\1\0"), FAIL_PROXY,
		"wants a user and a password" },
	{ "no SOCKS", "socks5://x:1", "h", BYTES("HTTP/1.1 400"), BYTES(""), FAIL_PROXY, "it speaks no SOCKS5" },
	{ "SOCKS4", "socks5://x:1", "h", BYTES("\5\0\4\0\0\1\1\2\3\4\0\x50"), BYTES(""), FAIL_PROXY, "it speaks no SOCKS5" },
	{ "its rules", "socks5://x:1", "h", BYTES("\5\0\5\2\0\1\1\2\3\4\0\x50"), BYTES(""), FAIL_BLOCKED,
		"does not let us connect to h port 443" },
	{ "nobody there", "socks5://x:1", "h", BYTES("\5\0\5\5\0\1\1\2\3\4\0\x50"), BYTES(""), FAIL_PROXY,
		"cannot connect to h port 443: nothing listens there (SOCKS5 5)" },
	{ "an unknown reason", "socks5://x:1", "h", BYTES("\5\0\5\x9\0\1\1\2\3\4\0\x50"), BYTES(""), FAIL_PROXY,
		"it does not say why (SOCKS5 9)" },
	{ "half an answer to it", "socks5://x:1", "h", BYTES("\5\0\5\0\0\1\1\2"), BYTES(""), FAIL_PROXY,
		"closes the connection" },
};

static void opens_a_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_origin o = { .port = 443, .tls = true };
		struct conn c = CONN_NONE;
		struct fail f = { .kind = FAIL_FAULT };
		struct proxy via;
		char sent[512];
		int fds[2], ret;
		ssize_t n;

		snprintf(o.host, sizeof o.host, "%s", cases[i].host);
		assert_int_equal(proxy_choose(&via, &o, cases[i].proxy, "", &f.err), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		assert_int_equal(write(fds[1], cases[i].answers.p, cases[i].answers.n), cases[i].answers.n);
		shutdown(fds[1], SHUT_WR);
		c.fd = fds[0];
		snprintf(c.host, sizeof c.host, "the proxy x port 1");
		ret = tunnel_open(&c, &o, &via, clock_ms() + 3000, &f);
		if (ret ? (int)f.kind != cases[i].kind || !strstr(f.err.text, cases[i].cause) ||
					!strstr(f.err.hint, "HTTPS_PROXY") :
			  cases[i].kind != NONE)
			fail_msg("%s: %d %s (%s)", cases[i].name, ret ? (int)f.kind : NONE, f.err.text, f.err.hint);
		if (ret && strstr(f.err.hint, "user:password"))
			assert_non_null(strstr(f.err.hint, via.kind == PROXY_SOCKS ? "HTTPS_PROXY=socks5://user:password@" :
										     "HTTPS_PROXY=http://user:password@"));
		n = read(fds[1], sent, sizeof sent);
		assert_true(n > 0);
		if (cases[i].sent.n && !span_eq((struct span){ sent, (size_t)n }, cases[i].sent))
			fail_msg("%s: sent %.*s", cases[i].name, (int)n, sent);
		conn_close(&c);
		close(fds[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_a_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
