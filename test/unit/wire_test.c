/* wire_test.c - what goes over the control socket comes back as it went; what is no message is refused. */

#include "ctl/wire.h"

#include <stdlib.h>

#include "unit.h"

static struct request sample(struct plan_mount *mounts)
{
	static const char *options[] = { "vfs_write_back=1s", "read_only" };

	mounts[0] = (struct plan_mount){ .target = "/mnt/a b",
		.bucket = "bucket",
		.prefix = "p/",
		.type = PLAN_RCLONE,
		.ro = true,
		.allow_other = true,
		.uid = 1000,
		.gid = 100,
		.umask = 077,
		.options = options,
		.option_count = 2 };
	mounts[1] = (struct plan_mount){ .target = "/mnt/c",
		.bucket = "other",
		.prefix = "",
		.nofail = true,
		.uid = -1,
		.gid = -1,
		.umask = -1,
		.cache = "0123" };
	return (struct request){ .kind = REQUEST_UP,
		.timeout_ms = 30000,
		.keep = true,
		.abandon = true,
		.endpoint = "http://x",
		.region = "auto",
		.program = "/usr/bin/rclone",
		.config = "/c",
		.cache_dir = "/d",
		.ca_cert = "",
		.provider = "",
		.endpoint_called = "AWS_ENDPOINT_URL",
		.creds = { .key_id = "id",
			.secret = "se=cr\net",
			.proxy = "http://u:p@x",
			.no_proxy = "a,b",
			.proxy_lower = true },
		.mounts = mounts,
		.mount_count = 2 };
}

static void requests_come_back(void **state)
{
	struct plan_mount mounts[2];
	struct request in = sample(mounts), out;
	struct request_head head;
	struct buf b = buf_heap(WIRE_MAX);
	struct arena a = { 0 };
	struct err e;

	(void)state;
	wire_put_request(&b, &in);
	assert_int_equal(wire_length(buf_all(&b)), b.len);
	assert_int_equal(wire_head(buf_all(&b), &head), 0);
	assert_int_equal(head.kind, REQUEST_UP);
	assert_int_equal(head.timeout_ms, 30000);
	assert_int_equal(wire_get_request(span_skip(buf_all(&b), 4), &a, &out, &e), 0);
	assert_int_equal(out.kind, REQUEST_UP);
	assert_int_equal(out.timeout_ms, 30000);
	assert_true(out.keep && out.abandon && !out.lazy);
	assert_string_equal(out.creds.secret, "se=cr\net");
	assert_string_equal(out.creds.proxy, "http://u:p@x");
	assert_string_equal(out.creds.no_proxy, "a,b");
	assert_true(out.creds.proxy_lower);
	assert_string_equal(out.endpoint_called, "AWS_ENDPOINT_URL");
	assert_string_equal(out.creds.token, "");
	assert_string_equal(out.ca_cert, "");
	assert_int_equal(out.mount_count, 2);
	assert_string_equal(out.mounts[0].target, "/mnt/a b");
	assert_int_equal(out.mounts[0].umask, 077);
	assert_int_equal(out.mounts[0].option_count, 2);
	assert_string_equal(out.mounts[0].options[1], "read_only");
	assert_true(out.mounts[0].ro && !out.mounts[0].nofail);
	assert_string_equal(out.mounts[0].cache, "");
	assert_string_equal(out.mounts[1].cache, "0123");
	assert_string_equal(out.mounts[1].prefix, "");
	assert_int_equal(out.mounts[1].uid, -1);
	assert_true(out.mounts[1].nofail && !out.mounts[1].allow_other);
	arena_free(&a);
	buf_wipe(&b);
}

static void reports_come_back(void **state)
{
	const char *names[] = { "x/y", "z" }, *notes[] = { "a note" };
	struct report_mount mounts[] = {
		{ .target = "/mnt/a",
			.source = "s",
			.driver = "rclone",
			.state = "up",
			.cache = "/c/id",
			.pid = 7,
			.memory_kib = -1,
			.pending_files = 2,
			.pending_bytes = 99,
			.pending_names = names,
			.pending_name_count = 2,
			.notes = notes,
			.note_count = 1,
			.check = { .kind = "ok", .http_status = 200 } },
		{ .target = "/mnt/b", .state = "failed", .error = { .code = CODE_REFUSED, .text = "t", .hint = "h" } },
	};
	struct report in = { .pid = 12, .mounts = mounts, .mount_count = 2 }, out;
	struct buf b = buf_heap(WIRE_MAX);
	struct arena a = { 0 };
	struct err e;

	(void)state;
	wire_put_report(&b, &in);
	assert_int_equal(wire_get_report(span_skip(buf_all(&b), 4), &a, &out, &e), 0);
	assert_int_equal(out.pid, 12);
	assert_int_equal(out.mount_count, 2);
	assert_string_equal(out.mounts[0].pending_names[1], "z");
	assert_string_equal(out.mounts[0].notes[0], "a note");
	assert_int_equal(out.mounts[0].memory_kib, -1);
	assert_string_equal(out.mounts[0].check.kind, "ok");
	assert_null(out.mounts[1].check.kind);
	assert_string_equal(out.mounts[0].cache, "/c/id");
	assert_string_equal(out.mounts[1].cache, "");
	assert_string_equal(out.mounts[1].source, "");
	assert_int_equal(out.mounts[1].error.code, CODE_REFUSED);
	assert_string_equal(out.mounts[1].error.hint, "h");
	arena_free(&a);
	buf_free(&b);
}

/* Cut off anywhere, or with a byte changed, it is refused or read: never read behind its end. */
static void damaged_requests_do_no_harm(void **state)
{
	struct plan_mount mounts[2];
	struct request in = sample(mounts), out;
	struct buf b = buf_heap(WIRE_MAX);
	struct err e;

	(void)state;
	wire_put_request(&b, &in);
	for (size_t n = 0; n < b.len - 4; n++) {
		char *cut = malloc(n + !n);
		struct arena a = { 0 };

		memcpy(cut, b.p + 4, n);
		/* Between two records the rest is a message of its own; elsewhere it is none. */
		assert_int_equal(wire_get_request((struct span){ cut, n }, &a, &out, &e), n == 0 || cut[n - 1] == 0 ? 0 : -1);
		arena_free(&a);
		free(cut);
	}
	for (size_t at = 4; at < b.len; at++) {
		struct arena a = { 0 };

		b.p[at] ^= 0x15;
		wire_get_request(span_skip(buf_all(&b), 4), &a, &out, &e);
		b.p[at] ^= 0x15;
		arena_free(&a);
	}
	buf_wipe(&b);
}

static void lengths(void **state)
{
	(void)state;
	assert_int_equal(wire_length(SPAN("\x01\x00\x00")), 0);
	assert_int_equal(wire_length(SPAN("\x01\x00\x00\x00")), 5);
	assert_int_equal(wire_length(SPAN("\xff\xff\xff\xff")), -1);
	assert_int_equal(wire_length(SPAN("\x01\x00\x40\x00")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_come_back),
		cmocka_unit_test(reports_come_back),
		cmocka_unit_test(damaged_requests_do_no_harm),
		cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
