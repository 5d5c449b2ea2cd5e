#include "http/dial.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/task.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#define STAGGER_MS 250

size_t dial_numeric(const char *host, unsigned char ip[16])
{
	if (inet_pton(AF_INET, host, ip) == 1)
		return 4;
	return inet_pton(AF_INET6, host, ip) == 1 ? 16 : 0;
}

static void add_address(struct dial_list *l, const void *ip, size_t n, uint16_t port)
{
	union dial_address *a = &l->at[l->count++];

	memset(a, 0, sizeof *a);
	if (n == 4) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		memcpy(&a->v4.sin_addr, ip, n);
	} else {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		memcpy(&a->v6.sin6_addr, ip, n);
	}
}

/* RFC 6761, 6.3: it and every name below it mean this machine, whatever /etc/hosts says or lacks. */
static bool is_localhost(const char *host)
{
	size_t n = strlen(host);

	return strcmp(host, "localhost") == 0 || (n > 10 && strcmp(host + n - 10, ".localhost") == 0);
}

struct lookup {
	const char *host;
	uint16_t port;
};

struct lookup_result {
	int error; /* of getaddrinfo(3) */
	struct dial_list list;
};

/* In the child. */
static int resolve_in_child(void *arg, int out)
{
	const struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	const struct lookup *q = arg;
	struct lookup_result a = { 0 };
	struct addrinfo *found;

	a.error = getaddrinfo(q->host, NULL, &want, &found);
	for (const struct addrinfo *i = a.error ? NULL : found; i && a.list.count < DIAL_ADDRESSES; i = i->ai_next) {
		if (i->ai_family == AF_INET)
			add_address(&a.list, &((const struct sockaddr_in *)(const void *)i->ai_addr)->sin_addr, 4, q->port);
		else if (i->ai_family == AF_INET6)
			add_address(&a.list, &((const struct sockaddr_in6 *)(const void *)i->ai_addr)->sin6_addr, 16, q->port);
	}
	return write_all(out, &a, sizeof a);
}

static int err_lookup(const char *host, int error, struct fail *f)
{
	if (error == EAI_NONAME || error == EAI_NODATA) {
		fail_set(f, FAIL_NAME, "look up %s: there is no such name", host);
		return err_hint(&f->err, "check the host in S3_ENDPOINT_URL");
	}
	fail_set(f, FAIL_NAME, "look up %s: %s", host, error == EAI_AGAIN ? "no name server answers" : gai_strerror(error));
	return err_hint(&f->err, "check /etc/resolv.conf, and that this machine may reach its name server");
}

int dial_resolve(const char *host, uint16_t port, int timeout_ms, struct dial_list *l, struct fail *f)
{
	static const unsigned char loopback4[4] = { 127, 0, 0, 1 }, loopback6[16] = { [15] = 1 };
	struct lookup q = { host, port };
	unsigned char ip[16];
	size_t n = dial_numeric(host, ip);
	struct lookup_result a;
	ssize_t got;

	l->count = 0;
	if (n)
		add_address(l, ip, n, port);
	if (!n && is_localhost(host)) {
		add_address(l, loopback4, 4, port);
		add_address(l, loopback6, 16, port);
	}
	if (l->count)
		return 0;
	got = task_run(resolve_in_child, &q, timeout_ms, &a, sizeof a, &f->err);
	if (got < 0 && f->err.code == CODE_FAULT)
		return f->kind = FAIL_FAULT, -1;
	if (got != sizeof a)
		return err_lookup(host, EAI_AGAIN, f);
	if (a.error || !a.list.count)
		return err_lookup(host, a.error ? a.error : EAI_NONAME, f);
	*l = a.list;
	return 0;
}

/* Returns a socket that is connecting; -1 with errno set. */
static int start_connect(const union dial_address *a)
{
	socklen_t n = a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(fd, &a->any, n) == 0 || errno == EINPROGRESS)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* 0: connected; -1: not known yet; else the errno of the failure. */
static int connect_result(const struct pollfd *p)
{
	int error = 0;
	socklen_t n = sizeof error;

	if (!p->revents)
		return -1;
	return getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) ? errno : error;
}

struct race {
	struct pollfd at[DIAL_ADDRESSES]; /* fd -1: failed */
	int started, running;
	int error; /* of the last failure */
};

static void start_next_connect(struct race *r, const struct dial_list *l)
{
	struct pollfd *p = &r->at[r->started];

	*p = (struct pollfd){ .fd = start_connect(&l->at[r->started]), .events = POLLOUT };
	r->started++;
	if (p->fd >= 0)
		r->running++;
	else
		r->error = errno;
}

/* Returns the descriptor of the first that has connected, taken out of the race, or -1. */
static int take_connected(struct race *r)
{
	for (int i = 0; i < r->started; i++) {
		struct pollfd *p = &r->at[i];
		int error = p->fd < 0 ? -1 : connect_result(p);
		int fd = p->fd;

		if (error < 0)
			continue;
		p->fd = -1;
		r->running--;
		if (!error)
			return fd;
		close(fd);
		r->error = error;
	}
	return -1;
}

static int err_connect(const char *host, int error, struct fail *f)
{
	errno = error;
	if (error == ECONNREFUSED) {
		fail_sys(f, FAIL_REFUSED, "connect to %s", host);
		return err_hint(&f->err, "check host and port in S3_ENDPOINT_URL; nothing listens there");
	}
	if (error == ETIMEDOUT) {
		fail_set(f, FAIL_TIMEOUT, "connect to %s: no answer in time", host);
		return err_hint(&f->err, "check S3_ENDPOINT_URL, and that this machine may reach it (egress rules, firewall)");
	}
	fail_sys(f, FAIL_UNREACHABLE, "connect to %s", host);
	return err_hint(&f->err, "check this machine's network and egress rules");
}

int dial_connect(const struct dial_list *l, const char *host, int64_t deadline, struct fail *f)
{
	struct race r = { .error = ETIMEDOUT };
	int64_t next = 0;
	int fd = -1;

	while (fd < 0 && (r.running || r.started < l->count)) {
		if (r.started < l->count && (!r.running || clock_ms() >= next)) {
			start_next_connect(&r, l);
			next = clock_ms() + STAGGER_MS;
		}
		if (!r.running)
			continue;
		poll(r.at, (nfds_t)r.started, clock_left(clock_earlier(deadline, r.started < l->count ? next : -1)));
		fd = take_connected(&r);
		if (fd < 0 && clock_left(deadline) == 0) {
			r.error = ETIMEDOUT;
			break;
		}
	}
	for (int i = 0; i < r.started; i++)
		if (r.at[i].fd >= 0)
			close(r.at[i].fd);
	return fd >= 0 ? fd : err_connect(host, r.error, f);
}
