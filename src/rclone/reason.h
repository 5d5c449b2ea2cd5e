/*
 * rclone/reason.h - why a request of rclone failed, from its words for it: what S3 answered, or the network, or rclone's own failure. Pure.
 *
 * 1.60 has AWS SDK v1 ("CODE: MESSAGE", the status in the next line), later ones v2 ("StatusCode: 403, … api error CODE: MESSAGE"). Words of a server
 * are kept where its code says nothing, and without what could be a piece of a session token.
 */

#ifndef RCLONE_REASON_H
#define RCLONE_REASON_H

#include "unsent/failures.h"

/* TEXT is what follows the name of what failed, lines that continue them included. */
struct failure reason_read(struct span text);

/* The first line of TEXT, without what could be a piece of a token; not sanitized yet. */
void reason_text(char *out, size_t size, struct span text);

#endif
