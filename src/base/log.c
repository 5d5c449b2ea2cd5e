#include "base/log.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1500 /* an error's text and hint fit */

static int log_fd = -1, also_fd = -1;

void log_open(const char *path)
{
	log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
}

void log_also(int fd)
{
	also_fd = fd;
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

void log_line(const char *fmt, ...)
{
	int saved = errno;
	char text[LINE_MAX_BYTES];
	struct buf b = buf_over(text, sizeof text - 1);
	char time[LOG_TIME];
	struct stat st;
	va_list ap;

	if (log_fd < 0 && also_fd < 0)
		return;
	log_time(time);
	buf_fmt(&b, "%s ", time);
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	text[b.len] = '\n';
	if (also_fd >= 0)
		(void)!write_all(also_fd, text, b.len + 1);
	if (log_fd >= 0 && (fstat(log_fd, &st) || st.st_size <= LOG_MAX || ftruncate(log_fd, 0) == 0))
		(void)!write_all(log_fd, text, b.len + 1);
	errno = saved;
}
