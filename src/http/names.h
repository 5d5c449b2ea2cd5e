/*
 * http/names.h - the names in a certificate (subjectAltName) and the constraints that authorities put on them, matched as in
 * Go's crypto/x509. A list is the content of its SEQUENCE. Pure.
 */

#ifndef HTTP_NAMES_H
#define HTTP_NAMES_H

#include "base/span.h"

enum names_tag { NAMES_MAIL = 0x81, NAMES_DNS = 0x82, NAMES_URI = 0x86, NAMES_IP = 0x87 };

/* Is LIST well-formed? *KNOWN: how many of its names are of one of the kinds above. */
bool names_parse(struct span list, unsigned *known);

/* Is LIST a well-formed list of subtrees? *UNKNOWN becomes true when one is of another kind. */
bool names_parse_subtrees(struct span list, bool *unknown);

/* Is one of the names HOST (a name, not an address)? A star stands for one whole label at the front. */
bool names_have_host(struct span list, struct span host);

/* Is one of them the address IP (4 or 16 bytes)? */
bool names_have_ip(struct span list, struct span ip);

/* The first DNS name; empty when there is none. */
struct span names_first(struct span list);

/*
 * Do an authority's permitted and excluded subtrees permit all names of LIST? Also false when that cannot be decided: for mail
 * addresses and URIs under constraints, and when it would take more than NAMES_COMPARISONS.
 */
bool names_permitted(struct span list, struct span permitted, struct span excluded);

#define NAMES_COMPARISONS 100000

#endif
