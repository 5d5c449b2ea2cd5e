#include "sup/driver_log.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static struct run_path log_file(const struct mount *m, const char *suffix)
{
	char name[MOUNT_ID + 8];

	text_fmt(name, sizeof name, "%s.log%s", m->id, suffix);
	return run_path(m->run, name);
}

struct run_path driver_log_path(const struct mount *m)
{
	return log_file(m, "");
}

/* The last LOG_MAX bytes of the file FROM, which has SIZE, into the file TO. */
static void copy_end(const char *from, off_t size, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	off_t at = size - LOG_MAX;

	while (in >= 0 && out >= 0 && at < size && sendfile(out, in, &at, (size_t)(size - at)) > 0)
		;
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
}

long driver_log_rotate(const struct mount *m)
{
	struct run_path log = driver_log_path(m);
	struct stat st;

	if (lstat(log.s, &st) || !S_ISREG(st.st_mode))
		return 0;
	if (st.st_size <= LOG_MAX)
		return (long)st.st_size;
	copy_end(log.s, st.st_size, log_file(m, ".1").s);
	/* The driver has it open, and appends: it goes on at the start. */
	return truncate(log.s, 0) == 0 ? 0 : (long)st.st_size;
}

void driver_log_explain(const struct mount *m, char *cause, size_t cause_size, char *hint, size_t hint_size)
{
	struct run_path log = driver_log_path(m);
	struct buf text = buf_heap(LOG_MAX + 1);
	int fd = open(log.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t from = fd < 0 ? 0 : lseek(fd, 0, SEEK_END) - LOG_MAX;
	char *to = buf_room(&text, LOG_MAX);
	ssize_t n = 0;

	if (from < m->log_from)
		from = m->log_from;
	if (fd >= 0 && to)
		n = pread(fd, to, LOG_MAX, from);
	if (n > 0)
		text.len = (size_t)n;
	if (fd >= 0)
		close(fd);
	m->driver->explain_log(buf_all(&text), cause, cause_size, hint, hint_size);
	buf_free(&text);
}
