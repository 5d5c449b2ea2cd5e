#include "cmd/options.h"

#include "base/env_file.h"
#include "base/span.h"
#include "base/text.h"

#define FOR_PLAN (FOR_UP | FOR_CHECK | FOR_CONFIG | FOR_START | FOR_RUN)
#define FOR_VARIABLES (FOR_PLAN | FOR_FLUSH)
#define FOR_ALL (FOR_PLAN | FOR_STATUS | FOR_FLUSH | FOR_DOWN | FOR_READY)
#define FOR_DRIVERS (FOR_UP | FOR_START | FOR_RUN)
#define TIMEOUT_MAX_S 86400
#define STOP_S 25	    /* SIGKILL follows SIGTERM after 30 s in Kubernetes (Docker: 10 s, docker stop -t) */
#define ID_MAX 4294967294ul /* (uid_t)-1 means "none" (setuid(2)) */
#define FD_MAX 65535

static const struct option_row {
	const char *name;
	const char *arg; /* NULL: takes none */
	int commands;
	const char *help;
} rows[] = {
	{ "mount", "SOURCE:TARGET[:OPTIONS]", FOR_PLAN, "mount this (repeatable); SOURCE: a prefix, or s3://bucket/prefix" },
	{ "fstab", "FILE", FOR_PLAN, "read the mounts from FILE, in the form of fstab(5)" },
	{ "env-file", "FILE", FOR_VARIABLES,
		"read variables from FILE (0600, the caller's; -: standard input); repeatable, the last wins" },
	{ "env-fd", "N", FOR_VARIABLES, "read variables from descriptor N, to its end" },
	{ "env-file-remove", NULL, FOR_VARIABLES, "remove each --env-file once it is read, whatever comes of it" },
	{ "rclone", "PATH", FOR_DRIVERS | FOR_FLUSH,
		"the rclone program, best 1.76 or newer (S3MOUNTS_RCLONE; else found in PATH)" },
	{ "config", "FILE", FOR_DRIVERS | FOR_CONFIG, "the rclone.conf to write (RCLONE_CONFIG; else in the run directory)" },
	{ "cache-dir", "DIR", FOR_DRIVERS | FOR_STATUS | FOR_FLUSH | FOR_DOWN,
		"where files wait for their upload (S3MOUNTS_CACHE_DIR; /var/cache/s3mounts)" },
	{ "run-dir", "DIR", FOR_ALL, "control socket, logs, config (S3MOUNTS_RUN_DIR; /run/s3mounts)" },
	{ "timeout", "SECONDS", FOR_DRIVERS | FOR_FLUSH | FOR_DOWN | FOR_READY, "how long it may take" },
	{ "stop-timeout", "SECONDS", FOR_START | FOR_RUN, "how long flush and unmount may take at the end (25)" },
	{ "user", "UID[:GID]", FOR_RUN, "run COMMAND as this user" },
	{ "keep-env", NULL, FOR_RUN, "leave the credentials in COMMAND's environment" },
	{ "anyway", NULL, FOR_RUN, "run COMMAND even where a mount fails" },
	{ "wait", NULL, FOR_START, "wait for up even where credentials are given" },
	{ "mounted", NULL, FOR_READY, "every mount must be proven, too" },
	{ "keep", NULL, FOR_UP, "leave mounts up that this call does not name" },
	{ "left", NULL, FOR_FLUSH, "upload what earlier runs have left, too; with the variables that up takes" },
	{ "lazy", NULL, FOR_DOWN, "detach a mount that is in use, once its files are in S3" },
	{ "write", NULL, FOR_CHECK, "also put and delete a small object below each prefix" },
	{ "print", NULL, FOR_CONFIG, "print the config with its secrets masked, write nothing" },
	{ "watch", NULL, FOR_STATUS, "show it again each second" },
	{ "json", NULL, FOR_ALL & ~(FOR_START | FOR_RUN), "one JSON object on stdout" },
	{ "help", NULL, FOR_ALL, "this text" },
};

#define ROWS (sizeof rows / sizeof *rows)

static const char exit_codes[] = "\nExit codes:\n"
				 "  0  all of it holds\n"
				 "  1  some mounts hold and some do not (each is told)\n"
				 "  2  usage: option, variable, fstab line\n"
				 "  3  no credentials given (placeholders were made)\n"
				 "  4  S3 refuses: key, signature, clock skew, permission, bucket, region\n"
				 "  5  S3 is out of reach: name, connection, TLS, blocked egress, time-out\n"
				 "  6  a mount failed: no FUSE, driver missing or died, target busy\n"
				 "  7  data still pending when the time ran out (nothing was dropped)\n"
				 "  8  a fault of this machine: memory, disk, permission\n";

static void print_help(int command, const char *name, const char *does, int timeout_s)
{
	say(1, "Usage: s3mounts %s [OPTIONS]%s\n\n%s.\n\nOptions:\n", name, command == FOR_RUN ? " -- COMMAND [ARGUMENTS]" : "",
		does);
	for (size_t i = 0; i < ROWS; i++) {
		char left[64];

		if (!(rows[i].commands & command))
			continue;
		text_fmt(left, sizeof left, "--%s%s%s", rows[i].name, rows[i].arg ? " " : "", rows[i].arg ? rows[i].arg : "");
		say(1, "  %-32s %s", left, rows[i].help);
		if (span_is(span_of(rows[i].name), "timeout"))
			say(1, " (%d)", timeout_s);
		say(1, "\n");
	}
	say(1, "%s", exit_codes);
}

