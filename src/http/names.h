/*
 * http/names.h - the names in a certificate (subjectAltName) and the constraints that authorities put on them, as Go's crypto/x509
 * matches them. Lists are what stands inside their SEQUENCE. Pure.
 */

#ifndef HTTP_NAMES_H
#define HTTP_NAMES_H

#include "base/span.h"

enum names_tag { NAMES_MAIL = 0x81, NAMES_DNS = 0x82, NAMES_URI = 0x86, NAMES_IP = 0x87 };

/* Is LIST well-formed? *KNOWN: how many of its names are of a kind above. */
bool names_parse(struct span list, unsigned *known);

/* Is LIST a well-formed list of subtrees? *UNKNOWN becomes true where one is of another kind than those above. */
bool names_parse_subtrees(struct span list, bool *unknown);

/* Is one of the names HOST (a name, not an address)? A star stands for one whole label at the front. */
bool names_have_host(struct span list, struct span host);

/* Is one of them the address IP (4 or 16 bytes)? */
bool names_have_ip(struct span list, struct span ip);

/* The first DNS name; empty where there is none. */
struct span names_first(struct span list);

/*
 * Does an authority that permits and excludes these subtrees let all names of LIST be? False too where that cannot be told: mail
 * addresses and URIs below constraints, and what takes more than NAMES_COMPARISONS.
 */
bool names_permitted(struct span list, struct span permitted, struct span excluded);

#define NAMES_COMPARISONS 100000

#endif
