#include "sup/reason.h"

#include "base/log.h"
#include "base/text.h"
#include "s3/verdict.h"
#include "sup/check.h"
#include "sup/driver_log.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP 16384
#define STEPS_MAX 16 /* a driver that writes faster is read on the next time */

void mount_reason_init(struct mount *m)
{
	free(m->failures);
	m->failures = NULL;
	m->log_read = m->log_from;
	m->refusal[0] = 0;
}

/* A refusal that comes, or changes, is reported once. */
static void report_refusal(struct mount *m)
{
	struct err e;

	if (!mount_reason_refused(m, &e)) {
		m->refusal[0] = 0;
		return;
	}
	if (strncmp(m->refusal, e.text, sizeof m->refusal - 1) == 0)
		return;
	text_fmt(m->refusal, sizeof m->refusal, "%s", e.text);
	mount_report(m, e.text);
}

/* The first of what it writes; how far the driver's reader has come stands behind what it remembers. */
static bool has_failures(struct mount *m)
{
	if (m->failures)
		return true;
	m->failures = calloc(1, sizeof *m->failures + m->driver->log_state);
	if (m->failures)
		failures_init(m->failures, m->driver->name);
	return m->failures;
}

void mount_reason_read(struct mount *m)
{
	int fd = m->driver->read_log ? open(driver_log_path(m).s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
	char text[STEP];
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return;
	/* It was made small: the driver goes on at the start. */
	if (fstat(fd, &st) == 0 && st.st_size < m->log_read)
		m->log_read = 0;
	for (int i = 0; i < STEPS_MAX && (n = pread(fd, text, sizeof text, m->log_read)) > 0; i++) {
		if (!has_failures(m))
			break;
		m->driver->read_log(m->failures + 1, (struct span){ text, (size_t)n }, m->failures);
		m->log_read += n;
	}
	close(fd);
	if (m->failures && m->failures->dropped[0] && strcmp(m->dropped, m->failures->dropped) != 0) {
		text_fmt(m->dropped, sizeof m->dropped, "%s", m->failures->dropped);
		mount_report(m, m->dropped);
	}
	report_refusal(m);
}

void mount_reason_of_root(struct mount *m)
{
	if (!m->failures)
		return;
	failures_of_root(m->failures);
	report_refusal(m);
}

void mount_reason_answered(struct mount *m)
{
	mount_reason_read(m);
	if (m->failures)
		failures_answered(m->failures);
	report_refusal(m);
}

void mount_reason_keep(struct mount *m)
{
	mount_reason_read(m);
	if (m->failures)
		failures_keep(m->failures, &m->pending);
	report_refusal(m);
}

bool mount_reason_refused(const struct mount *m, struct err *e)
{
	char what[PATH_MAX];
	struct verdict v;

	if (!m->failures || !failures_worst(m->failures, &v) || v.code != CODE_REFUSED)
		return false;
	text_fmt(what, sizeof what, "mount %s", m->spec.target);
	check_error(e, what, &v);
	return true;
}

bool mount_reason_dropped(const struct mount *m, const char *doing, struct err *e)
{
	if (!m->dropped[0])
		return false;
	err_set(e, CODE_PENDING,
		"%s %s: its driver could not open a file in its cache (%s), and may have dropped it before it was in S3: it is not known which",
		doing, m->spec.target, m->dropped);
	err_hint(e, "free space below %s, and write again what was written last", m->job.cache_dir);
	return true;
}

void mount_reason_reported(struct mount *m)
{
	m->dropped[0] = 0;
	if (m->failures)
		m->failures->dropped[0] = 0;
}

bool mount_reason_of(const struct mount *m, const char *name, char *out, size_t size)
{
	struct verdict v;

	if (!m->failures || !failures_why(m->failures, name, &v))
		return false;
	verdict_sentence(&v, "the driver has failed", out, size);
	return true;
}

bool mount_reason_add(const struct mount *m, struct err *e)
{
	char why[sizeof e->text], hint[sizeof e->hint];
	const struct pending *p = &m->pending;
	struct err bare = *e;
	struct verdict v;

	for (int i = 0; i < p->named; i++) {
		if (!mount_reason_of(m, p->names[i], why, sizeof why))
			continue;
		failures_why(m->failures, p->names[i], &v);
		text_fmt(hint, sizeof hint, "%s", v.hint[0] ? v.hint : bare.hint);
		err_set(e, bare.code, "%s; %s: %s", bare.text, p->names[i], why);
		err_hint(e, "%s", hint);
		return true;
	}
	return false;
}
