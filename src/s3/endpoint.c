#include "s3/endpoint.h"

#include "base/buf.h"
#include "base/chars.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

/* rclone's names; the suffix of their host names ("" for software that people run themselves); how they address a bucket. */
static const struct provider {
	const char *name, *suffix;
	bool path_style;
	const char *region;
} providers[] = {
	{ "AWS", ".amazonaws.com", false, "us-east-1" },
	{ "AWS", ".amazonaws.com.cn", false, "cn-north-1" },
	{ "Alibaba", ".aliyuncs.com", false, "" },
	{ "ArvanCloud", ".arvanstorage.com", true, "" },
	{ "Ceph", "", true, "" },
	{ "ChinaMobile", ".cmecloud.cn", true, "" },
	{ "Cloudflare", ".r2.cloudflarestorage.com", true, "auto" },
	{ "DigitalOcean", ".digitaloceanspaces.com", false, "" },
	{ "Dreamhost", ".dream.io", true, "" },
	{ "HuaweiOBS", ".myhuaweicloud.com", false, "" },
	{ "IBMCOS", ".appdomain.cloud", true, "" },
	{ "IDrive", ".idrivee2.com", true, "" },
	{ "IONOS", ".ionoscloud.com", true, "" },
	{ "LyveCloud", ".lyvecloud.seagate.com", true, "" },
	{ "Minio", "", true, "" },
	{ "Netease", ".nos-eastchina1.126.net", false, "" },
	{ "Qiniu", ".qiniucs.com", true, "" },
	{ "RackCorp", ".rackcorp.com", true, "" },
	{ "Scaleway", ".scw.cloud", true, "" },
	{ "SeaweedFS", "", true, "" },
	{ "StackPath", ".stackpathstorage.com", true, "" },
	{ "Storj", ".storjshare.io", true, "" },
	{ "TencentCOS", ".myqcloud.com", false, "" },
	{ "Wasabi", ".wasabisys.com", true, "" },
	{ "Other", "", true, "" },
};

#define PROVIDERS (sizeof providers / sizeof *providers)

static int err_endpoint(struct err *e, const char *why)
{
	err_set(e, CODE_USAGE, "S3_ENDPOINT_URL: %s", why);
	return err_hint(e, "it looks like https://host, https://host:port or http://host:port");
}

static int take_scheme(struct s3_endpoint *s, struct span *rest, struct err *e)
{
	struct span scheme, behind = *rest;

	s->tls = true;
	if (!span_cut_at(&behind, "://", &scheme))
		return 0;
	*rest = behind;
	s->tls = span_is_nocase(scheme, "https");
	return s->tls || span_is_nocase(scheme, "http") ? 0 : err_endpoint(e, "the scheme is neither https nor http");
}

static int take_path(struct s3_endpoint *s, struct span *rest, struct err *e)
{
	size_t n = rest->n;
	const char *at = memchr(rest->p, '/', n);
	struct span path = { at, at ? n - (size_t)(at - rest->p) : 0 };

	if (at)
		rest->n = (size_t)(at - rest->p);
	while (path.n && path.p[path.n - 1] == '/')
		path.n--;
	if (path.n >= sizeof s->path || !span_all(path, char_is_alnum, "/-._~"))
		return err_endpoint(e, "the path holds a byte that does not belong there, or is too long");
	if (path.n)
		memcpy(s->path, path.p, path.n);
	if (text_find(s->path, "//") || text_find(s->path, "/."))
		return err_endpoint(e, "the path has an empty component, or one that begins with a dot");
	return 0;
}

static int take_port(struct s3_endpoint *s, struct span *authority, struct err *e)
{
	size_t n = authority->n;
	unsigned long port;

	while (n && char_is_digit(authority->p[n - 1]))
		n--;
	s->port = s->tls ? 443 : 80;
	if (!n || authority->p[n - 1] != ':')
		return 0;
	if (!span_number(span_skip(*authority, n), 65535, &port) || !port)
		return err_endpoint(e, "the port is not a number from 1 to 65535");
	s->port = (uint16_t)port;
	authority->n = n - 1;
	return 0;
}

