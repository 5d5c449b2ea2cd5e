/*
 * base/creds.h - the one place in memory where S3 credentials live, and the one list of the variables that hold them. Wipe the
 * former with creds_wipe() as soon as it is no longer needed.
 */

#ifndef BASE_CREDS_H
#define BASE_CREDS_H

#include "base/span.h"

/*
 * AWS: key ids have 16 to 128 characters, secrets 40; R2's have 32 and 64. Session tokens have no documented limit; 4 KiB are
 * enough.
 */
struct creds {
	char key_id[129];
	char secret[257];
	char token[4097]; /* empty: no session token */

	/*
	 * How S3 is reached: the proxy for the endpoint's scheme, whose address may hold a password, and NO_PROXY; as http/proxy.h
	 * reads them, "": not set.
	 */
	char proxy[4097], no_proxy[4097];
	bool proxy_lower; /* the first came by its variable's lower-case name */
};

static inline void creds_wipe(struct creds *c)
{
	explicit_bzero(c, sizeof *c);
}

enum creds_part { CREDS_KEY_ID, CREDS_SECRET, CREDS_TOKEN, CREDS_PARTS };

/*
 * Every variable that holds a credential. Those of a set are read (set 0 first); of two names for one part the first that is
 * set wins. CREDS_NO_SET marks variables that only other programs read, which must stay secret all the same.
 */
#define CREDS_SETS 2
#define CREDS_NO_SET CREDS_SETS
struct creds_variable {
	const char *name;
	int set;
	enum creds_part part;
};
extern const struct creds_variable creds_variables[];
extern const size_t creds_variable_count;

/* Is NAME one of them? */
bool creds_is_variable(struct span name);

#endif
