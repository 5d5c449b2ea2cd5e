#include "ctl/wire.h"

#include "base/record.h"

#include <stdint.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* A mount begins with its target; the fields that follow are its own. */
#define MOUNT "target"

#define REQUEST(kind, member) RECORD_FIELD(kind, struct request, member)
static const struct record_field request_fields[] = {
	REQUEST(RECORD_INT, kind),
	REQUEST(RECORD_INT, timeout_ms),
	REQUEST(RECORD_BOOL, brief),
	REQUEST(RECORD_BOOL, keep),
	REQUEST(RECORD_BOOL, lazy),
	REQUEST(RECORD_BOOL, abandon),
	REQUEST(RECORD_LONG, mount_ns),
	REQUEST(RECORD_STR, endpoint),
	REQUEST(RECORD_STR, region),
	REQUEST(RECORD_STR, provider),
	REQUEST(RECORD_STR, addressing),
	REQUEST(RECORD_STR, endpoint_called),
	REQUEST(RECORD_STR, program),
	REQUEST(RECORD_STR, program_version),
	REQUEST(RECORD_STR, config),
	REQUEST(RECORD_STR, cache_dir),
	REQUEST(RECORD_STR, ca_cert),
	REQUEST(RECORD_BOOL, allow_other),
	REQUEST(RECORD_TEXT, creds.key_id),
	REQUEST(RECORD_TEXT, creds.secret),
	REQUEST(RECORD_TEXT, creds.token),
	REQUEST(RECORD_TEXT, creds.proxy),
	REQUEST(RECORD_TEXT, creds.no_proxy),
	REQUEST(RECORD_BOOL, creds.proxy_lower),
	/* As an earlier version has named them in the files that it has left: only read. */
	{ "rclone", RECORD_STR, offsetof(struct request, program), sizeof(const char *) },
	{ "rclone_version", RECORD_STR, offsetof(struct request, program_version), sizeof(const char *) },
};
#define OLD_NAMES 2
static const struct record_table request_table = { request_fields, COUNT(request_fields) };
static const struct record_table request_written = { request_fields, COUNT(request_fields) - OLD_NAMES };

#define HEAD(kind, member) RECORD_FIELD(kind, struct request_head, member)
static const struct record_field head_fields[] = {
	HEAD(RECORD_INT, kind),
	HEAD(RECORD_INT, timeout_ms),
	HEAD(RECORD_BOOL, brief),
	HEAD(RECORD_LONG, mount_ns),
};
static const struct record_table head_table = { head_fields, COUNT(head_fields) };

#define PLAN(kind, member) RECORD_FIELD(kind, struct plan_mount, member)
static const struct record_field plan_fields[] = {
	PLAN(RECORD_STR, target),
	PLAN(RECORD_STR, bucket),
	PLAN(RECORD_STR, prefix),
	PLAN(RECORD_INT, type),
	PLAN(RECORD_BOOL, ro),
	PLAN(RECORD_BOOL, nofail),
	PLAN(RECORD_BOOL, allow_other),
	PLAN(RECORD_LONG, uid),
	PLAN(RECORD_LONG, gid),
	PLAN(RECORD_INT, umask),
	PLAN(RECORD_STR, cache),
	PLAN(RECORD_BOOL, own_cache),
	{ "option", RECORD_LIST, offsetof(struct plan_mount, options), offsetof(struct plan_mount, option_count) },
};
static const struct record_table plan_table = { plan_fields, COUNT(plan_fields) };

#define REPORT(kind, member) RECORD_FIELD(kind, struct report, member)
static const struct record_field report_fields[] = {
	REPORT(RECORD_LONG, pid),
	REPORT(RECORD_INT, error.code),
	REPORT(RECORD_TEXT, error.text),
	REPORT(RECORD_TEXT, error.hint),
};
static const struct record_table report_table = { report_fields, COUNT(report_fields) };

#define ENTRY(kind, member) RECORD_FIELD(kind, struct report_mount, member)
static const struct record_field entry_fields[] = {
	ENTRY(RECORD_STR, target),
	ENTRY(RECORD_STR, source),
	ENTRY(RECORD_STR, driver),
	ENTRY(RECORD_STR, state),
	ENTRY(RECORD_STR, cache),
	ENTRY(RECORD_BOOL, nofail),
	ENTRY(RECORD_BOOL, ran),
	ENTRY(RECORD_LONG, pid),
	ENTRY(RECORD_LONG, ms),
	ENTRY(RECORD_LONG, memory_kib),
	ENTRY(RECORD_LONG, restarts),
	ENTRY(RECORD_LONG, pending_files),
	ENTRY(RECORD_LONG, pending_bytes),
	{ "pending", RECORD_LIST, offsetof(struct report_mount, pending_names),
		offsetof(struct report_mount, pending_name_count) },
	{ "reason", RECORD_LIST, offsetof(struct report_mount, pending_reasons),
		offsetof(struct report_mount, pending_reason_count) },
	{ "note", RECORD_LIST, offsetof(struct report_mount, notes), offsetof(struct report_mount, note_count) },
	{ "history", RECORD_LIST, offsetof(struct report_mount, history), offsetof(struct report_mount, history_count) },
	ENTRY(RECORD_STR, check.kind),
	ENTRY(RECORD_INT, check.code),
	ENTRY(RECORD_INT, check.http_status),
	ENTRY(RECORD_TEXT, check.s3_code),
	ENTRY(RECORD_TEXT, check.cause),
	ENTRY(RECORD_TEXT, check.hint),
	ENTRY(RECORD_TEXT, check.region),
	ENTRY(RECORD_LONG, check.skew_seconds),
	ENTRY(RECORD_INT, check.ms),
	ENTRY(RECORD_INT, error.code),
	ENTRY(RECORD_TEXT, error.text),
	ENTRY(RECORD_TEXT, error.hint),
};
static const struct record_table entry_table = { entry_fields, COUNT(entry_fields) };

