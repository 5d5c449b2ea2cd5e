#include "base/text.h"
#include "rclone/log.h"
#include "rclone/reason.h"

#define HELPER "mount helper error: "

enum { NOTHING, ANY_LINE, ERROR, FATAL, HELPER_SAYS };

static bool is_fatal_line(struct span line)
{
	static const char *const beginnings[] = { "fatal error: ", "panic: ", "runtime: failed ", "runtime: out of memory",
		"runtime: cannot allocate", "runtime/cgo: ", "Fatal error: ", "Error: " };
	struct span text = span_skip(line, rclone_log_head(line));

	return span_starts_any(text, beginnings, sizeof beginnings / sizeof *beginnings) || span_has(line, "CRITICAL: ");
}

/* How much a line says about the end of a driver; the failure of a single request is not its cause. */
static int weight_of_line(struct span line)
{
	static const char *const others[] = { "DEBUG : ", "INFO  : ", "NOTICE: ", ": vfs cache: ", ": Failed to copy: ",
		"IO error: ", ": Dir.", ": File.", ": Unmounted rclone mount" };

	if (span_has(line, HELPER))
		return HELPER_SAYS;
	if (is_fatal_line(line))
		return FATAL;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (span_has(line, others[i]))
			return NOTHING;
	return span_has(line, "ERROR : ") ? ERROR : span_trim(line).n ? ANY_LINE : NOTHING;
}

static const char *hint_for_cause(struct span cause)
{
	static const struct {
		const char *text, *hint;
	} hints[] = {
		{ "pthread_create failed", ERR_HINT_PIDS },
		{ "failed to create new OS thread", ERR_HINT_PIDS },
		{ "newosproc", ERR_HINT_PIDS },
		{ "esource temporarily unavailable", ERR_HINT_PIDS },
		{ "out of memory", ERR_HINT_MEMORY },
		{ "annot allocate", ERR_HINT_MEMORY },
		{ "failed to reserve", ERR_HINT_MEMORY },
		{ "Entry doesn't belong in directory",
			"an object there has an empty path component (\"//\") in its key: delete or rename it in S3" },
	};

	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
		if (span_has(cause, hints[i].text))
			return hints[i].hint;
	return "";
}

/* S3's text may hold secrets; paths and the rest are kept. */
static void put_cause(char *out, size_t size, struct span line)
{
	struct span head, rest = line;

	if (span_cut_at(&rest, "api error ", &head)) {
		char text[256];

		reason_text(text, sizeof text, rest);
		text_fmt(out, size, "%.*sapi error %s", (int)head.n, head.p, text);
	} else {
		text_fmt(out, size, "%.*s", line.n < size ? (int)line.n : (int)size, line.n ? line.p : "");
	}
	text_sanitize(out);
}

void rclone_log_cause(struct span log, char *cause, size_t cause_size, char *hint, size_t hint_size)
{
	struct span line, best = SPAN(""), advice = SPAN("");
	int most = NOTHING;

	for (bool more = true; more;) {
		more = span_cut(&log, '\n', &line);
		if (weight_of_line(line) > most) {
			most = weight_of_line(line);
			best = span_skip(line, rclone_log_head(line));
		}
		if (!advice.n && span_has(line, HELPER))
			advice = span_after(line, ": hint: ");
	}
	if (span_starts(best, SPAN(HELPER)))
		best = span_skip(best, sizeof HELPER - 1);
	put_cause(cause, cause_size, best);
	text_fmt(hint, hint_size, "%s", cause[0] ? hint_for_cause(best) : "");
	if (cause[0] && most == HELPER_SAYS && advice.n)
		put_cause(hint, hint_size, advice);
}
