/*
 * json_fuzz.c - a look-up in a driver's metadata, and the writer. A text that was cut off is never taken for a whole one:
 * a file of which half the metadata is written counts as pending.
 */

#include "fuzz.h"

#include "base/json.h"

#define EVERY_CUT_MAX 160

static void check_member(struct span in)
{
	struct span value = { 0 };
	int found = json_member(in, "Dirty", &value);
	size_t end = in.n;

	CHECK(found >= -1 && found <= 1);
	CHECK(found < 1 || (value.n && fuzz_inside(value, in)));
	if (found < 0 || in.n > EVERY_CUT_MAX)
		return;
	while (in.p[end - 1] != '}')
		end--;
	for (size_t n = 0; n < end; n++)
		CHECK(json_member((struct span){ in.p, n }, "Dirty", &value) == -1);
}

static void check_writer(const char *text)
{
	struct buf out = buf_heap(1 << 20);
	struct json j = { .out = &out };
	struct span value, rest;

	json_open(&j, NULL, '{');
	json_open(&j, "a", '[');
	json_str(&j, NULL, text);
	json_int(&j, NULL, INT64_MIN);
	json_close(&j, ']');
	json_str(&j, "Dirty", text);
	json_bool(&j, "b", true);
	json_null(&j, "c");
	json_close(&j, '}');
	CHECK(!out.full && json_member(buf_all(&out), "Dirty", &value) == 1);
	CHECK(value.n >= 2 + strlen(text) && value.p[0] == '"' && value.p[value.n - 1] == '"');
	for (rest = buf_all(&out); rest.n; rest = span_skip(rest, span_utf8(rest)))
		CHECK(span_utf8(rest) && (unsigned char)rest.p[0] >= 0x20);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	char *text;

	check_member(in);
	text = fuzz_text(&in, 0);
	check_writer(text);
	free(text);
	return 0;
}
