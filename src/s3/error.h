/* s3/error.h - an error as S3 tells it, and what each of its codes means for whoever set the credentials. */

#ifndef S3_ERROR_H
#define S3_ERROR_H

#include "base/err.h"
#include "base/span.h"

struct s3_error {
	char code[64];	   /* letters, digits and dots alone: "SignatureDoesNotMatch" */
	char message[256]; /* the server's words, decoded; cut at the end */
	char region[64];   /* where the bucket or the signature belongs, "" where it is not told */
};

/* Reads BODY. Returns 0, or -1 with *OUT empty where it is no well-formed <Error> document with a code. */
int s3_error_read(struct s3_error *out, struct span body);

/* Is BODY a well-formed document whose root element is NAME? */
bool s3_document_is(struct span body, const char *name);

/* What must change before the same request can succeed; what stands first concerns most requests. */
enum s3_lack { S3_LACKS_KEY, S3_LACKS_RIGHT, S3_LACKS_BUCKET, S3_LACKS_SPACE, S3_LACKS_OBJECT, S3_LACKS_SERVER };

/* What becomes of a request that was answered so: enough for a check to say it, and for a later writer to act on it. */
struct s3_meaning {
	const char *kind; /* as in struct verdict (s3/check.h) */
	const char *cause, *hint;
	enum code code;
	enum s3_lack lacks;
	bool again;		/* says nothing lasting: ask again */
	const char *write_hint; /* where it was a write that was refused; NULL: HINT */
};

bool s3_code_known(const char *s3_code);

/* Never NULL. STATUS serves where S3_CODE is not known. */
const struct s3_meaning *s3_meaning_of(const char *s3_code, int status);

#endif
