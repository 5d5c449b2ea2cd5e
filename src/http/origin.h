/* http/origin.h - whom a request is for. */

#ifndef HTTP_ORIGIN_H
#define HTTP_ORIGIN_H

#include "base/buf.h"

#include <stdint.h>

struct http_origin {
	char host[256]; /* a name, or an address without brackets */
	uint16_t port;
	bool tls;
};

/* "host:port": the port only if it is not the scheme's default, unless WITH_PORT; an IPv6 address in brackets. */
static inline void http_authority(struct buf *out, const struct http_origin *o, bool with_port)
{
	buf_fmt(out, strchr(o->host, ':') ? "[%s]" : "%s", o->host);
	if (with_port || o->port != (o->tls ? 443 : 80))
		buf_fmt(out, ":%u", o->port);
}

#endif