/* A message whose body is what the caller appends between the two. */
static size_t open_message(struct buf *out)
{
	uint32_t room = 0;

	buf_add(out, &room, sizeof room);
	return out->len;
}

static void close_message(struct buf *out, size_t from)
{
	uint32_t length = (uint32_t)(out->len - from);

	if (!out->full)
		memcpy(out->p + from - sizeof length, &length, sizeof length);
}

void wire_put_request(struct buf *out, const struct request *r)
{
	size_t from = open_message(out);

	record_write(out, &request_written, r);
	for (size_t i = 0; i < r->mount_count; i++)
		record_write(out, &plan_table, &r->mounts[i]);
	close_message(out, from);
}

void wire_put_report(struct buf *out, const struct report *r)
{
	size_t from = open_message(out);

	record_write(out, &report_table, r);
	for (size_t i = 0; i < r->mount_count; i++)
		record_write(out, &entry_table, &r->mounts[i]);
	close_message(out, from);
}

static const char *const request_names[] = {
	[REQUEST_STATUS] = "status",
	[REQUEST_UP] = "up",
	[REQUEST_DOWN] = "down",
	[REQUEST_FLUSH] = "flush",
};

long wire_length(struct span have)
{
	uint32_t length;

	if (have.n < sizeof length)
		return 0;
	memcpy(&length, have.p, sizeof length);
	return length > WIRE_MAX - sizeof length ? -1 : (long)(length + sizeof length);
}

int wire_head(struct span have, struct request_head *head)
{
	struct span rest = span_skip(have, sizeof(uint32_t)), name;
	struct arena none = { 0 };
	const char *value;
	int got;

	*head = (struct request_head){ .kind = REQUEST_STATUS };
	while ((got = record_next(&rest, &name, &value)) > 0)
		if (record_read(&head_table, head, &none, name, value))
			return -1;
	return got < 0 || (unsigned)head->kind >= COUNT(request_names) ? -1 : 0;
}

const char *request_name(enum request_kind kind)
{
	return request_names[kind];
}

enum code request_code(enum request_kind kind)
{
	return kind == REQUEST_UP ? CODE_MOUNT : CODE_PENDING;
}

/* Fields of the whole go to FIRST; each record named MOUNT starts a new, zeroed item of SIZE bytes in *ITEMS. */
static int read_body(struct span body, struct arena *a, const struct record_table *first_table, void *first,
	const struct record_table *item_table, void **items, size_t *count, size_t size)
{
	const struct record_table *table = first_table;
	void *object = first;
	const char *value;
	struct span name;
	int got;

	while ((got = record_next(&body, &name, &value)) > 0) {
		if (span_is(name, MOUNT)) {
			if (!*value || *count >= PLAN_MOUNTS_MAX || !(*items = arena_grow(a, *items, *count, size)))
				return -1;
			object = (char *)*items + (*count)++ * size;
			table = item_table;
		}
		if (record_read(table, object, a, name, value))
			return -1;
	}
	return got;
}

/* What is left out because it was empty reads as "". */
static void default_to_empty(const char **s)
{
	if (!*s)
		*s = "";
}

int wire_get_request(struct span body, struct arena *a, struct request *r, struct err *e)
{
	void *mounts = NULL;

	memset(r, 0, sizeof *r);
	if (read_body(body, a, &request_table, r, &plan_table, &mounts, &r->mount_count, sizeof *r->mounts))
		return err_set(e, CODE_FAULT, "control socket: a request that cannot be read");
	r->mounts = mounts;
	const char **texts[] = { &r->program_version, &r->endpoint, &r->region, &r->provider, &r->addressing,
		&r->endpoint_called, &r->program, &r->config, &r->cache_dir, &r->ca_cert };
	for (size_t i = 0; i < COUNT(texts); i++)
		default_to_empty(texts[i]);
	for (size_t i = 0; i < r->mount_count; i++) {
		default_to_empty(&r->mounts[i].bucket);
		default_to_empty(&r->mounts[i].prefix);
		default_to_empty(&r->mounts[i].cache);
	}
	return 0;
}

int wire_get_report(struct span body, struct arena *a, struct report *r, struct err *e)
{
	void *mounts = NULL;

	memset(r, 0, sizeof *r);
	if (read_body(body, a, &report_table, r, &entry_table, &mounts, &r->mount_count, sizeof *r->mounts))
		return err_set(
			e, CODE_FAULT, "control socket: an answer that cannot be read (is the supervisor of another version?)");
	r->mounts = mounts;
	for (size_t i = 0; i < r->mount_count; i++) {
		default_to_empty(&r->mounts[i].source);
		default_to_empty(&r->mounts[i].driver);
		default_to_empty(&r->mounts[i].state);
		default_to_empty(&r->mounts[i].cache);
	}
	return 0;
}
