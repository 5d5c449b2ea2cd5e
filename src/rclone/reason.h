/*
 * rclone/reason.h - why a request of rclone failed, from its log text: S3's answer, the network, or a failure of rclone's own.
 * Pure.
 *
 * 1.60 has AWS SDK v1 ("CODE: MESSAGE", the status in the next line), later ones v2 ("StatusCode: 403, … api error CODE:
 * MESSAGE"). A server's text is kept if its code says nothing, without what could be a part of a session token.
 */

#ifndef RCLONE_REASON_H
#define RCLONE_REASON_H

#include "unsent/failures.h"

/* TEXT is what follows the name of what failed, including continuation lines. */
struct failure reason_read(struct span text);

/* The first line of TEXT, without what could be a part of a token; not sanitized yet. */
void reason_text(char *out, size_t size, struct span text);

#endif
