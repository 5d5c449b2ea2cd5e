#include "ctl/control.h"

#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKETS_MAX (4 * 1024 * 1024)

static struct sockaddr_un control_address(const struct run *run)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	/* RUN_PATH_MAX leaves room for the name. */
	text_fmt(to.sun_path, sizeof to.sun_path, "%s/control", run->dir);
	return to;
}

/* Who listens at the other end of FD; -1: not known. */
static long listener_uid(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) ? -1 : (long)peer.uid;
}

static bool is_trusted(const struct run *run, long uid)
{
	return uid == 0 || uid == (long)geteuid() || (geteuid() == 0 && uid > 0 && uid == run_owner(run));
}

int control_dial(const struct run *run)
{
	struct sockaddr_un to = control_address(run);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), saved = 0;

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof to))
		saved = errno;
	else if (!is_trusted(run, listener_uid(fd)))
		saved = EPERM;
	if (!saved)
		return fd;
	close(fd);
	errno = saved;
	return -1;
}

/* A line of /proc/net/unix (proc_net(5)) ends with the path that the socket was bound to. */
static bool is_control(struct span line, const struct run *run, struct run *other)
{
	static const char name[] = "/control";
	const char *path = memchr(line.p, '/', line.n);
	size_t n = path ? (size_t)(line.p + line.n - path) : 0;

	if (n < sizeof name || !span_is((struct span){ path + n - (sizeof name - 1), sizeof name - 1 }, name))
		return false;
	if (text_fmt(other->dir, sizeof other->dir, "%.*s", (int)(n - (sizeof name - 1)), path) >= sizeof other->dir)
		return false;
	return strcmp(other->dir, run->dir) != 0 && access(run_path(other, "control").s, F_OK) == 0 &&
	       access(run_path(other, "lock").s, F_OK) == 0;
}

bool control_other(const struct run *run, struct run *other)
{
	struct buf text = buf_heap(SOCKETS_MAX);
	struct span rest, line;
	struct err unused;
	bool found = false;

	if (file_read("/proc/net/unix", &text, &unused) == 0)
		for (rest = buf_all(&text); !found && span_cut(&rest, '\n', &line);)
			found = is_control(line, run, other);
	buf_free(&text);
	return found;
}

int control_listen(const struct run *run, struct err *e)
{
	struct sockaddr_un at = control_address(run);
	int fd = control_dial(run);

	if (fd >= 0) {
		close(fd);
		err_set(e, CODE_MOUNT, "control socket %s: a supervisor serves it already", at.sun_path);
		return err_hint(e, "s3mounts up and s3mounts status reach it; --run-dir gives another one a place of its own");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		unlink(at.sun_path);
		if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, SOMAXCONN) == 0)
			return fd;
	}
	err_sys(e, CODE_FAULT, "control socket %s", at.sun_path);
	if (fd >= 0)
		close(fd);
	return -1;
}
