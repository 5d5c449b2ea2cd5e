/* base/caps.h - this process's capabilities (capabilities(7)), by the system calls themselves: the C library has none for them, /proc may be missing. */

#ifndef BASE_CAPS_H
#define BASE_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#define CAPS_BIT(cap) (1ull << (cap))

/* Is the capability CAP (CAP_SYS_ADMIN, …) in effect? False in doubt. */
bool caps_effective(int cap);

/* Gives up for good all but KEEP (CAPS_BITs), in the bounding set too: a program that root executes has all that is in it. Nothing is inheritable then. */
void caps_keep(uint64_t keep);

#endif