/* By numbers: a scratch image has no /etc/passwd. */
static int set_user(struct options *o, const char *value, struct err *e)
{
	struct span gid = span_of(value), uid;
	unsigned long u, g;

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

static int set_env_fd(struct options *o, const char *value, struct err *e)
{
	unsigned long fd;

	if (!span_number(span_of(value), FD_MAX, &fd) || fd == 1 || fd == 2)
		return err_set(
			e, CODE_USAGE, "option --env-fd '%s': must be the number of a descriptor, 0 or from 3 on", value);
	return add_env_source(o, (struct env_source){ .fd = (int)fd }, e);
}

static int set_env_file(struct options *o, const char *value, struct err *e)
{
	return add_env_source(o, (struct env_source){ .file = strcmp(value, "-") == 0 ? NULL : value }, e);
}

static int set_spec(struct options *o, const char *value, struct err *e)
{
	if (o->spec_count == SPECS_MAX)
		return err_set(e, CODE_USAGE, "option --mount: more than %d of them", SPECS_MAX);
	o->specs[o->spec_count++] = value;
	return 0;
}

static int set_seconds(const char *name, int *ms, const char *value, struct err *e)
{
	unsigned long seconds;

	if (!span_number(span_of(value), TIMEOUT_MAX_S, &seconds) || !seconds)
		return err_set(e, CODE_USAGE, "option --%s '%s': must be whole seconds, 1 to %d", name, value, TIMEOUT_MAX_S);
	*ms = (int)seconds * 1000;
	return 0;
}

static int set_timeout(struct options *o, const char *value, struct err *e)
{
	return set_seconds("timeout", &o->timeout_ms, value, e);
}

static int set_stop_timeout(struct options *o, const char *value, struct err *e)
{
	return set_seconds("stop-timeout", &o->stop_ms, value, e);
}

#define PLACE(member) offsetof(struct options, member)

/* Where the value of an option goes: what reads it, or a const char * or a bool of struct options. */
static const struct option_place {
	const char *name;
	int (*read)(struct options *o, const char *value, struct err *e);
	size_t text, flag; /* 0: it is no such; the first member of struct options is neither */
} places[] = {
	{ "mount", set_spec, 0, 0 },
	{ "env-file", set_env_file, 0, 0 },
	{ "env-fd", set_env_fd, 0, 0 },
	{ "timeout", set_timeout, 0, 0 },
	{ "stop-timeout", set_stop_timeout, 0, 0 },
	{ "user", set_user, 0, 0 },
	{ "fstab", NULL, PLACE(fstab), 0 },
	{ "rclone", NULL, PLACE(rclone), 0 },
	{ "config", NULL, PLACE(config), 0 },
	{ "cache-dir", NULL, PLACE(cache_dir), 0 },
	{ "run-dir", NULL, PLACE(run_dir), 0 },
	{ "env-file-remove", NULL, 0, PLACE(env_file_remove) },
	{ "keep", NULL, 0, PLACE(keep) },
	{ "left", NULL, 0, PLACE(left) },
	{ "lazy", NULL, 0, PLACE(lazy) },
	{ "write", NULL, 0, PLACE(write) },
	{ "print", NULL, 0, PLACE(print) },
	{ "watch", NULL, 0, PLACE(watch) },
	{ "json", NULL, 0, PLACE(json) },
	{ "help", NULL, 0, PLACE(help) },
	{ "wait", NULL, 0, PLACE(wait) },
	{ "mounted", NULL, 0, PLACE(mounted) },
	{ "keep-env", NULL, 0, PLACE(keep_env) },
	{ "anyway", NULL, 0, PLACE(anyway) },
};

static int set(struct options *o, struct span name, const char *value, struct err *e)
{
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		const struct option_place *p = &places[i];

		if (!span_is(name, p->name))
			continue;
		if (p->read)
			return p->read(o, value, e);
		if (p->text)
			*(const char **)(void *)((char *)o + p->text) = value;
		else
			*(bool *)((char *)o + p->flag) = true;
	}
	return 0;
}

static const struct option_row *find(struct span name, int command)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].commands & command) && span_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

/* One option at *ARGV, which moves over its value where that is the next argument. */
static int read_one(struct options *o, int command, const char *name_of_command, char ***argv, struct err *e)
{
	struct span value = span_of(**argv + 2), name;
	bool joined = span_cut(&value, '=', &name);
	const struct option_row *row = find(name, command);

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
	return set(o, name, value.p, e);
}

static int read_all(struct options *o, int command, char **argv, struct err *e)
{
	const char *name = *argv;
	struct err later, *first = e;

	while (*++argv) {
		if (command == FOR_RUN && strcmp(*argv, "--") == 0) {
			o->command = argv + 1;
			break;
		}
		/* After a mistake it goes on, for what the rest says of files to be removed. */
		if (!span_starts(span_of(*argv), SPAN("--")) || !(*argv)[2])
			err_set(first, CODE_USAGE, "'%s': s3mounts %s takes options only", *argv, name);
		else if (!read_one(o, command, name, &argv, first))
			continue;
		first = &later;
	}
	if (first == e && o->env_file_remove && !o->env_source_count) {
		err_set(first, CODE_USAGE, "option --env-file-remove: there is no --env-file");
		first = &later;
	}
	return first == e ? 0 : -1;
}

static int take_variables(const struct options *o, struct err *e)
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

/* Each of them; *E is of the first that stays. */
static int remove_files(const struct options *o, struct err *e)
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
	/* Known before all else, since it says how an error is told. */
	for (char **arg = argv + 1; *arg && strcmp(*arg, "--") != 0; arg++)
		o->json |= strcmp(*arg, "--json") == 0;
	bad = read_all(o, command, argv, e);
	if (o->help && !bad) {
		print_help(command, *argv, does, timeout_s);
		return 0;
	}
	bad = bad ? bad : take_variables(o, e);
	if (o->env_file_remove && remove_files(o, bad ? &unused : e))
		bad = -1;
	return bad;
}
