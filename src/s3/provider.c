#include "s3/provider.h"

#include "base/buf.h"
#include "base/chars.h"

static const struct s3_provider providers[] = {
	{ "AWS", false, false, "us-east-1" },
	{ "Alibaba", false, false, "" },
	{ "ArvanCloud", true, false, "" },
	{ "Ceph", true, true, "" },
	{ "ChinaMobile", true, false, "" },
	{ "Cloudflare", true, false, "auto" },
	{ "DigitalOcean", false, false, "" },
	{ "Dreamhost", false, false, "" },
	{ "HuaweiOBS", false, false, "" },
	{ "IBMCOS", true, false, "" },
	{ "IDrive", true, false, "" },
	{ "IONOS", true, false, "" },
	{ "LyveCloud", false, false, "" },
	{ "Minio", true, false, "" },
	{ "Netease", false, false, "" },
	{ "Qiniu", true, false, "" },
	{ "RackCorp", false, false, "" },
	{ "Scaleway", false, true, "" },
	{ "SeaweedFS", true, false, "" },
	{ "StackPath", true, false, "" },
	{ "Storj", false, false, "" },
	{ "TencentCOS", false, false, "" },
	{ "Wasabi", false, false, "" },
	{ "Other", true, true, "" },
};

#define PROVIDERS (sizeof providers / sizeof *providers)

/* The first that fits. A pattern that begins with a dot comes behind those of its domain that say more. */
static const struct s3_site sites[] = {
	{ .host = ".amazonaws.com", .provider = "AWS" },
	{ .host = ".amazonaws.com.cn", .provider = "AWS", .region = "cn-north-1" },
	{ .host = "oss-accelerate.aliyuncs.com", .provider = "Alibaba" },
	{ .host = "oss-accelerate-overseas.aliyuncs.com", .provider = "Alibaba" },
	{ .host = "oss-*-internal.aliyuncs.com", .provider = "Alibaba" },
	{ .host = "oss-*.aliyuncs.com", .provider = "Alibaba" },
	{ .host = "s3.oss-*-internal.aliyuncs.com", .provider = "Alibaba" },
	{ .host = "s3.oss-*.aliyuncs.com", .provider = "Alibaba" },
	{ .host = "*.oss.aliyuncs.com", .provider = "Alibaba" },
	{ .host = ".aliyuncs.com", .provider = "Alibaba" },
	{ .host = ".arvanstorage.com", .provider = "ArvanCloud" },
	{ .host = ".arvanstorage.ir", .provider = "ArvanCloud" },
	{ .host = ".cmecloud.cn", .provider = "ChinaMobile" },
	{ .host = ".r2.cloudflarestorage.com", .provider = "Cloudflare" },
	{ .host = "*.digitaloceanspaces.com", .provider = "DigitalOcean", .any_region = true },
	{ .host = "s3.*.dream.io", .provider = "Dreamhost" },
	{ .host = ".dream.io", .provider = "Dreamhost" },
	{ .host = "obs.*.myhuaweicloud.com", .provider = "HuaweiOBS" },
	{ .host = ".myhuaweicloud.com", .provider = "HuaweiOBS" },
	{ .host = "s3.*.cloud-object-storage.appdomain.cloud", .provider = "IBMCOS" },
	{ .host = "s3.private.*.cloud-object-storage.appdomain.cloud", .provider = "IBMCOS" },
	{ .host = "s3.direct.*.cloud-object-storage.appdomain.cloud", .provider = "IBMCOS" },
	{ .host = ".appdomain.cloud", .provider = "IBMCOS" },
	{ .host = "s3.*.idrivee2.com", .provider = "IDrive", .any_region = true },
	{ .host = ".idrivee2.com", .provider = "IDrive" },
	{ .host = ".ionoscloud.com", .provider = "IONOS" },
	{ .host = "s3.*.lyvecloud.seagate.com", .provider = "LyveCloud" },
	{ .host = ".lyvecloud.seagate.com", .provider = "LyveCloud" },
	{ .host = ".nos-eastchina1.126.net", .provider = "Netease" },
	{ .host = "s3-*.qiniucs.com", .provider = "Qiniu" },
	{ .host = ".qiniucs.com", .provider = "Qiniu" },
	{ .host = ".rackcorp.com", .provider = "RackCorp" },
	{ .host = "s3.*.scw.cloud", .provider = "Scaleway" },
	{ .host = ".scw.cloud", .provider = "Scaleway" },
	{ .host = ".stackpathstorage.com", .provider = "StackPath" },
	{ .host = ".storjshare.io", .provider = "Storj" },
	{ .host = "cos.*.myqcloud.com", .provider = "TencentCOS" },
	{ .host = "cos.*.tencentcos.cn", .provider = "TencentCOS" },
	{ .host = ".myqcloud.com", .provider = "TencentCOS" },
	{ .host = "s3.wasabisys.com", .provider = "Wasabi", .region = "us-east-1" },
	{ .host = "s3.*.wasabisys.com", .provider = "Wasabi" },
	{ .host = ".wasabisys.com", .provider = "Wasabi" },
	/* rclone, or an older one, has no name for these. */
	{ .host = "s3.*.backblazeb2.com", .provider = "Other" },
	{ .host = "s3.*.io.cloud.ovh.net", .provider = "Other" },
	{ .host = "s3.*.perf.cloud.ovh.net", .provider = "Other" },
	{ .host = "s3.*.cloud.ovh.net", .provider = "Other" },
	{ .host = "s3.*.io.cloud.ovh.us", .provider = "Other" },
	{ .host = "*.linodeobjects.com", .provider = "Other", .any_region = true },
	{ .host = "*.vultrobjects.com", .provider = "Other", .any_region = true },
	{ .host = "*.your-objectstorage.com", .provider = "Other", .any_region = true },
	{ .host = "sos-*.exo.io", .provider = "Other" },
	{ .host = "t3.storage.dev", .provider = "Other", .region = "auto", .virtual_only = true, .any_region = true },
	{ .host = "fly.storage.tigris.dev", .provider = "Other", .region = "auto", .virtual_only = true, .any_region = true },
	{ .host = "tos-s3-*.volces.com", .provider = "Other", .virtual_only = true },
	{ .host = "tos-s3-*.ivolces.com", .provider = "Other", .virtual_only = true },
	{ .host = "storage.googleapis.com", .provider = "Other", .any_region = true },
};

