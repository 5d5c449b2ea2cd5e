#include "base/clock.h"
#include "base/log.h"
#include "sup/loop.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool same_user(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static struct client *free_slot(struct sup *s)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (s->clients[i].state == CLIENT_NONE)
			return &s->clients[i];
	return NULL;
}

bool client_room(struct sup *s)
{
	return free_slot(s) != NULL;
}

int client_accept(struct sup *s)
{
	int came = 0, fd;

	/* Whoever finds no free place waits in the kernel's queue. */
	for (struct client *c; (c = free_slot(s)); came++) {
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		if (!same_user(fd)) {
			log_line("control socket: another user's process is refused");
			close(fd);
			continue;
		}
		*c = (struct client){
			.state = CLIENT_READING,
			.fd = fd,
			.in = buf_heap(WIRE_MAX + 4096),
			.out = buf_heap(WIRE_MAX),
			.deadline = clock_ms() + CLIENT_MS,
		};
	}
	return came;
}

void client_close(struct sup *s, struct client *c)
{
	if (s->job.client == c)
		s->job.client = NULL;
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	close(c->fd);
	c->state = CLIENT_NONE;
}

static void read_request(struct sup *s, struct client *c)
{
	char *to = buf_room(&c->in, 4096);
	ssize_t n = to ? recv(c->fd, to, 4096, 0) : 0;
	long length;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->in.len += (size_t)n;
	length = wire_length(buf_all(&c->in));
	if (n <= 0 || length < 0 || (length && c->in.len > (size_t)length)) {
		client_close(s, c);
	} else if (length && c->in.len == (size_t)length) {
		c->state = CLIENT_WAITING;
		c->turn = s->turns++;
		c->deadline = NEVER;
	}
}

static void write_answer(struct sup *s, struct client *c)
{
	ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0 || (size_t)n == c->out.len) {
		client_close(s, c);
		return;
	}
	c->out.len -= (size_t)n;
	memmove(c->out.p, c->out.p + n, c->out.len);
}

void client_io(struct sup *s, struct client *c)
{
	if (c->state == CLIENT_READING)
		read_request(s, c);
	else if (c->state == CLIENT_WRITING)
		write_answer(s, c);
	else
		client_close(s, c); /* it has hung up, or says more than one request */
}

void client_answer(struct client *c, const struct report *r)
{
	static const char none[] = "the answer is too long, or there is no memory for it";
	struct report short_one = { .pid = r->pid };

	buf_wipe(&c->in);
	wire_put_report(&c->out, r);
	if (c->out.full) {
		buf_clear(&c->out);
		err_set(&short_one.error, CODE_FAULT, "%s", none);
		wire_put_report(&c->out, &short_one);
	}
	c->state = CLIENT_WRITING;
	c->deadline = clock_ms() + CLIENT_MS;
}

struct client *client_next(struct sup *s)
{
	struct client *first = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->state == CLIENT_WAITING && c != s->job.client && (!first || c->turn < first->turn))
			first = c;
	}
	return first;
}
