/* http/conn.h - one connection to a server, plain or TLS: bytes in and out, each call with a deadline. */

#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "http/fail.h"
#include "http/trust.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct tls;

struct conn {
	int fd;		  /* -1: closed */
	struct tls *tls;  /* NULL: plain */
	int64_t deadline; /* of the call in progress */
	int error;	  /* errno of the socket's last failure; 0: the server closed */
	bool received;	  /* the server has sent something */
	char first[8];	  /* and these were its first bytes, zero-filled */
	char host[256];	  /* for messages */
};

#define CONN_NONE ((struct conn){ .fd = -1 })

/*
 * Looks HOST up, connects, and does a TLS handshake unless TRUST is NULL (it must outlive C); each of the three may take
 * STEP_MS, all together until DEADLINE. Returns 0, or -1 with *F set and *C closed.
 */
int conn_open(struct conn *c, const char *host, uint16_t port, const struct trust *trust, int step_ms, int64_t deadline,
	struct fail *f);

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
