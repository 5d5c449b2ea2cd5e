/* s3_endpoint_test.c - endpoint, provider and region. */

#include "unit.h"

#include "s3/endpoint.h"

#include <string.h>

static const struct {
	const char *endpoint, *provider, *region;
	const char *host;
	unsigned port;
	bool tls, path_style, aws;
	const char *path, *in_region, *name, *url;
} good[] = {
	{ "", "", "", "s3.us-east-1.amazonaws.com", 443, true, false, true, "", "us-east-1", "AWS", "" },
	{ "", "", "eu-west-1", "s3.eu-west-1.amazonaws.com", 443, true, false, true, "", "eu-west-1", "AWS", "" },
	{ "", "aws", "cn-north-1", "s3.cn-north-1.amazonaws.com.cn", 443, true, false, true, "", "cn-north-1", "AWS", "" },
	{ "https://s3.amazonaws.com", "", "eu-west-1", "s3.eu-west-1.amazonaws.com", 443, true, false, true, "", "eu-west-1",
		"AWS", "" },
	{ "https://s3.eu-west-1.amazonaws.com/", "", "", "s3.eu-west-1.amazonaws.com", 443, true, false, true, "", "eu-west-1",
		"AWS", "" },
	{ "s3.dualstack.eu-west-1.amazonaws.com", "", "", "s3.dualstack.eu-west-1.amazonaws.com", 443, true, false, true, "",
		"eu-west-1", "AWS", "https://s3.dualstack.eu-west-1.amazonaws.com" },
	{ "https://s3.moon.amazonaws.com", "", "", "s3.moon.amazonaws.com", 443, true, false, true, "", "moon", "AWS", "" },
	{ "https://vpce-1.s3.us-east-1.vpce.amazonaws.com", "", "", "vpce-1.s3.us-east-1.vpce.amazonaws.com", 443, true, false,
		false, "", "us-east-1", "AWS", "https://vpce-1.s3.us-east-1.vpce.amazonaws.com" },
	{ "https://Acct.R2.cloudflarestorage.com", "", "", "acct.r2.cloudflarestorage.com", 443, true, true, false, "", "auto",
		"Cloudflare", "https://acct.r2.cloudflarestorage.com" },
	{ "HTTP://127.0.0.1:7480", "", "", "127.0.0.1", 7480, false, true, false, "", "us-east-1", "Other",
		"http://127.0.0.1:7480" },
	{ "http://h:80/", "ceph", "RegionOne", "h", 80, false, true, false, "", "RegionOne", "Ceph", "http://h" },
	{ "http://h:443", "AWS", "", "h", 443, false, true, false, "", "us-east-1", "AWS", "http://h:443" },
	{ "h:9000/base//", "Minio", "", "h", 9000, true, true, false, "/base", "us-east-1", "Minio", "https://h:9000/base" },
	{ "https://[2001:DB8::1]:8443", "", "", "2001:db8::1", 8443, true, true, false, "", "us-east-1", "Other",
		"https://[2001:db8::1]:8443" },
	{ "https://fra1.digitaloceanspaces.com", "", "fra1", "fra1.digitaloceanspaces.com", 443, true, false, false, "", "fra1",
		"DigitalOcean", "https://fra1.digitaloceanspaces.com" },
	{ "https://x.amazonaws.com.evil.example", "", "", "x.amazonaws.com.evil.example", 443, true, true, false, "",
		"us-east-1", "Other", "https://x.amazonaws.com.evil.example" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct s3_endpoint s;
		struct err e;
		char url[600];

		if (s3_endpoint_parse(&s, good[i].endpoint, good[i].provider, good[i].region, &e))
			fail_msg("%s: %s", good[i].endpoint, e.text);
		assert_string_equal(s.host, good[i].host);
		assert_int_equal(s.port, good[i].port);
		assert_int_equal(s.tls, good[i].tls);
		assert_int_equal(s.path_style, good[i].path_style);
		assert_int_equal(s.aws, good[i].aws);
		assert_string_equal(s.path, good[i].path);
		assert_string_equal(s.region, good[i].in_region);
		assert_string_equal(s.provider, good[i].name);
		s3_endpoint_url(&s, url, sizeof url);
		assert_string_equal(url, good[i].url);
	}
}