#define SITES (sizeof sites / sizeof *sites)

const struct s3_provider *s3_provider_find(const char *name)
{
	for (size_t i = 0; i < PROVIDERS; i++)
		if (span_is_nocase(span_of(providers[i].name), name))
			return &providers[i];
	return NULL;
}

int s3_provider_unknown(const char *name, struct err *e)
{
	struct buf b = buf_over(e->hint, sizeof e->hint);

	err_set(e, CODE_USAGE, "S3_PROVIDER: \"%.64s\" is none that rclone knows", name);
	buf_str(&b, "known are");
	for (size_t i = 0; i < PROVIDERS; i++)
		buf_fmt(&b, " %s", providers[i].name);
	return -1;
}

static bool span_ends(struct span s, struct span tail)
{
	return s.n >= tail.n && span_eq(span_skip(s, s.n - tail.n), tail);
}

/* *REGION: what stands for the '*'. */
static bool match_host(struct span host, const char *pattern, struct span *region)
{
	struct span tail = span_of(pattern), head;

	*region = (struct span){ "", 0 };
	if (pattern[0] == '.')
		return span_ends(host, tail);
	if (!span_cut(&tail, '*', &head))
		return span_eq(host, head);
	if (host.n <= head.n + tail.n || !span_starts(host, head) || !span_ends(host, tail))
		return false;
	*region = (struct span){ host.p + head.n, host.n - head.n - tail.n };
	return !memchr(region->p, '.', region->n);
}

bool s3_is_aws_region(struct span s)
{
	struct span part;
	size_t parts = 0;
	bool more = true;

	while (more) {
		more = span_cut(&s, '-', &part);
		if (!part.n || !span_all(part, more ? char_is_letter : char_is_digit, ""))
			return false;
		parts++;
	}
	return parts >= 3;
}

/* The label that is a region, as in "bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com". */
static struct span aws_region_label(struct span host)
{
	struct span label;
	bool more = true;

	while (more) {
		more = span_cut(&host, '.', &label);
		if (s3_is_aws_region(label))
			return label;
	}
	return (struct span){ "", 0 };
}

const struct s3_site *s3_site_find(const char *host, struct span *region)
{
	for (size_t i = 0; i < SITES; i++)
		if (match_host(span_of(host), sites[i].host, region)) {
			if (!strcmp(sites[i].provider, "AWS"))
				*region = aws_region_label(span_of(host));
			return &sites[i];
		}
	*region = (struct span){ "", 0 };
	return NULL;
}

static bool is_site_itself(const char *host)
{
	struct span region;

	for (size_t i = 0; i < SITES; i++)
		if (sites[i].host[0] != '.' && match_host(span_of(host), sites[i].host, &region))
			return true;
	return false;
}

const char *s3_site_behind_bucket(const char *host)
{
	if (is_site_itself(host))
		return NULL;
	while ((host = strchr(host, '.')))
		if (is_site_itself(++host))
			return host;
	return NULL;
}
