/*
 * http/curves.h - the elliptic curves of TLS: P-256, P-384 and P-521 by BearSSL's generic code, and X25519. Its special code
 * for P-256 and X25519 would halve the 6 ms of a handshake, and cost 12 KiB (br_ec_all_m31).
 */

#ifndef HTTP_CURVES_H
#define HTTP_CURVES_H

#include <bearssl.h>

extern const br_ec_impl curves_all;

#endif
