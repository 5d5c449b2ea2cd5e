#include "http/fail.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>

static enum code code_of(enum fail_kind kind)
{
	return kind == FAIL_FAULT ? CODE_FAULT : CODE_UNREACHABLE;
}

int fail_set(struct fail *f, enum fail_kind kind, const char *fmt, ...)
{
	char text[sizeof f->err.text];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	text_vfmt(text, sizeof text, fmt, ap);
	va_end(ap);
	f->kind = kind;
	errno = saved;
	return err_set(&f->err, code_of(kind), "%s", text);
}

int fail_sys(struct fail *f, enum fail_kind kind, const char *fmt, ...)
{
	char text[sizeof f->err.text];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	text_vfmt(text, sizeof text, fmt, ap);
	va_end(ap);
	f->kind = kind;
	errno = saved;
	return err_sys(&f->err, code_of(kind), "%s", text);
}
