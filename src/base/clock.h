/* base/clock.h - time. Deadlines are absolute milliseconds of CLOCK_MONOTONIC; -1 is "never". */

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);

/* The earlier of two deadlines. */
int64_t clock_first(int64_t a, int64_t b);

/* Milliseconds that are left, at least 0, as poll(2) takes them; -1 for "never". */
int clock_left(int64_t deadline);

#endif
