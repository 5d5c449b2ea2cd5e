/* base/clock.h - time. Deadlines are absolute milliseconds of CLOCK_MONOTONIC; -1 is "never". */

#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_ms(void);

/* T in nanoseconds. */
static inline int64_t clock_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* The earlier of two deadlines. */
int64_t clock_earlier(int64_t a, int64_t b);

/* The clocks at one moment, in milliseconds: CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME (clock_gettime(2)). */
struct clock_reading {
	int64_t wall, mono, boot;
};

struct clock_reading clock_read(void);

/*
 * Did time pass without us between two readings? BEFORE was taken when this process began to wait, for at most ASKED ms (-1:
 * without a limit), NOW when it woke up. Returns the milliseconds that are missing (0: somebody set the wall clock back), or -1
 * when none are.
 */
int64_t clock_jump(const struct clock_reading *before, const struct clock_reading *now, int asked);

/* Milliseconds until DEADLINE, at least 0, as poll(2) takes them; -1 for "never". */
int clock_left(int64_t deadline);

#endif
