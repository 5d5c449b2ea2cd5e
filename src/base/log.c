#include "base/log.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1500 /* an error's text and hint fit */

static int log_fd = -1;
static char log_path[PATH_MAX];

/* A second reader that may be slow or stopped: a pipe, a terminal, a socket. */
static struct {
	int fd;		       /* -1: none */
	pid_t pid;	       /* whose it is: a child writes to the file only */
	bool is_own;	       /* opened by us, non-blocking; or a file, which never blocks */
	bool only_news;	       /* gets lines of log_news() alone, without their time */
	bool is_socket;	       /* cannot be opened again, but can be asked not to block */
	size_t len;	       /* of kept[] */
	unsigned long dropped; /* lines that did not fit */
} also = { .fd = -1 };

static char kept[LOG_KEPT]; /* what it has not accepted yet */

static void open_log(void)
{
	log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

void log_open(const char *path)
{
	text_fmt(log_path, sizeof log_path, "%s", path);
	open_log();
}

/*
 * An open file description of its own, lest the flag be set for everybody who has inherited FD. Another user's pipe cannot be opened again; a file has a
 * place in it that is shared, and never blocks.
 */
void log_also(int fd)
{
	char path[64];
	struct stat st = { 0 };

	fstat(fd, &st);
	also.fd = fd;
	also.pid = getpid();
	also.is_socket = S_ISSOCK(st.st_mode);
	also.is_own = S_ISREG(st.st_mode);
	if (also.is_own || also.is_socket)
		return;
	text_fmt(path, sizeof path, "/proc/self/fd/%d", fd);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	also.is_own = fd >= 0;
	if (also.is_own)
		also.fd = fd;
}

void log_news_to(int fd)
{
	log_also(fd);
	also.only_news = true;
}

/* Writes as much as it accepts now; -1 with errno. A pipe with room accepts PIPE_BUF bytes without blocking (pipe(7)). */
static ssize_t write_without_waiting(const char *p, size_t n)
{
	struct pollfd room = { .fd = also.fd, .events = POLLOUT };

	if (also.is_socket)
		return send(also.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (also.is_own)
		return write(also.fd, p, n);
	if (poll(&room, 1, 0) > 0)
		return write(also.fd, p, n < PIPE_BUF ? n : PIPE_BUF);
	errno = EAGAIN;
	return -1;
}

int log_waiting(void)
{
	return also.len ? also.fd : -1;
}

static void queue_bytes(const char *p, size_t n)
{
	memcpy(kept + also.len, p, n);
	also.len += n;
}

/* Marks the place where lines are missing. */
static void queue_dropped_note(void)
{
	char line[128];
	struct buf b = buf_over(line, sizeof line);
	char time[LOG_TIME];

	log_time(time);
	buf_fmt(&b, "%s %lu lines were dropped: nobody has read them\n", time, also.dropped);
	if (!also.dropped || also.len + b.len > sizeof kept)
		return;
	queue_bytes(line, b.len);
	also.dropped = 0;
}

void log_go_on(void)
{
	while (also.len) {
		ssize_t n = write_without_waiting(kept, also.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) { /* it has been closed for good */
			also.len = 0;
			also.fd = -1;
			return;
		}
		also.len -= (size_t)n;
		memmove(kept, kept + n, also.len);
		queue_dropped_note();
	}
}

static void write_copy(const char *line, size_t n)
{
	if (also.fd < 0 || also.pid != getpid())
		return;
	queue_dropped_note();
	if (also.dropped || also.len + n > sizeof kept)
		also.dropped++;
	else
		queue_bytes(line, n);
	log_go_on();
}

/* Drops the older half of what the two files hold. */
static void rotate_log(void)
{
	char old[PATH_MAX];
	struct stat st;

	if (fstat(log_fd, &st) || st.st_size <= LOG_MAX)
		return;
	if (text_fmt(old, sizeof old, "%s.1", log_path) >= sizeof old || rename(log_path, old)) {
		(void)!ftruncate(log_fd, 0);
		return;
	}
	close(log_fd);
	open_log();
}

void log_time(char out[LOG_TIME])
{
	time_t now = time(NULL);
	struct tm utc;

	text_fmt(out, LOG_TIME, "?");
	if (gmtime_r(&now, &utc))
		text_fmt(out, LOG_TIME, "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
			utc.tm_hour, utc.tm_min, utc.tm_sec);
}

/* TEXT begins with the time, and has room for a newline. */
static void write_line(char *text, size_t n)
{
	text[n++] = '\n';
	if (!also.only_news)
		write_copy(text, n);
	if (log_fd >= 0)
		rotate_log();
	if (log_fd >= 0)
		(void)!write_all(log_fd, text, n);
}

static void format_line(struct buf *b, const char *fmt, va_list ap)
{
	char time[LOG_TIME];

	log_time(time);
	buf_fmt(b, "%s ", time);
	buf_vfmt(b, fmt, ap);
}

void log_line(const char *fmt, ...)
{
	int saved = errno;
	char text[LINE_MAX_BYTES];
	struct buf b = buf_over(text, sizeof text - 1);
	va_list ap;

	if (log_fd < 0 && also.fd < 0)
		return;
	va_start(ap, fmt);
	format_line(&b, fmt, ap);
	va_end(ap);
	write_line(text, b.len);
	errno = saved;
}

void log_news(const char *fmt, ...)
{
	int saved = errno;
	char text[LINE_MAX_BYTES], news[LINE_MAX_BYTES];
	struct buf b = buf_over(text, sizeof text - 1);
	size_t n;
	va_list ap;

	if (log_fd < 0 && also.fd < 0)
		return;
	va_start(ap, fmt);
	format_line(&b, fmt, ap);
	va_end(ap);
	n = text_fmt(news, sizeof news, "s3mounts: %s\n", text_find(text, " ") + 1);
	if (also.only_news)
		write_copy(news, n < sizeof news ? n : sizeof news - 1);
	write_line(text, b.len);
	errno = saved;
}
