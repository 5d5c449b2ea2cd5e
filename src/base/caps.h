/*
 * base/caps.h - this process's capabilities (capabilities(7)), by system call: the C library has no function for them, and
 * /proc may be missing.
 */

#ifndef BASE_CAPS_H
#define BASE_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#define CAPS_BIT(cap) (1ull << (cap))

/* Is the capability CAP (CAP_SYS_ADMIN, …) in effect? False when that cannot be found out. */
bool caps_effective(int cap);

/*
 * Gives up for good everything but KEEP (CAPS_BITs): in the bounding set too, which is what a program gets that root executes.
 * Leaves nothing inheritable.
 */
void caps_keep(uint64_t keep);

#endif
