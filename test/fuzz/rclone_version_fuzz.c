/* rclone_version_fuzz.c - what a program says that calls itself rclone. Only a whole first line of the form makes it known. */

#include "fuzz.h"

#include "rclone/version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size), rest = in, line;
	const char *const *list;
	struct rclone_version v;
	char again[64];

	rclone_version_parse(&v, in);
	CHECK(memchr(v.text, 0, sizeof v.text));
	for (const char *s = v.text; *s; s++)
		CHECK((unsigned char)*s >= 0x20 && *s != 0x7f);
	CHECK(rclone_version_losses(&v, &list) == 0 || v.known);
	if (!v.known)
		return 0;
	CHECK(span_cut(&rest, '\n', &line));
	snprintf(again, sizeof again, "rclone v%s", v.text);
	CHECK(span_is(line, again));
	CHECK(v.major <= 9999 && v.minor <= 9999 && v.patch <= 9999);
	return 0;
}
