/*
 * rclone/reason.h - why a request of rclone failed, from its words for it: what S3 answered, or the network, or rclone's own failure. Pure.
 *
 * 1.60 has AWS SDK v1 ("CODE: MESSAGE", the status in the next line), later ones v2 ("StatusCode: 403, … api error CODE: MESSAGE"). Words of a server
 * are kept where its code says nothing, and without what could be a piece of a session token.
 */

#ifndef RCLONE_REASON_H
#define RCLONE_REASON_H

#include "base/span.h"
#include "s3/check.h"

struct rclone_reason {
	char s3_code[64];  /* "AccessDenied"; "" where S3 told none */
	char message[192]; /* S3's, rclone's or the network's words; "" where the code or the status says it all */
	int http_status;   /* 0: no answer came */
	bool unanswered;   /* by S3: MESSAGE is the network's */
};

/* WORDS are those behind what failed, lines that continue them included. */
struct rclone_reason reason_read(struct span words);

bool reason_same(const struct rclone_reason *a, const struct rclone_reason *b);

/* One of enum s3_lack (s3/error.h), or more where it is rclone's own failure: the smaller, the more other requests will fail so. */
int reason_weight(const struct rclone_reason *r);

/* As a verdict; UPLOAD says whether it was one. See rclone_log_why() for its codes. */
void reason_verdict(const struct rclone_reason *r, bool upload, struct verdict *v);

/* The first line of WORDS, without what could be a piece of a token; not sanitized yet. */
void reason_words(char *out, size_t size, struct span words);

#endif
