/* sup/tcp_reset.h - the TCP connections of a driver, ended from outside (sock_diag(7)). Internal to src/sup. */

#ifndef SUP_TCP_RESET_H
#define SUP_TCP_RESET_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * After a pause the other side, or a translator between, has forgotten them and may answer nothing: whoever uses one waits for its time-out. With
 * this it learns so at once, and opens another. Needs CAP_NET_ADMIN and CONFIG_INET_DIAG_DESTROY. Returns how many were ended.
 */
int tcp_reset_all(pid_t pid);

/* Has it an established TCP connection? One that it does not use it closes after a minute. True too where that is not known. */
bool tcp_any_established(pid_t pid);

#endif
