/*
 * http/client.h - requests to one server after another, over a connection that is kept open between them.
 *
 * The server may have closed a kept connection meanwhile: a request that fails on it before the first byte of an answer is
 * silently sent once more over a new one.
 */

#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "http/conn.h"
#include "http/response.h"

struct http_client {
	const struct trust *trust; /* for TLS; must outlive the client */
	int step_ms;		   /* for a look-up, a connection, a handshake */
	struct conn conn;
	struct http_origin origin; /* where conn leads */
	struct proxy via;	   /* and by which proxy */
	struct http_response response;
	struct span unread; /* part of in */
	char in[16384];
};

void http_client_init(struct http_client *c, const struct trust *trust, int step_ms);

/*
 * Sends HEAD and BODY to ORIGIN by the proxy VIA (of kind PROXY_NONE: directly) and reads the head of the answer into c->response. ANSWERS_HEAD: the method is HEAD. An answer
 * that was not read to its end is dropped with its connection. Returns 0, or -1 with *F set and the connection closed.
 */
int http_client_send(struct http_client *c, const struct http_origin *origin, const struct proxy *via, struct span head,
	struct span body, bool answers_head, int64_t deadline, struct fail *f);

/* The next piece of the answer's body, in c->in. Returns 1, 0 at its end, or -1 with *F set and the connection closed. */
int http_client_body(struct http_client *c, struct span *piece, int64_t deadline, struct fail *f);

/*
 * Appends the body to OUT. If it does not fit, the rest is dropped with the connection and OUT is marked full. 0, or -1 with *F
 * set.
 */
int http_client_collect(struct http_client *c, struct buf *out, int64_t deadline, struct fail *f);

/* Forgets the proxy and its password. */
void http_client_close(struct http_client *c);

#endif
