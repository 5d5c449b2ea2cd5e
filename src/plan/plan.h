/*
 * plan/plan.h - what is to be mounted, from where, and as whom: environment, fstab(5) text and --mount options become a struct
 * plan in which every value has been checked. Pure, apart from reading the file.
 *
 * THREAD_ID and USER_ID decide whose data a sandbox sees. A value that replaces a ${NAME} is one path component: 1 to 128
 * bytes, no '/', not "." or "..", no control byte and no picture of one. Anything else is an error that names the variable; so
 * is what looks like a variable that nobody has filled in (plan/parts.h), in a value or in the text of a mount.
 */

#ifndef PLAN_PLAN_H
#define PLAN_PLAN_H

#include "base/arena.h"
#include "base/creds.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define PLAN_MOUNTS_MAX 256 /* a sandbox has three; a hundred work; each costs a driver of about 11 MB */
#define PLAN_FILE_MAX (1024 * 1024)

enum plan_type { PLAN_AUTO, PLAN_RCLONE, PLAN_NATIVE };

struct plan_mount {
	const char *target; /* absolute, without "//", "/./" or a slash at the end; ".." is refused */
	const char *bucket;
	const char *prefix; /* in the bucket: "" or "a/b/", without a slash before it, with one after it */
	enum plan_type type;
	bool ro;
	bool nofail;	      /* its failure is reported but does not count in the exit code */
	bool allow_other;     /* true unless the option no_allow_other is given */
	long uid, gid;	      /* owner of the files; -1: the default */
	int umask;	      /* -1: the default */
	const char **options; /* for the driver, in order and as written ("vfs_write_back=1s"), not checked */
	size_t option_count;
	const char *cache; /* the id of the cache folder that it must have; NULL or "": derived from its source */
	const char *where; /* it was written, for errors: "/etc/s3mounts.fstab:3", "--mount …"; NULL in a request */
	bool own_cache;	   /* in a request: its own folder, beside that of its source, holds files; false in a plan */
};

struct plan {
	struct arena mem; /* holds every string below */
	struct creds creds;
	bool have_creds;
	/* For an error about missing credentials: " (set, but not read: R2_ACCESS_KEY_ID)" or "", and what to do. */
	const char *not_read, *creds_hint;
	const char *endpoint;	     /* as the user gave it, "" = AWS */
	const char *endpoint_called; /* the variable that was used, or that none was set; for errors about the endpoint */
	const char *region;	     /* "us-east-1" when none was given */
	bool region_given;
	const char *provider;	/* rclone's name ("Cloudflare"), "" = derived from the endpoint */
	const char *addressing; /* "path", "virtual", … as the user gave it, "" = as the endpoint wants it */
	const char *bucket;	/* S3_BUCKET_NAME, "" when it is not set */
	struct plan_mount *mounts;
	size_t mount_count;

	/*
	 * Without credentials the variables of a spec may not be known yet. Then MOUNTS is empty and PLACEHOLDERS holds, for
	 * each spec, the folder that can be made already: the whole target, or the part before the component with the unknown
	 * variable. None lies inside a target that is known as a whole.
	 */
	const char **placeholders;
	size_t placeholder_count;

	/*
	 * What works but is hardly what was meant, a sentence each: a component that is "undefined". For the commands to print.
	 */
	const char **warnings;
	size_t warning_count;
};

struct plan_input {
	const char *(*env)(const char *name); /* getenv(3), or a test's own; an empty value counts as absent */
	/*
	 * The subset of ENV that wins over the environment; NULL: none. Of several names for one thing those given here win,
	 * and credentials are used from here or from there as a whole: no key is combined with the other's token.
	 */
	const char *(*given)(const char *name);
	bool (*empty)(const char *name); /* is NAME set, to nothing? NULL: never */
	const char *const *specs;	 /* --mount SOURCE:TARGET[:OPTIONS] */
	size_t spec_count;
	const char *fstab;	/* --fstab FILE: must exist; NULL: none given */
	const char *fstab_path; /* the file that is used if it exists: "/etc/s3mounts.fstab" */
	bool no_mounts;		/* only the variables are read: mounts and placeholders stay empty */
};

/*
 * Makes the plan. The first match wins: specs, fstab, fstab_path, the built-in three. Returns 0, or -1 with *E set: CODE_USAGE
 * names the option, the variable, or file and line ("/etc/s3mounts.fstab:3: …"; also when a file or the options name no mount
 * at all); CODE_FAULT. Without any credentials it returns 0 with have_creds false (an incomplete set is CODE_USAGE; a set is
 * S3_* or AWS_*, never a mixture). With credentials, CODE_USAGE too: the endpoint is set to nothing, or only a name near to it is set, as S3_ENDPOINT or R2_ACCOUNT_ID:
 * they would go to AWS. No error text ever holds a credential. *P needs plan_free() in each case.
 *
 * A source is a prefix in S3_BUCKET_NAME, or s3://BUCKET/PREFIX; a slash before the prefix and one after it are dropped, so
 * that "/" and "s3://BUCKET" are a whole bucket. Options: ro rw nofail noauto (the mount is left out) allow_other
 * no_allow_other uid= gid= umask= type=, and those that mount(8) knows and that mean nothing here (defaults auto _netdev x-…);
 * all others are the driver's.
 *
 * Refused: a target given twice (one inside another is taken, in any order); a source that is empty, has "//", "." or ".." as a component, or a control
 * byte, or is not UTF-8; a ${NAME} of a credential variable; a target that is relative or "/", has ".." as a component, or a
 * control byte; in any of them "$NAME", "{NAME}", "%NAME%" and whatever else templates use for a variable.
 *
 * Escapes: in fstab \040 \011 \012 \134 \043 and every other \NNN (three octal digits) are decoded before ${NAME} is expanded,
 * so that a value can never be an escape; any other backslash is an error. Options are split at their commas first: \054 is a
 * comma inside one. In --mount a colon or backslash inside SOURCE or TARGET is written "\:" and "\\"; a source that begins with
 * "s3://" keeps that colon; OPTIONS are literal.
 */
int plan_read(struct plan *p, const struct plan_input *in, struct err *e);

/* Does TARGET lie below FOLDER, by their names? Both as a plan has them. */
bool plan_inside(const char *target, const char *folder);

/* Prepends WHERE (a mount's) to the text of *E. Returns -1. */
int plan_err_at(struct err *e, const char *where);

/* Adds TEXT to P's warnings, unless it is there. Returns 0, or -1: no memory. */
int plan_warn(struct plan *p, const char *text);

/* Wipes the credentials and frees the memory. */
void plan_free(struct plan *p);

/*
 * The owner of files for a mount that names none: the user "user" of /etc/passwd if it exists (uid and its primary gid), else
 * the caller.
 */
void plan_default_owner(long *uid, long *gid);

#endif
