/*
 * env_file_fuzz.c - variables in a file: any text. What is taken stands in the text as it was given, but for quotes and what a backslash
 * hides between double ones; an error tells of nothing that stands behind a '='. Input: the text.
 */

#include "fuzz.h"

#include "base/env.h"
#include "base/env_file.h"

#define NAME "S3_ACCESS_SECRET"

/* Is VALUE part of LINE, where LINE may have backslashes between? */
static bool stands_in(struct span line, const char *value)
{
	for (; line.n && *value; line = span_skip(line, 1))
		value += *line.p == *value;
	return !*value;
}

static void check_value(struct span text, const char *value)
{
	struct span line, last = { "", 0 };

	while (text.n) {
		span_cut(&text, '\n', &line);
		if (memmem(line.p, line.n, NAME, sizeof NAME - 1))
			last = stands_in(line, value) ? line : last;
	}
	CHECK(last.n);
	for (const char *s = value; *s; s++)
		CHECK((unsigned char)*s >= 0x20 ? *s != 0x7f : *s == '\t');
}

/* Nothing secret that stands behind a '=' is told behind the variable's name. */
static void check_error(struct span text, const struct err *e)
{
	const char *told = strstr(e->text, ": ");
	struct span line;

	CHECK(e->code == CODE_USAGE && strncmp(e->text, "file:", 5) == 0 && told);
	if (strncmp(told, ": variable ", 11) == 0)
		told = strstr(told + 2, ": ");
	CHECK(told);
	while (text.n) {
		span_cut(&text, '\n', &line);
		if (!span_cut(&line, '=', &(struct span){ 0 }) || line.n < 8)
			continue;
		for (size_t i = 0; i + 8 <= line.n; i++) {
			struct span part = { line.p + i, 8 };

			if (memmem(part.p, part.n, "SeCrEt", 6))
				CHECK(!memmem(told, strlen(told), part.p, part.n));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = fuzz_input(data, size);
	struct err e;

	if (env_parse(text, "file", &e) == 0) {
		if (env_given(NAME))
			check_value(text, env_given(NAME));
	} else {
		check_error(text, &e);
	}
	env_wipe();
	CHECK(!env_given(NAME));
	return 0;
}
