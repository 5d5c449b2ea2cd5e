/* s3mounts - gives a sandbox its S3 buckets as directories, and proves that they are there. */

#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/print.h"
#include "mnt/helper.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const struct command commands[] = {
	{ "up", cmd_up, "check, mount and prove every mount" },
	{ "check", cmd_check, "check the credentials alone" },
	{ "config", cmd_config, "write rclone.conf, or print it masked" },
	{ "start", cmd_start, "serve in the foreground: mount where credentials are given, else wait for up" },
	{ "ready", cmd_ready, "exit 0 when start serves; --mounted: and every mount is proven" },
	{ "run", cmd_run, "mount, run a command, flush and unmount at its end; made for process 1" },
	{ "status", cmd_status, "show each mount, proven now" },
	{ "flush", cmd_flush, "wait until every closed file is in S3 (an empty folder never is)" },
	{ "down", cmd_down, "flush, unmount, and prove that the mounts are gone" },
	{ "fusermount3", fusermount_main, "the FUSE mount helper that rclone calls; also by this name, and as fusermount" },
};

#define COMMANDS (sizeof commands / sizeof *commands)

static void print_usage(int to)
{
	text_print(to,
		"s3mounts " S3MOUNTS_VERSION " - S3 buckets as directories, proven\n\nUsage: s3mounts COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		text_print(to, "  %-12s %s\n", commands[i].name, commands[i].does);
	text_print(to, "\ns3mounts COMMAND -h (--help) tells its options and the exit codes; s3mounts --version.\n");
}

/*
 * Descriptors 0 to 2 that the caller has closed are opened, so that no file of ours gets such a number, and our output with it.
 * Writing to them fails.
 */
static void reserve_standard_descriptors(void)
{
	int fd;

	while ((fd = open("/", O_RDONLY | O_CLOEXEC)) >= 0 && fd < 3)
		;
	close(fd);
}

static int dispatch_command(const struct command *c, char **argv)
{
	int code = c->run(argv);

	if (!text_stdout_failed() || code != CODE_OK)
		return code;
	text_print(2, "s3mounts: %s: write to stdout: some of it was lost\n", c->name);
	return CODE_FAULT;
}

static bool asks_for_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h") || !strcmp(arg, "help");
}

int main(int argc, char **argv)
{
	const char *called = argc > 0 ? file_basename(argv[0]) : "";
	static char help[] = "--help";
	struct err e;

	/* If the caller ignored it, the kernel would reap our children behind our back. */
	signal(SIGCHLD, SIG_DFL);
	reserve_standard_descriptors();
	/* Credentials pass through here: no core file, and no other process of this user may inspect us (PR_SET_DUMPABLE). */
	prctl(PR_SET_DUMPABLE, 0);
	if (!strcmp(called, "fusermount3") || !strcmp(called, "fusermount"))
		return fusermount_main(argv);
	if (argc < 2) {
		print_usage(2);
		return CODE_USAGE;
	}
	if (asks_for_help(argv[1])) {
		if (argc == 2 || asks_for_help(argv[2])) {
			print_usage(1);
			return CODE_OK;
		}
		argv[1] = argv[2];
		argv[2] = help;
		argv[3] = NULL; /* argv[argc] at most */
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return dispatch_command(&commands[i], argv + 1);
	if (!strcmp(argv[1], "--version")) {
		text_print(1, "s3mounts " S3MOUNTS_VERSION "\n");
		return CODE_OK;
	}
	err_set(&e, CODE_USAGE, "'%s': no such command", argv[1]);
	print_error(&e);
	text_print(2, "\n");
	print_usage(2);
	return CODE_USAGE;
}