static void lower_string(char *s)
{
	for (; *s; s++)
		*s = char_lower(*s);
}

/* An address can be spelled in many ways; RFC 5952 defines one. */
static int canonicalize_ipv6(struct s3_endpoint *s)
{
	struct in6_addr address;

	if (inet_pton(AF_INET6, s->host, &address) != 1)
		return -1;
	return inet_ntop(AF_INET6, &address, s->host, sizeof s->host) ? 0 : -1;
}

static int take_host(struct s3_endpoint *s, struct span host, struct err *e)
{
	bool v6 = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';

	if (v6)
		host = (struct span){ host.p + 1, host.n - 2 };
	if (!host.n)
		return err_endpoint(e, "there is no host in it");
	if (host.n > 253 || !span_all(host, char_is_alnum, v6 ? ":." : "-._") || host.p[0] == '.' || host.p[host.n - 1] == '.')
		return err_endpoint(e, "the host is malformed");
	memcpy(s->host, host.p, host.n);
	lower_string(s->host);
	return v6 && canonicalize_ipv6(s) ? err_endpoint(e, "the IPv6 address is malformed") : 0;
}

static int take_url(struct s3_endpoint *s, const char *endpoint, struct err *e)
{
	struct span rest = span_of(endpoint);

	for (const char *p = endpoint; *p; p++) {
		if (*p == ' ' || char_is_control(*p))
			return err_endpoint(e, "it holds a blank or a control byte");
		if (strchr("@?#", *p))
			return err_endpoint(e, *p == '@' ? "it holds a user or password" : "it holds a query or a fragment");
	}
	if (take_scheme(s, &rest, e) || take_path(s, &rest, e) || take_port(s, &rest, e))
		return -1;
	return take_host(s, rest, e);
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), m = strlen(tail);

	return n >= m && strcmp(s + n - m, tail) == 0;
}

static const struct provider *provider_by_host(const char *host)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (providers[i].suffix[0] && ends_with(host, providers[i].suffix))
			return &providers[i];
	return NULL;
}

static const struct provider *provider_by_name(const char *name)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (span_is_nocase(span_of(providers[i].name), name))
			return &providers[i];
	return NULL;
}

static int err_unknown_provider(const char *name, struct err *e)
{
	struct buf b = buf_over(e->hint, sizeof e->hint);

	err_set(e, CODE_USAGE, "S3_PROVIDER: \"%.64s\" is none that rclone knows", name);
	buf_str(&b, "known are");
	for (size_t i = 0; i < PROVIDERS; i++)
		if (i == 0 || strcmp(providers[i].name, providers[i - 1].name))
			buf_fmt(&b, " %s", providers[i].name);
	return -1;
}

static bool is_region_name(const char *region)
{
	size_t n = strlen(region);

	return n > 0 && n < 64 && span_all(span_of(region), char_is_alnum, "-_");
}

/*
 * Splits "s3.eu-west-1.amazonaws.com" and its relatives: the head before the region, and the region. False: the host does not
 * depend on a region.
 */
static bool split_aws_host(const char *host, const char **head, struct span *region)
{
	static const char *const heads[] = { "s3.dualstack.", "s3-fips.dualstack.", "s3-fips.", "s3.", "s3-" };
	struct span rest = span_of(host);

	if (!ends_with(host, ".amazonaws.com") && !ends_with(host, ".amazonaws.com.cn"))
		return false;
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct span tail = rest;

		if (!span_starts(rest, span_of(heads[i])))
			continue;
		tail = span_skip(rest, strlen(heads[i]));
		span_cut(&tail, '.', region);
		*head = strcmp(heads[i], "s3-") ? heads[i] : "s3."; /* new regions have no host of the old form */
		if (span_is(tail, "com") && span_is(*region, "amazonaws"))
			region->n = 0; /* "s3.amazonaws.com", the old name of us-east-1 */
		return !region->n || span_starts(tail, SPAN("amazonaws.com"));
	}
	return false;
}

