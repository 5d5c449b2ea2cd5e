/*
 * ctl/wire.h - what a command and the supervisor say to each other over the control socket: one request, one report, then the
 * connection is closed. A message is four bytes of length (this machine's order) and records (base/record.h).
 *
 * The request of `up` carries the plan with the credentials: nothing is read from disk, and the supervisor forgets them once the check and
 * the driver's settings have had them; for one that takes keys from memory it keeps them.
 */

#ifndef CTL_WIRE_H
#define CTL_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/creds.h"
#include "base/err.h"
#include "plan/plan.h"
#include "s3/check.h"

#define WIRE_MAX (4 * 1024 * 1024) /* more than the most mounts with the longest names make */

enum request_kind { REQUEST_STATUS, REQUEST_UP, REQUEST_DOWN, REQUEST_FLUSH };

/* What of a request says how it is to be served. */
struct request_head {
	enum request_kind kind;
	int timeout_ms; /* from when the client has connected */
	bool brief;	/* status: states alone, not what is pending */
	long mount_ns;	/* the caller's mount namespace, in which it will look for the mounts; 0: not known */
};

struct request {
	enum request_kind kind;
	int timeout_ms;
	bool brief;
	bool keep;    /* up: mounts that the plan does not name stay */
	bool lazy;    /* down: a busy mount is detached */
	bool abandon; /* down: at once, and what is not in S3 stays in the cache */
	long mount_ns;
	/* up: */
	const char *endpoint, *region, *provider;
	const char *endpoint_called; /* the variable that the endpoint came by (s3/endpoint.h); "": not known */
	const char *addressing;	     /* s3_endpoint_set_style() */
	const char *program;	     /* of the driver, absolute; "": it has none */
	const char *program_version; /* as it says it; "": not known */
	const char *config;	     /* the file that a driver may have for its settings */
	const char *cache_dir;	     /* of all mounts; each gets a folder in it */
	const char *ca_cert;	     /* CA bundle for the check and the drivers; "" where TLS is not used */
	bool allow_other;	     /* others may be let in on this machine */
	struct creds creds;
	struct plan_mount *mounts; /* down: those with these targets; none: all */
	size_t mount_count;
};

struct report_mount {
	const char *target;
	const char *source; /* as the mount table shows it */
	const char *driver; /* its name */
	const char *state;  /* "up", "checking", "refused", "unhealthy", "down", "failed", "starting", "stopping" */
	const char *cache;  /* its folder */
	bool nofail;
	bool ran;	 /* a driver of it has been started */
	long pid;	 /* of the driver; 0: none */
	long ms;	 /* up: what it took; 0: was up already */
	long memory_kib; /* resident; -1: unknown */
	long restarts;
	long pending_files; /* -1: unknown */
	long pending_bytes;
	const char **pending_names;
	size_t pending_name_count;
	const char **pending_reasons; /* of some of them: "NUMBER SENTENCE", why pending_names[NUMBER] is not in S3 */
	size_t pending_reason_count;
	const char **notes;
	size_t note_count;
	const char **history; /* the oldest first: "TIME WORDS" */
	size_t history_count;
	struct verdict check; /* kind NULL: not asked */
	struct err error;     /* code CODE_OK: none */
};

struct report {
	long pid;	  /* the supervisor's; 0: none runs */
	struct err error; /* of the whole request; code CODE_OK: none */
	struct report_mount *mounts;
	size_t mount_count;
};

/* Appends R as a message to OUT (buf_heap(WIRE_MAX), to be wiped). */
void wire_put_request(struct buf *out, const struct request *r);
void wire_put_report(struct buf *out, const struct report *r);

/* The length of the message at the start of HAVE, its four bytes included; 0: not known yet; -1: too long to be one. */
long wire_length(struct span have);

/* The head of the whole message HAVE, without what else is in it: keys, mounts. 0, or -1: that is no request. */
int wire_head(struct span have, struct request_head *head);

/* "up", "down", "status", "flush" */
const char *request_name(enum request_kind kind);

/* The exit code of one that was not started: what it was to bring about, or to find out, is not so, or not known. */
enum code request_code(enum request_kind kind);

/* Reads the body (without the four bytes) of a message into *R and A. 0, or -1 with *E set (CODE_FAULT: no such message). */
int wire_get_request(struct span body, struct arena *a, struct request *r, struct err *e);
int wire_get_report(struct span body, struct arena *a, struct report *r, struct err *e);

#endif
