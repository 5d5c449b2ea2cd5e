/*
 * http/request.h - writes the head of an HTTP/1.1 request (RFC 9112). What could end a line early is never written: a control
 * byte in a value, a byte in a name that is not of a token, a blank in a target. So no value from outside can add a field.
 */

#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "base/buf.h"

struct http_writer {
	struct buf *out;
	bool refused; /* something could not be written */
};

/* "METHOD TARGET HTTP/1.1". TARGET is already encoded. */
void http_start(struct http_writer *w, struct buf *out, struct span method, struct span target);

void http_field(struct http_writer *w, struct span name, struct span value);

/* The empty line. Returns 0, or -1 when something was refused or did not fit: then the bytes must not be sent. */
int http_end(struct http_writer *w);

#endif
