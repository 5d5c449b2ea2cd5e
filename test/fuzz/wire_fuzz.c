/*
 * wire_fuzz.c - what comes over the control socket: garbage does no harm, and what could be read is written as the same
 * again.
 */

#include "fuzz.h"

#include "ctl/wire.h"

static void check_request(struct span body)
{
	struct buf first = buf_heap(WIRE_MAX), second = buf_heap(WIRE_MAX);
	struct request a, b;
	struct arena mem = { 0 };
	struct request_head head;
	struct err e;

	if (wire_get_request(body, &mem, &a, &e) == 0) {
		CHECK(memchr(a.creds.secret, 0, sizeof a.creds.secret) && memchr(a.creds.token, 0, sizeof a.creds.token));
		for (size_t i = 0; i < a.mount_count; i++)
			CHECK(a.mounts[i].target && a.mounts[i].bucket && a.mounts[i].prefix);
		wire_put_request(&first, &a);
		CHECK(!first.full && wire_length(buf_all(&first)) == (long)first.len);
		if (wire_head(buf_all(&first), &head) == 0)
			CHECK(head.kind == a.kind && head.timeout_ms == a.timeout_ms && head.mount_ns == a.mount_ns);
		CHECK(wire_get_request(span_skip(buf_all(&first), 4), &mem, &b, &e) == 0);
		CHECK(a.mount_count == b.mount_count && strcmp(a.creds.secret, b.creds.secret) == 0);
		wire_put_request(&second, &b);
		CHECK(span_eq(buf_all(&first), buf_all(&second)));
	} else {
		CHECK(e.code == CODE_FAULT);
	}
	arena_free(&mem);
	buf_wipe(&first);
	buf_wipe(&second);
}

static void check_report(struct span body)
{
	struct buf first = buf_heap(WIRE_MAX), second = buf_heap(WIRE_MAX);
	struct arena mem = { 0 };
	struct report a, b;
	struct err e;

	if (wire_get_report(body, &mem, &a, &e) == 0) {
		wire_put_report(&first, &a);
		CHECK(wire_get_report(span_skip(buf_all(&first), 4), &mem, &b, &e) == 0 && a.mount_count == b.mount_count);
		wire_put_report(&second, &b);
		CHECK(span_eq(buf_all(&first), buf_all(&second)));
	}
	arena_free(&mem);
	buf_free(&first);
	buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	struct request_head head;
	struct buf message = buf_heap(1 << 20);
	uint32_t length = (uint32_t)size;
	long said = wire_length(in);

	CHECK(size >= 4 || said == 0);
	CHECK(said >= -1 && said <= WIRE_MAX);
	buf_add(&message, &length, sizeof length);
	buf_span(&message, in);
	wire_head(buf_all(&message), &head);
	check_request(in);
	check_report(in);
	buf_free(&message);
	return 0;
}
