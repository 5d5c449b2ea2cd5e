#include "http/conn.h"

#include "base/clock.h"
#include "base/span.h"
#include "base/text.h"
#include "http/dial.h"
#include "http/tls.h"
#include "http/tunnel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Waits for EVENTS until the deadline. 0, or -1 with c->error set. */
static int wait_for_socket(struct conn *c, short events)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int n, on = 1;

	/*
	 * A server without TCP_NODELAY holds back the rest of a small answer until we acknowledge its beginning: 40 ms
	 * otherwise.
	 */
	setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
	while ((n = poll(&p, 1, clock_left(c->deadline))) < 0 && errno == EINTR)
		;
	if (n > 0)
		return 0;
	c->error = n ? errno : ETIMEDOUT;
	return -1;
}

static void note_received(struct conn *c, const unsigned char *p, size_t n)
{
	if (!c->received)
		memcpy(c->first, p, n < sizeof c->first ? n : sizeof c->first);
	c->received = true;
}

/* These two are called by BearSSL: they return a number of bytes, or -1 with c->error set (0: end of file). */
static int raw_recv(void *io, unsigned char *p, size_t n)
{
	struct conn *c = io;
	ssize_t got;

	/* A peer that never stops sending never makes us wait. */
	if (clock_left(c->deadline) == 0) {
		c->error = ETIMEDOUT;
		return -1;
	}
	while ((got = recv(c->fd, p, n, 0)) < 0) {
		c->error = errno;
		if (errno != EINTR && (errno != EAGAIN || wait_for_socket(c, POLLIN)))
			return -1;
	}
	c->error = 0;
	if (got == 0)
		return -1;
	if (!c->outer)
		note_received(c, p, (size_t)got);
	return (int)got;
}

static int raw_send(void *io, const unsigned char *p, size_t n)
{
	struct conn *c = io;
	ssize_t put;

	while ((put = send(c->fd, p, n, MSG_NOSIGNAL)) < 0) {
		c->error = errno;
		if (errno == EPIPE)
			return (int)n; /* what the server said before it closed is yet to be read */
		if (errno != EINTR && (errno != EAGAIN || wait_for_socket(c, POLLOUT)))
			return -1;
	}
	return (int)put;
}

/* The same, within TLS with the proxy. */
static int inner_recv(void *io, unsigned char *p, size_t n)
{
	struct conn *c = io;
	int got = br_sslio_read(&c->outer->io, p, n);

	if (got > 0)
		note_received(c, p, (size_t)got);
	else if (br_ssl_engine_last_error(&c->outer->client.eng) != BR_ERR_IO)
		c->error = br_ssl_engine_last_error(&c->outer->client.eng) == BR_ERR_OK ? 0 : EPROTO;
	return got > 0 ? got : -1;
}

static int inner_send(void *io, const unsigned char *p, size_t n)
{
	struct conn *c = io;

	return br_sslio_write_all(&c->outer->io, p, n) || br_sslio_flush(&c->outer->io) ? -1 : (int)n;
}

static int err_connection_lost(const struct conn *c, const char *doing, struct fail *f)
{
	errno = c->error;
	if (c->error == ETIMEDOUT) {
		fail_set(f, FAIL_TIMEOUT, "%s %s: no answer in time", doing, c->host);
		return err_hint(&f->err,
			"the server is slow, or something on the way swallows packets: try again, look at egress rules");
	}
	if (!c->received && (!c->error || c->error == EPIPE || c->error == ECONNRESET)) {
		fail_set(f, FAIL_BLOCKED, "%s %s: the connection was accepted and closed without a word", doing, c->host);
		return err_hint(&f->err, "an egress rule or a proxy may block this host; or the port speaks %s",
			c->tls ? "no TLS (try http://)" : "TLS (try https://)");
	}
	if (!c->error)
		return fail_set(f, FAIL_UNREACHABLE, "%s %s: the server closed the connection", doing, c->host);
	return fail_sys(f, FAIL_UNREACHABLE, "%s %s", doing, c->host);
}

static const struct {
	const char *bytes, *speaks, *hint;
	enum fail_kind kind;
	bool over_tls; /* says nothing new on a plain connection */
} greetings[] = {
	{ "HTTP/", "plain HTTP, not TLS", "write http:// in S3_ENDPOINT_URL, or name the port that speaks TLS", FAIL_TLS,
		true },
	{ "SSH-", "SSH", "check the port in S3_ENDPOINT_URL", FAIL_PROTOCOL, false },
	{ "220", "FTP or SMTP", "check the port in S3_ENDPOINT_URL", FAIL_PROTOCOL, false },
	{ "\x15\x03", "TLS, not plain HTTP", "write https:// in S3_ENDPOINT_URL", FAIL_PROTOCOL, false },
};

int conn_explain(const struct conn *c, const char *why, struct fail *f)
{
	for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
		if (memcmp(c->first, greetings[i].bytes, strlen(greetings[i].bytes)) || (greetings[i].over_tls && !c->tls))
			continue;
		fail_set(f, greetings[i].kind, "what answers at %s speaks %s", c->host, greetings[i].speaks);
		return err_hint(&f->err, "%s", greetings[i].hint);
	}
	fail_set(f, FAIL_PROTOCOL, "what answers at %s is no S3 server: %s", c->host, why);
	return err_hint(&f->err, "check host and port in S3_ENDPOINT_URL, and what proxy stands between");
}

/* A TLS record begins with its type (alert, handshake, …) and version 3.x. */
static bool answers_in_tls(const struct conn *c)
{
	return c->first[0] >= 20 && c->first[0] <= 23 && c->first[1] == 3;
}

