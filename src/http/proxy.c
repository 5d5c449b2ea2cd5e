#include "http/proxy.h"

#include "base/chars.h"
#include "base/text.h"
#include "http/no_proxy.h"

#include <arpa/inet.h>

static const struct {
	const char *name;
	enum proxy_kind kind;
	uint16_t port;
} schemes[] = {
	{ "http", PROXY_HTTP, 80 },
	{ "https", PROXY_HTTPS, 443 },
	{ "socks5", PROXY_SOCKS, 1080 },
	{ "socks5h", PROXY_SOCKS, 1080 },
};

const char *proxy_variable(bool tls)
{
	return tls ? "HTTPS_PROXY" : "HTTP_PROXY";
}

void proxy_call_lower(struct proxy *p)
{
	p->variable = strcmp(p->variable, proxy_variable(true)) == 0 ? "https_proxy" : "http_proxy";
}

static int err_value(const struct proxy *p, const char *why, struct err *e)
{
	err_set(e, CODE_USAGE, "variable %s (or its lower case): %s", p->variable, why);
	return err_hint(
		e, "it looks like http://host:port or http://user:password@host:port; or unset it, to go without a proxy");
}

/* "http:8080" has a scheme and no host to Go. */
static int take_scheme(struct proxy *p, struct span *rest, struct err *e)
{
	struct span scheme, behind = *rest, alone = *rest;
	bool given = span_cut_at(&behind, "://", &scheme), given_alone = false;

	if (given)
		*rest = behind;
	else
		given_alone = span_cut(&alone, ':', &scheme);
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
		if (!span_is_nocase(given ? scheme : SPAN("http"), schemes[i].name))
			continue;
		p->kind = schemes[i].kind;
		p->port = schemes[i].port;
	}
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes && given_alone; i++)
		if (span_is_nocase(scheme, schemes[i].name))
			return err_value(p, "// is missing behind its scheme", e);
	return p->kind == PROXY_NONE ? err_value(p, "its scheme is none of http, https, socks5, socks5h", e) : 0;
}

/* A slash that a password holds would end the host: what is behind it shows that. */
static int drop_path(const struct proxy *p, struct span *rest, struct err *e)
{
	size_t n = 0;

	while (n < rest->n && !strchr("/?#", rest->p[n]))
		n++;
	for (size_t i = n; i < rest->n; i++)
		if (strchr("@%", rest->p[i]))
			return err_value(p,
				"@ or % stands behind its host; in user and password / is written %2F, ? %3F, # %23, % %25", e);
	rest->n = n;
	return 0;
}

static bool is_login_char(char c)
{
	return char_is_alnum(c) || (c && strchr("-._~!$&'()*+,;=:@%", c));
}

/* Appends S, decoded, to the login. False: it cannot be read. */
static bool add_decoded(struct proxy *p, struct span s)
{
	if (!span_all(s, is_login_char, ""))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%') {
			int high = i + 2 < s.n ? char_hex(s.p[i + 1]) : -1, low = high < 0 ? -1 : char_hex(s.p[i + 2]);

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		p->login[p->login_length++] = c;
	}
	return true;
}

/* Up to the last '@'. */
static int take_login(struct proxy *p, struct span *rest, struct err *e)
{
	size_t n = rest->n;
	struct span user, password;

	while (n && rest->p[n - 1] != '@')
		n--;
	if (!n)
		return 0;
	password = (struct span){ rest->p, n - 1 };
	span_cut(&password, ':', &user);
	p->has_login = add_decoded(p, user);
	p->user_length = p->login_length;
	p->login[p->login_length++] = ':';
	if (!p->has_login || !add_decoded(p, password))
		return err_value(p, "user or password hold a byte that is written as % and two hexadecimal digits there", e);
	if (p->kind == PROXY_SOCKS && (!p->user_length || p->user_length > 255 || p->login_length - p->user_length - 1 > 255))
		return err_value(p, "SOCKS5 takes users of 1 to 255 bytes and passwords of at most 255", e);
	*rest = span_skip(*rest, n);
	return 0;
}

/* Go takes "host:" for a host without a port. */
static int take_port(struct proxy *p, struct span *rest, struct err *e)
{
	size_t n = rest->n;
	unsigned long port;

	while (n && rest->p[n - 1] != ':' && rest->p[n - 1] != ']')
		n--;
	if (!n || rest->p[n - 1] == ']')
		return 0;
	if (n < rest->n) {
		if (!span_number(span_skip(*rest, n), 65535, &port) || !port)
			return err_value(p, "its port is not a number from 1 to 65535", e);
		p->port = (uint16_t)port;
	}
	rest->n = n - 1;
	return 0;
}

