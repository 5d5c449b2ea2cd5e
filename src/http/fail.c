#include "http/fail.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>

static enum code code_of_failure(enum fail_kind kind)
{
	return kind == FAIL_FAULT ? CODE_FAULT : CODE_UNREACHABLE;
}

static bool is_local_errno(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

static int set_failure(struct fail *f, enum fail_kind kind, bool with_errno, const char *fmt, va_list ap)
{
	char text[sizeof f->err.text];
	int saved = errno;

	text_vfmt(text, sizeof text, fmt, ap);
	f->kind = with_errno && is_local_errno(saved) ? FAIL_FAULT : kind;
	errno = saved;
	return (with_errno ? err_sys : err_set)(&f->err, code_of_failure(f->kind), "%s", text);
}

int fail_set(struct fail *f, enum fail_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_failure(f, kind, false, fmt, ap);
	va_end(ap);
	return -1;
}

int fail_sys(struct fail *f, enum fail_kind kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_failure(f, kind, true, fmt, ap);
	va_end(ap);
	return -1;
}
