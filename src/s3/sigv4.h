/*
 * s3/sigv4.h - AWS Signature Version 4 as S3 requires it: the path is encoded once and not normalised. Pure: no clock, no
 * memory of its own.
 */

#ifndef S3_SIGV4_H
#define S3_SIGV4_H

#include "base/buf.h"
#include "base/creds.h"

#include <stdint.h>

#define SIGV4_PAIRS_MAX 24 /* of query parameters, and of signed fields: S3's own requests have up to ten */
#define SIGV4_DATE 17	   /* "20130524T000000Z" and its NUL */
#define SIGV4_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* SHA-256 of nothing */

/* A query parameter (raw bytes, not encoded) or a header field (name in lower case). */
struct sigv4_pair {
	struct span name, value;
};

struct sigv4_request {
	struct span method;
	struct span path; /* bytes, not encoded: "/bucket/a key" */
	const struct sigv4_pair *query;
	size_t query_count;
	const struct sigv4_pair *fields; /* all are signed; host, x-amz-date and x-amz-content-sha256 must be among them */
	size_t field_count;
	struct span payload_hash; /* as in x-amz-content-sha256 */
};

void sigv4_date(char out[SIGV4_DATE], int64_t seconds_since_1970);

/* SHA-256 in hexadecimal, with its NUL. */
void sigv4_hash(char out[65], struct span data);

/* PATH and QUERY as they are sent. The query is sorted as the signature requires. */
void sigv4_path(struct buf *out, struct span path);
void sigv4_query(struct buf *out, const struct sigv4_pair *query, size_t count);

/* The canonical request. OUT becomes full when there are more than SIGV4_PAIRS_MAX pairs. */
void sigv4_canonical(struct buf *out, const struct sigv4_request *r);

/* The value of the field Authorization, for R and its canonical request CANONICAL. */
void sigv4_authorization(struct buf *out, const struct sigv4_request *r, struct span canonical, const struct creds *creds,
	const char *region, const char date[SIGV4_DATE]);

#endif
