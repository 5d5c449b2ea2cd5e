/*
 * unsent/failures.h - a bounded memory of what S3, the network or the driver itself has said of a mount's requests: why which pending file is not in
 * S3, whether S3 still takes the mount's key. A driver's read_log feeds it. Pure; knows no driver.
 */

#ifndef UNSENT_FAILURES_H
#define UNSENT_FAILURES_H

#include "s3/check.h"
#include "unsent/pending.h"

#define FAILURES_FILES 256  /* failed uploads that are remembered, the latest */
#define FAILURES_REASONS 16 /* different ones among them */

/* Why one request has failed. What a server has said is in here as it may be told: without what could be a piece of a token. */
struct failure {
	char s3_code[64];  /* "AccessDenied"; "" where S3 told none */
	char message[192]; /* S3's, the driver's or the network's words; "" where the code or the status says it all */
	int http_status;   /* 0: no answer came */
	const char *
		unanswered; /* no answer of S3 came, MESSAGE is the network's: the kind of struct verdict, static ("timeout"); else NULL */
};

/* The caller's memory, private to failures.c; needs no destructor. All zero but DRIVER: nothing has failed. */
struct failures {
	const char *driver; /* its name, for the words */
	struct failure_seen {
		struct failure why;
		unsigned seen; /* when, counted in failures; 0: free */
	} reasons[FAILURES_REASONS];
	struct failure_file {
		uint64_t name; /* its hash */
		unsigned seen; /* 0: free */
		unsigned reason;
	} files[FAILURES_FILES];
	struct failure_seen request; /* other than an upload, refused in a way that concerns the whole mount */
	struct failure_seen last;    /* the last request that has failed for a user, other than an upload */
	char dropped
		[192]; /* what the driver has said of a file that it has dropped from its cache, sent or not; "": nothing of the kind */
	unsigned seen;
};

/* For one driver, from its start on; again for the next one, and when it got other keys. */
void failures_init(struct failures *f, const char *driver);

/* ---- for a driver that reads its log ---- */

/* The upload of the file PATH (below the mount) has failed; what was known of it before is forgotten. */
void failures_of_upload(struct failures *f, struct span path, const struct failure *why);

/* A request for a user has failed, other than an upload; ROOT: for the mount's root. */
void failures_of_request(struct failures *f, const struct failure *why, bool root);

/* ---- for whoever asks ---- */

/*
 * Why the file NAME (as in struct pending) is not in S3. Fills *V and returns true where its last upload has failed. v->code is CODE_REFUSED: S3 has
 * said no; CODE_UNREACHABLE: no answer, or one that says nothing lasting; CODE_PENDING: the driver's own failure. v->kind is one of struct verdict's,
 * "fault" for the last. verdict_sentence() and check_error() put it in words.
 */
bool failures_why(const struct failures *f, const char *name, struct verdict *v);

/*
 * The worst failure that is known, for the state of the whole mount: the key first (expired, unknown, suspended, clock), then what it may do here
 * (PutObject; listing the mount's root), the bucket, quota, single objects (name, size), the network and the server; of equal ones the latest.
 * Returns false where nothing is known to fail.
 */
bool failures_worst(const struct failures *f, struct verdict *v);

/* Only what is pending now is of interest: forgets the other files. */
void failures_keep(struct failures *f, const struct pending *p);

/* The last request that has failed was a listing of the mount's root: what S3 has said of it concerns the whole mount. */
void failures_of_root(struct failures *f);

/* S3 has just answered a listing of the mount's root by this driver: forgets what other requests than uploads were refused. */
void failures_answered(struct failures *f);

#endif
