#include "cmd/setup.h"

#include "base/env.h"
#include "base/file.h"
#include "base/text.h"
#include "mnt/fuse.h"
#include "mnt/table.h"
#include "rclone/args.h"
#include "s3/check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

#define FSTAB "/etc/s3mounts.fstab"

/* In place, since a forked child shares these bytes, and /proc/PID/environ shows them. */
void setup_scrub(void)
{
	for (size_t i = 0; i < creds_variable_count; i++) {
		const char *name = creds_variables[i].name;
		size_t n = strlen(name);

		for (char **v = environ; *v; v++)
			if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
				explicit_bzero(*v + n + 1, strlen(*v + n + 1));
		unsetenv(name);
	}
	env_wipe();
}

static int check_mounts(struct plan *p, const struct options *o, struct err *e)
{
	long uid, gid;

	plan_default_owner(&uid, &gid);
	if (o->uid >= 0) {
		uid = o->uid;
		gid = o->gid;
	}
	for (size_t i = 0; i < p->mount_count; i++) {
		struct plan_mount *m = &p->mounts[i];

		if (m->type == PLAN_NATIVE) {
			err_set(e, CODE_MOUNT, "mount %s: this build has no native driver", m->target);
			return err_hint(e, "use type 'rclone' or 'auto'");
		}
		for (size_t k = 0; k < m->option_count; k++)
			if (rclone_option_check(m->options[k], m->ro, e))
				return -1;
		m->uid = m->uid < 0 ? uid : m->uid;
		m->gid = m->gid < 0 ? gid : m->gid;
	}
	return 0;
}

int setup_read(struct setup *s, const struct options *o, struct err *e)
{
	struct plan_input in = {
		.env = env,
		.given = env_given,
		.specs = o->specs,
		.spec_count = o->spec_count,
		.fstab = o->fstab,
		.fstab_path = FSTAB,
		.no_mounts = o->left,
	};
	int bad;

	*s = (struct setup){ .run = { "" } };
	bad = plan_read(&s->plan, &in, e);
	setup_scrub();
	if (bad || run_find(&s->run, o->run_dir, e) || check_mounts(&s->plan, o, e))
		return -1;
	return s3_site_parse(&s->site, s->plan.endpoint, s->plan.provider, s->plan.region_given ? s->plan.region : "", e);
}

void setup_warn(const struct setup *s)
{
	for (size_t i = 0; i < s->plan.warning_count; i++)
		say(2, "s3mounts: note: %s\n", s->plan.warnings[i]);
}

void setup_free(struct setup *s)
{
	plan_free(&s->plan);
}

struct run_path setup_config(const struct setup *s, const struct options *o)
{
	const char *named = o->config ? o->config : env("RCLONE_CONFIG");
	struct run_path p = run_path(&s->run, "rclone.conf");

	/* The supervisor works in "/". */
	if (named && (named[0] == '/' || !getcwd(p.s, sizeof p.s)))
		text_fmt(p.s, sizeof p.s, "%s", named);
	else if (named)
		text_fmt(p.s + strlen(p.s), sizeof p.s - strlen(p.s), "/%s", named);
	return p;
}

static bool program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* What root executes must be root's. PATH becomes the program with its links resolved; *SEEN: there is one, which will not do. */
static bool usable(struct run_path *path, bool *seen)
{
	struct run_path real;

	if (!program(path->s) || !realpath(path->s, real.s))
		return false;
	*path = real;
	*seen = geteuid() == 0 && !file_is_roots(real.s);
	return !*seen;
}

/* Absolute entries only: a relative one would mean another program in another folder. UNFIT is the last that will not do. */
static bool search_path(struct run_path *out, const char *name, struct run_path *unfit)
{
	struct span rest = span_of(env("PATH") ? env("PATH") : "/usr/local/bin:/usr/bin:/bin"), dir;
	bool more = true, seen = false;

	while (more) {
		more = span_cut(&rest, ':', &dir);
		if (!dir.n || dir.p[0] != '/' ||
			text_fmt(out->s, sizeof out->s, "%.*s/%s", (int)dir.n, dir.p, name) >= sizeof out->s)
			continue;
		if (usable(out, &seen))
			return true;
		if (seen)
			*unfit = *out;
	}
	return false;
}