static int err_tls_lost(const struct conn *c, const char *doing, struct fail *f)
{
	int error = br_ssl_engine_last_error(&c->tls->client.eng);

	if (error == BR_ERR_IO || error == BR_ERR_OK)
		return err_connection_lost(c, doing, f);
	if (!answers_in_tls(c))
		return conn_explain(c, "it speaks no TLS", f);
	return tls_explain(c->tls, c->host, f);
}

static int tls_handshake(struct conn *c, const char *host, const struct trust *trust, struct fail *f)
{
	c->outer = c->tls;
	c->tls = malloc(sizeof *c->tls);
	if (!c->tls)
		return fail_set(f, FAIL_FAULT, "TLS with %s: no memory", c->host);
	if (tls_start(c->tls, host, trust, c->outer ? inner_recv : raw_recv, c->outer ? inner_send : raw_send, c, f))
		return -1;
	return br_sslio_flush(&c->tls->io) ? err_tls_lost(c, "TLS handshake with", f) : 0;
}

static int dial(struct conn *c, const char *host, uint16_t port, int step_ms, int64_t deadline, struct fail *f)
{
	struct dial_list l;

	if (dial_resolve(host, port, clock_left(clock_earlier(deadline, clock_ms() + step_ms)), &l, f))
		return -1;
	c->fd = dial_connect(&l, c->host, clock_earlier(deadline, clock_ms() + step_ms), f);
	return c->fd < 0 ? -1 : 0;
}

/* What failed between us and the proxy is none of S3_ENDPOINT_URL's. What is wrong with a certificate has a hint of its own. */
static int err_at_proxy(const struct proxy *via, struct fail *f)
{
	struct err inner = f->err;

	if (f->kind == FAIL_FAULT)
		return -1;
	err_set(&f->err, inner.code, "the proxy that %s names: %s", via->variable, inner.text);
	if (f->kind == FAIL_TLS && inner.hint[0] && !text_find(inner.hint, "S3_ENDPOINT_URL"))
		return err_hint(&f->err, "%s", inner.hint);
	return err_hint(
		&f->err, "check scheme, host and port in %s, and that this machine may reach that proxy", via->variable);
}

static int open_proxy(struct conn *c, const struct http_origin *o, const struct proxy *via, const struct trust *trust,
	int step_ms, int64_t deadline, struct fail *f)
{
	text_fmt(c->host, sizeof c->host, "%s port %u", via->host, via->port);
	if (dial(c, via->host, via->port, step_ms, deadline, f))
		return err_at_proxy(via, f);
	c->deadline = clock_earlier(deadline, clock_ms() + step_ms);
	if (via->kind == PROXY_HTTPS && tls_handshake(c, via->host, trust, f))
		return err_at_proxy(via, f);
	text_fmt(c->host, sizeof c->host, "the proxy %s port %u", via->host, via->port);
	if (!proxy_forwards(via, o) && tunnel_open(c, o, via, clock_earlier(deadline, clock_ms() + step_ms), f))
		return -1;
	c->received = false;
	memset(c->first, 0, sizeof c->first);
	text_fmt(c->host, sizeof c->host, "%s port %u by the proxy %s port %u", o->host, o->port, via->host, via->port);
	return 0;
}

static int open_all(struct conn *c, const struct http_origin *o, const struct proxy *via, const struct trust *trust,
	int step_ms, int64_t deadline, struct fail *f)
{
	text_fmt(c->host, sizeof c->host, "%.240s port %u", o->host, o->port);
	if (via->kind != PROXY_NONE ? open_proxy(c, o, via, trust, step_ms, deadline, f) :
				      dial(c, o->host, o->port, step_ms, deadline, f))
		return -1;
	c->deadline = clock_earlier(deadline, clock_ms() + step_ms);
	return o->tls ? tls_handshake(c, o->host, trust, f) : 0;
}

int conn_open(struct conn *c, const struct http_origin *o, const struct proxy *via, const struct trust *trust, int step_ms,
	int64_t deadline, struct fail *f)
{
	*c = CONN_NONE;
	if (open_all(c, o, via, trust, step_ms, deadline, f) == 0)
		return 0;
	conn_close(c);
	return -1;
}

int conn_write(struct conn *c, const void *p, size_t n, int64_t deadline, struct fail *f)
{
	const unsigned char *at = p;

	c->deadline = deadline;
	if (c->tls)
		return br_sslio_write_all(&c->tls->io, p, n) || br_sslio_flush(&c->tls->io) ? err_tls_lost(c, "send to", f) : 0;
	while (n) {
		int put = raw_send(c, at, n);

		if (put < 0)
			return err_connection_lost(c, "send to", f);
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

ssize_t conn_read(struct conn *c, void *p, size_t n, int64_t deadline, struct fail *f)
{
	int got;

	c->deadline = deadline;
	c->error = 0;
	got = c->tls ? br_sslio_read(&c->tls->io, p, n) : raw_recv(c, p, n);
	if (got >= 0)
		return got;
	/* Properly closed: over TLS by close_notify, plain by end-of-file; but never before the first byte. */
	if (c->tls && br_ssl_engine_last_error(&c->tls->client.eng) == BR_ERR_OK && c->received)
		return 0;
	if (!c->tls && !c->error && c->received)
		return 0;
	return c->tls ? err_tls_lost(c, "read from", f) : err_connection_lost(c, "read from", f);
}

bool conn_is_idle(const struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static void free_tls(struct tls *t)
{
	if (t)
		explicit_bzero(t, sizeof *t);
	free(t);
}

void conn_close(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free_tls(c->tls);
	free_tls(c->outer);
	*c = CONN_NONE;
}