static const struct {
	const char *endpoint, *provider, *region, *variable, *why;
} bad[] = {
	{ "ftp://h", "", "", "S3_ENDPOINT_URL", "scheme" },
	{ "://h", "", "", "S3_ENDPOINT_URL", "scheme" },
	{ "http://", "", "", "S3_ENDPOINT_URL", "no host" },
	{ "http://:80", "", "", "S3_ENDPOINT_URL", "no host" },
	{ "http://user:pw@h", "", "", "S3_ENDPOINT_URL", "user" },
	{ "http://h?x", "", "", "S3_ENDPOINT_URL", "query" },
	{ "http://h#x", "", "", "S3_ENDPOINT_URL", "fragment" },
	{ "http://a b", "", "", "S3_ENDPOINT_URL", "blank" },
	{ "http://h\n", "", "", "S3_ENDPOINT_URL", "control" },
	{ "http://h\x7f", "", "", "S3_ENDPOINT_URL", "control" },
	{ "http://h:0", "", "", "S3_ENDPOINT_URL", "port" },
	{ "http://h:65536", "", "", "S3_ENDPOINT_URL", "port" },
	{ "http://h:", "", "", "S3_ENDPOINT_URL", "port" },
	{ "http://h:x", "", "", "S3_ENDPOINT_URL", "malformed" },
	{ "http://h\xc3\xbc", "", "", "S3_ENDPOINT_URL", "malformed" },
	{ "http://.h", "", "", "S3_ENDPOINT_URL", "malformed" },
	{ "http://h.", "", "", "S3_ENDPOINT_URL", "malformed" },
	{ "http://[::1", "", "", "S3_ENDPOINT_URL", "malformed" },
	{ "http://[1::2::3]", "", "", "S3_ENDPOINT_URL", "IPv6" },
	{ "http://::1", "", "", "S3_ENDPOINT_URL", "malformed" },
	{ "http://h/a//b", "", "", "S3_ENDPOINT_URL", "component" },
	{ "http://h/../b", "", "", "S3_ENDPOINT_URL", "component" },
	{ "http://h/%2e", "", "", "S3_ENDPOINT_URL", "path" },
	{ "https://a.r2.cloudflarestorage.com/bucket", "", "", "S3_ENDPOINT_URL", "S3_BUCKET_NAME" },
	{ "https://sandbox.s3.eu-west-1.amazonaws.com", "", "", "S3_ENDPOINT_URL",
		"bucket's name (sandbox, before s3.eu-west" },
	{ "https://my.bucket.s3.amazonaws.com", "", "", "S3_ENDPOINT_URL", "bucket's name (my.bucket, before s3.ama" },
	{ "https://sandbox.s3-accelerate.amazonaws.com", "", "", "S3_ENDPOINT_URL", "bucket's name (sandbox, before s3-acc" },
	{ "https://sandbox.s3.fr-par.scw.cloud", "", "", "S3_ENDPOINT_URL", "bucket's name (sandbox, before s3.fr" },
	{ "https://sandbox.nyc3.digitaloceanspaces.com", "", "", "S3_ENDPOINT_URL", "bucket's name (sandbox, before nyc3" },
	{ "https://sandbox.t3.storage.dev", "", "", "S3_ENDPOINT_URL", "bucket's name (sandbox, before t3" },
	{ "https://me-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "", "", "S3_ENDPOINT_URL", "access point" },
	{ "http://b.s3-website-us-east-1.amazonaws.com", "", "", "S3_ENDPOINT_URL", "website" },
	{ "http://h", "Nobody", "", "S3_PROVIDER", "Nobody" },
	{ "http://h", "", "us east", "S3_REGION", "region" },
	{ "http://h", "", "a/b", "S3_REGION", "region" },
	{ "", "", "evil.example/", "S3_REGION", "region" },
	{ "http://h", "", "1234567890123456789012345678901234567890123456789012345678901234", "S3_REGION", "region" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct s3_endpoint s;
		struct err e = { .text = "" };

		if (!s3_endpoint_parse(&s, bad[i].endpoint, bad[i].provider, bad[i].region, &e))
			fail_msg("%s was taken", bad[i].endpoint);
		assert_int_equal(e.code, CODE_USAGE);
		if (strncmp(e.text, bad[i].variable, strlen(bad[i].variable)) || !strstr(e.text, bad[i].why) ||
			strstr(e.text, "pw"))
			fail_msg("%s: %s", bad[i].endpoint, e.text);
	}
}

/* A region that the host itself says; "-": it is not looked at, so another one is not noted. */
static const struct {
	const char *host, *provider, *region, *loose;
	bool path_style;
} sites[] = {
	{ "bucket.vpce-1a2b3c4d-5e6f.s3.eu-west-1.vpce.amazonaws.com", "AWS", "eu-west-1", "", false },
	{ "s3.us-gov-west-1.amazonaws.com", "AWS", "us-gov-west-1", "", false },
	{ "s3-fips.us-gov-east-1.amazonaws.com", "AWS", "us-gov-east-1", "", false },
	{ "s3.dualstack.ap-southeast-2.amazonaws.com", "AWS", "ap-southeast-2", "", false },
	{ "s3express-usw2-az1.us-west-2.amazonaws.com", "AWS", "us-west-2", "", false },
	{ "s3.us-west-004.backblazeb2.com", "Other", "us-west-004", "", true },
	{ "s3.eu-central-1.wasabisys.com", "Wasabi", "eu-central-1", "", false },
	{ "s3.fr-par.scw.cloud", "Scaleway", "fr-par", "", false },
	{ "s3.gra.io.cloud.ovh.net", "Other", "gra", "", true },
	{ "s3.gra.perf.cloud.ovh.net", "Other", "gra", "", true },
	{ "s3.rbx.cloud.ovh.net", "Other", "rbx", "", true },
	{ "fra1.digitaloceanspaces.com", "DigitalOcean", "fra1", "-", false },
	{ "us-ord-1.linodeobjects.com", "Other", "us-ord-1", "-", true },
	{ "ewr1.vultrobjects.com", "Other", "ewr1", "-", true },
	{ "fsn1.your-objectstorage.com", "Other", "fsn1", "-", true },
	{ "s3.us-south.cloud-object-storage.appdomain.cloud", "IBMCOS", "us-south", "", true },
	{ "s3.private.eu-de.cloud-object-storage.appdomain.cloud", "IBMCOS", "eu-de", "", true },
	{ "s3.us-west-1.idrivee2.com", "IDrive", "us-west-1", "-", true },
	{ "sos-ch-gva-2.exo.io", "Other", "ch-gva-2", "", true },
	{ "s3-cn-east-1.qiniucs.com", "Qiniu", "cn-east-1", "", true },
	{ "obs.cn-north-4.myhuaweicloud.com", "HuaweiOBS", "cn-north-4", "", false },
	{ "cos.ap-beijing.myqcloud.com", "TencentCOS", "ap-beijing", "", false },
	{ "oss-cn-hangzhou.aliyuncs.com", "Alibaba", "cn-hangzhou", "", false },
	{ "oss-cn-hangzhou-internal.aliyuncs.com", "Alibaba", "cn-hangzhou", "", false },
	{ "s3.oss-eu-central-1.aliyuncs.com", "Alibaba", "eu-central-1", "", false },
	{ "tos-s3-cn-beijing.volces.com", "Other", "cn-beijing", "", false },
};

static void test_the_host_says_the_region(void **state)
{
	struct s3_endpoint s;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof sites / sizeof *sites; i++) {
		if (s3_endpoint_parse(&s, sites[i].host, "", "", &e))
			fail_msg("%s: %s", sites[i].host, e.text);
		if (strcmp(s.region, sites[i].region) || strcmp(s.provider, sites[i].provider) ||
			s.path_style != sites[i].path_style || strcmp(s.host, sites[i].host) || s.note[0])
			fail_msg("%s: %s %s %d, note %s", sites[i].host, s.provider, s.region, s.path_style, s.note);
		assert_int_equal(s3_endpoint_parse(&s, sites[i].host, "", "elsewhere-1", &e), 0);
		assert_string_equal(s.region, "elsewhere-1");
		if ((sites[i].loose[0] == '-') != !s.note[0])
			fail_msg("%s: note %s", sites[i].host, s.note);
		if (s.note[0])
			assert_non_null(strstr(s.note, sites[i].region));
	}
}

