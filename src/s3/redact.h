/*
 * s3/redact.h - whether words of a server hold a part of what it was told in confidence. It knows the session token and the signature of
 * each request, and S3 itself the secret key; what it answers is shown and logged.
 *
 * A part is REDACT_RUN characters in a row, or as many of its letters and digits whatever stands between them; in either case of letters,
 * from either end; plain, in base64, base32 or hexadecimal wherever that begins, escaped as in URLs, XML, JSON or C. Whoever wants to can hide more than
 * that; REDACT_CODE characters that look like no word are therefore held to be a part too. Pure but for memory.
 */

#ifndef S3_REDACT_H
#define S3_REDACT_H

#include "base/creds.h"
#include "base/span.h"

#define REDACT_RUN 8
#define REDACT_CODE 24
#define REDACT_TEXT_MAX 1024

/* In doubt true: text longer than REDACT_TEXT_MAX, no memory. A secret of less than REDACT_RUN letters and digits is looked for whole. */
bool redact_holds(struct span text, const struct creds *creds, struct span signature);

/* Is there a run of REDACT_CODE characters or more in TEXT, of both cases and with digits: what base64 looks like, and no word? */
bool redact_looks_encoded(struct span text);

#endif
