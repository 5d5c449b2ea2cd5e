#include "sup/client.h"

#include "base/log.h"
#include "sup/sup.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_PAUSE_MS 200 /* where this process has no descriptor to spare */

/* The process at the other end, where it is this user's or root's; else 0. */
static pid_t trusted_peer(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) || (peer.uid != geteuid() && peer.uid != 0))
		return 0;
	/* One of another PID namespace has no number here. */
	return peer.pid ? peer.pid : -1;
}

/* The one that has been in STATE for longest, or NULL. */
static struct client *oldest_in(const struct sup *s, enum client_state state)
{
	const struct client *oldest = NULL;

	for (size_t i = 0; i < CLIENTS_MAX - s->closed_places; i++) {
		const struct client *c = &s->clients[i];

		if (c->state == state && (!oldest || c->deadline < oldest->deadline ||
						 (c->deadline == oldest->deadline && c->turn < oldest->turn)))
			oldest = c;
	}
	return (struct client *)oldest;
}

/* A place that is free, or whose client neither asks nor reads: one that does, does both as soon as it can. */
static struct client *find_place(const struct sup *s)
{
	struct client *c = oldest_in(s, CLIENT_NONE);

	if (!c)
		c = oldest_in(s, CLIENT_READING);
	return c ? c : oldest_in(s, CLIENT_WRITING);
}

bool client_room(const struct sup *s)
{
	return find_place(s) != NULL;
}

static bool is_out_of_descriptors(void)
{
	return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
}

static void take_client(struct sup *s, int fd, pid_t pid)
{
	struct client *c = find_place(s);

	if (c->state != CLIENT_NONE)
		client_close(s, c);
	*c = (struct client){
		.state = CLIENT_READING,
		.fd = fd,
		.pid = pid,
		.in = buf_heap(WIRE_MAX + 4096),
		.out = buf_heap(WIRE_MAX),
		.turn = s->turns++,
		.arrived = clock_ms(),
		.deadline = clock_ms() + CLIENT_MS,
	};
}

/* The descriptor of one who has connected, or -1 with errno. */
static int accept_one(struct sup *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *idle = oldest_in(s, CLIENT_READING);

	if (fd >= 0 || !is_out_of_descriptors() || !idle)
		return fd;
	client_close(s, idle);
	return accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int client_accept(struct sup *s)
{
	int came = 0, fd;

	s->accept_at = NEVER;
	/* What these ask is read before others come. */
	while (came < CLIENTS_MIN && client_room(s) && (fd = accept_one(s)) >= 0) {
		pid_t pid = trusted_peer(fd);

		if (pid) {
			take_client(s, fd, pid);
			came++;
		} else {
			log_line("control socket: another user's process is refused");
			close(fd);
		}
	}
	if (came < CLIENTS_MIN && client_room(s) && is_out_of_descriptors())
		s->accept_at = clock_ms() + ACCEPT_PAUSE_MS;
	return came;
}

void client_close(struct sup *s, struct client *c)
{
	if (s->job.client == c) {
		s->job.client = NULL;
		s->job.abandoned = c->state == CLIENT_WAITING;
	}
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	close(c->fd);
	*c = (struct client){ .state = CLIENT_NONE };
}

static size_t count_waiting(const struct sup *s)
{
	size_t n = 0;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		n += s->clients[i].state == CLIENT_WAITING && s->clients[i].head.kind != REQUEST_STATUS;
	return n;
}

/* The request of C is whole. */
static void queue_request(struct sup *s, struct client *c)
{
	struct err e;

	if (wire_head(buf_all(&c->in), &c->head)) {
		err_set(&e, CODE_FAULT, "control socket: a request that cannot be read");
		client_refuse(c, &e);
		return;
	}
	if (count_waiting(s) == CLIENTS_WAIT_MAX && c->head.kind != REQUEST_STATUS) {
		err_set(&e, request_code(c->head.kind), "%s: %d other commands wait already", request_name(c->head.kind),
			CLIENTS_WAIT_MAX);
		client_refuse(c, &e);
		return;
	}
	c->state = CLIENT_WAITING;
	c->turn = s->turns++;
	c->deadline = c->arrived + c->head.timeout_ms;
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
	if (n <= 0 || length < 0 || (length && c->in.len > (size_t)length))
		client_close(s, c);
	else if (length && c->in.len == (size_t)length)
		queue_request(s, c);
}

static void write_answer(struct sup *s, struct client *c)
{
	ssize_t n;

	c->state = CLIENT_WRITING;
	n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

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
	else if (c->state == CLIENT_ANSWERED || c->state == CLIENT_WRITING)
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
	c->state = CLIENT_ANSWERED;
	c->deadline = clock_ms() + CLIENT_MS;
}

void client_refuse(struct client *c, const struct err *e)
{
	struct report r = { .pid = (long)getpid(), .error = *e };

	client_answer(c, &r);
}

static bool is_change(const struct client *c)
{
	return c->head.kind == REQUEST_UP || c->head.kind == REQUEST_DOWN;
}

struct client *client_next(struct sup *s)
{
	struct client *first = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->state == CLIENT_WAITING && is_change(c) && c != s->job.client && (!first || c->turn < first->turn))
			first = c;
	}
	return first;
}

/* Its time has passed while another one's job is under way. */
static void refuse_late(const struct sup *s, struct client *c)
{
	const struct job *j = &s->job;
	const char *name = request_name(c->head.kind);
	struct err e;

	err_set(&e, request_code(c->head.kind), "%s: not started within %d s: %s of process %ld has been at work for %lld s",
		name, c->head.timeout_ms / 1000, request_name(j->req.kind), j->client ? (long)j->client->pid : (long)getpid(),
		(long long)(clock_ms() - j->started) / 1000);
	err_hint(&e, "wait until that has ended, or end it: then %s can be called again; this call has changed nothing", name);
	client_refuse(c, &e);
}

void client_pass_deadlines(struct sup *s)
{
	int64_t now = clock_ms();

	/* The pause is over, also where no place is free or nobody is accepted any more. */
	if (s->accept_at <= now)
		s->accept_at = NEVER;
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		struct client *c = &s->clients[i];

		if (c->state == CLIENT_NONE || c->deadline > now)
			continue;
		if (c->state != CLIENT_WAITING)
			client_close(s, c);
		else if (is_change(c) && c != s->job.client && s->job.phase != JOB_NONE)
			refuse_late(s, c);
	}
}

int64_t client_deadline(const struct sup *s)
{
	int64_t first = s->accept_at;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *c = &s->clients[i];

		/* A job and a query have deadlines of their own. */
		if (c->state != CLIENT_NONE && (c->state != CLIENT_WAITING || (is_change(c) && c != s->job.client)))
			first = clock_earlier(first, c->deadline);
	}
	return first;
}

void client_end(struct sup *s)
{
	struct client *c;

	query_end(s);
	while ((c = oldest_in(s, CLIENT_READING)) || (c = oldest_in(s, CLIENT_WAITING)))
		client_close(s, c);
}

bool client_any_asking(const struct sup *s)
{
	return oldest_in(s, CLIENT_READING) || oldest_in(s, CLIENT_WAITING);
}

bool client_any(const struct sup *s)
{
	return client_any_asking(s) || oldest_in(s, CLIENT_ANSWERED) || oldest_in(s, CLIENT_WRITING);
}
