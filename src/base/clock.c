#include "base/clock.h"

#include <limits.h>

#define STEP_MS 1000 /* the readings are taken one after the other; only a difference of more than a second counts as a step */
#define LATE_MS 2000 /* a machine that is merely busy wakes us sooner */

static int64_t read_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

struct clock_reading clock_read(void)
{
	return (struct clock_reading){
		.wall = read_ms(CLOCK_REALTIME),
		.mono = read_ms(CLOCK_MONOTONIC),
		.boot = read_ms(CLOCK_BOOTTIME),
	};
}

int64_t clock_jump(const struct clock_reading *before, const struct clock_reading *now, int asked)
{
	int64_t waited = now->mono - before->mono;
	int64_t set = now->wall - before->wall -
		      waited; /* the wall clock was set, or kept running while the machine stood still */
	int64_t slept = now->boot - before->boot - waited; /* the machine was suspended */
	int64_t late = asked < 0 ? 0 : waited - asked;	   /* the process was stopped, or frozen */
	int64_t away = -1;

	if (set < -STEP_MS)
		away = 0;
	if (late > LATE_MS)
		away = late;
	if (set > STEP_MS && set > away)
		away = set;
	if (slept > STEP_MS && slept > away)
		away = slept;
	return away;
}

int64_t clock_earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

int clock_left(int64_t deadline)
{
	int64_t left;

	if (deadline < 0)
		return -1;
	left = deadline - clock_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}
