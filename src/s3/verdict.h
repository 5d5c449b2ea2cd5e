/* s3/verdict.h - from an answer of S3, or a failure of the network, to a verdict with its cause and hint. Pure. */

#ifndef S3_VERDICT_H
#define S3_VERDICT_H

#include "http/fail.h"
#include "http/proxy.h"
#include "s3/check.h"
#include "s3/error.h"

/* The answer to one request. */
struct s3_answer {
	int status;
	struct span body;
	struct s3_error error; /* all empty when the body is not an <Error> document */
	long skew;	       /* this machine's clock minus the server's, in seconds; 0 when it sent no Date */
	char location[128];    /* of a redirect */
	bool withheld;	       /* one of these texts was removed, because it might hold a part of the credentials */
};

#define VERDICT_WITHHELD "it may hold a part of the credentials"

void verdict_set(struct verdict *v, enum code code, const char *kind, const char *cause, const char *hint);

/*
 * S3 answered with S3_CODE ("" or unknown: STATUS decides) and its own MESSAGE, which is included when the code is not known.
 */
void verdict_answer(struct verdict *v, const char *s3_code, int status, const char *message);

/*
 * "S3 refuses (403 AccessDenied): the key is valid but not allowed to do this here"; FAILED comes first when it is neither S3
 * nor the network.
 */
void verdict_sentence(const struct verdict *v, const char *failed, char *out, size_t size);

/* No answer came. */
void verdict_failure(struct verdict *v, const struct fail *f);

/* The answer STATUS is not S3's, and came by the proxy VIA, which forwards. */
void verdict_proxy(struct verdict *v, const struct proxy *via, int status);

/* S3 refused (a status other than 200), or something else than S3 answered. */
void verdict_refusal(
	struct verdict *v, const struct s3_endpoint *endpoint, const struct creds *creds, const struct s3_answer *a);

/* V says "wrong-region" and names the right one; SECOND is S3's verdict there. */
void verdict_region(struct verdict *v, const char *asked_in, const struct verdict *second);

/* Sets V to the FAILED step (DOING: "writing") after a list that worked. */
void verdict_write(struct verdict *v, const struct verdict *failed, const char *doing);

/* What answered is not an S3 server. */
void verdict_not_s3(struct verdict *v, const struct s3_endpoint *endpoint, const struct s3_answer *a);

#endif
