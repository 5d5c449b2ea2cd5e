/*
 * plan/parts.h - what the files of this folder share. An error text from here names the object, not the place where
 * it was written ("FILE:LINE"): plan.c, which knows the place, puts it in front.
 */

#ifndef PLAN_PARTS_H
#define PLAN_PARTS_H

#include "base/buf.h"
#include "base/span.h"
#include "plan/plan.h"

#define PLAN_TEXT_MAX 4096 /* PATH_MAX: a target that is longer could not be mounted, the NUL included */

typedef const char *plan_env_fn(const char *name);

/* One mount as it was written. Every ${NAME} still stands in it. */
struct plan_line {
	const char *source, *target; /* escapes decoded */
	enum plan_type type;
	struct span options; /* as it stands there, commas and all; decoded one by one, so that "\054" is no separator */
	bool octal;	     /* OPTIONS has fstab's escapes */
};

/* CODE_FAULT. Returns -1. */
int plan_no_memory(struct err *e);

/*
 * plan/env.c: fills P's credentials, endpoint, region and provider from IN's variables; *BUCKET is S3_BUCKET_NAME, "" where it
 * is not set. Returns 0 or -1 with CODE_USAGE naming the variable, never its value.
 */
int plan_environment(struct plan *p, const struct plan_input *in, const char **bucket, struct err *e);

/*
 * plan/expand.c: appends TEXT to OUT with each ${NAME} filled from the environment. Returns 0; -1 with CODE_USAGE: a
 * variable's value is no path component, or is a credential, or "${" has no end, or a placeholder stands in TEXT or in a value;
 * 1 with *E set in the same way where a variable is not set: OUT then holds what stands before it.
 */
int plan_expand(struct buf *out, const char *text, plan_env_fn *env, struct err *e);

/*
 * plan/unfilled.c: what in TEXT looks like a variable that was not filled in; empty where nothing does. Whoever is given
 * such a text shares it with everybody else for whom it was not filled in, so it is better refused than taken for a name.
 *
 *	$NAME ${…} $(…)			shells, JavaScript, make, Go's os.Expand, Terraform
 *	{NAME} {} {0} #{NAME} %{NAME}	Python's format and f-strings, .NET, URI templates, Ruby, Puppet
 *	{{…}} {%…%} <%…%>		Jinja, Helm, Go, Handlebars, ERB, EJS
 *	%NAME% %(NAME)s %s		Windows, Python, printf
 *	<NAME> @NAME@ __NAME__ :NAME	documentation, autoconf and CMake, sed; routes and SQL
 *	%!s(…)				what Go prints for an argument that is missing
 *
 * Left alone are names as people have them: "ke$ha", "cash$", "100%", "a%20b", "{3F2504E0-4F89-11D3-9A0C-0305E82C3301}",
 * "__pycache__", "a{b}". LITERAL: TEXT is what somebody has written as a mount's source, target or option, "${…}" apart, and
 * "a$b" is a variable there.
 */
struct span plan_unfilled(struct span text, bool literal);

/* Is COMPONENT what programs print for a value that is not there: "undefined", "null", "None", "user-undefined"? */
bool plan_looks_unset(struct span component);

/*
 * plan/fstab.c: reads one line of fstab(5) without its newline. Returns 1 with *L filled (strings in A, OPTIONS in
 * LINE), 0 for a blank line or a comment, -1 with *E set.
 */
int plan_fstab_line(struct arena *a, struct span line, struct plan_line *l, struct err *e);

/* Appends IN to OUT with "\NNN" decoded. Returns 0 or -1 with *E set: any other backslash, \000. */
int plan_unescape(struct buf *out, struct span in, struct err *e);

/* plan/spec.c: reads SOURCE:TARGET[:OPTIONS]. Returns 0 with *L filled, or -1 with *E set. */
int plan_spec(struct arena *a, const char *spec, struct plan_line *l, struct err *e);

/*
 * plan/options.c: fills M's type, flags, owner and driver options from L; *SKIP tells whether "noauto" stands among
 * them. Returns as plan_expand().
 */
int plan_options(struct arena *a, const struct plan_line *l, plan_env_fn *env, struct plan_mount *m, bool *skip, struct err *e);

/* The word of a plan_type; false for any other word. */
bool plan_type_of(struct span word, enum plan_type *type);

/* plan/path.c: TEXT, filled, as m->target. Returns 0 or -1 with *E set. */
int plan_target(struct arena *a, struct span text, struct plan_mount *m, struct err *e);

/* TEXT, filled, as m->bucket and m->prefix; BUCKET serves where TEXT names none. Returns 0 or -1 with *E set. */
int plan_source(struct arena *a, struct span text, const char *bucket, struct plan_mount *m, struct err *e);

/*
 * May S3 have a bucket of this name? Loosely: 3 to 63 letters, digits, '.', '-', '_' (as old buckets have), the first
 * no sign.
 */
bool plan_bucket_name(struct span s);

#endif
