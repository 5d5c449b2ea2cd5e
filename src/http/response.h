/*
 * http/response.h - parses an HTTP/1.1 answer from pieces of any size (RFC 9112). No I/O, no memory of its own.
 *
 * Strict, because a lenient parser can take one answer for two: lines end with CRLF; no folded line, no blank before a colon,
 * no control byte; a length is digits only; two different lengths, a length together with chunks, any other transfer coding, or
 * a bad chunk size is refused. Heads are limited to HTTP_HEAD_MAX bytes. Interim answers (1xx) are skipped.
 */

#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/span.h"

#include <stdint.h>

#define HTTP_HEAD_MAX 16384 /* S3's heads have 400 to 1,000 bytes; a user's metadata adds up to 8 KiB on some servers */

enum http_phase {
	HTTP_STATUS, /* these take lines … */
	HTTP_FIELDS,
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK_END,
	HTTP_TRAILER,
	HTTP_CHUNK_DATA, /* … and these yield the body */
	HTTP_LENGTH_DATA,
	HTTP_CLOSE_DATA,
	HTTP_DONE,
};

struct http_response {
	enum http_phase phase;
	int status;		       /* valid after the head, as is what follows */
	bool keep_alive;	       /* the connection can take another request */
	uint64_t left;		       /* bytes of the body, or of the chunk, that are still to come */
	const char *why;	       /* after -1: what was wrong */
	bool no_body;		       /* the answer to a HEAD request */
	bool has_length, chunked, old; /* old: HTTP/1.0 */
	size_t fields_at, fields_end;  /* where the field lines are in text */
	size_t line, used;	       /* where the line being read begins; bytes in text */
	char text[HTTP_HEAD_MAX];
};

void http_response_start(struct http_response *r, bool answers_head);

/*
 * Takes bytes off the front of *IN until it is empty, the head is complete, there is a piece of the body (*BODY, which points
 * into IN), or the answer is complete (phase HTTP_DONE: what is left in *IN is not part of it). Returns 0, or -1 with r->why.
 */
int http_response_feed(struct http_response *r, struct span *in, struct span *body);

/* To be called when the server has closed the connection. Returns 0 when that completes the answer, else -1 with r->why. */
int http_response_eof(struct http_response *r);

/* The value of the first field NAME, without blanks at its ends. False when there is none. */
bool http_response_field(const struct http_response *r, const char *name, struct span *value);

static inline bool http_response_head_done(const struct http_response *r)
{
	return r->phase > HTTP_FIELDS;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the only form that servers may send. Seconds since 1970, or -1. */
int64_t http_date(struct span s);

#endif
