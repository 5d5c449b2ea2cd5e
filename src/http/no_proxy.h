/* http/no_proxy.h - the list NO_PROXY as Go reads it: see http/proxy.h. Pure. */

#ifndef HTTP_NO_PROXY_H
#define HTTP_NO_PROXY_H

#include "base/err.h"

#include <stdint.h>

/*
 * Is HOST (lower case, an IPv6 address without brackets) at PORT reached without a proxy? 1: by LIST, or because it is this machine; 0: not. What Go
 * passes over in LIST is passed over. -1 with CODE_USAGE: it is not by the rest, and an entry is in other letters than ASCII: which name Go makes of
 * that is not known here.
 */
int no_proxy_names(const char *list, const char *host, uint16_t port, struct err *e);

#endif
