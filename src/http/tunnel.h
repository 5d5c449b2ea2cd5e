/* http/tunnel.h - the way through a proxy to a server: CONNECT (RFC 9110, 9.3.6), or SOCKS5 (RFC 1928, RFC 1929). */

#ifndef HTTP_TUNNEL_H
#define HTTP_TUNNEL_H

#include "http/conn.h"
#include "http/proxy.h"

/*
 * C leads to the proxy VIA: has it connect to O, whose name it looks up itself. Returns 0: what is sent and read from now on is between us and O;
 * or -1 with *F set, which tells what the proxy has said as the proxy's: FAIL_BLOCKED it does not let us to O, FAIL_PROXY.
 */
int tunnel_open(struct conn *c, const struct http_origin *o, const struct proxy *via, int64_t deadline, struct fail *f);

#endif