/* Hosts that say none. */
static void test_a_region_that_nobody_says(void **state)
{
	static const char *const hosts[][3] = {
		{ "t3.storage.dev", "auto", "" },
		{ "fly.storage.tigris.dev", "auto", "" },
		{ "s3.wasabisys.com", "us-east-1", "" },
		{ "s3-external-1.amazonaws.com", "us-east-1", "" },
		{ "oss-accelerate.aliyuncs.com", "us-east-1", "" },
		{ "storage.googleapis.com", "us-east-1", "" },
		{ "s3-accelerate.amazonaws.com", "us-east-1",
			"S3_REGION is not set, and s3-accelerate.amazonaws.com does not say it: us-east-1 is assumed" },
		{ "s3-accelerate.dualstack.amazonaws.com", "us-east-1",
			"S3_REGION is not set, and s3-accelerate.dualstack.amazonaws.com does not say it: us-east-1 is assumed" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
		struct s3_endpoint s;
		struct err e;

		assert_int_equal(s3_endpoint_parse(&s, hosts[i][0], "", "", &e), 0);
		assert_string_equal(s.host, hosts[i][0]);
		assert_string_equal(s.region, hosts[i][1]);
		assert_string_equal(s.note, hosts[i][2]);
		assert_int_equal(s3_endpoint_parse(&s, hosts[i][0], "", "eu-west-1", &e), 0);
		assert_string_equal(s.host, hosts[i][0]);
		assert_string_equal(s.note, "");
	}
}

/* Of AWS a region that was given decides, and the other is noted. */
static void test_another_region_is_noted(void **state)
{
	struct s3_endpoint s;
	struct err e;

	(void)state;
	assert_int_equal(s3_endpoint_parse(&s, "https://s3.eu-west-1.amazonaws.com", "", "us-east-2", &e), 0);
	assert_string_equal(s.note,
		"S3_REGION is us-east-2, and the host in S3_ENDPOINT_URL says eu-west-1: requests are signed for us-east-2");
	assert_int_equal(s3_endpoint_parse(&s, "https://s3.eu-west-1.amazonaws.com", "", "EU-WEST-1", &e), 0);
	assert_string_equal(s.note, "");
}

static const struct {
	const char *endpoint, *provider, *style, *rclone;
	bool path_style, encodes;
} styles[] = {
	{ "http://h", "", "", "Other", true, true },
	{ "http://h", "", "auto", "Other", true, true },
	{ "http://h", "", "virtual", "Other", false, true },
	{ "http://h", "Ceph", "", "Ceph", true, true },
	{ "http://h", "Minio", "", "Minio", true, false },
	{ "http://h", "Minio", "virtual", "Minio", false, false },
	{ "http://h", "SeaweedFS", "", "SeaweedFS", true, false }, /* older ones do not encode */
	{ "http://h", "AWS", "", "Other", true, true },		   /* rclone would ask at bucket.h */
	{ "http://h", "AWS", "virtual", "AWS", false, false },
	{ "", "", "", "AWS", false, false },
	{ "", "", "path", "Other", true, true },
	{ "https://a.r2.cloudflarestorage.com", "", "", "Cloudflare", true, false },
	{ "https://a.r2.cloudflarestorage.com", "", "virtual", "Cloudflare", false, false },
	{ "https://s3.fr-par.scw.cloud", "", "", "Scaleway", false, true },
	{ "https://s3.fr-par.scw.cloud", "", "path", "Other", true, true },
	{ "https://t3.storage.dev", "", "", "Other", false, true },
	{ "https://storage.googleapis.com", "", "", "Other", true, true },
	{ "https://obs.cn-north-4.myhuaweicloud.com", "", "", "HuaweiOBS", false, false },
};

static void test_styles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
		struct s3_endpoint s;
		struct err e;

		assert_int_equal(s3_endpoint_parse(&s, styles[i].endpoint, styles[i].provider, "", &e), 0);
		assert_int_equal(s3_endpoint_set_style(&s, styles[i].style, &e), 0);
		if (s.path_style != styles[i].path_style || strcmp(s3_endpoint_rclone_provider(&s), styles[i].rclone) ||
			s.encode_listings != styles[i].encodes)
			fail_msg("%s %s %s: %d %s %d", styles[i].endpoint, styles[i].provider, styles[i].style, s.path_style,
				s3_endpoint_rclone_provider(&s), s.encode_listings);
	}
}

