#include "sup_world.h"

#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEER_PID 4900000

/* ---- the supervisor's side ---- */

static struct peer *peer_of_fd(int fd)
{
	int i = fd - WORLD_PEERS;

	MUST(i >= 0 && i < PEERS && world.peers[i].accepted && !world.peers[i].closed);
	return &world.peers[i];
}

bool world_peer_ready(int fd, short events, short *revents)
{
	struct peer *p;

	if (fd < WORLD_PEERS)
		return false;
	p = peer_of_fd(fd);
	*revents = 0;
	if ((events & POLLIN) && (p->heard < p->says.len || p->hung_up))
		*revents |= POLLIN;
	p->slow |= (events & POLLOUT) && !p->room;
	if ((events & POLLOUT) && (p->room || p->hung_up))
		*revents |= POLLOUT;
	if (p->hung_up)
		*revents |= POLLHUP;
	return true;
}

/* The first in the queue. */
static struct peer *next_peer(void)
{
	for (int i = 0; i < world.peer_count; i++)
		if (world.peers[i].used && !world.peers[i].accepted)
			return &world.peers[i];
	return NULL;
}

bool world_listener_ready(void)
{
	MUST(world.sup.listener >= 0);
	return next_peer();
}

int accept4(int fd, struct sockaddr *from, socklen_t *size, int flags)
{
	struct peer *p = next_peer();

	MUST(fd == world.sup.listener && !from && !size && flags == (SOCK_CLOEXEC | SOCK_NONBLOCK));
	errno = p ? EMFILE : EAGAIN;
	if (!p || world.no_descriptors)
		return -1;
	p->accepted = true;
	p->came = world.now;
	p->late = world.late;
	return WORLD_PEERS + (int)(p - world.peers);
}

uid_t geteuid(void)
{
	return world.uid;
}

int getsockopt(int fd, int level, int name, void *to, socklen_t *size)
{
	struct ucred who = { .pid = PEER_PID + fd - WORLD_PEERS, .uid = peer_of_fd(fd)->uid };

	MUST(level == SOL_SOCKET && name == SO_PEERCRED && *size == sizeof who);
	memcpy(to, &who, sizeof who);
	return 0;
}

/* What has to be in S3 before a flush may say that all is. */
static void note_need(struct peer *p)
{
	for (size_t i = 0; i < world.sup.count; i++) {
		const struct cache *c = world_cache(world.sup.mounts[i]->job.cache_dir);

		p->need[c - world.caches] = c->written;
	}
}

ssize_t recv(int fd, void *to, size_t size, int flags)
{
	struct peer *p = peer_of_fd(fd);
	size_t n = p->says.len - p->heard;

	MUST(flags == 0);
	if (!n && !p->hung_up) {
		errno = EAGAIN;
		return -1;
	}
	if (n > size)
		n = size;
	memcpy(to, p->says.p + p->heard, n);
	p->heard += n;
	if (p->asked == NEVER && p->heard && wire_length(buf_all(&p->says)) == (long)p->heard &&
		!wire_head(buf_all(&p->says), &p->head)) {
		p->asked = world.now;
		p->events = world.events;
		p->verdicts = world.verdicts;
		note_need(p);
	}
	return (ssize_t)n;
}

ssize_t send(int fd, const void *from, size_t size, int flags)
{
	struct peer *p = peer_of_fd(fd);

	MUST(flags == MSG_NOSIGNAL);
	errno = p->hung_up ? EPIPE : EAGAIN;
	p->slow |= !p->room;
	if (p->hung_up || !p->room)
		return -1;
	if (size > p->room)
		size = p->room;
	buf_add(&p->got, from, size);
	p->room -= size;
	if (world.answered && peer_report(p))
		world.answered(p);
	return (ssize_t)size;
}

void world_peer_close(int fd)
{
	peer_of_fd(fd)->closed = true;
}

/* ---- the command's side ---- */

