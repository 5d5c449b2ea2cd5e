/* rclone_rc_tool.c - for tests: rclone_rc_tool stats|upload-now SOCKET; prints what it got, exits 1 with the error's words. */

#include "rclone/rc.h"

#include <stdio.h>

#define TIMEOUT_MS 5000

int main(int argc, char **argv)
{
	struct rclone_rc_stats s;
	struct err e;
	int ret;

	if (argc != 3)
		return 2;
	if (strcmp(argv[1], "stats") == 0) {
		ret = rclone_rc_stats(argv[2], TIMEOUT_MS, &s, &e);
		if (ret == 0)
			printf("{\"uploading\": %ld, \"queued\": %ld, \"errored\": %ld, \"full\": %s}\n", s.uploads_in_progress,
				s.uploads_queued, s.errored_files, s.out_of_space ? "true" : "false");
	} else {
		ret = rclone_rc_upload_now(argv[2], TIMEOUT_MS, &e);
	}
	if (ret)
		fprintf(stderr, "%s\n", e.text);
	return ret ? 1 : 0;
}
