#include "base/clock.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/down.h"
#include "cmd/init.h"
#include "cmd/print.h"
#include "cmd/up.h"

#include <unistd.h>

/*
 * Whoever does not exit in half of the time, and keeps a mount busy, is killed: that closes its files, so that they can be
 * uploaded.
 */
static int take_mounts_down(const struct init *in, const struct options *o)
{
	int64_t deadline = clock_ms() + o->stop_ms;
	bool rest = init_signal_rest(in, SIGTERM);
	struct options last = *o;
	int code;

	last.timeout_ms = rest ? o->stop_ms / 2 : o->stop_ms;
	code = down_run("run", &last, true);
	if (!rest || (code != CODE_MOUNT && code != CODE_SOME && code != CODE_PENDING) || !init_signal_rest(in, SIGKILL))
		return code;
	last.timeout_ms = clock_left(deadline);
	last.lazy = true;
	return down_run("run", &last, true);
}

static int check_run_options(const struct options *o, struct err *e)
{
	if (!o->command || !o->command[0]) {
		err_set(e, CODE_USAGE, "run: what shall be run is missing");
		return err_hint(e, "s3mounts run [OPTIONS] -- COMMAND [ARGUMENTS]");
	}
	if (o->uid >= 0 && geteuid() != 0)
		return err_set(e, CODE_FAULT, "option --user: only root can become another user");
	return 0;
}

int cmd_run(char **argv)
{
	struct options o;
	struct init in;
	struct err e;
	int code, status;

	text_stderr_within(STDERR_MS);
	if (options_read(&o, FOR_RUN, "Mounts, then runs COMMAND; at its end flushes and unmounts, and exits with its status",
		    UP_TIMEOUT_S, argv, &e))
		return print_failure("run", false, &e);
	if (o.help)
		return CODE_OK;
	if (check_run_options(&o, &e) || init_prepare(&in, &o, &e))
		return print_failure("run", false, &e);
	code = up_run("run", &o, true);
	if (code != CODE_OK && !o.anyway) {
		init_cancel(&in);
		down_run("run", &o, true);
		return code;
	}
	status = init_run(&in);
	code = take_mounts_down(&in, &o);
	return status ? status : code;
}
