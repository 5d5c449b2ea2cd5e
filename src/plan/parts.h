/*
 * plan/parts.h - shared by the files of this folder. Error texts from here name the object, but not where it was written
 * ("FILE:LINE"): plan.c, which knows that, prepends it.
 */

#ifndef PLAN_PARTS_H
#define PLAN_PARTS_H

#include "base/buf.h"
#include "base/span.h"
#include "plan/plan.h"

#define PLAN_TEXT_MAX 4096 /* PATH_MAX, the NUL included: a longer target could not be mounted */

typedef const char *plan_env_fn(const char *name);

/* One mount as it was written, with every ${NAME} still in it. */
struct plan_line {
	const char *source, *target; /* escapes decoded */
	enum plan_type type;
	struct span options; /* as written, commas included; decoded one by one, so that "\054" is not a separator */
	bool octal;	     /* OPTIONS has fstab's escapes */
};

/* Sets CODE_FAULT. Returns -1. */
int plan_no_memory(struct err *e);

/*
 * plan/env.c: fills P's credentials, endpoint, region and provider from IN's variables; *BUCKET is S3_BUCKET_NAME, "" when it
 * is not set. Returns 0 or -1 with CODE_USAGE, which names the variable but never its value.
 */
int plan_environment(struct plan *p, const struct plan_input *in, const char **bucket, struct err *e);

/* What a variable is near to: another name for what one of ours holds, or another way to the keys. */
enum plan_near {
	NEAR_KEY_ID,
	NEAR_SECRET,
	NEAR_TOKEN,
	NEAR_SOURCE,
	NEAR_ENDPOINT,
	NEAR_ACCOUNT,
	NEAR_REGION,
	NEAR_STYLE,
	NEAR_BUCKET
};

/*
 * plan/near.c: appends the names of the variables that are set, near to one of ours, and not read: "R2_BUCKET, S3_BUCKET", separated from what OUT
 * already holds. Never a value.
 */
void plan_near(struct buf *out, enum plan_near near, plan_env_fn *env);

/*
 * plan/expand.c: appends TEXT to OUT with each ${NAME} replaced from the environment. Returns 0; -1 with CODE_USAGE: a
 * variable's value is not a path component or is a credential, "${" has no end, or TEXT or a value holds an unfilled variable;
 * 1 with *E set likewise when a variable is not set: OUT then holds what precedes it.
 */
int plan_expand(struct buf *out, const char *text, plan_env_fn *env, struct err *e);

/*
 * plan/unfilled.c: the part of TEXT that looks like a variable that nobody has filled in; empty when there is none. Everybody
 * whose template was not filled in would get the same name and share its data, so such a text is refused rather than taken for
 * a name.
 *
 *	$NAME ${…} $(…)			shells, JavaScript, make, Go's os.Expand, Terraform
 *	{NAME} {} {0} #{NAME} %{NAME}	Python's format and f-strings, .NET, URI templates, Ruby, Puppet
 *	{{…}} {%…%} <%…%>		Jinja, Helm, Go, Handlebars, ERB, EJS
 *	%NAME% %(NAME)s %s		Windows, Python, printf
 *	<NAME> @NAME@ __NAME__ :NAME	documentation, autoconf and CMake, sed; routes and SQL
 *	%!s(…)				what Go prints for a missing argument
 *
 * Names that people really use are left alone: "ke$ha", "cash$", "100%", "a%20b", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
 * "__pycache__", "a{b}". LITERAL: TEXT was written as a mount's source, target or option (without its "${…}"), where "a$b" is a
 * variable.
 */
struct span plan_unfilled(struct span text, bool literal);

/* Is COMPONENT what programs print for a missing value: "undefined", "null", "None", "user-undefined"? */
bool plan_looks_unset(struct span component);

/*
 * plan/fstab.c: parses one line of fstab(5), without its LF; a CR at its end is dropped. Returns 1 with *L filled (strings in A, OPTIONS in LINE), 0
 * for a blank line or a comment, -1 with *E set.
 */
int plan_fstab_line(struct arena *a, struct span line, struct plan_line *l, struct err *e);

/* Appends IN to OUT with "\NNN" decoded. Returns 0 or -1 with *E set: any other backslash, or \000. */
int plan_unescape(struct buf *out, struct span in, struct err *e);

/* plan/spec.c: parses SOURCE:TARGET[:OPTIONS]. Returns 0 with *L filled, or -1 with *E set. */
int plan_spec(struct arena *a, const char *spec, struct plan_line *l, struct err *e);

/* Is WORD the scheme of a URL that people write for a bucket's: "s3", "r2", "gs", "https"? In any case. */
bool plan_is_scheme(struct span word);

/*
 * plan/options.c: fills M's type, flags, owner and driver options from L; *SKIP: "noauto" is among them. OVERRIDDEN: the first two, in A, of which the
 * second takes the place of the other ("ro" and "rw"), or two NULL. Returns as plan_expand().
 */
int plan_options(struct arena *a, const struct plan_line *l, plan_env_fn *env, struct plan_mount *m, bool *skip,
	const char *overridden[2], struct err *e);

/* Finds the plan_type that WORD names; false when there is none. */
bool plan_type_of(struct span word, enum plan_type *type);

/* plan/path.c: sets m->target from TEXT, which is expanded. Returns 0 or -1 with *E set. */
int plan_target(struct arena *a, struct span text, struct plan_mount *m, struct err *e);

/*
 * Sets m->bucket and m->prefix from TEXT, which is expanded; BUCKET is used when TEXT names none. Returns 0 or -1 with *E set.
 */
int plan_source(struct arena *a, struct span text, const char *bucket, struct plan_mount *m, struct err *e);

/* Has TEXT, a source, the form of one with its own bucket: s3://…, an ARN, any URL? */
bool plan_names_bucket(struct span text);

/*
 * Can a bucket have this name? Loosely: 3 to 63 letters, digits, '.', '-', '_' (which old buckets have), the first a letter or
 * digit.
 */
bool plan_bucket_name(struct span s);

#endif
