#include "cmd/options.h"

#include "base/env_file.h"
#include "base/span.h"
#include "base/text.h"
#include "ctl/run.h"

#define FOR_PLAN (FOR_UP | FOR_CHECK | FOR_CONFIG | FOR_START | FOR_RUN)
#define FOR_VARIABLES (FOR_PLAN | FOR_FLUSH)
#define FOR_ALL (FOR_PLAN | FOR_STATUS | FOR_FLUSH | FOR_DOWN | FOR_READY)
#define FOR_DRIVERS (FOR_UP | FOR_START | FOR_RUN)
#define TIMEOUT_MAX_S 86400
#define STOP_S 25	    /* SIGKILL follows SIGTERM after 30 s in Kubernetes (Docker: 10 s, docker stop -t) */
#define ID_MAX 4294967294ul /* (uid_t)-1 means "none" (setuid(2)) */
#define FD_MAX 65535

struct option_row;

/* Stores VALUE (NULL for an option without one) as ROW says. Returns 0, or -1 with CODE_USAGE. */
typedef int store_fn(struct options *o, const struct option_row *row, const char *value, struct err *e);

struct option_row {
	const char *name;
	const char *arg; /* NULL: it takes no value */
	int commands;
	store_fn *store;
	size_t member; /* of struct options: for store_text(), store_flag() and store_seconds() */
	const char *help;
};

static int store_text(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	(void)e;
	*(const char **)(void *)((char *)o + row->member) = value;
	return 0;
}

static int store_flag(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	*(bool *)((char *)o + row->member) = true;
	return 0;
}

static int store_seconds(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	unsigned long seconds;

	if (!span_number(span_of(value), TIMEOUT_MAX_S, &seconds) || !seconds)
		return err_set(
			e, CODE_USAGE, "option --%s '%s': must be whole seconds, 1 to %d", row->name, value, TIMEOUT_MAX_S);
	*(int *)(void *)((char *)o + row->member) = (int)seconds * 1000;
	return 0;
}

/* By number: a scratch image has no /etc/passwd. */
static int store_user(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	struct span gid = span_of(value), uid;
	unsigned long u, g;

	(void)row;
	if (!span_cut(&gid, ':', &uid))
		gid = uid;
	if (!span_number(uid, ID_MAX, &u) || !span_number(gid, ID_MAX, &g))
		return err_set(e, CODE_USAGE, "option --user '%s': must be UID or UID:GID, in numbers", value);
	o->uid = (long)u;
	o->gid = (long)g;
	return 0;
}

static int add_env_source(struct options *o, struct env_source source, struct err *e)
{
	if (o->env_source_count == ENV_SOURCES_MAX)
		return err_set(e, CODE_USAGE, "options --env-file, --env-fd: more than %d of them", ENV_SOURCES_MAX);
	o->env_sources[o->env_source_count++] = source;
	return 0;
}

static int store_env_fd(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	unsigned long fd;

	(void)row;
	if (!span_number(span_of(value), FD_MAX, &fd) || fd == 1 || fd == 2)
		return err_set(
			e, CODE_USAGE, "option --env-fd '%s': must be the number of a descriptor, 0 or from 3 on", value);
	return add_env_source(o, (struct env_source){ .fd = (int)fd }, e);
}

static int store_env_file(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	(void)row;
	return add_env_source(o, (struct env_source){ .file = strcmp(value, "-") == 0 ? NULL : value }, e);
}

static int store_spec(struct options *o, const struct option_row *row, const char *value, struct err *e)
{
	(void)row;
	if (o->spec_count == SPECS_MAX)
		return err_set(e, CODE_USAGE, "option --mount: more than %d of them", SPECS_MAX);
	o->specs[o->spec_count++] = value;
	return 0;
}

#define MEMBER(member) offsetof(struct options, member)

