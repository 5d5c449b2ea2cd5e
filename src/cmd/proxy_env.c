#include "cmd/proxy_env.h"

#include "base/env.h"
#include "base/text.h"
#include "http/proxy.h"
#include "s3/request.h"

const char *const proxy_env_names[] = { "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy",
	"NO_PROXY", "no_proxy", NULL };

static int take_variable(char *to, size_t size, const char *upper, const char *lower, bool *by_lower, struct err *e)
{
	const char *const values[] = { env_given(upper), env_given(lower), env(upper), env(lower) };
	const char *value = "";

	for (size_t i = sizeof values / sizeof *values; i--;)
		if (values[i]) {
			value = values[i];
			*by_lower = i % 2;
		}
	if (text_fmt(to, size, "%s", value) < size)
		return 0;
	to[0] = 0;
	return err_set(e, CODE_USAGE, "variable %s (or %s): it has %zu bytes, at most %zu are taken", upper, lower,
		strlen(value), size - 1);
}

/* A web server sets it for a CGI program, and what a client has sent as "Proxy:" as HTTP_PROXY: Go refuses that too. */
static int err_cgi(struct err *e)
{
	err_set(e, CODE_USAGE,
		"variable HTTP_PROXY (or http_proxy): it is not taken while REQUEST_METHOD is set, as in a CGI program, where a stranger may have set it");
	return err_hint(e, "unset REQUEST_METHOD if this is none, or HTTP_PROXY");
}

static int check_mount(const struct plan *p, const struct s3_endpoint *endpoint, const char *bucket, struct err *e)
{
	struct http_origin o;
	struct proxy via;
	int ret;

	s3_request_origin(endpoint, span_of(bucket), &o);
	ret = proxy_choose(&via, &o, p->creds.proxy, p->creds.no_proxy, e);
	if (ret == 0 && via.kind != PROXY_NONE && !endpoint->tls && env("REQUEST_METHOD"))
		ret = err_cgi(e);
	explicit_bzero(&via, sizeof via);
	return ret;
}

int proxy_env_take(struct plan *p, const struct s3_endpoint *endpoint, struct err *e)
{
	struct creds *c = &p->creds;
	bool unused;

	if (take_variable(c->proxy, sizeof c->proxy, proxy_variable(endpoint->tls),
		    endpoint->tls ? "https_proxy" : "http_proxy", &c->proxy_lower, e))
		return -1;
	if (c->proxy[0] && take_variable(c->no_proxy, sizeof c->no_proxy, "NO_PROXY", "no_proxy", &unused, e))
		return -1;
	/* One line, for the driver's config. Around an entry it is all the same to Go. */
	for (char *s = c->no_proxy; *s; s++)
		if (strchr("\t\n\v\f\r", *s))
			*s = ' ';
	for (size_t i = 0; i < p->mount_count; i++)
		if (check_mount(p, endpoint, p->mounts[i].bucket, e))
			return -1;
	return 0;
}
