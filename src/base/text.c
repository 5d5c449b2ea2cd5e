#include "base/text.h"

#include "base/buf.h"
#include "base/chars.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/span.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRINT_MAX 8192 /* the longest line: a path or two and an error */

/* Counts everything, keeps what fits. */
struct sink {
	char *out;
	size_t size, length;
};

struct format_spec {
	bool left, zero, upper;
	size_t width, precision;
	int longs; /* 0: int, 1: long, 2: long long; size_t is a long on every target */
};

static void sink_put(struct sink *s, char c)
{
	if (s->length + 1 < s->size)
		s->out[s->length] = c;
	s->length++;
}

static void sink_fill(struct sink *s, char c, size_t n)
{
	while (n--)
		sink_put(s, c);
}

/* The N bytes at P, padded to the width of the spec; the sign precedes zeros. */
static void put_padded(struct sink *s, const struct format_spec *f, const char *p, size_t n, bool minus)
{
	size_t all = n + minus, pad = f->width > all ? f->width - all : 0;

	if (!f->left && !f->zero)
		sink_fill(s, ' ', pad);
	if (minus)
		sink_put(s, '-');
	if (!f->left && f->zero)
		sink_fill(s, '0', pad);
	for (size_t i = 0; i < n; i++)
		sink_put(s, p[i]);
	if (f->left)
		sink_fill(s, ' ', pad);
}

static void put_number(struct sink *s, const struct format_spec *f, uintmax_t v, unsigned base, bool minus)
{
	const char *figures = f->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char digits[24]; /* 64 bits take 22 octal digits */
	size_t at = sizeof digits;

	do {
		digits[--at] = figures[v % base];
		v /= base;
	} while (v);
	put_padded(s, f, digits + at, sizeof digits - at, minus);
}

/* A pointer to a va_list can be passed on only inside a struct: on some targets it is an array. */
struct format_args {
	va_list ap;
};

static size_t read_count(const char **fmt, struct format_args *a)
{
	size_t n = 0;

	if (**fmt == '*') {
		int v = va_arg(a->ap, int);

		++*fmt;
		return v > 0 ? (size_t)v : 0;
	}
	while (char_is_digit(**fmt))
		n = n * 10 + (size_t)(*(*fmt)++ - '0');
	return n;
}

static const char *read_spec(const char *fmt, struct format_spec *f, struct format_args *a)
{
	*f = (struct format_spec){ .precision = SIZE_MAX };
	for (; *fmt == '-' || *fmt == '0'; fmt++) {
		f->left |= *fmt == '-';
		f->zero |= *fmt == '0';
	}
	f->width = read_count(&fmt, a);
	if (*fmt == '.') {
		fmt++;
		f->precision = read_count(&fmt, a);
	}
	for (; *fmt == 'l' || *fmt == 'z' || *fmt == 'h'; fmt++)
		f->longs += *fmt != 'h';
	return fmt;
}

static uintmax_t get_unsigned(const struct format_spec *f, struct format_args *a)
{
	if (f->longs == 0)
		return va_arg(a->ap, unsigned);
	return f->longs == 1 ? va_arg(a->ap, unsigned long) : va_arg(a->ap, unsigned long long);
}

static void put_signed(struct sink *s, const struct format_spec *f, struct format_args *a)
{
	intmax_t v = f->longs == 0 ? va_arg(a->ap, int) : f->longs == 1 ? va_arg(a->ap, long) : va_arg(a->ap, long long);

	put_number(s, f, v < 0 ? -(uintmax_t)v : (uintmax_t)v, 10, v < 0);
}

static void put_conversion(struct sink *s, char kind, struct format_spec *f, struct format_args *a)
{
	const char *str;
	char c;

	f->upper = kind == 'X';
	switch (kind) {
	case '%':
		sink_put(s, '%');
		break;
	case 'c':
		c = (char)va_arg(a->ap, int);
		put_padded(s, f, &c, 1, false);
		break;
	case 's':
		str = va_arg(a->ap, const char *);
		put_padded(s, f, str, strnlen(str, f->precision), false);
		break;
	case 'd':
	case 'i':
		put_signed(s, f, a);
		break;
	case 'u':
		put_number(s, f, get_unsigned(f, a), 10, false);
		break;
	case 'x':
	case 'X':
		put_number(s, f, get_unsigned(f, a), 16, false);
		break;
	case 'o':
		put_number(s, f, get_unsigned(f, a), 8, false);
		break;
	default:
		abort();
	}
}

size_t text_vfmt(char *out, size_t size, const char *fmt, va_list ap)
{
	struct sink s = { .out = out, .size = size };
	struct format_spec f;
	struct format_args a;

	va_copy(a.ap, ap);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			sink_put(&s, *fmt);
			continue;
		}
		fmt = read_spec(fmt + 1, &f, &a);
		put_conversion(&s, *fmt, &f, &a);
	}
	va_end(a.ap);
	if (size)
		out[s.length < size ? s.length : size - 1] = 0;
	return s.length;
}

size_t text_fmt(char *out, size_t size, const char *fmt, ...)
{
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	n = text_vfmt(out, size, fmt, ap);
	va_end(ap);
	return n;
}

static bool stdout_failed;

bool text_stdout_failed(void)
{
	return stdout_failed;
}

void text_sanitize(char *s)
{
	for (size_t n; *s; s += n) {
		n = span_utf8(span_of(s));
		if (!n || char_is_control(*s) || (*s == '\xc2' && (unsigned char)s[1] < 0xa0)) {
			*s = '?';
			n = 1;
		}
	}
}

static int stderr_left_ms = -1; /* of the time that may be waited for its reader; -1: without end */

void text_stderr_within(int ms)
{
	stderr_left_ms = ms;
}

/* Descriptor 2 accepts PIPE_BUF bytes (pipe(7)) within what is left of the time. */
static bool stderr_accepts(void)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	int64_t deadline = clock_ms() + stderr_left_ms;
	int n;

	while ((n = poll(&room, 1, clock_left(deadline))) < 0 && errno == EINTR)
		;
	stderr_left_ms = clock_left(deadline);
	return n > 0;
}

static void write_stderr_within(const char *p, size_t n)
{
	while (n && stderr_accepts()) {
		ssize_t done = write(STDERR_FILENO, p, n < PIPE_BUF ? n : PIPE_BUF);

		if (done < 0 && errno != EINTR && errno != EAGAIN)
			return;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
}

void text_print(int fd, const char *fmt, ...)
{
	char line[PRINT_MAX];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = text_vfmt(line, sizeof line, fmt, ap);
	va_end(ap);
	n = n < sizeof line ? n : sizeof line - 1;
	if (fd == STDERR_FILENO && stderr_left_ms >= 0)
		write_stderr_within(line, n);
	else if (write_all(fd, line, n) && fd == STDOUT_FILENO)
		stdout_failed = true;
}