static const struct option_row rows[] = {
	{ "mount", "SOURCE:TARGET[:OPTIONS]", FOR_PLAN, store_spec, 0,
		"mount this (repeatable); SOURCE: a prefix, or s3://bucket/prefix" },
	{ "fstab", "FILE", FOR_PLAN, store_text, MEMBER(fstab), "read the mounts from FILE, in the form of fstab(5)" },
	{ "env-file", "FILE", FOR_VARIABLES, store_env_file, 0,
		"read variables from FILE (0600, the caller's; -: standard input); repeatable, the last wins" },
	{ "env-fd", "N", FOR_VARIABLES, store_env_fd, 0, "read variables from descriptor N, to its end" },
	{ "env-file-remove", NULL, FOR_VARIABLES, store_flag, MEMBER(env_file_remove),
		"remove each --env-file once it is read, whatever comes of it" },
	{ "rclone", "PATH", FOR_DRIVERS | FOR_FLUSH, store_text, MEMBER(rclone),
		"the rclone program, best 1.76 or newer (S3MOUNTS_RCLONE; else found in PATH)" },
	{ "config", "FILE", FOR_DRIVERS | FOR_CONFIG, store_text, MEMBER(config),
		"the rclone.conf to write (RCLONE_CONFIG; else in the run directory)" },
	{ "cache-dir", "DIR", FOR_DRIVERS | FOR_STATUS | FOR_FLUSH | FOR_DOWN, store_text, MEMBER(cache_dir),
		"where files wait for their upload" },
	{ "run-dir", "DIR", FOR_ALL, store_text, MEMBER(run_dir), "control socket, logs, config" },
	{ "timeout", "SECONDS", FOR_DRIVERS | FOR_FLUSH | FOR_DOWN | FOR_READY, store_seconds, MEMBER(timeout_ms),
		"how long it may take" },
	{ "timeout", "SECONDS", FOR_CHECK, store_seconds, MEMBER(timeout_ms),
		"how long all of it may take (10 for each mount)" },
	{ "stop-timeout", "SECONDS", FOR_START | FOR_RUN, store_seconds, MEMBER(stop_ms),
		"how long flush and unmount may take at the end (25)" },
	{ "user", "UID[:GID]", FOR_RUN, store_user, 0, "run COMMAND as this user" },
	{ "keep-env", NULL, FOR_RUN, store_flag, MEMBER(keep_env), "leave the credentials in COMMAND's environment" },
	{ "anyway", NULL, FOR_RUN, store_flag, MEMBER(anyway), "run COMMAND even where a mount fails" },
	{ "wait", NULL, FOR_START, store_flag, MEMBER(wait), "wait for up even where credentials are given" },
	{ "mounted", NULL, FOR_READY, store_flag, MEMBER(mounted), "every mount must be proven, too" },
	{ "keep", NULL, FOR_UP, store_flag, MEMBER(keep), "leave mounts up that this call does not name" },
	{ "left", NULL, FOR_FLUSH, store_flag, MEMBER(left),
		"upload what earlier runs have left, too; with the variables that up takes" },
	{ "lazy", NULL, FOR_DOWN, store_flag, MEMBER(lazy), "detach a mount that is in use, once its files are in S3" },
	{ "write", NULL, FOR_CHECK, store_flag, MEMBER(write), "also put and delete a small object below each prefix" },
	{ "print", NULL, FOR_CONFIG, store_flag, MEMBER(print), "print the config with its secrets masked, write nothing" },
	{ "watch", NULL, FOR_STATUS, store_flag, MEMBER(watch), "show it again each second" },
	{ "json", NULL, FOR_ALL & ~(FOR_START | FOR_RUN), store_flag, MEMBER(json), "one JSON object on stdout" },
	{ "help", NULL, FOR_ALL, store_flag, MEMBER(help), "this text" },
};

#define ROWS (sizeof rows / sizeof *rows)

static const char exit_codes[] = "\nExit codes:\n"
				 "  0  all of it holds\n"
				 "  1  some mounts hold and some do not (each is reported)\n"
				 "  2  usage: option, variable, fstab line\n"
				 "  3  no credentials given (placeholders were made)\n"
				 "  4  S3 refuses: key, signature, clock skew, permission, bucket, region\n"
				 "  5  S3 is out of reach: name, connection, TLS, blocked egress, time-out\n"
				 "  6  a mount failed: no FUSE, driver missing or died, target busy\n"
				 "  7  data still pending when the time ran out (nothing was dropped)\n"
				 "  8  a fault of this machine: memory, disk, permission\n";

/* With the folders that the caller has without it. */
static void print_option(const struct option_row *row, int timeout_s)
{
	char left[64], cache[PATH_MAX];
	struct err unused;
	struct run run;

	text_fmt(left, sizeof left, "%s--%s%s%s", row->member == MEMBER(help) ? "-h, " : "", row->name, row->arg ? " " : "",
		row->arg ? row->arg : "");
	text_print(1, "  %-32s %s", left, row->help);
	if (row->member == MEMBER(timeout_ms) && row->commands != FOR_CHECK)
		text_print(1, " (%d)", timeout_s);
	if (row->member == MEMBER(run_dir) && run_find(&run, NULL, &unused) == 0)
		text_print(1, " (S3MOUNTS_RUN_DIR; %s)", run.dir);
	if (row->member == MEMBER(cache_dir) && run_cache_dir(cache, sizeof cache, NULL, &unused) == 0)
		text_print(1, " (S3MOUNTS_CACHE_DIR; %s)", cache);
	text_print(1, "\n");
}