static void test_bad_styles(void **state)
{
	struct s3_endpoint s;
	char url[600];
	struct err e;

	(void)state;
	assert_int_equal(s3_endpoint_parse(&s, "http://127.0.0.1:1", "", "", &e), 0);
	assert_int_equal(s3_endpoint_set_style(&s, "virtual", &e), -1);
	assert_string_equal(
		e.text, "S3_ADDRESSING_STYLE=virtual: 127.0.0.1 is an address, before which no bucket's name can stand");
	assert_int_equal(s3_endpoint_set_style(&s, "Path", &e), -1);
	assert_string_equal(e.text, "S3_ADDRESSING_STYLE: \"Path\" is none of path, virtual, auto");
	assert_true(s.path_style);
	assert_int_equal(s3_endpoint_parse(&s, "http://[::1]", "", "", &e), 0);
	assert_int_equal(s3_endpoint_set_style(&s, "virtual", &e), -1);
	/* As "Other" rclone has no endpoint of its own for AWS. */
	assert_int_equal(s3_endpoint_parse(&s, "", "", "eu-west-1", &e), 0);
	assert_int_equal(s3_endpoint_set_style(&s, "path", &e), 0);
	s3_endpoint_url(&s, url, sizeof url);
	assert_string_equal(url, "https://s3.eu-west-1.amazonaws.com");
}

