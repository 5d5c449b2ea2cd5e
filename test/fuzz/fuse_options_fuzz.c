/* fuse_options_fuzz.c - the options that a driver gives to the mount helper: none of them reaches the kernel but by name. */

#include "fuzz.h"

#include "mnt/options.h"

#include <sys/mount.h>

#define MAY_BE_SET \
	(MS_RDONLY | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)

static void check_data(const char *data)
{
	struct span rest = span_of(data), one;
	bool more = *data;

	while (more) {
		more = span_cut(&rest, ',', &one);
		if (span_starts(one, SPAN("max_read=")))
			CHECK(strspn(one.p + 9, "0123456789") == one.n - 9 && one.n > 9);
		else
			CHECK(span_is(one, "allow_other") || span_is(one, "default_permissions"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	size_t room = 1 + fuzz_byte(&in);
	char *options = fuzz_text(&in, 0), *why = malloc(room);
	struct fuse_mount_options o;

	CHECK(why);
	if (fuse_mount_options_parse(&o, options, why, room) == 0) {
		CHECK((o.flags & (MS_NOSUID | MS_NODEV)) == (MS_NOSUID | MS_NODEV));
		CHECK((o.flags & ~(unsigned long)(MS_NOSUID | MS_NODEV | MAY_BE_SET)) == 0);
		CHECK(strcmp(o.fstype, "fuse") == 0 || (strncmp(o.fstype, "fuse.", 5) == 0 && o.fstype[5]));
		CHECK(o.source[0] && memchr(o.source, 0, sizeof o.source) && memchr(o.fstype, 0, sizeof o.fstype));
		check_data(o.data);
	} else {
		CHECK(memchr(why, 0, room));
	}
	free(options);
	free(why);
	return 0;
}
