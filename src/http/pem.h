/* http/pem.h - certificates in PEM (RFC 7468). */

#ifndef HTTP_PEM_H
#define HTTP_PEM_H

#include "base/buf.h"

/*
 * Decodes the next certificate in *TEXT to DER (which is cleared before) and moves *TEXT behind it. Other blocks and
 * what stands between them are skipped. Returns 1; 0 when there is none left; -1 when this one is damaged (*TEXT is
 * behind it, one can go on).
 */
int pem_next(struct span *text, struct buf *der);

void pem_write(struct buf *out, struct span der);

#endif
