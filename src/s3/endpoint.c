#include "s3/endpoint.h"

#include "base/buf.h"
#include "base/chars.h"
#include "base/text.h"
#include "s3/provider.h"

#include <arpa/inet.h>
#include <string.h>

#define ACCELERATE "s3-accelerate.amazonaws.com"

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

static bool is_region_name(const char *region)
{
	size_t n = strlen(region);

	return n > 0 && n < 64 && span_all(span_of(region), char_is_alnum, "-_");
}

/* "s3-eu-west-1", but not "s3-accelerate", "s3-website-us-east-1", "s3-external-1". */
static bool is_region_behind_dash(struct span s)
{
	return s3_is_aws_region(s) && !span_starts(s, SPAN("website-"));
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
		if (span_is(tail, "com") && span_is(*region, "amazonaws")) {
			region->n = 0; /* "s3.amazonaws.com", the old name of us-east-1 */
			return true;
		}
		return region->n && span_starts(tail, SPAN("amazonaws.com")) &&
		       (strcmp(heads[i], "s3-") || is_region_behind_dash(*region));
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

/* What of AWS's hosts answers other requests than S3's own. */
static const struct {
	const char *part, *what, *hint;
} foreign[] = {
	{ ".s3-accesspoint.", "it is the host of an access point",
		"leave S3_ENDPOINT_URL unset, set S3_REGION, and give the access point's alias (…-s3alias) as the bucket's name" },
	{ ".s3-object-lambda.", "it is the host of an Object Lambda access point", "give the endpoint of the bucket itself" },
	{ "s3-website", "it is the host of a website, which answers no signed request",
		"give the endpoint of the bucket's region, as https://s3.eu-west-1.amazonaws.com" },
};

static int check_foreign_host(const char *host, struct err *e)
{
	if (!ends_with(host, ".amazonaws.com") && !ends_with(host, ".amazonaws.com.cn"))
		return 0;
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (text_find(host, foreign[i].part)) {
			err_endpoint(e, foreign[i].what);
			return err_hint(e, "%s", foreign[i].hint);
		}
	return 0;
}

/* "bucket.s3.eu-west-1.amazonaws.com", "bucket.s3.fr-par.scw.cloud": returns what follows the bucket's name, or NULL. */
static const char *endpoint_behind_bucket(const char *host)
{
	struct span region;
	const char *head;

	if (!split_aws_host(host, &head, &region))
		for (const char *rest = host; (rest = strchr(rest, '.'));)
			if (split_aws_host(++rest, &head, &region) || !strcmp(rest, ACCELERATE))
				return rest;
	return s3_site_behind_bucket(host);
}

static int check_no_bucket_in_host(const struct s3_endpoint *s, struct err *e)
{
	const char *rest = endpoint_behind_bucket(s->host);

	if (!rest)
		return 0;
	err_set(e, CODE_USAGE, "S3_ENDPOINT_URL: its host begins with a bucket's name (%.*s, before %s)",
		(int)(rest - s->host - 1), s->host, rest);
	return err_hint(
		e, "the endpoint is %s://%s; the bucket's name belongs into S3_BUCKET_NAME", s->tls ? "https" : "http", rest);
}

static void note_region(struct s3_endpoint *s, const char *given, struct span in_host)
{
	if (given[0] && in_host.n && !span_is_nocase(in_host, given))
		text_fmt(s->note, sizeof s->note,
			"S3_REGION is %s, and the host in S3_ENDPOINT_URL says %.*s: requests are signed for %s", given,
			(int)in_host.n, in_host.p, given);
	else if (!given[0] && !in_host.n && text_find(s->host, "s3-accelerate"))
		text_fmt(
			s->note, sizeof s->note, "S3_REGION is not set, and %s does not say it: us-east-1 is assumed", s->host);
}

/* The region that was given, that the host says, that the site has, or that the provider has. */
static void set_region(struct s3_endpoint *s, const char *given, struct span in_host, const char *fallback)
{
	if (given[0] || !in_host.n)
		text_fmt(s->region, sizeof s->region, "%s", given[0] ? given : fallback[0] ? fallback : "us-east-1");
	else
		text_fmt(s->region, sizeof s->region, "%.*s", (int)in_host.n, in_host.p);
}

bool s3_endpoint_ignores_path_style(const struct s3_endpoint *s)
{
	return !s3_provider_find(s->provider)->path_style;
}

const char *s3_endpoint_rclone_provider(const struct s3_endpoint *s)
{
	return s->path_style && s3_endpoint_ignores_path_style(s) ? "Other" : s->provider;
}

static void set_style(struct s3_endpoint *s, bool path)
{
	s->path_style = path;
	s->encode_listings = s3_provider_find(s3_endpoint_rclone_provider(s))->encode_listings;
}

static int set_provider_and_region(struct s3_endpoint *s, const char *provider, const char *region, struct err *e)
{
	struct span in_host, in_aws;
	const struct s3_site *site = s3_site_find(s->host, &in_host);
	const struct s3_provider *p = s3_provider_find(provider[0] ? provider : site ? site->provider : "Other");
	const char *head;

	if (!p)
		return s3_provider_unknown(provider, e);
	if (site && s->path[0])
		return err_endpoint(e, "a path stands behind the host: the bucket's name belongs into S3_BUCKET_NAME");
	if (region[0] && !is_region_name(region))
		return err_set(
			e, CODE_USAGE, "S3_REGION: it holds a byte that is in no region's name, or more than 63 of them");
	if (check_foreign_host(s->host, e) || check_no_bucket_in_host(s, e))
		return -1;
	s->provider = p->name;
	s->aws = split_aws_host(s->host, &head, &in_aws);
	if (s->aws)
		in_host = in_aws;
	/* A self-hosted server has no wildcard names, whatever its software. */
	set_style(s, site ? p->path_style && !site->virtual_only : true);
	set_region(s, region, in_host, site && site->region ? site->region : p->region);
	if (!site || !site->any_region)
		note_region(s, region, in_host);
	if (s->aws && !in_aws.n)
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

void s3_endpoint_call(const char *called, char *text, size_t size)
{
	static const char usual[] = "S3_ENDPOINT_URL";
	char whole[1024];
	struct buf b = buf_over(whole, sizeof whole);
	struct span rest = span_of(text), head;

	if (!called || !*called)
		return;
	while (span_cut_at(&rest, usual, &head)) {
		buf_span(&b, head);
		buf_str(&b, called);
	}
	buf_span(&b, head);
	text_fmt(text, size, "%s", whole);
}

static bool is_address(const char *host)
{
	return strchr(host, ':') || span_all(span_of(host), char_is_digit, ".");
}

int s3_endpoint_set_style(struct s3_endpoint *s, const char *style, struct err *e)
{
	bool path = strcmp(style, "path") == 0, virtual = strcmp(style, "virtual") == 0;

	if (!path && !virtual && style[0] && strcmp(style, "auto") != 0)
		return err_set(e, CODE_USAGE, "S3_ADDRESSING_STYLE: \"%.64s\" is none of path, virtual, auto", style);
	if (virtual && is_address(s->host))
		return err_set(e, CODE_USAGE,
			"S3_ADDRESSING_STYLE=virtual: %s is an address, before which no bucket's name can stand", s->host);
	if (path || virtual)
		set_style(s, path);
	return 0;
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

	if (s->aws && !s->path_style && s->tls && s->port == 443) {
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
