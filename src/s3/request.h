/* s3/request.h - an S3 request as bytes: addressed (path style or the bucket's own host), signed, ready to be sent. Pure. */

#ifndef S3_REQUEST_H
#define S3_REQUEST_H

#include "base/err.h"
#include "http/client.h"
#include "s3/endpoint.h"
#include "s3/sigv4.h"

#define S3_REQUEST_MAX \
	32768 /* a key of 1,024 bytes, each three when encoded; once canonical, once on the wire; a token of 4 KiB */

struct s3_request {
	struct span method;
	struct span bucket;
	struct span key; /* any bytes; empty: the bucket itself */
	const struct sigv4_pair *query;
	size_t query_count;
	/*
	 * Additional fields, names in lower case: those that begin with "x-amz-" are signed, others (range, content-type, …)
	 * are not.
	 */
	const struct sigv4_pair *fields;
	size_t field_count;
	struct span body;
};

/*
 * Where to send it: the endpoint's host, or the bucket's, unless the endpoint is of path style or the bucket's name cannot be a
 * label of a host name.
 */
void s3_request_origin(const struct s3_endpoint *endpoint, struct span bucket, struct http_origin *o);

/*
 * Writes the head of R, signed at NOW (seconds since 1970), to OUT, which is cleared first and holds the session token
 * afterwards: wipe it. Returns 0, or -1 with *E set: CODE_USAGE (a field, bucket or token has a byte that no header can hold),
 * CODE_FAULT (OUT is too small).
 */
int s3_request_write(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_request *r,
	int64_t now, struct err *e);

#endif
