#include "http/tunnel.h"

#include "base/text.h"
#include "http/dial.h"
#include "http/response.h"

#include <arpa/inet.h>

#define CONNECT_MAX (3 * PROXY_VALUE_MAX)

static int err_forbidden(const struct conn *c, const struct http_origin *o, const struct proxy *via, struct fail *f)
{
	fail_set(f, FAIL_BLOCKED, "%s does not let us connect to %s port %u", c->host, o->host, o->port);
	return err_hint(&f->err, "its rules must allow this host and port; or another proxy in %s, or the host in NO_PROXY",
		via->variable);
}

/* ---- CONNECT ---- */

static int send_connect(struct conn *c, const struct http_origin *o, const struct proxy *via, int64_t deadline, struct fail *f)
{
	struct buf out = buf_heap(CONNECT_MAX);
	int ret;

	buf_str(&out, "CONNECT ");
	http_authority(&out, o, true);
	buf_str(&out, " HTTP/1.1\r\nhost: ");
	http_authority(&out, o, true);
	buf_str(&out, "\r\nuser-agent: s3mounts\r\n");
	proxy_put_login(&out, via);
	buf_str(&out, "\r\n");
	if (out.full)
		ret = fail_set(f, FAIL_FAULT, "connect by %s: no memory", c->host);
	else
		ret = conn_write(c, out.p, out.len, deadline, f);
	buf_wipe(&out);
	return ret;
}

static int err_no_proxy(const struct conn *c, const struct proxy *via, const char *why, struct fail *f)
{
	bool tls = c->first[0] == 0x15 && c->first[1] == 3;

	fail_set(f, FAIL_PROXY, "%s does not answer as a proxy does: %s", c->host, tls ? "it speaks TLS" : why);
	return err_hint(&f->err, "check host and port in %s%s", via->variable, tls ? ", or write https:// there" : "");
}

/* Nothing follows the answer before we have sent something: the server waits for that. */
static int read_connect(struct conn *c, struct http_response *r, const struct proxy *via, int64_t deadline, struct fail *f)
{
	char in[1024];
	struct span rest = SPAN(""), none;

	http_response_start(r, true);
	while (!http_response_head_done(r)) {
		ssize_t n = conn_read(c, in, sizeof in, deadline, f);

		if (n < 0)
			return -1;
		if (n == 0)
			return err_no_proxy(c, via, "it closes the connection", f);
		rest = (struct span){ in, (size_t)n };
		if (http_response_feed(r, &rest, &none))
			return err_no_proxy(c, via, r->why, f);
	}
	return r->status / 100 == 2 && rest.n ? err_no_proxy(c, via, "it sends more than its answer", f) : 0;
}

static int connect_through(
	struct conn *c, const struct http_origin *o, const struct proxy *via, int64_t deadline, struct fail *f)
{
	struct http_response r;

	if (send_connect(c, o, via, deadline, f) || read_connect(c, &r, via, deadline, f))
		return -1;
	if (r.status / 100 == 2)
		return 0;
	if (r.status == 407 || r.status == 401) /* tinyproxy: there is a login, but a wrong one */
		return fail_proxy_login(f, via);
	if (r.status == 403)
		return err_forbidden(c, o, via, f);
	fail_set(f, FAIL_PROXY, "%s answers %d when it shall connect to %s port %u", c->host, r.status, o->host, o->port);
	return err_hint(&f->err,
		"it may not find or reach that host (check S3_ENDPOINT_URL), or be no proxy for https (check %s)",
		via->variable);
}

/* ---- SOCKS5 ---- */

#define SOCKS_VERSION 5
#define METHOD_NONE 0
#define METHOD_LOGIN 2
#define LOGIN_VERSION 1
#define CMD_CONNECT 1
enum { ADDRESS_V4 = 1, ADDRESS_NAME = 3, ADDRESS_V6 = 4 };

