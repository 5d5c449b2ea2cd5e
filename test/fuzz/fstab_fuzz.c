/*
 * fstab_fuzz.c - from an fstab and variables to a plan and rclone's arguments. Input: a byte (how), then THREAD_ID,
 * USER_ID, what the other variables hold, the fstab, each with a NUL behind it but the last. What a variable holds must
 * not decide more than one name in a path: a harmless value gives a plan of the same shape.
 */

#include "fuzz.h"

#include "plan/plan.h"
#include "rclone/args.h"

#include <sys/mman.h>
#include <unistd.h>

#define HARMLESS "harmless-"

#define SECRET "top-secret"

static const char *thread_id, *user_id, *others;
static char secret[8192];
static bool with_creds, with_others;

static const char *look_up(const char *name)
{
	if (strcmp(name, "THREAD_ID") == 0)
		return thread_id;
	if (strcmp(name, "USER_ID") == 0)
		return user_id;
	if (creds_is_variable(span_of(name)))
		return with_creds ? secret : NULL;
	return with_others ? others : strcmp(name, "S3_BUCKET_NAME") == 0 ? "bucket" : NULL;
}

/* With SPEC the text is one --mount, else a file. */
static int read_plan(struct plan *p, const char *text, bool spec, struct err *e)
{
	static int file;
	struct plan_input in = { .env = look_up, .specs = &text, .spec_count = spec };
	char path[32];

	if (!file)
		CHECK((file = memfd_create("fstab", 0)) > 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	in.fstab = path;
	CHECK(spec || (ftruncate(file, 0) == 0 && pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text)));
	return plan_read(p, &in, e);
}

static bool has_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	return false;
}

/* PATH has a slash at each end: "/a/b/". */
static void check_components(const char *path)
{
	CHECK(path[0] == '/' && path[strlen(path) - 1] == '/' && !has_control(path));
	CHECK(!strstr(path, "//") && !strstr(path, "/./") && !strstr(path, "/../"));
}

static void check_target(const char *target)
{
	char path[8192];

	CHECK(target[0] == '/' && target[1] && (size_t)snprintf(path, sizeof path, "%s/", target) < sizeof path);
	check_components(path);
}

static void check_mount(const struct plan_mount *m)
{
	static const struct rclone_paths paths = { .rclone = "/rclone",
		.config = "/conf",
		.cache_dir = "/cache",
		.ca_cert = "",
		.helper_dir = "/bin",
		.home = "/home" };
	struct arena a = { 0 };
	char path[8192], **args;
	struct err e;

	check_target(m->target);
	snprintf(path, sizeof path, "/%s", m->prefix);
	check_components(path);
	CHECK(strspn(m->bucket, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") == strlen(m->bucket));
	CHECK(m->uid >= -1 && m->gid >= -1 && m->umask >= -1 && m->umask <= 0777);
	args = rclone_args(&a, m, &paths, m->target, 0, 0, true, &e);
	for (size_t i = 0; args && args[i]; i++)
		CHECK(i < 4 ? !has_control(args[i]) && args[i][0] != '-' :
			      strncmp(args[i], "--", 2) == 0 && !has_control(args[i]));
	arena_free(&a);
}

static size_t slashes(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += *s == '/';
	return n;
}

static void check_same_shape(const struct plan_mount *m, const struct plan_mount *harmless)
{
	CHECK(slashes(m->target) == slashes(harmless->target) && slashes(m->prefix) == slashes(harmless->prefix));
	CHECK(m->type == harmless->type && m->ro == harmless->ro && m->nofail == harmless->nofail);
	CHECK(m->allow_other == harmless->allow_other && m->uid == harmless->uid && m->gid == harmless->gid);
	CHECK(m->umask == harmless->umask && m->option_count == harmless->option_count);
	for (size_t i = 0; i < m->option_count; i++)
		CHECK(strcmp(m->options[i], harmless->options[i]) == 0);
}

/* Is a variable named where options stand? Then its value may change them. */
static bool fills_options(const struct plan *harmless)
{
	for (size_t i = 0; i < harmless->mount_count; i++)
		for (size_t k = 0; k < harmless->mounts[i].option_count; k++)
			if (strstr(harmless->mounts[i].options[k], HARMLESS))
				return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = fuzz_input(data, size);
	unsigned how = fuzz_byte(&in);
	char *thread = fuzz_text(&in, 0), *user = fuzz_text(&in, 0), *other = fuzz_text(&in, 0), *text = fuzz_text(&in, 0);
	struct plan p, harmless;
	struct err e, unused;
	int ret;

	with_creds = how & 1;
	with_others = how & 4;
	others = other;
	snprintf(secret, sizeof secret, SECRET "%s", other);
	thread_id = thread;
	user_id = user;
	ret = read_plan(&p, text, how & 2, &e);
	CHECK(ret == 0 || e.code == CODE_USAGE);
	if (ret && !memmem(data, size, SECRET, strlen(SECRET)))
		CHECK(!strstr(e.text, SECRET) && !strstr(e.hint, SECRET));
	CHECK(ret || p.have_creds == with_creds);
	for (size_t i = 0; ret == 0 && i < p.placeholder_count; i++)
		check_target(p.placeholders[i]);
	for (size_t i = 0; ret == 0 && i < p.mount_count; i++)
		check_mount(&p.mounts[i]);
	thread_id = HARMLESS "thread";
	user_id = HARMLESS "user";
	if (read_plan(&harmless, text, how & 2, &unused) == 0 && ret == 0 && !fills_options(&harmless)) {
		CHECK(p.mount_count == harmless.mount_count);
		for (size_t i = 0; i < p.mount_count; i++)
			check_same_shape(&p.mounts[i], &harmless.mounts[i]);
	}
	plan_free(&p);
	plan_free(&harmless);
	free(thread);
	free(user);
	free(other);
	free(text);
	return 0;
}
