/* http/conn.h - one connection to a server, plain or TLS: bytes in and out, each call with a deadline. */

#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "http/fail.h"
#include "http/origin.h"
#include "http/proxy.h"
#include "http/trust.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tls;

struct conn {
	int fd;		   /* -1: closed */
	struct tls *tls;   /* NULL: plain */
	struct tls *outer; /* with the proxy, where TLS goes through that; else NULL */
	int64_t deadline;  /* of the call in progress */
	int error;	   /* errno of the socket's last failure; 0: the server closed */
	bool received;	   /* the server has sent something */
	char first[8];	   /* and these were its first bytes, zero-filled */
	char host[600];	   /* for messages: "HOST port N", "… by the proxy HOST port N" */
};

#define CONN_NONE ((struct conn){ .fd = -1 })

/*
 * Looks the host of O up, connects, and does a TLS handshake where O wants it; each of the three may take STEP_MS, all together until DEADLINE. By VIA
 * all this is done with the proxy, which then leads to O, unless it forwards what is sent; the host of O is not looked up here. TRUST must outlive C.
 * Returns 0, or -1 with *F set and *C closed.
 */
int conn_open(struct conn *c, const struct http_origin *o, const struct proxy *via, const struct trust *trust, int step_ms,
	int64_t deadline, struct fail *f);

/* Sends all N bytes. Returns 0, or -1 with *F set. */
int conn_write(struct conn *c, const void *p, size_t n, int64_t deadline, struct fail *f);

/* Reads what is available, at least one byte. Returns its length, 0 when the server has closed properly, or -1 with *F set. */
ssize_t conn_read(struct conn *c, void *p, size_t n, int64_t deadline, struct fail *f);

/* Something other than a server with our protocol has answered: sets *F by its first bytes, with a hint. Returns -1. */
int conn_explain(const struct conn *c, const char *why, struct fail *f);

/* Between two requests: has nothing arrived unasked, not even the end of the connection? */
bool conn_is_idle(const struct conn *c);

/* Wipes the session's keys. */
void conn_close(struct conn *c);

#endif
