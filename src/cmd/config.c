#include "base/file.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "cmd/setup.h"
#include "rclone/conf.h"
#include "rclone/store.h"

#include <unistd.h>

static int print_masked_conf(const struct setup *s, bool json, struct err *e)
{
	struct buf b = buf_heap(RCLONE_CONF_MAX);
	int ret = rclone_conf_masked(&b, &s->endpoint, &s->plan.creds, e);
	struct json_out out;

	buf_char(&b, 0);
	if (ret == 0 && json) {
		json_begin(&out, "config", CODE_OK, NULL);
		json_str(&out.j, "config", b.p);
		json_strings(&out.j, "warnings", s->plan.warnings, s->plan.warning_count);
		ret = json_end(&out, CODE_OK);
	} else if (ret == 0 && write_all(STDOUT_FILENO, b.p, b.len - 1)) {
		ret = err_sys(e, CODE_FAULT, "write to stdout");
	}
	buf_free(&b);
	return ret;
}

static int store_conf(const struct setup *s, const char *path, struct err *e)
{
	struct buf b = buf_heap(RCLONE_CONF_MAX);
	int ret = rclone_conf_section(&b, &s->endpoint, &s->plan.creds, e);

	if (ret == 0)
		ret = rclone_store(path, buf_all(&b), e);
	buf_wipe(&b);
	return ret;
}

static int run_config(const struct setup *s, const struct options *o, struct err *e)
{
	struct run_path path = setup_config(s, o);
	struct json_out out;

	if (!o->json)
		setup_warn(s);
	if (o->print)
		return print_masked_conf(s, o->json, e);
	if (store_conf(s, path.s, e))
		return -1;
	if (!o->json) {
		text_print(2, "s3mounts: wrote [" RCLONE_REMOTE "] to %s\n", path.s);
		return CODE_OK;
	}
	json_begin(&out, "config", CODE_OK, NULL);
	json_str(&out.j, "path", path.s);
	json_strings(&out.j, "warnings", s->plan.warnings, s->plan.warning_count);
	return json_end(&out, CODE_OK);
}

int cmd_config(char **argv)
{
	struct setup s = { 0 };
	struct options o;
	struct err e;
	int ret;

	if (options_read(&o, FOR_CONFIG, "Writes rclone.conf; other remotes in it stay as they are", 0, argv, &e))
		return print_failure("config", o.json, &e);
	if (o.help)
		return CODE_OK;
	ret = setup_read(&s, &o, &e);
	/* Whoever runs rclone by hand has these variables in its environment. */
	explicit_bzero(s.plan.creds.proxy, sizeof s.plan.creds.proxy);
	explicit_bzero(s.plan.creds.no_proxy, sizeof s.plan.creds.no_proxy);
	if (ret == 0 && !s.plan.have_creds) {
		ret = err_no_creds(&e, "config", &s.plan, "");
	} else if (ret == 0) {
		ret = run_config(&s, &o, &e);
	}
	setup_free(&s);
	return ret < 0 ? print_failure("config", o.json, &e) : ret;
}
