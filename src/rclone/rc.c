#include "rclone/rc.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "http/request.h"
#include "http/response.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (32 * 1024 * 1024) /* a queue of 100,000 files has about 20 MiB */

struct rc_session {
	const char *path;
	int fd; /* -1: not connected */
	int64_t deadline;
	struct http_response response;
	struct buf answer;
	struct err *e;
};

static int rc_failed(const struct rc_session *s, const char *what)
{
	return err_sys(s->e, CODE_FAULT, "ask rclone at %s: %s", s->path, what);
}

static int rc_timed_out(const struct rc_session *s)
{
	return err_set(s->e, CODE_FAULT, "ask rclone at %s: it does not answer", s->path);
}

static void rc_close(struct rc_session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* If the peer does not accept, connect(2) blocks; if it does not read, send(2) does: at most until the deadline. */
static int rc_limit_sending(const struct rc_session *s)
{
	int left = clock_left(s->deadline);
	struct timeval t = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000L };

	if (!left)
		return rc_timed_out(s);
	return setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) ? rc_failed(s, "set a deadline") : 0;
}

static int rc_connect(struct rc_session *s)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (text_fmt(a.sun_path, sizeof a.sun_path, "%s", s->path) >= sizeof a.sun_path)
		return err_set(s->e, CODE_FAULT, "ask rclone at %s: the path is too long for a socket", s->path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return rc_failed(s, "make a socket");
	if (rc_limit_sending(s))
		return -1;
	if (connect(s->fd, (const struct sockaddr *)&a, sizeof a) == 0)
		return 0;
	return errno == EAGAIN ? rc_timed_out(s) : rc_failed(s, "connect");
}

static int rc_send(struct rc_session *s, struct span what)
{
	while (what.n) {
		ssize_t n;

		if (rc_limit_sending(s))
			return -1;
		n = send(s->fd, what.p, what.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? rc_timed_out(s) : rc_failed(s, "write");
		what = span_skip(what, (size_t)n);
	}
	return 0;
}

/* Reads bytes of the answer: returns their number, 0 at its end, -1. */
static ssize_t rc_read(struct rc_session *s, char *to, size_t size)
{
	for (;;) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		int left = clock_left(s->deadline), ready = left ? poll(&p, 1, left) : 0;
		ssize_t n;

		/* At the deadline even what is available is too late: a peer may never stop sending. */
		if (ready == 0)
			return rc_timed_out(s);
		n = ready < 0 ? -1 : read(s->fd, to, size);
		if (n < 0 && errno == EINTR)
			continue;
		return n < 0 ? rc_failed(s, "read") : n;
	}
}

static int rc_take(struct rc_session *s, struct span in)
{
	while (in.n && s->response.phase != HTTP_DONE) {
		struct span piece = { in.p, 0 };

		if (http_response_feed(&s->response, &in, &piece))
			return err_set(s->e, CODE_FAULT, "ask rclone at %s: %s", s->path, s->response.why);
		buf_span(&s->answer, piece);
		if (s->answer.full)
			return err_set(s->e, CODE_FAULT, "ask rclone at %s: the answer is too large", s->path);
	}
	/* What follows the answer belongs to nothing. */
	s->response.keep_alive &= !in.n;
	return 0;
}

static int rc_receive(struct rc_session *s)
{
	char bytes[16384];

	http_response_start(&s->response, false);
	buf_clear(&s->answer);
	while (s->response.phase != HTTP_DONE) {
		ssize_t n = rc_read(s, bytes, sizeof bytes);

		if (n < 0)
			return -1;
		if (n == 0)
			return http_response_eof(&s->response) == 0 ?
				       0 :
				       err_set(s->e, CODE_FAULT, "ask rclone at %s: %s", s->path, s->response.why);
		if (rc_take(s, (struct span){ bytes, (size_t)n }))
			return -1;
	}
	return 0;
}

/* Calls METHOD ("vfs/stats", with "?" and parameters). Returns the status, with the answer's body in s->answer; or -1. */
static int rc_call(struct rc_session *s, const char *method)
{
	char text[256], target[128];
	struct buf head = buf_over(text, sizeof text);
	struct http_writer w;

	text_fmt(target, sizeof target, "/%s", method);
	http_start(&w, &head, SPAN("POST"), span_of(target));
	http_field(&w, SPAN("Host"), SPAN("localhost"));
	http_field(&w, SPAN("Content-Length"), SPAN("0"));
	if (http_end(&w))
		return err_set(s->e, CODE_FAULT, "ask rclone at %s: no request can be made of %s", s->path, method);
	if ((s->fd < 0 && rc_connect(s)) || rc_send(s, buf_all(&head)) || rc_receive(s)) {
		rc_close(s);
		return -1;
	}
	if (!s->response.keep_alive)
		rc_close(s);
	return s->response.status;
}

/* Reports rclone's error for a failed call: {"error": "…", …}. */
static int rc_refused(const struct rc_session *s, const char *method)
{
	struct span why = SPAN("no reason");

	json_member(buf_all(&s->answer), "error", &why);
	err_set(s->e, CODE_FAULT, "ask rclone at %s: %s: status %d, %.*s", s->path, method, s->response.status,
		(int)(why.n < 256 ? why.n : 256), why.p);
	text_sanitize(s->e->text);
	return -1;
}

