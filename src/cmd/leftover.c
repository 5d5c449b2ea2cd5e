#include "cmd/leftover.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/print.h"

#define LOOK_MS 1000 /* a cache of the usual size takes a few ms */

void leftovers_find(struct leftovers *l, const struct run *run, const struct options *o, const struct report *r, bool live,
	int64_t deadline)
{
	int64_t least = clock_ms() + LOOK_MS;
	const struct leftover_scope scope = {
		.known = r,
		.live = live,
		.deadline = deadline < least ? least : deadline,
		.ours = run,
	};
	char root[PATH_MAX];
	struct err unused;

	/* A supervisor that has refused a command says nothing of its mounts: their files are no leftovers. */
	if (r->pid && r->error.code != CODE_OK && !r->mount_count)
		return;
	/* Without a home there is no default: then somebody has named a folder for the mounts, and their reports say which. */
	if (run_cache_dir(root, sizeof root, o->cache_dir, &unused) == 0)
		leftover_find(l, root, &scope);
	for (size_t i = 0; i < r->mount_count; i++) {
		file_dirname(root, r->mounts[i].cache);
		if (root[0] == '/')
			leftover_find(l, root, &scope);
	}
}

void json_leftovers(struct json *j, const struct leftovers *l)
{
	json_open(j, "leftovers", '[');
	for (size_t i = 0; i < l->count; i++) {
		const struct leftover *left = &l->list[i];

		json_open(j, NULL, '{');
		json_str(j, "folder", left->folder);
		json_str(j, "endpoint", left->endpoint);
		json_str(j, "bucket", left->bucket);
		json_str(j, "prefix", left->prefix);
		json_str(j, "target", left->target);
		json_int(j, "pending_files", left->files);
		json_int(j, "pending_bytes", left->bytes);
		json_strings(j, "pending_names", left->names, left->name_count);
		json_error(j, "error", &left->error);
		json_close(j, '}');
	}
	json_close(j, ']');
}

/* Whoever wrote the files chose their names: they are sanitized. */
static void print_leftover_name(const char *name)
{
	char text[PATH_MAX];

	text_fmt(text, sizeof text, "%s", name);
	text_sanitize(text);
	text_print(2, "          not in S3 yet: %s\n", text);
}

static void print_leftover(const struct leftover *left)
{
	char place[PATH_MAX + 640];

	text_fmt(place, sizeof place, "s3://%s/%s%s%s", left->bucket, left->prefix, left->endpoint[0] ? " at " : "",
		left->endpoint);
	text_sanitize(place);
	text_print(2, "left      %s  ", left->folder);
	if (left->files < 0)
		text_print(2, "pending: unknown\n");
	else
		text_print(2, "%s  pending: %ld file%s, %ld bytes\n", place, left->files, plural(left->files), left->bytes);
	for (size_t i = 0; i < left->name_count; i++)
		print_leftover_name(left->names[i]);
	if (left->error.code != CODE_OK)
		print_error(&left->error);
}

/* What was found in its folder again since is not in S3. */
static bool is_uploaded(const struct leftover *tried, const struct leftovers *left)
{
	for (size_t i = 0; i < left->count; i++)
		if (strcmp(left->list[i].folder, tried->folder) == 0)
			return false;
	return tried->uploaded;
}

void json_uploaded(struct json *j, const struct leftovers *tried, const struct leftovers *left)
{
	json_open(j, "uploaded", '[');
	for (size_t i = 0; i < tried->count; i++)
		if (is_uploaded(&tried->list[i], left))
			json_str(j, NULL, tried->list[i].folder);
	json_close(j, ']');
}

void print_uploaded(const struct leftovers *tried, const struct leftovers *left)
{
	for (size_t i = 0; i < tried->count; i++)
		if (is_uploaded(&tried->list[i], left))
			text_print(2, "uploaded  %s  %ld file%s, %ld bytes\n", tried->list[i].folder, tried->list[i].files,
				plural(tried->list[i].files), tried->list[i].bytes);
}

void print_leftovers(const struct leftovers *l)
{
	struct err all;

	for (size_t i = 0; i < l->count; i++)
		print_leftover(&l->list[i]);
	if (leftover_error(l, &all))
		print_error(&all);
}

void json_others(struct json *j, const struct unserved_list *l)
{
	json_open(j, "others", '[');
	for (size_t i = 0; i < l->count; i++) {
		const struct unserved *u = &l->list[i];

		json_open(j, NULL, '{');
		json_str(j, "target", u->target);
		json_str(j, "source", u->source);
		json_str(j, "run_dir", u->run_dir);
		if (u->uid < 0)
			json_null(j, "uid");
		else
			json_int(j, "uid", u->uid);
		json_close(j, '}');
	}
	json_close(j, ']');
}

void print_others(const struct unserved_list *l)
{
	char user[32];

	for (size_t i = 0; i < l->count; i++) {
		const struct unserved *u = &l->list[i];

		text_fmt(user, sizeof user, "user %ld", u->uid);
		text_print(2,
			"s3mounts: note: %s stands at %s: it is another run directory's%s%s, of %s, and was not touched\n",
			u->source, u->target, u->run_dir[0] ? ", " : "", u->run_dir,
			u->uid < 0 ? "a user who is not known" : user);
	}
	if (l->count)
		text_print(2, "          hint: if one of them was meant: run this as that user, and with that --run-dir\n");
}
