#include "ctl/control.h"

#include "base/text.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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

int control_dial(const struct run *run)
{
	struct sockaddr_un to = control_address(run);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), saved = 0;
	long uid;

	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&to, sizeof to))
		saved = errno;
	else if ((uid = listener_uid(fd)) != 0 && uid != (long)geteuid())
		saved = EPERM;
	if (!saved)
		return fd;
	close(fd);
	errno = saved;
	return -1;
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
