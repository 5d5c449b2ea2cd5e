#include "sup/oom.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

#include <limits.h>

#define SAMPLE_MS 1000
#define EVENTS_MAX 16384

/* The counter as it was at the last two samples: a process that was killed is reaped a moment later. */
static struct {
	long before, last; /* -1: not known */
	int64_t taken;	   /* LAST; 0: never */
} seen = { .before = -1, .last = -1 };

/* A line "0::/PATH" (cgroups(7)); PATH is seen from the root of the cgroup namespace. */
bool oom_events_path(char *out, size_t size, struct span cgroup)
{
	struct span line;

	while (span_cut(&cgroup, '\n', &line))
		if (span_starts(line, SPAN("0::/"))) {
			struct span path = span_skip(line, 3);

			return text_fmt(out, size, "/sys/fs/cgroup%.*s/memory.events", path.n > 1 ? (int)path.n : 0, path.p) <
			       size;
		}
	return false;
}

long oom_count(struct span events)
{
	struct span line, name;
	unsigned long n;

	while (span_cut(&events, '\n', &line))
		if (span_cut(&line, ' ', &name) && span_is(name, "oom_kill") && span_number(line, LONG_MAX, &n))
			return (long)n;
	return -1;
}

static long read_count(void)
{
	struct buf text = buf_heap(EVENTS_MAX);
	char path[PATH_MAX];
	struct err unused;
	long count = -1;

	if (file_read("/proc/self/cgroup", &text, &unused) == 0 && oom_events_path(path, sizeof path, buf_all(&text))) {
		buf_clear(&text);
		if (file_read(path, &text, &unused) == 0)
			count = oom_count(buf_all(&text));
	}
	buf_free(&text);
	return count;
}

void oom_sample(void)
{
	int64_t now = clock_ms();

	if (seen.taken && now < seen.taken + SAMPLE_MS)
		return;
	seen.before = seen.taken ? seen.last : read_count();
	seen.last = read_count();
	seen.taken = now;
}

long oom_kills(void)
{
	long now = seen.before < 0 ? -1 : read_count();

	return now > seen.before ? now - seen.before : 0;
}