static void test_known_providers_are_named(void **state)
{
	struct err e = { .text = "" };
	struct s3_endpoint s;

	(void)state;
	assert_int_equal(s3_endpoint_parse(&s, "http://h", "x", "", &e), -1);
	assert_non_null(strstr(e.hint, "AWS Alibaba"));
	assert_non_null(strstr(e.hint, " Other"));
}

static void test_move(void **state)
{
	struct s3_endpoint s;
	struct err e;

	(void)state;
	assert_int_equal(s3_endpoint_parse(&s, "", "", "", &e), 0);
	assert_int_equal(s3_endpoint_set_region(&s, "ap-south-1"), 0);
	assert_string_equal(s.host, "s3.ap-south-1.amazonaws.com");
	assert_string_equal(s.region, "ap-south-1");
	assert_int_equal(s3_endpoint_set_region(&s, "evil.example/"), -1);
	assert_int_equal(s3_endpoint_set_region(&s, ""), -1);
	assert_string_equal(s.host, "s3.ap-south-1.amazonaws.com");
	assert_int_equal(s3_endpoint_parse(&s, "http://127.0.0.1:1", "", "", &e), 0);
	assert_int_equal(s3_endpoint_set_region(&s, "ap-south-1"), 0);
	assert_string_equal(s.host, "127.0.0.1");
}

