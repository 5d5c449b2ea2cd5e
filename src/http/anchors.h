/*
 * http/anchors.h - the certificate authorities built into the program: generated at build time by toolchain/anchors.py from
 * Debian's ca-certificates.
 *
 * A sequence of records: 2 bytes big-endian length, the subject's name in DER; 2 bytes length, the subject's public key info in
 * DER (SubjectPublicKeyInfo, RFC 5280, 4.1.2.7). Name and key are all that a trust anchor consists of (RFC 5280, 6.1.1).
 */

#ifndef HTTP_ANCHORS_H
#define HTTP_ANCHORS_H

#include <stddef.h>

extern const unsigned char anchors_builtin[];
extern const size_t anchors_builtin_size;
extern const unsigned anchors_builtin_count;

#endif
