/* unsent/pending.h - which files of a mount are not in S3 yet, as each driver tells it. Knows no driver. */

#ifndef UNSENT_PENDING_H
#define UNSENT_PENDING_H

#include "base/span.h"

#include <stdint.h>

#define PENDING_NAMES 16 /* how many are named; all are counted */
#define PENDING_NAME 256

struct pending {
	uint64_t files;
	uint64_t bytes;	      /* sizes as the cached data has them */
	uint64_t quarantined; /* of the files: those that no driver will upload */
	int named;
	char names[PENDING_NAMES][PENDING_NAME]; /* path below the mount; cut at the front by "…" where too long */
};

/* PATH as it stands in names: too long a one is cut between two characters of UTF-8. */
void pending_name(char out[PENDING_NAME], struct span path);

/* Counts one more file of SIZE bytes, named PATH where there is room for that. */
void pending_add(struct pending *p, struct span path, uint64_t size);

#endif
