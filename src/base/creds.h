/* base/creds.h - the one place in memory where S3 credentials live. Wipe it with creds_wipe() as soon as it has served. */

#ifndef BASE_CREDS_H
#define BASE_CREDS_H

#include <string.h>

/* AWS: key ids have 16 to 128 characters, secrets 40; R2's have 32 and 64. Session tokens have no stated limit; 4 KiB serve. */
struct creds {
	char key_id[129];
	char secret[257];
	char token[4097]; /* empty: no session token */
};

static inline void creds_wipe(struct creds *c)
{
	explicit_bzero(c, sizeof *c);
}

#endif