struct peer *peer_new(void)
{
	for (int i = 0; i < PEERS; i++) {
		struct peer *p = &world.peers[i];

		if (p->used)
			continue;
		world.peer_count++;
		*p = (struct peer){
			.used = true,
			.uid = world.uid,
			.says = buf_heap(65536),
			.got = buf_heap(WIRE_MAX),
			.room = WIRE_MAX,
			.asked = NEVER,
		};
		return p;
	}
	return NULL;
}

void peer_say(struct peer *p, const struct request *r, size_t len)
{
	struct buf whole = buf_heap(65536);

	wire_put_request(&whole, r);
	MUST(!whole.full);
	p->more |= p->says.len != 0;
	buf_add(&p->says, whole.p, len && len < whole.len ? len : whole.len);
	buf_free(&whole);
}

void peer_hang_up(struct peer *p)
{
	p->hung_up = true;
}

const struct report *peer_report(struct peer *p)
{
	long length = wire_length(buf_all(&p->got));
	struct err e;

	if (!p->answered && length > 0 && (size_t)length == p->got.len) {
		MUST(wire_get_report(span_skip(buf_all(&p->got), 4), &p->mem, &p->report, &e) == 0);
		p->answered = true;
	}
	return p->answered ? &p->report : NULL;
}

const struct report_mount *peer_mount(struct peer *p, int place)
{
	const struct report *r = peer_report(p);

	for (size_t i = 0; r && i < r->mount_count; i++)
		if (strcmp(r->mounts[i].target, world.places[place].target) == 0)
			return &r->mounts[i];
	return NULL;
}

const char *peer_state(struct peer *p, int place)
{
	const struct report_mount *m = peer_mount(p, place);

	return m ? m->state : "";
}

/* ---- requests ---- */

struct request world_request(enum request_kind kind, int timeout_ms, unsigned plan)
{
	static const char *prefixes[PLACES] = { "a/", "b/", "c/" }, *option = "x=1";
	static struct plan_mount mounts[PLACES];
	struct request r = {
		.kind = kind,
		.timeout_ms = timeout_ms,
		.keep = plan & PLAN_KEEP,
		.endpoint = "http://127.0.0.1:9",
		.region = "us-east-1",
		.program = "/bin/driver",
		.program_version = "1",
		.config = "/nonexistent/s3mounts/world.conf",
		.cache_dir = "/nonexistent/cache",
		.mounts = mounts,
	};

	text_fmt(r.creds.key_id, sizeof r.creds.key_id, "%s", plan & PLAN_KEYS ? "other" : "key");
	text_fmt(r.creds.secret, sizeof r.creds.secret, "secret");
	for (int i = 0; i < PLACES; i++)
		if (plan & (1u << i))
			mounts[r.mount_count++] = (struct plan_mount){
				.target = world.places[i].target,
				.bucket = "b",
				.prefix = prefixes[plan & PLAN_SHIFTED ? (i + 1) % PLACES : i],
				.options = &option,
				.option_count = plan & PLAN_OPTION ? 1 : 0,
			};
	return r;
}

struct peer *ask(const struct request *r)
{
	struct peer *p = peer_new();

	if (p)
		peer_say(p, r, 0);
	return p;
}

struct peer *ask_up(unsigned plan, int timeout_ms)
{
	struct request r = world_request(REQUEST_UP, timeout_ms, plan);
	struct peer *p = ask(&r);

	if (p)
		p->plan = plan;
	return p;
}

struct peer *ask_down(int timeout_ms)
{
	struct request r = world_request(REQUEST_DOWN, timeout_ms, 0);

	return ask(&r);
}

struct peer *ask_flush(int timeout_ms)
{
	struct request r = world_request(REQUEST_FLUSH, timeout_ms, 0);

	return ask(&r);
}

struct peer *ask_status(void)
{
	struct request r = world_request(REQUEST_STATUS, 1000, 0);

	return ask(&r);
}
