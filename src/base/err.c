#include "base/err.h"

#include "base/buf.h"
#include "base/text.h"

#include <errno.h>

int err_set(struct err *e, enum code code, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	e->code = code;
	e->hint[0] = 0;
	va_start(ap, fmt);
	text_vfmt(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	text_sanitize(e->text);
	errno = saved;
	return -1;
}

int err_sys(struct err *e, enum code code, const char *fmt, ...)
{
	int saved = errno;
	struct buf b = buf_over(e->text, sizeof e->text);
	va_list ap;

	e->code = code;
	e->hint[0] = 0;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	buf_fmt(&b, ": %s", strerror(saved));
	text_sanitize(e->text);
	errno = saved;
	return -1;
}

int err_hint(struct err *e, const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	text_vfmt(e->hint, sizeof e->hint, fmt, ap);
	va_end(ap);
	text_sanitize(e->hint);
	errno = saved;
	return -1;
}

int err_fork(struct err *e, const char *what)
{
	bool memory = errno == ENOMEM;

	err_sys(e, CODE_FAULT, "%s: fork", what);
	return err_hint(e, "%s", memory ? ERR_HINT_MEMORY : ERR_HINT_PIDS);
}