static int rc_call_ok(struct rc_session *s, const char *method)
{
	int status = rc_call(s, method);

	return status < 0 ? -1 : status != 200 ? rc_refused(s, method) : 0;
}

static struct rc_session rc_session(const char *path, int timeout_ms, struct err *e)
{
	return (struct rc_session){
		.path = path, .fd = -1, .deadline = clock_ms() + timeout_ms, .answer = buf_heap(ANSWER_MAX), .e = e
	};
}

static int rc_end(struct rc_session *s, int ret)
{
	rc_close(s);
	buf_free(&s->answer);
	return ret;
}

static int rc_count(struct span cache, const char *name, long *out, struct err *e)
{
	struct span value;
	unsigned long n;

	if (json_member(cache, name, &value) != 1 || !span_number(value, LONG_MAX, &n))
		return err_set(e, CODE_FAULT, "read rclone's vfs/stats: it tells no number of %s", name);
	*out = (long)n;
	return 0;
}

/* A read-only mount that keeps nothing on the disk: there is nothing to be uploaded. A CacheMode is a number, or its name. */
static bool has_no_cache(struct span answer)
{
	struct span opt, mode, read_only;

	return json_member(answer, "opt", &opt) == 1 && json_member(opt, "CacheMode", &mode) == 1 &&
	       (span_is(mode, "0") || span_is(mode, "\"off\"")) && json_member(opt, "ReadOnly", &read_only) == 1 &&
	       span_is(read_only, "true");
}

int rclone_rc_parse_stats(struct span answer, struct rclone_rc_stats *s, struct err *e)
{
	struct rclone_rc_stats have = { 0 };
	struct span cache, full;

	if (json_member(answer, "diskCache", &cache) != 1 && has_no_cache(answer)) {
		*s = have;
		return 0;
	}
	if (json_member(answer, "diskCache", &cache) != 1)
		return err_set(e, CODE_FAULT, "read rclone's vfs/stats: it tells of no disk cache");
	if (rc_count(cache, "uploadsInProgress", &have.uploads_in_progress, e) ||
		rc_count(cache, "uploadsQueued", &have.uploads_queued, e) ||
		rc_count(cache, "erroredFiles", &have.errored_files, e))
		return -1;
	if (json_member(cache, "outOfSpace", &full) != 1 || (!span_is(full, "true") && !span_is(full, "false")))
		return err_set(e, CODE_FAULT, "read rclone's vfs/stats: it does not tell whether the cache is out of space");
	have.out_of_space = span_is(full, "true");
	*s = have;
	return 0;
}

int rclone_rc_stats(const char *socket_path, int timeout_ms, struct rclone_rc_stats *stats, struct err *e)
{
	struct rc_session s = rc_session(socket_path, timeout_ms, e);
	int ret = rc_call_ok(&s, "vfs/stats");

	return rc_end(&s, ret ? ret : rclone_rc_parse_stats(buf_all(&s.answer), stats, e));
}

int rclone_rc_next_waiting(struct span *list, unsigned long *id)
{
	struct span item, value;
	int more;

	while ((more = json_next(list, &item)) == 1) {
		if (json_member(item, "id", &value) != 1 || !span_number(value, LONG_MAX, id))
			return -1;
		if (json_member(item, "uploading", &value) != 1 || !span_is(value, "true"))
			return 1;
	}
	return more;
}

/* Collects the ids in the queue of the answer, as unsigned longs in IDS. */
static int rc_waiting_ids(const struct rc_session *s, struct buf *ids)
{
	struct span list;
	unsigned long id;
	int more = -1;

	if (json_member(buf_all(&s->answer), "queue", &list) == 1)
		while ((more = rclone_rc_next_waiting(&list, &id)) == 1)
			buf_add(ids, &id, sizeof id);
	if (more < 0)
		return err_set(s->e, CODE_FAULT, "read rclone's vfs/queue: it is not a list of files with their ids");
	return ids->full ? err_set(s->e, CODE_FAULT, "read rclone's vfs/queue: no memory") : 0;
}

static int rc_expire_wait(struct rc_session *s, unsigned long id)
{
	char method[96];
	struct span why;
	int status;

	text_fmt(method, sizeof method, "vfs/queue-set-expiry?id=%lu&expiry=-1000000000", id);
	status = rc_call(s, method);
	if (status < 0 || status == 200)
		return status < 0 ? -1 : 0;
	/* It has been uploaded meanwhile. */
	if (json_member(buf_all(&s->answer), "error", &why) == 1 && span_is(why, "\"id not found in queue\""))
		return 0;
	return rc_refused(s, method);
}

int rclone_rc_upload_now(const char *socket_path, int timeout_ms, struct err *e)
{
	struct rc_session s = rc_session(socket_path, timeout_ms, e);
	struct buf ids = buf_heap(ANSWER_MAX);
	int ret = rc_call_ok(&s, "vfs/queue");

	if (ret == 0)
		ret = rc_waiting_ids(&s, &ids);
	for (size_t at = 0; ret == 0 && at < ids.len; at += sizeof(unsigned long)) {
		unsigned long id;

		memcpy(&id, ids.p + at, sizeof id);
		ret = rc_expire_wait(&s, id);
	}
	buf_free(&ids);
	return rc_end(&s, ret);
}
