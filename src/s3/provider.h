/*
 * s3/provider.h - what is known of S3 providers: rclone's name for each, how it addresses buckets, how it lists, and which hosts are whose.
 * Of rclone's own behaviour here is what holds for every version from 1.60 on.
 */

#ifndef S3_PROVIDER_H
#define S3_PROVIDER_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>

struct s3_provider {
	const char *name; /* rclone's */
	bool path_style; /* rclone asks for https://host/bucket/key; false: for https://bucket.host/key, whatever force_path_style says */
	/*
	 * It knows ListObjectsV2 and encoding-type=url, while one of rclone's versions does not ask it for encoded names by default: then each listing
	 * with a control byte in one of its names takes rclone 1.60 forty seconds. (The pages of an encoded list of version 1 have no end there.)
	 */
	bool encode_listings;
	const char *region; /* "": us-east-1 */
};

/* By its name in any case; NULL: rclone has none of this name. */
const struct s3_provider *s3_provider_find(const char *name);

/* CODE_USAGE for S3_PROVIDER, listing the known ones. Returns -1. */
int s3_provider_unknown(const char *name, struct err *e);

/* A public host. */
struct s3_site {
	const char *
		host; /* a pattern: '*' is a part without dots, which is the region; a dot at its beginning: whatever precedes it */
	const char *provider; /* as in struct s3_provider */
	const char *region;   /* where the pattern has none; NULL: the provider's */
	bool virtual_only;    /* refuses path-style requests, while rclone has no provider for it */
	bool any_region;      /* does not look for which region a request is signed */
};

/*
 * The site of HOST, in lower case, with *REGION as its name says it (may be empty); NULL: none that is known.
 */
const struct s3_site *s3_site_find(const char *host, struct span *region);

/*
 * Does HOST begin with a bucket's name, before a known site's own? Returns where that one begins, or NULL.
 */
const char *s3_site_behind_bucket(const char *host);

/* "us-east-1", "us-gov-west-1", "ap-southeast-2": does it look like one of AWS's regions? */
bool s3_is_aws_region(struct span s);

#endif
