/*
 * endpoint_fuzz.c - an endpoint as the user gave it. What it becomes for rclone is the same site. Input: endpoint, provider,
 * region, a region to move to.
 */

#include "fuzz.h"

#include "s3/endpoint.h"

static bool plain(const char *s, const char *but)
{
	for (; *s; s++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789", *s) && !strchr(but, *s))
			return false;
	return true;
}

static void check_url(const struct s3_endpoint *s)
{
	struct s3_endpoint again;
	struct err e;
	char url[640];

	s3_endpoint_url(s, url, sizeof url);
	if (!url[0]) {
		CHECK(s->aws && s->tls);
		return;
	}
	CHECK(s3_endpoint_parse(&again, url, s->provider, s->region, &e) == 0);
	CHECK(strcmp(s->host, again.host) == 0 && strcmp(s->path, again.path) == 0 && strcmp(s->region, again.region) == 0);
	CHECK(s->port == again.port && s->tls == again.tls && s->path_style == again.path_style && s->aws == again.aws);
}

/* One more spelling of the same site. */
static void check_identity(const struct s3_endpoint *s)
{
	char url[640], again[640];
	struct s3_endpoint same;
	struct err e;

	s3_endpoint_identity(s, url, sizeof url);
	CHECK(url[0] && strlen(url) < sizeof url - 1);
	CHECK(s3_endpoint_parse(&same, url, s->provider, s->region, &e) == 0);
	s3_endpoint_identity(&same, again, sizeof again);
	CHECK(strcmp(url, again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	char *text[4];
	struct s3_endpoint s;
	struct err e;

	for (int i = 0; i < 4; i++)
		text[i] = fuzz_text(&in, '\n');
	if (s3_endpoint_parse(&s, text[0], text[1], text[2], &e) == 0) {
		CHECK(s.host[0] && plain(s.host, "-._:") && s.port && s.region[0] && s.provider);
		CHECK(!s.path[0] || (s.path[0] == '/' && s.path[strlen(s.path) - 1] != '/'));
		check_url(&s);
		check_identity(&s);
		if (s3_endpoint_set_region(&s, text[3]) == 0) {
			CHECK(strcmp(s.region, text[3]) == 0);
			check_url(&s);
		}
	} else {
		CHECK(e.code == CODE_USAGE && e.text[0]);
	}
	for (int i = 0; i < 4; i++)
		free(text[i]);
	return 0;
}
