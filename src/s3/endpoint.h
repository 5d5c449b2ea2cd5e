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
	char path[256];	 /* the URL's path, "" or "/base": precedes the bucket */
	char region[64];
	const char *provider; /* rclone's name, static: "AWS", "Cloudflare", "Minio", "Ceph", …, "Other" */
};

/*
 * ENDPOINT: "" for AWS, "https://host[:port][/path]", "http://…", or "host[:port]" (https). PROVIDER: "" to derive it from the
 * host, else one of rclone's names in any case. REGION: as given, "" for the provider's default ("auto" for Cloudflare, the one
 * in the host name for AWS, else "us-east-1"). Returns 0 or -1 with CODE_USAGE, which names the variable (S3_ENDPOINT_URL,
 * S3_PROVIDER, S3_REGION) and what is wrong with it (user info, query, fragment, port, blank, control byte, unknown scheme,
 * unknown provider (listing the known ones), a path after the host of a public provider: that is a bucket's name in the wrong
 * place).
 */
int s3_endpoint_parse(struct s3_endpoint *s, const char *endpoint, const char *provider, const char *region, struct err *e);

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
