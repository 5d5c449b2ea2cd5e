/* http/pem.h - certificates in PEM (RFC 7468). */

#ifndef HTTP_PEM_H
#define HTTP_PEM_H

#include "base/buf.h"

/*
 * Decodes the next certificate in *TEXT to DER (which is cleared first) and moves *TEXT past it. Other blocks, and text between
 * blocks, are skipped. Returns 1; 0 when there is none left; -1 when this one is damaged (*TEXT is past it, so one can
 * continue).
 */
int pem_next(struct span *text, struct buf *der);

void pem_write(struct buf *out, struct span der);

#endif
