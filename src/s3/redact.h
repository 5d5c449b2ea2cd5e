/*
 * s3/redact.h - does text from a server hold a part of a secret that the server was given? It knows the session token and the
 * signature of each request, and S3 itself the secret key; its answers are shown and logged.
 *
 * A part is REDACT_RUN characters in a row, or as many letters and digits whatever is between them; in either case, from either
 * end; plain, or in base64, base32 or hexadecimal from any position on, escaped as in URLs, XML, JSON or C. Somebody determined
 * can hide more than that; therefore REDACT_CODE characters that do not look like a word count as a part too. Pure, but for
 * memory.
 */

#ifndef S3_REDACT_H
#define S3_REDACT_H

#include "base/creds.h"
#include "base/span.h"

#define REDACT_RUN 8
#define REDACT_CODE 24
#define REDACT_TEXT_MAX 1024

/*
 * SIGNATURE, or another secret beside those of CREDS. True in doubt: when TEXT is longer than REDACT_TEXT_MAX, or memory is short. A secret of less than REDACT_RUN letters and
 * digits is searched for as a whole.
 */
bool redact_holds(struct span text, const struct creds *creds, struct span signature);

/* Does TEXT hold REDACT_CODE characters or more in a row, of both cases and with digits? Base64 looks so, and no word does. */
bool redact_looks_encoded(struct span text);

#endif
