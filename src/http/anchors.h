/*
 * http/anchors.h - the certificate authorities built into the program: made at build time by toolchain/anchors.py from what
 * Debian's ca-certificates ships it.
 *
 * Records one after the other: 2 bytes big-endian length, the subject's name in DER; 2 bytes length, the subject's public key info in DER
 * (SubjectPublicKeyInfo, RFC 5280, 4.1.2.7). Name and key are all that a trust anchor is (RFC 5280, 6.1.1).
 */

#ifndef HTTP_ANCHORS_H
#define HTTP_ANCHORS_H

#include <stddef.h>

extern const unsigned char anchors_builtin[];
extern const size_t anchors_builtin_size;
extern const unsigned anchors_builtin_count;

#endif
