/* http/dial.h - from a host name and a port to a connected TCP socket, each step with a deadline. */

#ifndef HTTP_DIAL_H
#define HTTP_DIAL_H

#include "http/fail.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define DIAL_ADDRESSES 8 /* more are not tried: S3's names give one to eight */

union dial_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct dial_list {
	int count;
	union dial_address at[DIAL_ADDRESSES];
};

/* Is HOST an IPv4 or IPv6 address (without brackets)? Its length, 4 or 16, with the bytes in IP; 0 for a name. */
size_t dial_numeric(const char *host, unsigned char ip[16]);

/*
 * Finds the addresses of HOST. A numeric address or "localhost" needs no look-up; a name is looked up in a child process,
 * because getaddrinfo(3) cannot be given a deadline. Returns 0, or -1 with *F set: FAIL_NAME, FAIL_FAULT.
 */
int dial_resolve(const char *host, uint16_t port, int timeout_ms, struct dial_list *l, struct fail *f);

/*
 * Connects to the first address that answers: they are tried in order, the next one 250 ms after the last or as soon as that
 * has failed (a small RFC 8305). Returns a non-blocking, close-on-exec socket, or -1 with *F set: FAIL_REFUSED,
 * FAIL_UNREACHABLE, FAIL_TIMEOUT, FAIL_FAULT. HOST is for messages.
 */
int dial_connect(const struct dial_list *l, const char *host, int64_t deadline, struct fail *f);

#endif
