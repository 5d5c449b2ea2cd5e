/*
 * http/proxy.h - which proxy serves a request, by the variables and rules of Go's golang.org/x/net/http/httpproxy, which rclone goes by. Pure.
 *
 * HTTPS_PROXY is for https, HTTP_PROXY for http, and neither for the other; of each name the lower case counts where the upper is empty. A host
 * that is "localhost" or a loopback address is reached directly, and so is what NO_PROXY names: '*' (all), an address or a network (CIDR), a domain
 * with what is below it, ".domain" and "*.domain" for what is below it alone; an address and a domain may have a port.
 *
 * A proxy is "[scheme://][user[:password]@]host[:port][/…]": http (if none is given; port 80), https (TLS to the proxy; 443), socks5 and socks5h (1080;
 * names are looked up by the proxy in both). Go takes more than that, but not as it was meant: it goes directly, or to a host "http". That is refused.
 */

#ifndef HTTP_PROXY_H
#define HTTP_PROXY_H

#include "http/fail.h"
#include "http/origin.h"

#define PROXY_VALUE_MAX 4096 /* of a variable: some have a token of 2 KiB for a password */

enum proxy_kind { PROXY_NONE, PROXY_HTTP, PROXY_HTTPS, PROXY_SOCKS };

struct proxy {
	enum proxy_kind kind;
	char host[256];
	uint16_t port;
	const char *variable; /* that names it: "HTTPS_PROXY", static */
	bool has_login;
	char login[PROXY_VALUE_MAX + 2]; /* "user:password", decoded: any bytes */
	size_t login_length, user_length;
};

/* "HTTPS_PROXY" or "HTTP_PROXY". */
const char *proxy_variable(bool tls);

/*
 * The proxy for O, by VALUE, that of proxy_variable(), and NO_PROXY ("": not set). Fills *P (wipe it). Returns 0, or -1 with CODE_USAGE, which names
 * the variable and what is wrong with it, and shows nothing of it.
 */
int proxy_choose(struct proxy *p, const struct http_origin *o, const char *value, const char *no_proxy, struct err *e);

/* P's variable was given by its lower-case name: errors name that. */
void proxy_call_lower(struct proxy *p);

/* Is TLS spoken with the proxy itself? */
bool proxy_value_wants_tls(const char *value);

bool proxy_same(const struct proxy *a, const struct proxy *b);

/* Does a request go to P as it is, in absolute form? Else a tunnel through P leads to O, or there is no proxy. */
static inline bool proxy_forwards(const struct proxy *p, const struct http_origin *o)
{
	return (p->kind == PROXY_HTTP || p->kind == PROXY_HTTPS) && !o->tls;
}

/* P has answered 407, or the like of it: sets *F (FAIL_PROXY). Returns -1. */
int fail_proxy_login(struct fail *f, const struct proxy *p);

/* The field Proxy-Authorization with its line end, where P has a login. */
void proxy_put_login(struct buf *out, const struct proxy *p);

/* HEAD, of a request to O, as P forwards it: in absolute form (RFC 9112, 3.2.2), with the login. Wipe OUT. */
void proxy_put_head(struct buf *out, const struct proxy *p, const struct http_origin *o, struct span head);

#endif
