/* s3/endpoint.h - an S3 endpoint: its URL, provider and region, as requests and as rclone need them. */

#ifndef S3_ENDPOINT_H
#define S3_ENDPOINT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct s3_endpoint {
	char host[256]; /* lower case; an IPv6 address in its canonical form, without brackets */
	uint16_t port;
	bool tls;
	bool path_style; /* https://host/bucket/key, else https://bucket.host/key */
	bool aws;	 /* an endpoint of AWS: the host depends on the region */
	bool encode_listings; /* rclone is told to ask for listings of version 2 with encoded names; else it does as its default for the provider is */
	char path[256]; /* the URL's path, "" or "/base": precedes the bucket */
	char region[64];
	const char *provider; /* rclone's name, static: "AWS", "Cloudflare", "Minio", "Ceph", …, "Other" */
	const char *called;   /* by errors, in the place of S3_ENDPOINT_URL: the variable that was used; NULL or "": that one */
	char note[320];	      /* what is hardly meant, a sentence: the region that was given is not the host's; "" */
};

/*
 * ENDPOINT: "" for AWS, "https://host[:port][/path]", "http://…", or "host[:port]" (https). PROVIDER: "" to derive it from the
 * host, else one of rclone's names in any case. REGION: as given, "" for the one that the host's name says
 * ("s3.us-west-004.backblazeb2.com"), else the provider's default ("auto" for Cloudflare), else "us-east-1". Returns 0 or -1 with CODE_USAGE, which names the variable (S3_ENDPOINT_URL,
 * S3_PROVIDER, S3_REGION) and what is wrong with it (user info, query, fragment, port, blank, control byte, unknown scheme,
 * unknown provider (listing the known ones), a bucket's name in the wrong place: as the path behind a public provider's
 * host, or before it; a host of AWS that is no endpoint for buckets: an access point, a website).
 */
int s3_endpoint_parse(struct s3_endpoint *s, const char *endpoint, const char *provider, const char *region, struct err *e);

/*
 * How buckets are addressed, in the words of AWS's addressing_style: "path", "virtual", "auto" or "" (as the host and the provider want it). Returns 0
 * or -1 with CODE_USAGE, which names S3_ADDRESSING_STYLE.
 */
int s3_endpoint_set_style(struct s3_endpoint *s, const char *style, struct err *e);

/* Writes CALLED (of struct s3_endpoint) in the place of S3_ENDPOINT_URL in TEXT, which has room for SIZE bytes. */
void s3_endpoint_call(const char *called, char *text, size_t size);

/* Does rclone, told S's own provider, address each bucket by a host of its own, whatever else it is told? */
bool s3_endpoint_ignores_path_style(const struct s3_endpoint *s);

/* The provider that rclone must be told for it to address buckets as S does, static: for some it does not look at force_path_style. */
const char *s3_endpoint_rclone_provider(const struct s3_endpoint *s);

/*
 * Moves it to another REGION: on AWS the host changes with it, else it stays. Returns 0, or -1 when that is not a region's
 * name.
 */
int s3_endpoint_set_region(struct s3_endpoint *s, const char *region);

/* The URL of the endpoint for rclone: "https://host:port/path"; "" for plain AWS. SIZE is at least 600. */
void s3_endpoint_url(const struct s3_endpoint *s, char *out, size_t size);

/*
 * One URL for all spellings of the same endpoint, "https://host:port/path": what was written by one name is found again by
 * another. All names of an AWS region give one URL. SIZE is at least 600.
 */
void s3_endpoint_identity(const struct s3_endpoint *s, char *out, size_t size);

#endif