/* Spellings of one site, each line; what is on another line is another site. */
static const char *const spellings[][7] = {
	{ "http://h", "HTTP://H", "http://h/", "http://h:80", "http://h:080//", "hTTp://h:80/" },
	{ "https://h", "h", "h:443", "https://h:443/" },
	{ "http://h:443", "http://h:443/" },
	{ "http://h/base", "http://h/base/", "http://H:80/base//" },
	{ "http://h/Base" },
	{ "http://[2001:db8::1]", "http://[2001:DB8:0:0:0:0:0:1]:80/", "http://[2001:0db8::0001]" },
	{ "http://[::ffff:1.2.3.4]:90", "http://[::FFFF:102:304]:90/" },
	{ "", "https://s3.amazonaws.com", "http://s3.amazonaws.com", "s3.us-east-1.amazonaws.com", "s3-us-east-1.amazonaws.com",
		"https://s3.dualstack.us-east-1.amazonaws.com/", "https://s3-fips.us-east-1.amazonaws.com:443" },
	{ "https://s3.eu-west-1.amazonaws.com", "s3-eu-west-1.amazonaws.com", "s3-fips.dualstack.eu-west-1.amazonaws.com" },
	{ "https://s3.cn-north-1.amazonaws.com.cn", "s3.dualstack.cn-north-1.amazonaws.com.cn" },
	{ "https://vpce-1.s3.us-east-1.vpce.amazonaws.com" },
};

static void identity(char out[640], const char *endpoint)
{
	struct s3_endpoint s;
	struct err e;

	if (s3_endpoint_parse(&s, endpoint, "", "", &e))
		fail_msg("%s: %s", endpoint, e.text);
	s3_endpoint_identity(&s, out, 640);
}

static void test_spellings(void **state)
{
	char one[640], other[640];

	(void)state;
	for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
		identity(one, spellings[i][0]);
		for (size_t k = 1; k < 7 && spellings[i][k]; k++) {
			identity(other, spellings[i][k]);
			assert_string_equal(one, other);
		}
		for (size_t k = 0; k < i; k++) {
			identity(other, spellings[k][0]);
			assert_string_not_equal(one, other);
		}
		identity(other, one);
		assert_string_equal(one, other);
	}
}

static void names_the_variable_that_was_used(void **state)
{
	static const char *const rows[][3] = {
		{ "S3_ENDPOINT_URL: no", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL: no" },
		{ "at S3_ENDPOINT_URL", "S3_ENDPOINT_URL (no)", "at S3_ENDPOINT_URL (no)" },
		{ "check S3_ENDPOINT_URL", NULL, "check S3_ENDPOINT_URL" },
		{ "check S3_ENDPOINT_URL", "", "check S3_ENDPOINT_URL" },
		{ "check S3_REGION", "AWS_ENDPOINT_URL", "check S3_REGION" },
		{ "S3_ENDPOINT_URL", "a name longer than the room", "a name longer than the roo" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[27];

		strcpy(text, rows[i][0]);
		s3_endpoint_call(rows[i][1], text, sizeof text);
		assert_string_equal(text, rows[i][2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_the_variable_that_was_used),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_the_host_says_the_region),
		cmocka_unit_test(test_a_region_that_nobody_says),
		cmocka_unit_test(test_another_region_is_noted),
		cmocka_unit_test(test_styles),
		cmocka_unit_test(test_bad_styles),
		cmocka_unit_test(test_known_providers_are_named),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_spellings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