static int not_roots(const struct run_path *rclone, struct err *e)
{
	err_set(e, CODE_MOUNT, "find rclone: %s could be changed by another user, so root must not run it", rclone->s);
	return err_hint(e, "it and each folder above it must be root's, and writable by root alone: /usr/bin is");
}

static int find_rclone(struct run_path *out, const struct options *o, struct err *e)
{
	const char *named = o->rclone ? o->rclone : env("S3MOUNTS_RCLONE");
	struct run_path unfit = { "" };
	bool seen = false;

	if (named) {
		text_fmt(out->s, sizeof out->s, "%s", named);
		if (usable(out, &seen))
			return 0;
		if (seen)
			return not_roots(out, e);
		err_set(e, CODE_MOUNT, "find rclone: %s (from %s) is no executable file", named,
			o->rclone ? "--rclone" : "S3MOUNTS_RCLONE");
		return err_hint(e, "name rclone's program there, or leave it out to search PATH");
	}
	if (search_path(out, "rclone", &unfit))
		return 0;
	if (unfit.s[0])
		return not_roots(&unfit, e);
	err_set(e, CODE_MOUNT, "find rclone: it is not in PATH");
	return err_hint(e, "copy rclone (1.60 or newer) into the image, or name it with --rclone or S3MOUNTS_RCLONE");
}

/* The trust that rclone shall have: our own, as a file. */
static int trust(const struct setup *s, struct run_path *out, struct err *e)
{
	const char *file = "";

	if (s->site.tls && s3_trust_file(&file, e))
		return -1;
	if (file) {
		text_fmt(out->s, sizeof out->s, "%s", file);
		return 0;
	}
	*out = run_path(&s->run, "ca.pem");
	return s3_trust_write(out->s, e);
}

void setup_version(struct rclone_version *v, const char *rclone, const char *cache_root)
{
	struct err unused;

	/* It is noted there. Where that cannot be made the first mount tells. */
	dir_make(cache_root, 0700, &unused);
	rclone_version_read(v, rclone, cache_root, &unused);
}

void setup_note_version(const struct options *o)
{
	struct run_path rclone, cache;
	struct rclone_version v;
	struct err unused;

	if (find_rclone(&rclone, o, &unused) == 0 && run_cache_dir(cache.s, sizeof cache.s, o->cache_dir, &unused) == 0)
		setup_version(&v, rclone.s, cache.s);
}

int setup_request(struct up_request *r, struct setup *s, const struct options *o, struct err *e)
{
	const struct plan *p = &s->plan;

	r->config = setup_config(s, o);
	r->request = (struct request){
		.kind = REQUEST_UP,
		.timeout_ms = o->timeout_ms,
		.keep = o->keep,
		.mount_ns = mnt_namespace(),
		.endpoint = p->endpoint,
		.region = s->site.region,
		.provider = p->provider,
		.rclone = r->rclone.s,
		.config = r->config.s,
		.cache_dir = r->cache.s,
		.ca_cert = r->ca.s,
		.mounts = p->mounts,
		.mount_count = p->mount_count,
	};
	if (find_rclone(&r->rclone, o, e) || fuse_usable(&r->request.allow_other, e) ||
		run_cache_dir(r->cache.s, sizeof r->cache.s, o->cache_dir, e) || run_prepare(&s->run, e) || trust(s, &r->ca, e))
		return -1;
	setup_version(&s->rclone, r->rclone.s, r->cache.s);
	r->request.rclone_version = s->rclone.text;
	r->request.creds = p->creds;
	creds_wipe(&s->plan.creds);
	return 0;
}

int setup_places(const struct setup *s, struct err *e)
{
	for (size_t i = 0; i < s->plan.place_count; i++)
		if (dir_make(s->plan.places[i], 0755, e))
			return -1;
	return 0;
}
