#include "cmd/print.h"

#include "base/file.h"
#include "base/text.h"

#include <limits.h>
#include <unistd.h>

#define JSON_MAX (16 * 1024 * 1024)

static void begin_answer(struct json_out *o, enum code code, const struct err *error)
{
	o->j = (struct json){ .out = &o->text };
	json_open(&o->j, NULL, '{');
	json_str(&o->j, "command", o->command);
	json_bool(&o->j, "ok", code == CODE_OK);
	json_int(&o->j, "code", code);
	if (error)
		json_error(&o->j, "error", error);
	else
		json_null(&o->j, "error");
}

void json_begin(struct json_out *o, const char *command, enum code code, const struct err *error)
{
	o->command = command;
	o->text = buf_heap(JSON_MAX);
	begin_answer(o, code, error);
}

static void end_answer(struct json_out *o)
{
	json_close(&o->j, '}');
	buf_char(&o->text, '\n');
}

int json_end(struct json_out *o, enum code code)
{
	char small[512];
	struct err e;

	end_answer(o);
	if (o->text.full) {
		code = CODE_FAULT;
		err_set(&e, code, "answer: no memory, or longer than %d bytes", JSON_MAX);
		buf_free(&o->text);
		o->text = buf_over(small, sizeof small);
		begin_answer(o, code, &e);
		json_strings(&o->j, "mounts", NULL, 0);
		end_answer(o);
	}
	if (write_all(STDOUT_FILENO, o->text.p, o->text.len)) {
		code = CODE_FAULT;
		err_sys(&e, code, "write to stdout");
		print_error(&e);
	}
	buf_free(&o->text);
	return (int)code;
}

void json_error(struct json *j, const char *key, const struct err *e)
{
	if (e->code == CODE_OK) {
		json_null(j, key);
		return;
	}
	json_open(j, key, '{');
	json_int(j, "code", e->code);
	json_str(j, "message", e->text);
	json_str(j, "hint", e->hint);
	json_close(j, '}');
}

void json_verdict(struct json *j, const char *key, const struct verdict *v)
{
	if (!v->kind) {
		json_null(j, key);
		return;
	}
	json_open(j, key, '{');
	json_str(j, "verdict", v->kind);
	json_int(j, "http_status", v->http_status);
	json_str(j, "s3_code", v->s3_code);
	json_str(j, "cause", v->cause);
	json_str(j, "hint", v->hint);
	json_str(j, "region", v->region);
	json_int(j, "skew_seconds", v->skew_seconds);
	json_int(j, "ms", v->ms);
	json_close(j, '}');
}

void json_mount(struct json *j, const struct report_mount *m)
{
	json_open(j, NULL, '{');
	json_str(j, "target", m->target);
	json_str(j, "source", m->source);
	json_str(j, "driver", m->driver);
	json_str(j, "state", m->state);
}

void json_strings(struct json *j, const char *key, const char *const *list, size_t count)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < count; i++)
		json_str(j, NULL, list[i]);
	json_close(j, ']');
}

/* Why pending file number I of M is not in S3; NULL when that is not known. */
static const char *pending_reason(const struct report_mount *m, size_t i)
{
	for (size_t k = 0; k < m->pending_reason_count; k++) {
		struct span why = span_of(m->pending_reasons[k]), number;
		unsigned long n;

		span_cut(&why, ' ', &number);
		if (span_number(number, ULONG_MAX, &n) && n == i)
			return why.p;
	}
	return NULL;
}

void json_pending(struct json *j, const struct report_mount *m)
{
	json_int(j, "pending_files", m->pending_files);
	json_int(j, "pending_bytes", m->pending_bytes);
	json_strings(j, "pending_names", m->pending_names, m->pending_name_count);
	json_open(j, "pending_reasons", '[');
	for (size_t i = 0; i < m->pending_name_count; i++) {
		if (!pending_reason(m, i))
			continue;
		json_open(j, NULL, '{');
		json_str(j, "name", m->pending_names[i]);
		json_str(j, "reason", pending_reason(m, i));
		json_close(j, '}');
	}
	json_close(j, ']');
}

void print_pending(const struct report_mount *m, bool reasoned)
{
	for (size_t i = 0; i < m->pending_name_count; i++) {
		const char *why = pending_reason(m, i);

		if (why || !reasoned)
			text_print(
				2, "          not in S3 yet: %s%s%s\n", m->pending_names[i], why ? ": " : "", why ? why : "");
	}
	if (!reasoned && m->pending_files > (long)m->pending_name_count)
		text_print(2, "          … and %ld more\n", m->pending_files - (long)m->pending_name_count);
}

bool mounts_are(const struct report *r, const char *state)
{
	for (size_t i = 0; i < r->mount_count; i++)
		if (!span_is(span_of(r->mounts[i].state), state))
			return false;
	return true;
}

const char *plural(long n)
{
	return n == 1 ? "" : "s";
}

void print_column_widths(const struct report *r, int *target, int *source)
{
	*target = *source = 6; /* width of the headings */
	for (size_t i = 0; i < r->mount_count; i++) {
		int t = (int)strlen(r->mounts[i].target), s = (int)strlen(r->mounts[i].source);

		*target = t > *target ? t : *target;
		*source = s > *source ? s : *source;
	}
}

void print_error(const struct err *e)
{
	text_print(2, "s3mounts: %s\n", e->text);
	if (e->hint[0])
		text_print(2, "          hint: %s\n", e->hint);
}

int err_no_creds(struct err *e, const char *command, const struct plan *p, const char *means)
{
	err_set(e, CODE_NO_CREDS, "%s: no credentials are given%s%s", command, p->not_read, means);
	return err_hint(e, "%s", p->creds_hint);
}

int print_failure(const char *command, bool json, const struct err *e)
{
	struct json_out o;

	if (!json) {
		print_error(e);
		return e->code;
	}
	json_begin(&o, command, e->code, e);
	json_strings(&o.j, "mounts", NULL, 0);
	return json_end(&o, e->code);
}

enum code mounts_exit_code(size_t hold, enum code first)
{
	return first != CODE_OK && hold ? CODE_SOME : first;
}