static int take_host(struct proxy *p, struct span host, struct err *e)
{
	bool brackets = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
	struct in6_addr address;

	if (brackets)
		host = (struct span){ host.p + 1, host.n - 2 };
	if (!host.n)
		return err_value(p, "there is no host in it", e);
	if (host.n > 253 || !span_all(host, char_is_alnum, brackets ? ":." : "-._") || host.p[0] == '.')
		return err_value(p, "its host is malformed (a name in other letters is written as xn--…)", e);
	memcpy(p->host, host.p, host.n);
	if (brackets && inet_pton(AF_INET6, p->host, &address) != 1)
		return err_value(p, "the IPv6 address in it is malformed", e);
	return 0;
}

static int parse_value(struct proxy *p, const char *value, struct err *e)
{
	struct span rest = span_of(value);

	if (rest.n > PROXY_VALUE_MAX)
		return err_value(p, "it is longer than 4096 bytes", e);
	if (span_has_control(rest, ""))
		return err_value(p, "it holds a newline or another control byte", e);
	if (take_scheme(p, &rest, e) || drop_path(p, &rest, e) || take_login(p, &rest, e) || take_port(p, &rest, e))
		return -1;
	return take_host(p, rest, e);
}

int proxy_choose(struct proxy *p, const struct http_origin *o, const char *value, const char *no_proxy, struct err *e)
{
	int direct;

	memset(p, 0, sizeof *p);
	p->variable = proxy_variable(o->tls);
	if (!*value)
		return 0;
	direct = no_proxy_names(no_proxy, o->host, o->port, e);
	return direct ? (direct < 0 ? -1 : 0) : parse_value(p, value, e);
}

int fail_proxy_login(struct fail *f, const struct proxy *p)
{
	fail_set(f, FAIL_PROXY,
		p->has_login ? "the proxy %s port %u does not take the user and the password in %s" :
			       "the proxy %s port %u wants a user and a password, and %s has none",
		p->host, p->port, p->variable);
	return err_hint(&f->err, "%s=%s://user:password@host:port (in them @ is written %%40, : %%3A, / %%2F)", p->variable,
		p->kind == PROXY_SOCKS ? "socks5" :
		p->kind == PROXY_HTTPS ? "https" :
					 "http");
}

bool proxy_value_wants_tls(const char *value)
{
	struct span rest = span_of(value), scheme;

	return span_cut_at(&rest, "://", &scheme) && span_is_nocase(scheme, "https");
}

bool proxy_same(const struct proxy *a, const struct proxy *b)
{
	return a->kind == b->kind && a->port == b->port && strcmp(a->host, b->host) == 0 && a->has_login == b->has_login &&
	       span_eq((struct span){ a->login, a->login_length }, (struct span){ b->login, b->login_length });
}

static void put_base64(struct buf *out, const char *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)bytes;

	for (size_t i = 0; i < n; i += 3) {
		unsigned three = (unsigned)p[i] << 16 | (i + 1 < n ? p[i + 1] : 0u) << 8 | (i + 2 < n ? p[i + 2] : 0u);

		buf_char(out, digits[three >> 18]);
		buf_char(out, digits[three >> 12 & 0x3f]);
		buf_char(out, i + 1 < n ? digits[three >> 6 & 0x3f] : '=');
		buf_char(out, i + 2 < n ? digits[three & 0x3f] : '=');
	}
}

void proxy_put_login(struct buf *out, const struct proxy *p)
{
	if (!p->has_login)
		return;
	buf_str(out, "proxy-authorization: Basic ");
	put_base64(out, p->login, p->login_length);
	buf_str(out, "\r\n");
}

void proxy_put_head(struct buf *out, const struct proxy *p, const struct http_origin *o, struct span head)
{
	struct span method, line;

	span_cut(&head, ' ', &method);
	span_cut_at(&head, "\r\n", &line);
	buf_span(out, method);
	buf_str(out, " http://");
	http_authority(out, o, false);
	buf_span(out, line);
	buf_str(out, "\r\n");
	proxy_put_login(out, p);
	buf_span(out, head);
}