static void print_help(int command, const char *name, const char *does, int timeout_s)
{
	text_print(1, "Usage: s3mounts %s [OPTIONS]%s\n\n%s.\n\nOptions:\n", name,
		command == FOR_RUN ? " [--] COMMAND [ARGUMENTS]" : "", does);
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].commands & command)
			print_option(&rows[i], timeout_s);
	text_print(1, "%s", exit_codes);
}

static const struct option_row *find_option(struct span name, int command)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].commands & command) && span_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* Parses the option at *ARGV, which is advanced over a value that is the next argument. */
static int parse_option(struct options *o, int command, const char *name_of_command, char ***argv, struct err *e)
{
	struct span value = span_of(strcmp(**argv, "-h") == 0 ? "help" : **argv + 2), name;
	bool joined = span_cut(&value, '=', &name);
	const struct option_row *row = find_option(name, command);

	if (!row) {
		err_set(e, CODE_USAGE, "option --%.*s: s3mounts %s does not know it", (int)name.n, name.p, name_of_command);
		return err_hint(e, "s3mounts %s --help lists them", name_of_command);
	}
	if (joined && !row->arg)
		return err_set(e, CODE_USAGE, "option --%s: it takes no value", row->name);
	if (row->arg && !joined) {
		if (!(*argv)[1])
			return err_set(e, CODE_USAGE, "option --%s: its value is missing (%s)", row->name, row->arg);
		value = span_of(*++*argv);
	}
	/* A span's end is the argument's: it can be read as a string. */
	return row->store(o, row, value.p, e);
}

static bool is_option(const char *arg)
{
	return strcmp(arg, "-h") == 0 || (strncmp(arg, "--", 2) == 0 && arg[2]);
}

/* `run`: what begins here is COMMAND. The kernel takes the "--" away from the arguments of an init, so it may be missing. */
static char **find_command(char **argv)
{
	if (strcmp(*argv, "--") == 0)
		return argv + 1;
	return **argv != '-' || !(*argv)[1] ? argv : NULL;
}

static int parse_options(struct options *o, int command, char **argv, struct err *e)
{
	const char *name = *argv;
	struct err later, *first = e;

	while (*++argv) {
		if (command == FOR_RUN && (o->command = find_command(argv)))
			break;
		/* After a mistake it goes on, since the rest may name files to be removed. */
		if (!is_option(*argv))
			err_set(first, CODE_USAGE, "'%s': s3mounts %s takes options only", *argv, name);
		else if (!parse_option(o, command, name, &argv, first))
			continue;
		first = &later;
	}
	if (first == e && o->env_file_remove && !o->env_source_count) {
		err_set(first, CODE_USAGE, "option --env-file-remove: there is no --env-file");
		first = &later;
	}
	return first == e ? 0 : -1;
}

static int read_env_sources(const struct options *o, struct err *e)
{
	for (size_t i = 0; i < o->env_source_count; i++) {
		const struct env_source *from = &o->env_sources[i];
		char name[32] = "--env-file -";

		if (from->fd)
			text_fmt(name, sizeof name, "--env-fd %d", from->fd);
		if (from->file ? env_file_read(from->file, e) : env_fd_read(from->fd, name, e))
			return -1;
	}
	return 0;
}

/* All of them; *E is about the first that could not be removed. */
static int remove_env_files(const struct options *o, struct err *e)
{
	struct err later, *first = e;

	for (size_t i = 0; i < o->env_source_count; i++)
		if (o->env_sources[i].file && env_file_remove(o->env_sources[i].file, first))
			first = &later;
	return first == e ? 0 : -1;
}

int options_read(struct options *o, int command, const char *does, int timeout_s, char **argv, struct err *e)
{
	struct err unused;
	int bad;

	*o = (struct options){ .timeout_ms = timeout_s * 1000, .stop_ms = STOP_S * 1000, .uid = -1, .gid = -1 };
	/* Needed first of all, since it decides how errors are reported. */
	for (char **arg = argv + 1; *arg && find_option(SPAN("json"), command); arg++)
		o->json |= strcmp(*arg, "--json") == 0;
	bad = parse_options(o, command, argv, e);
	if (o->help) {
		print_help(command, *argv, does, timeout_s);
		return 0;
	}
	bad = bad ? bad : read_env_sources(o, e);
	if (o->env_file_remove && remove_env_files(o, bad ? &unused : e))
		bad = -1;
	return bad;
}
