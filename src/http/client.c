#include "http/client.h"

#define HEAD_GROWS (2 * PROXY_VALUE_MAX) /* by the host, and the login in base64 */

void http_client_init(struct http_client *c, const struct trust *trust, int step_ms)
{
	memset(c, 0, sizeof *c);
	c->trust = trust;
	c->step_ms = step_ms;
	c->conn = CONN_NONE;
}

void http_client_close(struct http_client *c)
{
	conn_close(&c->conn);
	explicit_bzero(&c->via, sizeof c->via);
	c->unread.n = 0;
}

static bool same_origin(const struct http_origin *a, const struct http_origin *b)
{
	return a->port == b->port && a->tls == b->tls && strcmp(a->host, b->host) == 0;
}

/* Can the connection take a request to ORIGIN? Only after a complete answer, without a surplus byte. */
static bool can_reuse_connection(const struct http_client *c, const struct http_origin *origin, const struct proxy *via)
{
	return c->conn.fd >= 0 && c->response.phase == HTTP_DONE && c->response.keep_alive && !c->unread.n &&
	       same_origin(&c->origin, origin) && proxy_same(&c->via, via) && conn_is_idle(&c->conn);
}

static int close_failed(struct http_client *c)
{
	http_client_close(c);
	return -1;
}

/* Reads more bytes into c->unread. Returns 1, 0 at the end of the connection, -1 with *F set. */
static int read_more(struct http_client *c, int64_t deadline, struct fail *f)
{
	ssize_t n = conn_read(&c->conn, c->in, sizeof c->in, deadline, f);

	if (n > 0)
		c->unread = (struct span){ c->in, (size_t)n };
	return n > 0 ? 1 : (int)n;
}

static int send_head(struct http_client *c, struct span head, int64_t deadline, struct fail *f)
{
	struct buf out = buf_heap(head.n + HEAD_GROWS);
	int ret;

	if (!proxy_forwards(&c->via, &c->origin))
		return conn_write(&c->conn, head.p, head.n, deadline, f);
	proxy_put_head(&out, &c->via, &c->origin, head);
	ret = out.full ? fail_set(f, FAIL_FAULT, "send to %s: no memory", c->conn.host) :
			 conn_write(&c->conn, out.p, out.len, deadline, f);
	buf_wipe(&out);
	return ret;
}

/* *ANSWERED: the answer has begun, so the server may have acted on the request. */
static int exchange_messages(struct http_client *c, struct span head, struct span body, bool answers_head, int64_t deadline,
	bool *answered, struct fail *f)
{
	struct span none;

	http_response_start(&c->response, answers_head);
	if (send_head(c, head, deadline, f) || (body.n && conn_write(&c->conn, body.p, body.n, deadline, f)))
		return -1;
	while (!http_response_head_done(&c->response)) {
		int n = read_more(c, deadline, f);

		if (n < 0)
			return -1;
		if (n == 0 && http_response_eof(&c->response))
			return conn_explain(&c->conn, c->response.why, f);
		*answered = true;
		if (http_response_feed(&c->response, &c->unread, &none))
			return conn_explain(&c->conn, c->response.why, f);
	}
	return 0;
}

static int open_connection(
	struct http_client *c, const struct http_origin *o, const struct proxy *via, int64_t deadline, struct fail *f)
{
	http_client_close(c);
	if (conn_open(&c->conn, o, via, c->trust, c->step_ms, deadline, f))
		return -1;
	c->origin = *o;
	c->via = *via;
	return 0;
}

int http_client_send(struct http_client *c, const struct http_origin *origin, const struct proxy *via, struct span head,
	struct span body, bool answers_head, int64_t deadline, struct fail *f)
{
	bool answered = false;

	if (can_reuse_connection(c, origin, via)) {
		if (!exchange_messages(c, head, body, answers_head, deadline, &answered, f))
			return 0;
		if (answered || f->kind == FAIL_TIMEOUT)
			return close_failed(c);
	}
	if (open_connection(c, origin, via, deadline, f))
		return -1;
	return exchange_messages(c, head, body, answers_head, deadline, &answered, f) ? close_failed(c) : 0;
}

int http_client_body(struct http_client *c, struct span *piece, int64_t deadline, struct fail *f)
{
	int n;

	for (piece->n = 0; c->response.phase != HTTP_DONE;) {
		if (http_response_feed(&c->response, &c->unread, piece)) {
			conn_explain(&c->conn, c->response.why, f);
			return close_failed(c);
		}
		if (piece->n)
			return 1;
		if (c->response.phase == HTTP_DONE)
			break;
		n = read_more(c, deadline, f);
		if (n < 0)
			return close_failed(c);
		if (n == 0 && http_response_eof(&c->response)) {
			fail_set(f, FAIL_UNREACHABLE, "read from %s: the answer was cut off", c->conn.host);
			return close_failed(c);
		}
	}
	return 0;
}

int http_client_collect(struct http_client *c, struct buf *out, int64_t deadline, struct fail *f)
{
	struct span piece;
	int got;

	while ((got = http_client_body(c, &piece, deadline, f)) > 0) {
		buf_span(out, piece);
		if (!out->full)
			continue;
		http_client_close(c);
		return 0;
	}
	return got;
}
