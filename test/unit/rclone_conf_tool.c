/*
 * For rclone_conf_rclone_test.py. Stdin: key id, secret, token, region, each with a NUL behind it, then a whole
 * rclone.conf. Stdout: that file with our section in it. Refused: the text on stderr, and the code as exit status.
 */

#include "rclone/conf.h"

#include <stdio.h>

static const char *next(struct span *rest)
{
	const char *s = rest->p;
	struct span head;

	span_cut(rest, 0, &head);
	return s;
}

int main(void)
{
	static char in[RCLONE_CONF_MAX], section_mem[8192], out_mem[RCLONE_CONF_MAX];
	struct span rest = { in, fread(in, 1, sizeof in - 1, stdin) };
	struct buf section = buf_over(section_mem, sizeof section_mem), out = buf_over(out_mem, sizeof out_mem);
	struct s3_endpoint site = { .host = "127.0.0.1", .port = 9000, .path_style = true, .provider = "Minio" };
	struct creds creds = { .key_id = "" };
	struct err e;

	snprintf(creds.key_id, sizeof creds.key_id, "%s", next(&rest));
	snprintf(creds.secret, sizeof creds.secret, "%s", next(&rest));
	snprintf(creds.token, sizeof creds.token, "%s", next(&rest));
	snprintf(site.region, sizeof site.region, "%s", next(&rest));
	if (rclone_conf_section(&section, &site, &creds, &e) || rclone_conf_merge(&out, rest, buf_all(&section), &e)) {
		fprintf(stderr, "%s\n", e.text);
		return (int)e.code;
	}
	fwrite(out.p, 1, out.len, stdout);
	return 0;
}
