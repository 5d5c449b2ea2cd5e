/*
 * s3/check.h - does S3 accept these credentials for this prefix? One signed request, one verdict, a cause and a hint.
 *
 * Blocking, with a deadline on every step; meant to be run in a process of its own.
 */

#ifndef S3_CHECK_H
#define S3_CHECK_H

#include "base/creds.h"
#include "base/err.h"
#include "s3/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verdict {
	enum code code;	   /* CODE_OK, CODE_REFUSED, CODE_UNREACHABLE, CODE_FAULT, CODE_USAGE */
	const char *kind;  /* static, for programs: "ok", "unknown-key", "wrong-secret", "clock-skew", "expired-token",
				 "invalid-token", "access-denied", "quota", "too-large", "bad-name", "no-such-bucket", "wrong-address", "wrong-region", "name-not-found", "connection-refused",
				 "egress-blocked", "proxy", "tls", "not-s3", "timeout", "throttled", "unreachable", "server-error", "refused", "fault" */
	int http_status;   /* 0: no answer came */
	char s3_code[64];  /* "SignatureDoesNotMatch"; "" where there is none */
	char cause[320];   /* one sentence: "the secret key does not belong to this key id" */
	char hint[320];	   /* what to do */
	char region[64];   /* for "wrong-region": the right one, else "" */
	long skew_seconds; /* for "clock-skew": this machine's clock minus the server's */
	int ms;		   /* how long it took */
};

/* The usual limits: a command that has 60 s gets an answer about the slowest endpoint in time. */
#define S3_CHECK_MS 10000
#define S3_CONNECT_MS 5000

struct s3_check_options {
	bool write;	  /* also put and delete a probe object */
	int timeout_ms;	  /* for all of one prefix: 10000 */
	int connect_ms;	  /* for one TCP connection or handshake: 5000 */
	int64_t deadline; /* for all prefixes: clock_ms(), or -1 for "never" */
};

/* An open connection to one endpoint; a connection that one check leaves open is used by the next. */
struct s3_checker;

/*
 * ENDPOINT and CREDS are kept by pointer and must outlive the checker. What goes by a proxy, by the rules of http/proxy.h, goes by the one in CREDS.
 * Returns NULL with *E set (CODE_FAULT: memory,
 * randomness; CODE_USAGE: a named CA file cannot be read or holds no certificate).
 */
struct s3_checker *s3_checker_open(
	const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_check_options *o, struct err *e);

struct s3_place {
	struct s3_endpoint site;     /* the checker's, but perhaps asked in another style */
	const char *bucket, *prefix; /* "" or "a/b/" */
	bool requester_pays;	     /* whoever asks pays for it, and says so */
};

/*
 * Lists at most one key of PLACE, and with o->write puts and deletes its prefix and ".s3mounts-probe-<random>". Always fills *V. An endpoint that
 * could not be reached for one place is not tried again for the next, which gets the same verdict.
 */
void s3_check(struct s3_checker *c, const struct s3_place *place, struct verdict *v);

/* Does a request to ENDPOINT speak TLS with somebody, S3 or the proxy in CREDS? */
bool s3_wants_tls(const struct s3_endpoint *endpoint, const struct creds *creds);

/* Wipes keys and TLS state. */
void s3_checker_close(struct s3_checker *c);

/*
 * The CA bundle for a child with its own TLS: the file that our own trust was read from (static or environment memory), or NULL
 * when it was the built-in set: then s3_trust_write() makes one. Returns 0 or -1 with *E set: the file that a variable names is
 * not usable.
 */
int s3_trust_file(const char **file, struct err *e);

/* Writes the built-in authorities to PATH as PEM certificates (mode 0644). Returns 0 or -1 with *E set. */
int s3_trust_write(const char *path, struct err *e);

#endif