static int socks_read(struct conn *c, const struct proxy *via, void *to, size_t n, int64_t deadline, struct fail *f)
{
	char *at = to;

	while (n) {
		ssize_t got = conn_read(c, at, n, deadline, f);

		if (got < 0)
			return -1;
		if (got == 0)
			return err_no_proxy(c, via, "it closes the connection", f);
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

static int socks_login(struct conn *c, const struct proxy *via, int64_t deadline, struct fail *f)
{
	size_t user = via->user_length, password = via->login_length - user - 1;
	char mem[3 + 2 * 255 + 1];
	struct buf out = buf_over(mem, sizeof mem);
	unsigned char answer[2];
	int ret;

	buf_char(&out, LOGIN_VERSION);
	buf_char(&out, (char)user);
	buf_add(&out, via->login, user);
	buf_char(&out, (char)password);
	buf_add(&out, via->login + user + 1, password);
	ret = conn_write(c, mem, out.len, deadline, f) || socks_read(c, via, answer, sizeof answer, deadline, f) ? -1 : 0;
	explicit_bzero(mem, sizeof mem);
	return ret || answer[1] == 0 ? ret : fail_proxy_login(f, via);
}

static int socks_greet(struct conn *c, const struct proxy *via, int64_t deadline, struct fail *f)
{
	const unsigned char hello[] = { SOCKS_VERSION, via->has_login ? 2 : 1, METHOD_NONE, METHOD_LOGIN };
	unsigned char answer[2];

	if (conn_write(c, hello, via->has_login ? 4 : 3, deadline, f) || socks_read(c, via, answer, sizeof answer, deadline, f))
		return -1;
	if (answer[0] != SOCKS_VERSION)
		return err_no_proxy(c, via, "it speaks no SOCKS5", f);
	if (answer[1] == METHOD_LOGIN && via->has_login)
		return socks_login(c, via, deadline, f);
	return answer[1] == METHOD_NONE ? 0 : fail_proxy_login(f, via);
}

static int socks_ask(struct conn *c, const struct http_origin *o, int64_t deadline, struct fail *f)
{
	char mem[300];
	struct buf out = buf_over(mem, sizeof mem);
	const uint16_t port = htons(o->port);
	unsigned char ip[16];
	size_t n = dial_numeric(o->host, ip);

	buf_add(&out, (const char[]){ SOCKS_VERSION, CMD_CONNECT, 0 }, 3);
	buf_char(&out, n == 4 ? ADDRESS_V4 : n == 16 ? ADDRESS_V6 : ADDRESS_NAME);
	if (n) {
		buf_add(&out, ip, n);
	} else {
		buf_char(&out, (char)strlen(o->host));
		buf_str(&out, o->host);
	}
	buf_add(&out, &port, sizeof port);
	return conn_write(c, mem, out.len, deadline, f);
}

static int err_socks(
	const struct conn *c, const struct http_origin *o, const struct proxy *via, unsigned answer, struct fail *f)
{
	static const char *const reasons[] = { "", "it fails", "", "that network is unreachable", "that host is unreachable",
		"nothing listens there", "it takes too long" };

	if (answer == 2)
		return err_forbidden(c, o, via, f);
	fail_set(f, FAIL_PROXY, "%s cannot connect to %s port %u: %s (SOCKS5 %u)", c->host, o->host, o->port,
		answer < sizeof reasons / sizeof *reasons ? reasons[answer] : "it does not say why", answer);
	return err_hint(&f->err, "check host and port in S3_ENDPOINT_URL, and what the proxy in %s may reach", via->variable);
}

static int socks_through(struct conn *c, const struct http_origin *o, const struct proxy *via, int64_t deadline, struct fail *f)
{
	unsigned char head[4], length = 0, bound[255 + 2];

	if (socks_greet(c, via, deadline, f) || socks_ask(c, o, deadline, f) ||
		socks_read(c, via, head, sizeof head, deadline, f))
		return -1;
	if (head[0] != SOCKS_VERSION)
		return err_no_proxy(c, via, "it speaks no SOCKS5", f);
	if (head[1])
		return err_socks(c, o, via, head[1], f);
	if (head[3] == ADDRESS_NAME && socks_read(c, via, &length, 1, deadline, f))
		return -1;
	if (head[3] != ADDRESS_NAME)
		length = head[3] == ADDRESS_V6 ? 16 : 4;
	return socks_read(c, via, bound, (size_t)length + 2, deadline, f);
}

int tunnel_open(struct conn *c, const struct http_origin *o, const struct proxy *via, int64_t deadline, struct fail *f)
{
	bool socks = via->kind == PROXY_SOCKS;

	if (!(socks ? socks_through(c, o, via, deadline, f) : connect_through(c, o, via, deadline, f)))
		return 0;
	/* It was silent, or has gone. */
	if (!text_find(f->err.hint, via->variable))
		err_hint(&f->err, "check scheme, host and port in %s; or its proxy is slow, or blocked by an egress rule",
			via->variable);
	return -1;
}
