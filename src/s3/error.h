/* s3/error.h - an error as S3 reports it, and what each of its codes means for whoever set the credentials. */

#ifndef S3_ERROR_H
#define S3_ERROR_H

#include "base/err.h"
#include "base/span.h"

struct s3_error {
	char code[64];	   /* only letters, digits and dots: "SignatureDoesNotMatch" */
	char message[256]; /* the server's text, decoded; truncated */
	char region[64];   /* where the bucket or the signature belongs, "" when it is not given */
};

/* Parses BODY. Returns 0, or -1 with *OUT empty when it is not a well-formed <Error> document with a code. */
int s3_error_read(struct s3_error *out, struct span body);

/* Is BODY a well-formed document whose root element is NAME? */
bool s3_document_is(struct span body, const char *name);

/* Does BODY, a listing, say that its names are encoded (EncodingType)? */
bool s3_listing_is_encoded(struct span body);

/* What has to change before the same request can succeed, in the order of how many requests are affected. */
enum s3_lack { S3_LACKS_KEY, S3_LACKS_RIGHT, S3_LACKS_BUCKET, S3_LACKS_SPACE, S3_LACKS_OBJECT, S3_LACKS_SERVER };

/* The meaning of an answer: enough for a check to report it, and for a writer to act on it. */
struct s3_meaning {
	const char *kind; /* as in struct verdict (s3/check.h) */
	const char *cause, *hint;
	enum code code;
	enum s3_lack lacks;
	bool again;		/* temporary: try again */
	const char *write_hint; /* for a refused write; NULL: HINT */
};

bool s3_code_known(const char *s3_code);

/* Never NULL. STATUS decides when S3_CODE is not known. */
const struct s3_meaning *s3_meaning_of(const char *s3_code, int status);

#endif
