/*
 * s3/verdict.h - from what came back (an answer of S3, a failure of the network) to a verdict with its cause and its
 * hint. Pure.
 */

#ifndef S3_VERDICT_H
#define S3_VERDICT_H

#include "http/fail.h"
#include "s3/check.h"
#include "s3/error.h"

/* One request as it was answered. */
struct s3_answer {
	int status;
	struct span body;
	struct s3_error error; /* all empty where the body is no <Error> document */
	long skew;	       /* this machine's clock minus the server's, in seconds; 0 where it told none */
	char location[128];    /* of a redirect */
	bool withheld;	       /* one of these texts was emptied, because it might hold a part of the credentials */
};

#define VERDICT_WITHHELD "it may hold a part of the credentials"

void verdict_set(struct verdict *v, enum code code, const char *kind, const char *cause, const char *hint);

/* S3's answer is S3_CODE ("" or unknown: STATUS serves) with its own MESSAGE, which is told where the code says nothing. */
void verdict_answer(struct verdict *v, const char *s3_code, int status, const char *message);

/* "S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here"; FAILED stands first where it is neither S3 nor the network. */
void verdict_sentence(const struct verdict *v, const char *failed, char *out, size_t size);

/* No answer came. */
void verdict_failure(struct verdict *v, const struct fail *f);

/* S3 has refused (a status other than 200), or it is not S3 that answered. */
void verdict_refusal(
	struct verdict *v, const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_answer *a);

/* V says "wrong-region" and names the right one; SECOND is what S3 says there. */
void verdict_region(struct verdict *v, const char *asked_in, const struct verdict *second);

/* V becomes that of a FAILED step (DOING: "writing") behind a list that worked. */
void verdict_write(struct verdict *v, const struct verdict *failed, const char *doing);

/* What answered is no S3 server. */
void verdict_not_s3(struct verdict *v, const struct s3_endpoint *endpoint, const struct s3_answer *a);

#endif
