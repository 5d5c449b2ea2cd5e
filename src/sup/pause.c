#include "sup/pause.h"

#include "base/clock.h"
#include "base/log.h"
#include "sup/tcp_reset.h"

#include <sys/timerfd.h>

#define DEAD_MS 10000 /* away for so long: the other side has given up our connections */

void pause_after(struct sup *s, int64_t away)
{
	int dropped = 0;

	for (size_t i = 0; i < s->count && away >= DEAD_MS; i++)
		if (s->mounts[i]->pid)
			dropped += tcp_reset_all(s->mounts[i]->pid);
	log_line("resumed: %lld ms are missing; %d connections dropped, all mounts probed", (long long)away, dropped);
	query_prove_all(s);
}

static void extend_deadline(int64_t *deadline, int64_t late)
{
	if (*deadline != NEVER)
		*deadline += late;
}

/* What was asked before a pause is given the rest of its time after it: whoever shall answer was away too. */
static void extend_deadlines(struct sup *s, int64_t late)
{
	for (size_t i = 0; i < s->count; i++) {
		struct mount *m = s->mounts[i];

		extend_deadline(&m->deadline, late);
		extend_deadline(&m->give_up, late);
		extend_deadline(&m->busy_until, late);
		extend_deadline(&m->look.deadline, late);
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].state != CLIENT_NONE) {
			s->clients[i].arrived += late;
			extend_deadline(&s->clients[i].deadline, late);
		}
	if (s->job.phase != JOB_NONE)
		extend_deadline(&s->job.deadline, late);
	s->ending_since += late;
}

void pause_watch(struct sup *s)
{
	const struct itimerspec never = { .it_value.tv_sec = INT64_MAX };

	if (s->clock_fd < 0)
		s->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	timerfd_settime(s->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL);
}

int64_t pause_catch_up(struct sup *s, int asked)
{
	struct clock_reading before = s->last;
	int64_t away, late;

	s->last = clock_read();
	away = clock_jump(&before, &s->last, asked);
	/* Where the wall clock alone has jumped it is not late, but early. */
	late = s->last.mono - before.mono - (asked < 0 ? 0 : asked);
	if (away > 0 && late > 0)
		extend_deadlines(s, late);
	return away;
}

void pause_notice(struct sup *s)
{
	int64_t away = pause_catch_up(s, 0);

	if (away >= 0)
		pause_after(s, away);
}
