#include "plan/parts.h"

#define ID_MAX 4294967294UL /* 2^32 - 1 means "no change" to chown(2) */

static const struct {
	const char *name;
	size_t field; /* a bool of struct plan_mount */
	bool value;
} flags[] = {
	{ "ro", offsetof(struct plan_mount, ro), true },
	{ "rw", offsetof(struct plan_mount, ro), false },
	{ "nofail", offsetof(struct plan_mount, nofail), true },
	{ "allow_other", offsetof(struct plan_mount, allow_other), true },
	{ "no_allow_other", offsetof(struct plan_mount, allow_other), false },
};

/* mount(8) knows these, and what they ask for holds anyway. Options that ask for something else ("noexec") are not listed. */
static const char *const idle[] = { "defaults", "auto", "_netdev", "async", "exec", "nodev", "nosuid", "nouser", "noatime",
	"relatime" };
static const char *const idle_heads[] = { "x-", "X-", "comment=" };

static const char *const types[] = { [PLAN_AUTO] = "auto", [PLAN_RCLONE] = "rclone", [PLAN_NATIVE] = "native" };

bool plan_type_of(struct span word, enum plan_type *type)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (span_is(word, types[i])) {
			*type = (enum plan_type)i;
			return true;
		}
	return false;
}

static bool has_no_effect(struct span option)
{
	return span_is_any(option, idle, sizeof idle / sizeof *idle) ||
	       span_starts_any(option, idle_heads, sizeof idle_heads / sizeof *idle_heads);
}

/* '_' and '-' are equal in a name, as in the driver's own. */
static bool is_same_name(struct span a, struct span b)
{
	for (size_t i = 0; i < a.n && i < b.n; i++)
		if ((a.p[i] == '_' ? '-' : a.p[i]) != (b.p[i] == '_' ? '-' : b.p[i]))
			return false;
	return a.n == b.n;
}

/* What OPTION sets: a flag, by its place in struct plan_mount, or by its *NAME. */
static size_t setting_of(struct span option, struct span *name)
{
	struct span rest = option;

	span_cut(&rest, '=', name);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (span_is(option, flags[i].name))
			return flags[i].field;
	return sizeof(struct plan_mount);
}

static bool overrides(struct span later, struct span first)
{
	struct span a, b;
	size_t field = setting_of(later, &a);

	if (field != setting_of(first, &b) || span_eq(later, first) || has_no_effect(later))
		return false;
	return field != sizeof(struct plan_mount) || is_same_name(a, b);
}

/* The options of one mount, filled in, as they are read. */
struct option_list {
	const char **all;
	size_t count;
	const char **overridden;
};

/* OPTION stands behind those of L. */
static int note_option(struct arena *a, struct option_list *l, struct span option, struct err *e)
{
	const char *text = arena_str(a, option);

	if (!text)
		return plan_no_memory(e);
	for (size_t i = 0; i < l->count && !l->overridden[0]; i++)
		if (overrides(option, span_of(l->all[i]))) {
			l->overridden[0] = l->all[i];
			l->overridden[1] = text;
		}
	l->all[l->count++] = text;
	return 0;
}

static bool set_mount_flag(struct plan_mount *m, struct span option)
{
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (span_is(option, flags[i].name)) {
			*(bool *)((char *)m + flags[i].field) = flags[i].value;
			return true;
		}
	return false;
}

/* One to four octal digits. */
static int set_umask(struct plan_mount *m, struct span value, struct err *e)
{
	unsigned long umask;

	if (value.n > 4 || !span_octal(value, 0777, &umask))
		return err_set(e, CODE_USAGE, "option umask=%.*s: not an octal number up to 0777", (int)value.n, value.p);
	m->umask = (int)umask;
	return 1;
}

/* NAME=VALUE. Returns 1 when it is one of ours, 0 when it is not, -1 with *E set when its value is wrong. */
static int set_mount_value(struct plan_mount *m, struct span name, struct span value, struct err *e)
{
	long *id = span_is(name, "uid") ? &m->uid : span_is(name, "gid") ? &m->gid : NULL;
	unsigned long n;

	if (id) {
		if (!span_number(value, ID_MAX, &n))
			return err_set(e, CODE_USAGE, "option %.*s=%.*s: not a decimal number", (int)name.n, name.p,
				(int)value.n, value.p);
		*id = (long)n;
		return 1;
	}
	if (span_is(name, "umask"))
		return set_umask(m, value, e);
	if (span_is(name, "type"))
		return plan_type_of(value, &m->type) ?
			       1 :
			       err_set(e, CODE_USAGE, "option type=%.*s: none of auto, rclone, native", (int)value.n, value.p);
	return 0;
}

static int set_mount_option(struct arena *a, struct plan_mount *m, struct span option, bool *skip, struct err *e)
{
	struct span value = option, name;
	int ours;

	if (span_has_control(option, ""))
		return err_set(e, CODE_USAGE, "option %.*s: it holds a control byte", (int)option.n, option.p);
	if (span_is(option, "noauto")) {
		*skip = true;
		return 0;
	}
	if (!option.n || set_mount_flag(m, option) || has_no_effect(option))
		return 0;
	span_cut(&value, '=', &name);
	ours = set_mount_value(m, name, value, e);
	if (ours)
		return ours < 0 ? -1 : 0;
	m->options[m->option_count] = arena_str(a, option);
	return m->options[m->option_count++] ? 0 : plan_no_memory(e);
}

/* Decodes and expands one option, the text between two commas. */
static int add_option(struct arena *a, const struct plan_line *l, struct span raw, plan_env_fn *env, struct plan_mount *m,
	struct option_list *list, bool *skip, struct err *e)
{
	char plain_mem[PLAN_TEXT_MAX], filled_mem[PLAN_TEXT_MAX];
	struct buf plain = buf_over(plain_mem, sizeof plain_mem), filled = buf_over(filled_mem, sizeof filled_mem);
	int ret;

	if (!l->octal)
		buf_span(&plain, raw);
	else if (plan_unescape(&plain, raw, e))
		return -1;
	if (plain.full)
		return err_set(e, CODE_USAGE, "an option is longer than %d bytes", PLAN_TEXT_MAX - 1);
	ret = plan_expand(&filled, plain.p, env, e);
	if (ret || note_option(a, list, buf_all(&filled), e))
		return ret ? ret : -1;
	return set_mount_option(a, m, buf_all(&filled), skip, e);
}

int plan_options(struct arena *a, const struct plan_line *l, plan_env_fn *env, struct plan_mount *m, bool *skip,
	const char *overridden[2], struct err *e)
{
	struct option_list list = { .overridden = overridden };
	struct span rest = l->options, option;
	size_t count = 1;
	bool more;

	*skip = false;
	overridden[0] = overridden[1] = NULL;
	m->type = l->type;
	m->allow_other = true;
	m->uid = m->gid = m->umask = -1;
	for (size_t i = 0; i < rest.n; i++)
		count += rest.p[i] == ',';
	m->options = arena_get(a, count * sizeof *m->options);
	list.all = arena_get(a, count * sizeof *list.all);
	if (!m->options || !list.all)
		return plan_no_memory(e);
	do {
		int ret;

		more = span_cut(&rest, ',', &option);
		ret = add_option(a, l, option, env, m, &list, skip, e);
		if (ret)
			return ret;
	} while (more);
	return 0;
}
