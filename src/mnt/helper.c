#include "mnt/helper.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/text.h"
#include "mnt/attach.h"
#include "mnt/errno_text.h"
#include "mnt/fuse.h"
#include "mnt/target.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#define COMMFD "_FUSE_COMMFD"

enum job { MOUNT, UNMOUNT, HELP, VERSION };

struct helper_call {
	char **argv;
	enum job job;
	bool lazy, quiet;
	struct buf options; /* of all -o */
	const char *target;
};

static const struct {
	const char *name;
	char letter;
} long_options[] = {
	{ "--unmount", 'u' },
	{ "--lazy", 'z' },
	{ "--quiet", 'q' },
	{ "--version", 'V' },
	{ "--help", 'h' },
};

/* An option without a value. */
static int parse_letter(struct helper_call *c, char letter, struct err *e)
{
	switch (letter) {
	case 'u':
		c->job = UNMOUNT;
		return 0;
	case 'z':
		c->lazy = true;
		return 0;
	case 'q':
		c->quiet = true;
		return 0;
	case 'V':
		c->job = VERSION;
		return 0;
	case 'h':
		c->job = HELP;
		return 0;
	default:
		return err_set(e, CODE_USAGE, "unknown option -%c", letter);
	}
}

static int parse_long_option(struct helper_call *c, const char *arg, struct err *e)
{
	for (size_t i = 0; i < sizeof long_options / sizeof *long_options; i++)
		if (!strcmp(arg, long_options[i].name))
			return parse_letter(c, long_options[i].letter, e);
	return err_set(e, CODE_USAGE, "unknown option %s", arg);
}

/* "-uz", "-o OPTS", "-oOPTS"; *ARG is advanced over a value that is the next argument. */
static int parse_letters(struct helper_call *c, char ***arg, struct err *e)
{
	for (const char *p = **arg + 1; *p; p++) {
		if (*p != 'o') {
			if (parse_letter(c, *p, e))
				return -1;
			continue;
		}
		if (!*++p && !(p = *++*arg))
			return err_set(e, CODE_USAGE, "option -o wants a value");
		buf_fmt(&c->options, "%s%s", c->options.len ? "," : "", p);
		break;
	}
	return 0;
}

static int check_helper_call(const struct helper_call *c, struct err *e)
{
	if (c->options.full)
		return err_set(e, CODE_USAGE, "the mount options are too long");
	if (c->lazy && c->job != UNMOUNT)
		return err_set(e, CODE_USAGE, "-z can only be used with -u");
	if (!c->target)
		return err_set(e, CODE_USAGE, "missing mountpoint argument");
	/* For some calls an empty name would mean the working directory. */
	return *c->target ? 0 : err_set(e, CODE_USAGE, "the mountpoint is an empty name");
}

static int parse_call(struct helper_call *c, struct err *e)
{
	bool only_operands = false;

	for (char **arg = c->argv + 1; *arg; arg++) {
		int bad = 0;

		if (only_operands || (*arg)[0] != '-' || !(*arg)[1]) {
			if (c->target)
				return err_set(e, CODE_USAGE, "extra arguments after the mountpoint");
			c->target = *arg;
		} else if (!strcmp(*arg, "--")) {
			only_operands = true;
		} else if ((*arg)[1] == '-') {
			bad = parse_long_option(c, *arg, e);
		} else {
			bad = parse_letters(c, &arg, e);
		}
		if (bad)
			return -1;
		if (c->job == HELP || c->job == VERSION)
			return 0;
	}
	return check_helper_call(c, e);
}

/* The system's set-uid helper takes the same arguments, and inherits the socket. Returns only when it cannot be run. */
static int become_system_helper(const struct helper_call *c, const char *verb, struct err *e)
{
	const char *helper = fuse_system_helper();

	if (!helper)
		return fuse_err_no_rights(e, verb, c->target);
	execv(helper, c->argv);
	return err_sys(e, CODE_MOUNT, "%s %s: run %s", verb, c->target, helper);
}

/* The caller's socket, checked before anything is mounted. */
static int caller_socket(struct err *e)
{
	const char *value = getenv(COMMFD);
	unsigned long fd;
	socklen_t n = sizeof(int);
	int type;

	if (!value) {
		err_set(e, CODE_USAGE, COMMFD " is not set");
		return err_hint(e, "a FUSE program calls this to mount; by hand only -u is of use");
	}
	if (!span_number(span_of(value), INT_MAX, &fd))
		return err_set(e, CODE_USAGE, COMMFD " is no descriptor's number");
	if (getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &n))
		return err_sys(e, CODE_USAGE, COMMFD "=%lu", fd);
	return (int)fd;
}

static int mount_and_send(const struct helper_call *c, int sock, const struct fuse_mount_options *o, struct err *e)
{
	int fd = fuse_open(e);

	if (fd < 0 || mnt_attach(c->target, fd, o, e))
		return -1;
	/* One byte, because a message must not be empty. */
	if (send_with_fd(sock, "", 1, fd) == 0)
		return 0;
	err_sys(e, CODE_MOUNT, "mount %s: send the descriptor to the FUSE program", c->target);
	umount2(c->target, MNT_DETACH);
	return -1;
}

static int do_mount(struct helper_call *c, struct err *e)
{
	struct fuse_mount_options o;
	char why[160];
	int sock;

	if (fuse_mount_options_parse(&o, c->options.p, why, sizeof why))
		return err_set(e, CODE_USAGE, "%s", why);
	sock = caller_socket(e);
	if (sock < 0)
		return -1;
	return fuse_may_mount() ? mount_and_send(c, sock, &o, e) : become_system_helper(c, "mount", e);
}

static int do_unmount(struct helper_call *c, struct err *e)
{
	if (mnt_umount_nofollow(c->target, UMOUNT_NOFOLLOW | (c->lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno == EPERM && !fuse_may_mount())
		return become_system_helper(c, "unmount", e);
	return mnt_err_sys(e, mnt_umount_errors, "failed to unmount %s", c->target);
}

static int print_helper_usage(const char *name)
{
	text_print(1,
		"usage: %s [-o OPTION[,OPTION...]] [--] MOUNTPOINT   mount, for a FUSE program (" COMMFD ")\n"
		"       %s -u [-z] [-q] [--] MOUNTPOINT              unmount; -z: detach though busy, -q: say nothing\n"
		"       %s -V | -h                                   version, this text\n",
		name, name, name);
	return 0;
}

static int run_job(struct helper_call *c, const char *name, struct err *e)
{
	switch (c->job) {
	case HELP:
		return print_helper_usage(name);
	case VERSION:
		text_print(1, "%s version: s3mounts " S3MOUNTS_VERSION "\n", name);
		return 0;
	case UNMOUNT:
		return do_unmount(c, e);
	case MOUNT:
	default:
		return do_mount(c, e);
	}
}

int fusermount_main(char **argv)
{
	char options[8192];
	struct helper_call c = { .argv = argv, .options = buf_over(options, sizeof options) };
	const char *name = file_basename(argv[0]);
	struct err e;

	if (getauxval(AT_SECURE)) {
		text_print(2, "%s: this program is not made to be set-uid\n", name);
		return 1;
	}
	if (parse_call(&c, &e) == 0 && run_job(&c, name, &e) == 0)
		return 0;
	if (c.job == UNMOUNT && c.quiet)
		return 1;
	text_print(2, "%s: %s\n", name, e.text);
	if (e.hint[0])
		text_print(2, "%s: hint: %s\n", name, e.hint);
	return 1;
}
