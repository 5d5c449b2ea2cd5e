/* http/fail.h - why a server could not be reached: an error and its kind, by which a program can tell the causes apart. */

#ifndef HTTP_FAIL_H
#define HTTP_FAIL_H

#include "base/err.h"

enum fail_kind {
	FAIL_NAME,	  /* the host's name could not be looked up */
	FAIL_REFUSED,	  /* nobody listens at the port */
	FAIL_UNREACHABLE, /* no route to the host, or the connection broke */
	FAIL_TIMEOUT,
	FAIL_BLOCKED, /* connected, then closed before the server said a byte: what a denied egress looks like; or denied by the proxy */
	FAIL_PROXY,    /* the proxy between refuses, or fails */
	FAIL_TLS,      /* certificate, version, cipher suite */
	FAIL_PROTOCOL, /* something answers, but not with HTTP that we accept */
	FAIL_FAULT,    /* of this machine: memory, randomness, sockets */
};

struct fail {
	enum fail_kind kind;
	struct err err;
};

/* Sets kind and text; the code follows from the kind. Returns -1. errno is kept. */
int fail_set(struct fail *f, enum fail_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As fail_set(), with ": " and errno's text appended; FAIL_FAULT when errno is about memory or descriptors. */
int fail_sys(struct fail *f, enum fail_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
