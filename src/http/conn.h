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
	int64_t deadline; /* of the call that is running */
	int error;	  /* errno of the socket's last failure; 0: the server closed */
	bool received;	  /* the server has said something */
	char first[8];	  /* and these were its first bytes, zero-filled */
	char host[256];	  /* for the words */
};

#define CONN_NONE ((struct conn){ .fd = -1 })

/*
 * Looks HOST up, connects, and shakes hands where TRUST is not NULL (which must then outlive C); each of the three
 * may take STEP_MS, all together until DEADLINE. Returns 0, or -1 with *F set and *C closed.
 */
int conn_open(struct conn *c, const char *host, uint16_t port, const struct trust *trust, int step_ms, int64_t deadline,
	struct fail *f);

/* Sends all N bytes. Returns 0, or -1 with *F set. */
int conn_write(struct conn *c, const void *p, size_t n, int64_t deadline, struct fail *f);

/*
 * Reads what is there, at least a byte. Returns its length, 0 when the server has closed in due form, or -1 with *F
 * set.
 */
ssize_t conn_read(struct conn *c, void *p, size_t n, int64_t deadline, struct fail *f);

/*
 * What answered in place of a server that speaks our protocol, by its first bytes: *F gets words and a hint. Returns
 * -1.
 */
int conn_explain(const struct conn *c, const char *why, struct fail *f);

/* Between two requests: nothing has come that nobody asked for, nor the connection's end. */
bool conn_is_idle(const struct conn *c);

/* Wipes the session's keys. */
void conn_close(struct conn *c);

#endif