static void set_aws_host(struct s3_endpoint *s, const char *head)
{
	text_fmt(s->host, sizeof s->host, "%s%s.amazonaws.com%s", head, s->region, strncmp(s->region, "cn-", 3) ? "" : ".cn");
	lower_string(s->host);
}

int s3_endpoint_set_region(struct s3_endpoint *s, const char *region)
{
	struct span old;
	const char *head;

	if (!is_region_name(region))
		return -1;
	text_fmt(s->region, sizeof s->region, "%s", region);
	if (s->aws && split_aws_host(s->host, &head, &old))
		set_aws_host(s, head);
	return 0;
}

static int set_provider_and_region(struct s3_endpoint *s, const char *provider, const char *region, struct err *e)
{
	const struct provider *host = provider_by_host(s->host), *p = provider[0] ? provider_by_name(provider) : host;
	struct span in_host = { "", 0 };
	const char *head;

	if (provider[0] && !p)
		return err_unknown_provider(provider, e);
	if (!p)
		p = provider_by_name("Other");
	if (host && s->path[0])
		return err_endpoint(e, "a path stands behind the host: the bucket's name belongs into S3_BUCKET_NAME");
	if (region[0] && !is_region_name(region))
		return err_set(
			e, CODE_USAGE, "S3_REGION: it holds a byte that is in no region's name, or more than 63 of them");
	s->provider = p->name;
	s->aws = split_aws_host(s->host, &head, &in_host);
	/* A self-hosted server has no wildcard names, whatever its software. */
	s->path_style = p->path_style || !host;
	if (region[0] || !in_host.n)
		text_fmt(s->region, sizeof s->region, "%s", region[0] ? region : p->region[0] ? p->region : "us-east-1");
	else
		text_fmt(s->region, sizeof s->region, "%.*s", (int)in_host.n, in_host.p);
	if (s->aws && !in_host.n)
		set_aws_host(s, head);
	return 0;
}

int s3_endpoint_parse(struct s3_endpoint *s, const char *endpoint, const char *provider, const char *region, struct err *e)
{
	*s = (struct s3_endpoint){ 0 };
	if (take_url(s, endpoint[0] ? endpoint : "https://s3.amazonaws.com", e))
		return -1;
	return set_provider_and_region(s, provider, region, e);
}

static void write_url(struct buf *b, const struct s3_endpoint *s)
{
	bool v6 = strchr(s->host, ':') != NULL;

	buf_fmt(b, v6 ? "%s://[%s]" : "%s://%s", s->tls ? "https" : "http", s->host);
	if (s->port != (s->tls ? 443 : 80))
		buf_fmt(b, ":%u", s->port);
	buf_str(b, s->path);
}

void s3_endpoint_url(const struct s3_endpoint *s, char *out, size_t size)
{
	struct buf b = buf_over(out, size);

	if (s->aws && s->tls && s->port == 443) {
		struct span region;
		const char *head;

		/* rclone derives the host from the region itself; it only has to be given FIPS and dual-stack hosts. */
		if (split_aws_host(s->host, &head, &region) && strcmp(head, "s3.") == 0)
			return;
	}
	write_url(&b, s);
}

void s3_endpoint_identity(const struct s3_endpoint *s, char *out, size_t size)
{
	struct buf b = buf_over(out, size);
	struct s3_endpoint same = *s;
	struct span region;
	const char *head;

	/* Dual-stack, FIPS, plain HTTP: a region has the same buckets under all of its names. */
	if (s->aws && split_aws_host(s->host, &head, &region)) {
		text_fmt(same.region, sizeof same.region, "%.*s", (int)region.n, region.p);
		set_aws_host(&same, "s3.");
		same.tls = true;
		same.port = 443;
	}
	write_url(&b, &same);
}
