#include "cmd/setup.h"

#include "base/clock.h"
#include "base/env.h"
#include "base/file.h"
#include "base/text.h"
#include "cmd/proxy_env.h"
#include "mnt/fuse.h"
#include "mnt/table.h"
#include "s3/check.h"
#include "sup/cache.h"

#include <stdlib.h>
#include <unistd.h>

extern char **environ;

#define FSTAB "/etc/s3mounts.fstab"

/* In place, since a forked child shares these bytes, and /proc/PID/environ shows them. */
static void scrub_variable(const char *name)
{
	size_t n = strlen(name);

	for (char **v = environ; *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			explicit_bzero(*v + n + 1, strlen(*v + n + 1));
	unsetenv(name);
}

void setup_scrub(void)
{
	for (size_t i = 0; i < creds_variable_count; i++)
		scrub_variable(creds_variables[i].name);
	env_wipe();
}

/* Only those need them who talk with S3, and these are given them with the credentials. */
static void scrub_proxies(void)
{
	for (size_t i = 0; proxy_env_names[i]; i++)
		scrub_variable(proxy_env_names[i]);
}

/* What only the driver knows of M: may it have these options, at this endpoint? */
static int check_mount(struct plan_mount *m, const struct s3_endpoint *site, struct err *e)
{
	const struct driver *d = driver_of(m, e);
	struct s3_place place;

	if (!d)
		return -1;
	m->type = d->type;
	for (size_t k = 0; k < m->option_count; k++)
		if (d->check_option(m->options[k], m->ro, e))
			return -1;
	return driver_place(m, site, &place, e);
}

static int check_mounts(struct setup *s, const struct options *o, struct err *e)
{
	struct plan *p = &s->plan;
	long uid, gid;

	plan_default_owner(&uid, &gid);
	if (o->uid >= 0) {
		uid = o->uid;
		gid = o->gid;
	}
	for (size_t i = 0; i < p->mount_count; i++) {
		struct plan_mount *m = &p->mounts[i];

		if (check_mount(m, &s->endpoint, e)) {
			plan_err_at(e, m->where);
			return -1;
		}
		m->uid = m->uid < 0 ? uid : m->uid;
		m->gid = m->gid < 0 ? gid : m->gid;
	}
	return 0;
}

static int parse_endpoint(struct setup *s, struct err *e)
{
	const struct plan *p = &s->plan;
	int ret = s3_endpoint_parse(&s->endpoint, p->endpoint, p->provider, p->region_given ? p->region : "", e);

	s->endpoint.called = p->endpoint_called;
	s3_endpoint_call(p->endpoint_called, s->endpoint.note, sizeof s->endpoint.note);
	if (ret) {
		s3_endpoint_call(p->endpoint_called, e->text, sizeof e->text);
		s3_endpoint_call(p->endpoint_called, e->hint, sizeof e->hint);
	}
	return ret;
}

int setup_read(struct setup *s, const struct options *o, struct err *e)
{
	struct plan_input in = {
		.env = env,
		.given = env_given,
		.empty = env_is_empty,
		.specs = o->specs,
		.spec_count = o->spec_count,
		.fstab = o->fstab,
		.fstab_path = FSTAB,
		.no_mounts = o->left,
	};
	int bad;

	*s = (struct setup){ .run = { "" } };
	bad = plan_read(&s->plan, &in, e) || parse_endpoint(s, e) || proxy_env_take(&s->plan, &s->endpoint, e);
	setup_scrub();
	scrub_proxies();
	if (bad || run_find(&s->run, o->run_dir, e) || s3_endpoint_set_style(&s->endpoint, s->plan.addressing, e))
		return -1;
	if (s->endpoint.note[0] && plan_warn(&s->plan, s->endpoint.note))
		return err_set(e, CODE_FAULT, "read the variables: out of memory");
	return check_mounts(s, o, e);
}

void setup_warn(const struct setup *s)
{
	for (size_t i = 0; i < s->plan.warning_count; i++)
		text_print(2, "s3mounts: note: %s\n", s->plan.warnings[i]);
}

void setup_free(struct setup *s)
{
	plan_free(&s->plan);
}

struct run_path setup_config(const struct setup *s, const struct options *o)
{
	const char *named = o->config ? o->config : env("RCLONE_CONFIG");
	struct run_path p = run_path(&s->run, "rclone.conf");

	/* The supervisor's working directory is "/". */
	if (named && (named[0] == '/' || !getcwd(p.s, sizeof p.s)))
		text_fmt(p.s, sizeof p.s, "%s", named);
	else if (named)
		text_fmt(p.s + strlen(p.s), sizeof p.s - strlen(p.s), "/%s", named);
	return p;
}

/* The CA bundle for drivers: the one that we trust ourselves, as a file. */
static int find_ca_bundle(const struct setup *s, struct run_path *out, struct err *e)
{
	const char *file = "";

	if (s3_wants_tls(&s->endpoint, &s->plan.creds) && s3_trust_file(&file, e))
		return -1;
	if (file) {
		text_fmt(out->s, sizeof out->s, "%s", file);
		return 0;
	}
	*out = run_path(&s->run, "ca.pem");
	return s3_trust_write(out->s, e);
}

int setup_locate(struct up_request *r, const struct driver *d, const struct options *o, struct err *e)
{
	return d->locate && !r->found.program[0] ? d->locate(&r->found, o->rclone, r->cache.s, e) : 0;
}

void setup_note_version(const struct options *o)
{
	struct up_request r = { .found = { .program = "" } };
	struct err unused;

	if (run_cache_dir(r.cache.s, sizeof r.cache.s, o->cache_dir, &unused) == 0)
		for (size_t i = 0; drivers[i]; i++)
			setup_locate(&r, drivers[i], o, &unused);
}

/*
 * Files that a second mount of a source has left in a folder of its own are uploaded by the next mount: the supervisor may not
 * search a cache.
 */
static bool has_own_cache(const char *cache_root, const char *endpoint, const struct plan_mount *m, int64_t deadline)
{
	const struct driver *d = driver_find(m->type);
	char id[DRIVER_ID];
	struct run_path dir;
	struct pending p;
	struct err e;

	d->identify(id, endpoint, m, true);
	text_fmt(dir.s, sizeof dir.s, "%s/%s", cache_root, id);
	/* A folder that a driver works in belongs to that mount. */
	return d->leftovers && access(dir.s, F_OK) == 0 && cache_held(dir.s) <= 0 &&
	       (d->leftovers(dir.s, m, deadline, &p, &e) || p.files);
}

static int locate_drivers_of(struct up_request *r, const struct setup *s, const struct options *o, struct err *e)
{
	int64_t deadline = clock_ms() + o->timeout_ms;
	char endpoint[640];

	s3_endpoint_identity(&s->endpoint, endpoint, sizeof endpoint);
	for (size_t i = 0; i < s->plan.mount_count; i++) {
		struct plan_mount *m = &s->plan.mounts[i];

		if (setup_locate(r, driver_find(m->type), o, e))
			return -1;
		m->own_cache = has_own_cache(r->cache.s, endpoint, m, deadline);
	}
	return 0;
}

int setup_request(struct up_request *r, struct setup *s, const struct options *o, struct err *e)
{
	const struct plan *p = &s->plan;

	r->config = setup_config(s, o);
	r->found = (struct driver_found){ .program = "" };
	r->request = (struct request){
		.kind = REQUEST_UP,
		.timeout_ms = o->timeout_ms,
		.keep = o->keep,
		.mount_ns = mnt_namespace(),
		.endpoint = p->endpoint,
		.region = s->endpoint.region,
		.provider = p->provider,
		.addressing = p->addressing,
		.endpoint_called = p->endpoint_called,
		.program = r->found.program,
		.program_version = r->found.version,
		.config = r->config.s,
		.cache_dir = r->cache.s,
		.ca_cert = r->ca.s,
		.mounts = p->mounts,
		.mount_count = p->mount_count,
	};
	if (run_cache_dir(r->cache.s, sizeof r->cache.s, o->cache_dir, e) || locate_drivers_of(r, s, o, e) ||
		fuse_usable(&r->request.allow_other, e) || run_prepare(&s->run, e) || run_cache_prepare(r->cache.s, e) ||
		find_ca_bundle(s, &r->ca, e))
		return -1;
	rclone_version_of(&s->rclone, r->found.version);
	r->request.creds = p->creds;
	creds_wipe(&s->plan.creds);
	return 0;
}

int setup_make_targets(const struct setup *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.mount_count; i++)
		if (dir_make(s->plan.mounts[i].target, 0755, e))
			return -1;
	return setup_make_placeholders(s, e);
}

int setup_make_placeholders(const struct setup *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.placeholder_count; i++)
		if (dir_make(s->plan.placeholders[i], 0755, e))
			return -1;
	return 0;
}
