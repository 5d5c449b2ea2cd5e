/* From variables, --mount and fstab text to a plan, or to the words that say why not. */

#include "unit.h"

#include "base/buf.h"
#include "plan/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEYS "S3_ACCESS_KEY_ID=AKID", "S3_ACCESS_SECRET=SECRET", "S3_BUCKET_NAME=bkt"

/* NULL-terminated, "NAME=VALUE"; GIVEN wins. */
static const char *const *vars, *const *given_vars;

static const char *find(const char *const *v, const char *name)
{
	size_t n = strlen(name);

	for (; v && *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

static const char *given(const char *name)
{
	return find(given_vars, name);
}

static const char *env(const char *name)
{
	const char *value = given(name);

	return value ? value : find(vars, name);
}

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define SPECS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static size_t length(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static int read_plan(struct plan *p, const char *const *variables, const char *const *specs, const char *fstab, struct err *e)
{
	struct plan_input in = { .env = env, .specs = specs, .spec_count = length(specs), .fstab = fstab };

	vars = variables;
	memset(e, 0, sizeof *e);
	return plan_read(p, &in, e);
}

/* "target<bucket:prefix" and what differs from the defaults, a line each. */
static void show(struct buf *out, const struct plan *p)
{
	static const char *const types[] = { "", " rclone", " native" };

	for (size_t i = 0; i < p->mount_count; i++) {
		const struct plan_mount *m = &p->mounts[i];

		buf_fmt(out, "%s<%s:%s%s%s%s%s", m->target, m->bucket, m->prefix, types[m->type], m->ro ? " ro" : "",
			m->nofail ? " nofail" : "", m->allow_other ? "" : " alone");
		if (m->uid >= 0 || m->gid >= 0)
			buf_fmt(out, " %ld:%ld", m->uid, m->gid);
		if (m->umask >= 0)
			buf_fmt(out, " %03o", (unsigned)m->umask);
		for (size_t o = 0; o < m->option_count; o++)
			buf_fmt(out, " -%s", m->options[o]);
		buf_str(out, "\n");
	}
	for (size_t i = 0; i < p->placeholder_count; i++)
		buf_fmt(out, "place %s\n", p->placeholders[i]);
}

/* ---- what a --mount says ---- */

static const struct {
	const char *spec, *shows;
} specs[] = {
	{ "a:/m", "/m<bkt:a/\n" }, { "a/b/:/m/n/", "/m/n<bkt:a/b/\n" }, { "/a:/m", "/m<bkt:a/\n" }, { "/:/m", "/m<bkt:\n" },
	{ "s3://other:/m", "/m<other:\n" }, { "S3://other/p:/m", "/m<other:p/\n" }, { "s3://other/:/m", "/m<other:\n" },
	{ "s3://Old_Bucket.x/a/b:/m", "/m<Old_Bucket.x:a/b/\n" }, { "s3://${S3_BUCKET_NAME}/x:/m", "/m<bkt:x/\n" },
	{ "threads/${THREAD_ID}:/mnt/${THREAD_ID}", "/mnt/t1<bkt:threads/t1/\n" },
	{ "a\\:b\\\\c:/m\\:n:ro", "/m:n<bkt:a:b\\c/ ro\n" }, { "a://m/./n//o/.", "/m/n/o<bkt:a/\n" },
	{ "...:/...", "/...<bkt:.../\n" }, { "a:/m:", "/m<bkt:a/\n" }, { "a:/m:,,", "/m<bkt:a/\n" },
	{ "a:/m:ro", "/m<bkt:a/ ro\n" }, { "a:/m:ro,rw", "/m<bkt:a/\n" },
	{ "a:/m:type=native,nofail,no_allow_other", "/m<bkt:a/ native nofail alone\n" },
	{ "a:/m:type=rclone,no_allow_other,allow_other", "/m<bkt:a/ rclone\n" },
	{ "a:/m:uid=0,gid=4294967294,umask=077", "/m<bkt:a/ 0:4294967294 077\n" }, { "a:/m:uid=5", "/m<bkt:a/ 5:-1\n" },
	{ "a:/m:umask=0", "/m<bkt:a/ 000\n" }, { "a:/m:umask=0777", "/m<bkt:a/ 777\n" },
	{ "a:/m:defaults,auto,_netdev,nosuid,nodev,x-systemd.automount,comment=b", "/m<bkt:a/\n" },
	{ "a:/m:vfs_cache_mode=full,no-modtime,bwlimit=10M:1M,vfs_cache_mode=off",
		"/m<bkt:a/ -vfs_cache_mode=full -no-modtime -bwlimit=10M:1M -vfs_cache_mode=off\n" },
	{ "a:/m:user_agent=${USER_ID}", "/m<bkt:a/ -user_agent=u 1,ro\n" }, /* a value brings no option of its own */
	{ "arn:aws:s3:::other/a/b:/m", "/m<other:a/b/\n" }, { "arn:aws-cn:s3:::other:/m:ro", "/m<other: ro\n" },
	{ "arn:/m", "/m<bkt:arn/\n" }, { "arn\\:aws\\:s3\\:\\:\\:other/a:/m", "/m<other:a/\n" },
	{ "a:/m:noexec", "/m<bkt:a/ -noexec\n" }, /* would not hold: left to the driver, which refuses it */
};

static void reads_specs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		char mem[512];
		struct buf out = buf_over(mem, sizeof mem);
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV(KEYS, "THREAD_ID=t1", "USER_ID=u 1,ro"), SPECS(specs[i].spec), NULL, &e), 0);
		show(&out, &p);
		assert_string_equal(mem, specs[i].shows);
		assert_int_equal(e.code, 0);
		plan_free(&p);
	}
}

static const struct {
	const char *spec, *says;
} bad_specs[] = {
	{ "", "--mount : it has no target: a mount is SOURCE:TARGET[:OPTIONS]" },
	{ "a", "--mount a: it has no target: a mount is SOURCE:TARGET[:OPTIONS]" },
	{ "s3://bkt", "--mount s3://bkt: it has no target: a mount is SOURCE:TARGET[:OPTIONS]" },
	{ "a\\b:/m", "--mount a\\b:/m: a backslash is followed by neither a colon nor a backslash" },
	{ "a:/m\\", "--mount a:/m\\: a backslash is followed by neither a colon nor a backslash" },
	{ ":/m", "--mount :/m: the source is empty" },
	{ "a:", "--mount a:: target \"\" is not absolute: it does not begin with \"/\"" },
	{ "a:m", "--mount a:m: target \"m\" is not absolute: it does not begin with \"/\"" },
	{ "a:/", "--mount a:/: target \"/\": the root folder cannot be a mount's target" },
	{ "a:/./", "--mount a:/./: target \"/\": the root folder cannot be a mount's target" },
	{ "a:/m\tn", "--mount a:/m?n: target \"/m?n\": it holds a control byte" },
	{ "a:/m/../n", "--mount a:/m/../n: target /m/../n: \"..\" is not taken" },
	{ "a//b:/m", "--mount a//b:/m: source \"a//b\": it has \"//\"" },
	{ "//:/m", "--mount //:/m: source \"//\": it has \"//\"" },
	{ "a//:/m", "--mount a//:/m: source \"a//\": it has \"//\"" },
	{ "s3://bkt//:/m", "--mount s3://bkt//:/m: source \"s3://bkt//\": it has \"//\"" },
	{ "s3://bkt//a:/m", "--mount s3://bkt//a:/m: source \"s3://bkt//a\": it has \"//\"" },
	{ "./a:/m", "--mount ./a:/m: source \"./a\": \".\" and \"..\" are not taken" },
	{ ".:/m", "--mount .:/m: source \".\": \".\" and \"..\" are not taken" },
	{ "a/../b:/m", "--mount a/../b:/m: source \"a/../b\": \".\" and \"..\" are not taken" },
	{ "a\n:/m", "--mount a?:/m: source \"a?\": it holds a control byte" },
	{ "a\xff:/m", "--mount a?:/m: source \"a?\": it is not valid UTF-8, as S3's keys are" },
	{ "arn:aws:s3:::bkt/*:/m", "--mount arn:aws:s3:::bkt/*:/m: source \"arn:aws:s3:::bkt/*\": a mount has no wildcards" },
	{ "arn:aws:s3:eu-west-1:123456789012:accesspoint/me/a:/m",
		"--mount arn:aws:s3:eu-west-1:123456789012:accesspoint/me/a:/m: source \"arn:aws:s3:eu-west-1:123456789012:accesspoint/me/a\": it is no ARN of a bucket" },
	{ "arn:aws:iam:::bkt:/m", "--mount arn:aws:iam:::bkt:/m: source \"arn:aws:iam:::bkt\": it is no ARN of a bucket" },
	{ "arn:aws:s3::::/m", "--mount arn:aws:s3::::/m: source \"arn:aws:s3:::\": it is no ARN of a bucket" },
	{ "arn:aws:s3:::ab/x:/m", "--mount arn:aws:s3:::ab/x:/m: source \"arn:aws:s3:::ab/x\": \"ab\" is no bucket's name" },
	{ "https://h/bkt/a:/m", "--mount https://h/bkt/a:/m: source \"https://h/bkt/a\": no URL but s3:// is taken" },
	{ "gs://bkt/a:/m", "--mount gs://bkt/a:/m: source \"gs://bkt/a\": no URL but s3:// is taken" },
	{ "s3:sandbox/p:/m",
		"--mount s3:sandbox/p:/m: source \"s3:sandbox/p\": a mount is SOURCE:TARGET[:OPTIONS], and no rclone remote is read" },
	{ "r2:sandbox:/m:ro",
		"--mount r2:sandbox:/m:ro: source \"r2:sandbox\": a mount is SOURCE:TARGET[:OPTIONS], and no rclone remote is read" },
	{ "s3:///a:/m", "--mount s3:///a:/m: source \"s3:///a\": \"\" is no bucket's name" },
	{ "s3://ab:/m", "--mount s3://ab:/m: source \"s3://ab\": \"ab\" is no bucket's name" },
	{ "s3://../a:/m", "--mount s3://../a:/m: source \"s3://../a\": \"..\" is no bucket's name" },
	{ "a:/${X", "--mount a:/${X: \"${\" at byte 2 of \"/${X\" has no \"}\"" },
	{ "${S3_ACCESS_SECRET}:/m",
		"--mount ${S3_ACCESS_SECRET}:/m: variable S3_ACCESS_SECRET: a credential cannot be part of a mount" },
	{ "a:/m:${THREAD_ID}", "--mount a:/m:${THREAD_ID}: variable THREAD_ID is not set" },
	{ "a:/m:uid=root", "--mount a:/m:uid=root: option uid=root: not a decimal number" },
	{ "a:/m:gid=", "--mount a:/m:gid=: option gid=: not a decimal number" },
	{ "a:/m:uid=4294967295", "--mount a:/m:uid=4294967295: option uid=4294967295: not a decimal number" },
	{ "a:/m:umask=8", "--mount a:/m:umask=8: option umask=8: not an octal number up to 0777" },
	{ "a:/m:umask=1000", "--mount a:/m:umask=1000: option umask=1000: not an octal number up to 0777" },
	{ "a:/m:umask", "--mount a:/m:umask: option umask=: not an octal number up to 0777" },
	{ "a:/m:type=s3fs", "--mount a:/m:type=s3fs: option type=s3fs: none of auto, rclone, native" },
	{ "a:/m:ro\n", "--mount a:/m:ro?: option ro?: it holds a control byte" },
	{ "a:/m:noauto", "--mount: nothing to mount is named there" },
};

static void refuses_specs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_specs / sizeof *bad_specs; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV(KEYS), SPECS(bad_specs[i].spec), NULL, &e), -1);
		assert_string_equal(e.text, bad_specs[i].says);
		assert_int_equal(e.code, CODE_USAGE);
		plan_free(&p);
	}
}

static void limits_a_prefix(void **state)
{
	(void)state;
	for (size_t n = 1022; n <= 1025; n++) {
		char spec[1100];
		struct plan p;
		struct err e;

		memset(spec, 'a', n);
		strcpy(spec + n, ":/m");
		assert_int_equal(read_plan(&p, ENV(KEYS), SPECS(spec), NULL, &e), n < 1024 ? 0 : -1);
		plan_free(&p);
	}
}

/* ---- two mounts ---- */

static const struct {
	const char *first, *second, *says;
} pairs[] = {
	{ "a:/m", "b:/n", NULL },
	{ "a:/m", "a:/n", NULL },
	{ "a:/m", "b:/mm", NULL },
	{ "a:/m/ab", "b:/m/a", NULL },
	{ "a:/m", "b:/m/", "--mount b:/m/: target /m is given twice: for bkt/a/ (--mount a:/m) and bkt/b/" },
	{ "a:/m/n", "b:/m//./n", "--mount b:/m//./n: target /m/n is given twice: for bkt/a/ (--mount a:/m/n) and bkt/b/" },
	{ "a:/m", "b:/m/n", NULL },
	{ "a:/m/n/o", "b:/m", NULL },
	{ "a:/skills/system", "b:/skills/${USER_ID}",
		"--mount b:/skills/${USER_ID}: target /skills/system is given twice: for bkt/a/ (--mount a:/skills/system) and bkt/b/" },
};

static void keeps_mounts_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV(KEYS, "USER_ID=system"), SPECS(pairs[i].first, pairs[i].second), NULL, &e),
			pairs[i].says ? -1 : 0);
		assert_string_equal(e.text, pairs[i].says ? pairs[i].says : "");
		plan_free(&p);
	}
}

static void limits_a_bucket(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 65; n++) {
		char name[66];

		memset(name, 'b', n);
		assert_int_equal(plan_bucket_name((struct span){ name, n }), n >= 3 && n <= 63);
	}
}

static void limits_the_mounts(void **state)
{
	static const char *const variables[] = { KEYS, NULL };
	static char text[PLAN_MOUNTS_MAX + 1][24];
	static const char *list[PLAN_MOUNTS_MAX + 2];

	(void)state;
	for (int i = 0; i <= PLAN_MOUNTS_MAX; i++) {
		snprintf(text[i], sizeof text[i], "a:/m/%d", i);
		list[i] = text[i];
	}
	for (size_t n = PLAN_MOUNTS_MAX; n <= PLAN_MOUNTS_MAX + 1; n++) {
		struct plan_input in = { .env = env, .specs = list, .spec_count = n };
		struct plan p;
		struct err e;

		vars = variables;
		assert_int_equal(plan_read(&p, &in, &e), n == PLAN_MOUNTS_MAX ? 0 : -1);
		if (n == PLAN_MOUNTS_MAX)
			assert_string_equal(p.mounts[n - 1].target, "/m/255");
		else
			assert_string_equal(e.text, "--mount a:/m/256: more than 256 mounts");
		plan_free(&p);
	}
}

/* ---- variables ---- */

static const struct {
	const char *vars[8];
	const char *shows; /* key|secret|token|endpoint|region|provider */
} settings[] = {
	{ { KEYS }, "AKID|SECRET|||us-east-1|" },
	{ { KEYS, "S3_SESSION_TOKEN=T", "S3_ENDPOINT_URL=http://e", "S3_REGION=auto", "S3_PROVIDER=Ceph" },
		"AKID|SECRET|T|http://e|auto!|Ceph" },
	{ { KEYS, "AWS_SESSION_TOKEN=T" }, "AKID|SECRET|||us-east-1|" }, /* a token of another set */
	{ { KEYS, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b" }, "AKID|SECRET|||us-east-1|" },
	{ { "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SESSION_TOKEN=c", "S3_BUCKET_NAME=bkt" },
		"a|b|c||us-east-1|" },
	{ { "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "S3_ACCESS_KEY_ID=", "S3_BUCKET_NAME=bkt" }, "a|b|||us-east-1|" },
	{ { "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SECURITY_TOKEN=c", "S3_BUCKET_NAME=bkt" },
		"a|b|c||us-east-1|" },
	{ { "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_SECURITY_TOKEN=old", "AWS_SESSION_TOKEN=c",
		  "S3_BUCKET_NAME=bkt" },
		"a|b|c||us-east-1|" },
	{ { KEYS, "AWS_SECURITY_TOKEN=c", "AWS_SECRET_KEY=d" }, "AKID|SECRET|||us-east-1|" },
	{ { "S3_ACCESS_KEY_ID=a", "S3_SECRET_ACCESS_KEY=b", "S3_BUCKET_NAME=bkt" }, "a|b|||us-east-1|" },
	{ { KEYS, "S3_SECRET_ACCESS_KEY=b" }, "AKID|SECRET|||us-east-1|" },
	{ { KEYS, "AWS_ENDPOINT_URL=http://1", "AWS_DEFAULT_REGION=r1" }, "AKID|SECRET||http://1|r1!|" },
	{ { KEYS, "AWS_ENDPOINT_URL=http://1", "AWS_ENDPOINT_URL_S3=http://2", "AWS_DEFAULT_REGION=r1", "AWS_REGION=r2" },
		"AKID|SECRET||http://2|r2!|" },
	{ { KEYS, "AWS_ENDPOINT_URL_S3=http://2", "S3_ENDPOINT_URL=http://3", "AWS_REGION=r2", "S3_REGION=r3" },
		"AKID|SECRET||http://3|r3!|" },
};

static bool has_variable(const char *const *list, const char *text)
{
	for (; *list; list++)
		if (strcmp(*list, text) == 0)
			return true;
	return false;
}

static void reads_variables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		char text[256];
		struct buf out = buf_over(text, sizeof text);
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, settings[i].vars, SPECS("a:/m"), NULL, &e), 0);
		assert_true(p.have_creds);
		buf_fmt(&out, "%s|%s|%s|%s|%s%s|%s", p.creds.key_id, p.creds.secret, p.creds.token, p.endpoint, p.region,
			p.region_given ? "!" : "", p.provider);
		assert_string_equal(text, settings[i].shows);
		/* The one that was used stands before its value, as in the environment. */
		snprintf(text, sizeof text, "%s=%s", p.endpoint_called, p.endpoint);
		assert_true(*p.endpoint ? has_variable(settings[i].vars, text) :
					  strstr(p.endpoint_called, "(not set: AWS is asked)") != NULL);
		plan_free(&p);
	}
}

/* Two sources: what is given wins as a whole. */
static const struct {
	const char *given[8], *vars[8];
	const char *shows;
} two_sources[] = {
	{ { "S3_ACCESS_KEY_ID=a", "S3_ACCESS_SECRET=b" }, { KEYS, "S3_SESSION_TOKEN=old" }, "a|b|||us-east-1|" },
	{ { "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b" }, { KEYS, "S3_SESSION_TOKEN=old" }, "a|b|||us-east-1|" },
	{ { "AWS_ENDPOINT_URL=http://1", "AWS_DEFAULT_REGION=r1" }, { KEYS, "S3_ENDPOINT_URL=http://2", "S3_REGION=r2" },
		"AKID|SECRET||http://1|r1!|" },
	{ { "S3_REGION=r1" }, { KEYS, "S3_ENDPOINT_URL=http://2" }, "AKID|SECRET||http://2|r1!|" },
};

static void lets_the_given_win(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof two_sources / sizeof *two_sources; i++) {
		struct plan_input in = { .env = env, .given = given, .specs = SPECS("s3://bkt/a:/m"), .spec_count = 1 };
		char text[256];
		struct buf out = buf_over(text, sizeof text);
		struct plan p;
		struct err e;

		given_vars = two_sources[i].given;
		vars = two_sources[i].vars;
		assert_int_equal(plan_read(&p, &in, &e), 0);
		buf_fmt(&out, "%s|%s|%s|%s|%s%s|%s", p.creds.key_id, p.creds.secret, p.creds.token, p.endpoint, p.region,
			p.region_given ? "!" : "", p.provider);
		given_vars = NULL;
		assert_string_equal(text, two_sources[i].shows);
		plan_free(&p);
	}
}

/* Half a set is not made whole by the other source. */
static void mends_no_set_from_two_sources(void **state)
{
	struct plan_input in = { .env = env, .given = given, .specs = SPECS("a:/m"), .spec_count = 1 };
	struct plan p;
	struct err e;

	(void)state;
	given_vars = ENV("S3_ACCESS_KEY_ID=new");
	vars = ENV(KEYS);
	assert_int_equal(plan_read(&p, &in, &e), -1);
	given_vars = NULL;
	assert_string_equal(
		e.text, "variable S3_ACCESS_SECRET is not set, but S3_ACCESS_KEY_ID is: credentials come as one set");
	plan_free(&p);
}

#define AT_END ": a newline or another control byte stands at its end"
#define INSIDE ": it holds a newline or another control byte"
#define NO_BUCKET "variable S3_BUCKET_NAME: this is no bucket's name"

static const struct {
	const char *vars[8];
	const char *says;
} bad_settings[] = {
	{ { "S3_ACCESS_KEY_ID=x" },
		"variable S3_ACCESS_SECRET is not set, but S3_ACCESS_KEY_ID is: credentials come as one set" },
	{ { "S3_ACCESS_SECRET=x" },
		"variable S3_ACCESS_KEY_ID is not set, but S3_ACCESS_SECRET is: credentials come as one set" },
	{ { "S3_SESSION_TOKEN=x" },
		"variable S3_ACCESS_KEY_ID is not set, but S3_SESSION_TOKEN is: credentials come as one set" },
	{ { "AWS_ACCESS_KEY_ID=x" },
		"variable AWS_SECRET_ACCESS_KEY is not set, but AWS_ACCESS_KEY_ID is: credentials come as one set" },
	{ { "AWS_SECRET_ACCESS_KEY=x" },
		"variable AWS_ACCESS_KEY_ID is not set, but AWS_SECRET_ACCESS_KEY is: credentials come as one set" },
	{ { "S3_ACCESS_KEY_ID=x", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x" },
		"variable S3_ACCESS_SECRET is not set, but S3_ACCESS_KEY_ID is: credentials come as one set" },
	{ { "S3_ACCESS_KEY_ID=SeCrEt\n", "S3_ACCESS_SECRET=SeCrEt" }, "variable S3_ACCESS_KEY_ID" AT_END },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=SeCrEt\r\n" }, "variable S3_ACCESS_SECRET" INSIDE },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=SeC\nrEt" }, "variable S3_ACCESS_SECRET" INSIDE },
	{ { "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=SeCrEt\x1b" }, "variable AWS_SECRET_ACCESS_KEY" AT_END },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=SeCrEt " }, "variable S3_ACCESS_SECRET: a blank stands at its end" },
	{ { "S3_ACCESS_KEY_ID= SeCrEt", "S3_ACCESS_SECRET=x" }, "variable S3_ACCESS_KEY_ID: a blank stands at its beginning" },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_SESSION_TOKEN=SeCrEt " },
		"variable S3_SESSION_TOKEN: a blank stands at its end" },
	{ { KEYS, "S3_ENDPOINT_URL=http://SeCrEt\n" }, "variable S3_ENDPOINT_URL" AT_END },
	{ { KEYS, "AWS_ENDPOINT_URL=http://SeCrEt\n" }, "variable AWS_ENDPOINT_URL" AT_END },
	{ { KEYS, "S3_REGION=a\r" },
		"variable S3_REGION: a carriage return (CR) stands at its end: it came from a file with CR LF line ends" },
	{ { KEYS, "S3_REGION=a\x7f" }, "variable S3_REGION" AT_END },
	{ { KEYS, "S3_REGION=0123456789012345678901234567890123456789012345678901234567890123" },
		"variable S3_REGION: it has 64 bytes, at most 63 are taken" },
	{ { KEYS, "S3_PROVIDER=\n" }, "variable S3_PROVIDER" AT_END },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET_NAME=bkt\n" }, "variable S3_BUCKET_NAME" AT_END },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET_NAME=ab" }, NO_BUCKET },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET_NAME=bkt/prefix" }, NO_BUCKET },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET_NAME=-bkt" }, NO_BUCKET },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET_NAME=b kt" }, NO_BUCKET },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x" },
		"--mount a:/m: variable S3_BUCKET_NAME is not set, and source \"a\" names no bucket" },
};

static void refuses_variables(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_settings / sizeof *bad_settings; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, bad_settings[i].vars, SPECS("a:/m"), NULL, &e), -1);
		assert_string_equal(e.text, bad_settings[i].says);
		assert_int_equal(e.code, CODE_USAGE);
		assert_null(strstr(e.text, "SeC"));
		assert_null(strstr(e.hint, "SeC"));
		plan_free(&p);
	}
}

static const struct {
	const char *name;
	size_t max;
} credentials[] = { { "S3_ACCESS_KEY_ID", 128 }, { "S3_ACCESS_SECRET", 256 }, { "S3_SESSION_TOKEN", 4096 } };

static void limits_credentials(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof credentials / sizeof *credentials; i++)
		for (size_t more = 0; more < 2; more++) {
			static char value[4200];
			int head = snprintf(value, sizeof value, "%s=", credentials[i].name);
			struct plan p;
			struct err e;

			memset(value + head, 'k', credentials[i].max + more);
			value[(size_t)head + credentials[i].max + more] = 0;
			assert_int_equal(read_plan(&p, ENV(value, KEYS), SPECS("a:/m"), NULL, &e), more ? -1 : 0);
			assert_true(!more || strstr(e.text, credentials[i].name));
			assert_null(strstr(e.text, "kk"));
			plan_free(&p);
		}
}

static void wipes_credentials(void **state)
{
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_plan(&p, ENV(KEYS), SPECS("a:/m"), NULL, &e), 0);
	plan_free(&p);
	for (size_t i = 0; i < sizeof p.creds; i++)
		assert_int_equal(((const char *)&p.creds)[i], 0);
}

/* ---- names that are near to ours ---- */

static bool is_empty(const char *name)
{
	const char *value = find(vars, name);

	return value && !*value;
}

static int read_near(struct plan *p, const char *const *variables, const char *spec, struct err *e)
{
	struct plan_input in = { .env = env, .empty = is_empty, .specs = &spec, .spec_count = 1 };

	vars = variables;
	memset(e, 0, sizeof *e);
	return plan_read(p, &in, e);
}

#define NO_SECRET "variable S3_ACCESS_SECRET is not set, but S3_ACCESS_KEY_ID is: credentials come as one set"

#define ACCOUNT_HINT \
	"give the endpoint as S3_ENDPOINT_URL (R2: https://ACCOUNT_ID.r2.cloudflarestorage.com; AWS itself: https://s3.amazonaws.com)"
#define STYLE_HINT "true: https://HOST/BUCKET; false: https://BUCKET.HOST; unset: as the endpoint wants it"
#define NO_TOKEN "the keys are used without a session token; set, but not read for them: "

/* SAYS: of an error the text and the hint, else the warnings, if there are any. */
static const struct {
	const char *vars[8];
	const char *says, *hint;
	int ret;
} near[] = {
	{ { KEYS, "S3_ENDPOINT_URL=" }, "variable S3_ENDPOINT_URL is set, but empty",
		"give it the endpoint, or leave it unset for AWS", -1 },
	{ { KEYS, "S3_ENDPOINT_URL=", "AWS_ENDPOINT_URL=http://h" }, "variable S3_ENDPOINT_URL is set, but empty",
		"give it the endpoint, or leave it unset for AWS", -1 },
	{ { KEYS, "AWS_ENDPOINT_URL=" }, "variable AWS_ENDPOINT_URL is set, but empty",
		"give it the endpoint, or leave it unset for AWS", -1 },
	{ { KEYS, "AWS_ENDPOINT_URL_S3=" }, "variable AWS_ENDPOINT_URL_S3 is set, but empty",
		"give it the endpoint, or leave it unset for AWS", -1 },
	{ { KEYS, "AWS_ENDPOINT_URL_S3=", "AWS_ENDPOINT_URL=http://h" }, "", "", 0 }, /* as the AWS SDKs read it */
	{ { KEYS, "AWS_ENDPOINT_URL=", "S3_ENDPOINT_URL=http://h" }, "", "", 0 },
	{ { "AWS_ENDPOINT_URL=" }, "", "", 0 },
	{ { "S3_ENDPOINT_URL=" }, "", "", 0 }, /* at a template's build there are no keys that could go astray */
	{ { KEYS, "S3_ENDPOINT=SeC" },
		"variable S3_ENDPOINT_URL is not set, so the keys would go to AWS; set, but not read: S3_ENDPOINT",
		"give the endpoint as S3_ENDPOINT_URL (AWS itself: https://s3.amazonaws.com)", -1 },
	{ { KEYS, "R2_ENDPOINT=SeC", "MINIO_ENDPOINT=SeC" },
		"variable S3_ENDPOINT_URL is not set, so the keys would go to AWS; set, but not read: R2_ENDPOINT, MINIO_ENDPOINT",
		"give the endpoint as S3_ENDPOINT_URL (AWS itself: https://s3.amazonaws.com)", -1 },
	{ { KEYS, "S3_ENDPOINT=SeC", "S3_ENDPOINT_URL=https://s3.amazonaws.com" }, "", "", 0 },
	{ { KEYS, "S3_ENDPOINT=SeC", "AWS_ENDPOINT_URL=http://h" }, "", "", 0 },
	{ { KEYS, "S3_ENDPOINT=" }, "", "", 0 },
	{ { KEYS, "R2_ACCOUNT_ID=SeC" },
		"variable S3_ENDPOINT_URL is not set, so the keys would go to AWS; set, but not read: R2_ACCOUNT_ID",
		ACCOUNT_HINT, -1 },
	{ { KEYS, "CLOUDFLARE_ACCOUNT_ID=SeC" },
		"variable S3_ENDPOINT_URL is not set, so the keys would go to AWS; set, but not read: CLOUDFLARE_ACCOUNT_ID",
		ACCOUNT_HINT, -1 },
	{ { KEYS, "R2_ACCOUNT_ID=SeC", "AWS_ENDPOINT_URL=http://h" }, "", "", 0 },
	{ { KEYS, "s3_endpoint_url=SeC" },
		"variable S3_ENDPOINT_URL is not set, so the keys would go to AWS; set, but not read: s3_endpoint_url",
		"give the endpoint as S3_ENDPOINT_URL (AWS itself: https://s3.amazonaws.com)", -1 },
	{ { KEYS, "S3_REGION_NAME=SeC" }, "S3_REGION is not set; set, but not read: S3_REGION_NAME", "", 0 },
	{ { KEYS, "S3_REGION_NAME=SeC", "S3_REGION=r" }, "", "", 0 },
	{ { KEYS, "S3_REGION_NAME=SeC", "AWS_DEFAULT_REGION=r" }, "", "", 0 },
	{ { "S3_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=SeC" }, NO_SECRET, "set, but not read for it: AWS_SECRET_ACCESS_KEY",
		-1 },
	{ { "S3_ACCESS_KEY_ID=x", "S3_SECRET_KEY=SeC", "R2_SECRET_ACCESS_KEY=SeC" }, NO_SECRET,
		"set, but not read for it: S3_SECRET_KEY, R2_SECRET_ACCESS_KEY", -1 },
	{ { "AWS_SECRET_ACCESS_KEY=x", "S3_ACCESS_KEY=SeC" },
		"variable AWS_ACCESS_KEY_ID is not set, but AWS_SECRET_ACCESS_KEY is: credentials come as one set",
		"set, but not read for it: S3_ACCESS_KEY", -1 },
	{ { "R2_ACCESS_KEY_ID=SeC", "R2_SECRET_ACCESS_KEY=SeC", "AWS_PROFILE=SeC" },
		"no credentials are given (set, but not read: AWS_PROFILE, R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY)", "", 0 },
	{ { "AWS_WEB_IDENTITY_TOKEN_FILE=SeC", "AWS_ROLE_ARN=SeC" },
		"no credentials are given (set, but not read: AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN)", "", 0 },
	{ { "AWS_CONTAINER_CREDENTIALS_FULL_URI=SeC" },
		"no credentials are given (set, but not read: AWS_CONTAINER_CREDENTIALS_FULL_URI)", "", 0 },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET=SeC" },
		"--mount a:/m: variable S3_BUCKET_NAME is not set, and source \"a\" names no bucket",
		"give the bucket as S3_BUCKET_NAME; set, but not read: S3_BUCKET", -1 },
	{ { KEYS, "S3_BUCKET=SeC", "R2_ACCESS_KEY_ID=SeC", "AWS_PROFILE=SeC" }, "", "", 0 },
	{ { KEYS, "S3_FORCE_PATH_STYLE=maybe" }, "variable S3_FORCE_PATH_STYLE: \"maybe\" is neither true nor false",
		STYLE_HINT, -1 },
	{ { KEYS, "S3_FORCE_PATH_STYLE=true", "S3_ADDRESSING_STYLE=virtual" },
		"variables S3_ADDRESSING_STYLE=virtual and S3_FORCE_PATH_STYLE=true contradict each other",
		"leave one of them unset", -1 },
	{ { KEYS, "S3_USE_PATH_STYLE=SeC", "AWS_S3_FORCE_PATH_STYLE=1", "AWS_S3_ADDRESSING_STYLE=path" },
		"S3_ADDRESSING_STYLE is not set; set, but not read: S3_USE_PATH_STYLE, AWS_S3_FORCE_PATH_STYLE, AWS_S3_ADDRESSING_STYLE",
		"", 0 },
	{ { KEYS, "S3_USE_PATH_STYLE=SeC", "S3_FORCE_PATH_STYLE=1" }, "", "", 0 },
	{ { KEYS, "S3_TOKEN=SeC", "S3_SECURITY_TOKEN=SeC" }, NO_TOKEN "S3_TOKEN, S3_SECURITY_TOKEN", "", 0 },
	{ { KEYS, "AWS_SESSION_TOKEN=SeC" }, NO_TOKEN "AWS_SESSION_TOKEN", "", 0 },
	{ { KEYS, "AWS_SESSION_TOKEN=SeC", "AWS_ACCESS_KEY_ID=other" }, "", "", 0 }, /* theirs */
	{ { KEYS, "AWS_SESSION_TOKEN=SeC", "S3_TOKEN=SeC", "S3_SESSION_TOKEN=x" }, "", "", 0 },
	{ { "s3_access_key_id=SeC", "s3_access_secret=SeC" },
		"no credentials are given (set, but not read: s3_access_key_id, s3_access_secret)", "", 0 },
	{ { "S3_ACCESS_KEY_ID=x", "s3_access_secret=SeC" }, NO_SECRET, "set, but not read for it: s3_access_secret", -1 },
	{ { "S3_ACCESS_KEY_ID=", "S3_ACCESS_SECRET=x" },
		"variable S3_ACCESS_KEY_ID is set, but empty: credentials come as one set, and S3_ACCESS_SECRET is given", "",
		-1 },
	{ { "S3_ACCESS_KEY_ID=x", "S3_SECRET_ACCESS_KEY=" },
		"variable S3_SECRET_ACCESS_KEY is set, but empty: credentials come as one set, and S3_ACCESS_KEY_ID is given",
		"", -1 },
	{ { "S3_ACCESS_KEY_ID=", "S3_ACCESS_SECRET=" },
		"no credentials are given (set, but empty: S3_ACCESS_KEY_ID, S3_ACCESS_SECRET)", "", 0 },
	{ { "AWS_ACCESS_KEY_ID=", "R2_SECRET_KEY=SeC" },
		"no credentials are given (set, but empty: AWS_ACCESS_KEY_ID; set, but not read: R2_SECRET_KEY)", "", 0 },
	{ { "S3_ACCESS_KEY_ID=x", "S3_ACCESS_SECRET=x", "S3_BUCKET_NAME=" },
		"--mount a:/m: variable S3_BUCKET_NAME is set, but empty, and source \"a\" names no bucket",
		"set it, or write the source as s3://BUCKET/PREFIX", -1 },
};

static void names_what_is_set_and_not_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
		struct plan p;
		struct err e;
		int ret = read_near(&p, near[i].vars, "a:/m", &e);
		const char *says = ret ? e.text : p.warning_count ? p.warnings[0] : "";

		if (ret != near[i].ret || strcmp(says, near[i].says) || (ret && strcmp(e.hint, near[i].hint)) ||
			strstr(says, "SeC") || p.warning_count > 1)
			fail_msg("%zu: %d %s (%s)", i, ret, says, ret ? e.hint : "");
		plan_free(&p);
	}
}

static void reads_what_forces_the_path_style(void **state)
{
	static const char *const words[][2] = {
		{ "S3_FORCE_PATH_STYLE=true", "path" },
		{ "S3_FORCE_PATH_STYLE=1", "path" },
		{ "S3_FORCE_PATH_STYLE=Yes", "path" },
		{ "S3_FORCE_PATH_STYLE=on", "path" },
		{ "S3_FORCE_PATH_STYLE=FALSE", "virtual" },
		{ "S3_FORCE_PATH_STYLE=0", "virtual" },
		{ "S3_FORCE_PATH_STYLE=no", "virtual" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_near(&p, ENV(KEYS, words[i][0]), "a:/m", &e), 0);
		assert_string_equal(p.addressing, words[i][1]);
		plan_free(&p);
	}
}

/* "is not set" of a variable that fills a mount, where it is set to nothing. */
static void tells_what_is_empty(void **state)
{
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_near(&p, ENV(KEYS, "THREAD_ID="), "threads/${THREAD_ID}:/m", &e), -1);
	assert_string_equal(e.text, "--mount threads/${THREAD_ID}:/m: variable THREAD_ID is set, but empty");
	assert_string_equal(e.hint, "it says whose data is mounted: set it where this command is run");
	plan_free(&p);
}

#define LAST " are given: the last of them counts"

static const struct {
	const char *spec, *warns;
} noted[] = {
	{ "a:/m:rw,ro", "--mount a:/m:rw,ro: options rw and ro" LAST },
	{ "a:/m:ro,nofail,rw", "--mount a:/m:ro,nofail,rw: options ro and rw" LAST },
	{ "a:/m:uid=1,uid=2", "--mount a:/m:uid=1,uid=2: options uid=1 and uid=2" LAST },
	{ "a:/m:allow_other,no_allow_other",
		"--mount a:/m:allow_other,no_allow_other: options allow_other and no_allow_other" LAST },
	{ "a:/m:vfs_write_back=1s,vfs-write-back=2s",
		"--mount a:/m:vfs_write_back=1s,vfs-write-back=2s: options vfs_write_back=1s and vfs-write-back=2s" LAST },
	{ "a:/m:ro,ro,x-a=1,x-a=2,uid=1,gid=2,", NULL },
	{ "r2\\:bkt/a:/m",
		"source \"r2:bkt/a\" is taken for a prefix of that name, in S3_BUCKET_NAME: no rclone remote is read; a bucket is named as s3://BUCKET/PREFIX" },
	{ "dir\\:a:/m", NULL },
};

static void notes_what_counts_for_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof noted / sizeof *noted; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV(KEYS), SPECS(noted[i].spec), NULL, &e), 0);
		assert_int_equal(p.warning_count, noted[i].warns ? 1 : 0);
		if (noted[i].warns)
			assert_string_equal(p.warnings[0], noted[i].warns);
		plan_free(&p);
	}
}

/* What a command says of credentials that are missing. */
static void says_how_to_give_keys(void **state)
{
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_near(&p, ENV("S3_BUCKET_NAME=bkt"), "a:/m", &e), 0);
	assert_string_equal(p.not_read, "");
	assert_string_equal(p.creds_hint, "give S3_ACCESS_KEY_ID and S3_ACCESS_SECRET to this command");
	plan_free(&p);
	assert_int_equal(read_near(&p, ENV("S3_KEY=x", "S3_BUCKET_NAME=bkt"), "a:/m", &e), 0);
	assert_string_equal(p.not_read, " (set, but not read: S3_KEY)");
	plan_free(&p);
	assert_int_equal(read_near(&p, ENV("AWS_PROFILE=x", "S3_BUCKET_NAME=bkt"), "a:/m", &e), 0);
	assert_non_null(strstr(p.creds_hint, "aws configure export-credentials"));
	plan_free(&p);
}

/* ---- what was not filled in ---- */

#define UNFILLED " looks like a variable that was not filled in"

static const struct {
	const char *spec, *says;
} unfilled[] = {
	{ "threads/$THREAD_ID:/m", "--mount threads/$THREAD_ID:/m: \"$THREAD_ID\"" UNFILLED },
	{ "a:/m/{THREAD_ID}", "--mount a:/m/{THREAD_ID}: \"{THREAD_ID}\"" UNFILLED },
	{ "a:/m:user_agent=%THREAD_ID%", "--mount a:/m:user_agent=%THREAD_ID%: \"%THREAD_ID%\"" UNFILLED },
	{ "s3://$BUCKET/a:/m", "--mount s3://$BUCKET/a:/m: \"$BUCKET\"" UNFILLED },
	{ "a/${X}:/m", "--mount a/${X}:/m: variable X: its value holds \"%USER_ID%\", which" UNFILLED },
	{ "a:/m/${X}", "--mount a:/m/${X}: variable X: its value holds \"%USER_ID%\", which" UNFILLED },
	{ "a:/m:user_agent=${X}", "--mount a:/m:user_agent=${X}: variable X: its value holds \"%USER_ID%\", which" UNFILLED },
};

/* With credentials, and at a template's build. */
static void refuses_what_was_not_filled_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * sizeof unfilled / sizeof *unfilled; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, i % 2 ? ENV("X=%USER_ID%") : ENV(KEYS, "X=%USER_ID%"),
					 SPECS(unfilled[i / 2].spec), NULL, &e),
			-1);
		assert_string_equal(e.text, unfilled[i / 2].says);
		assert_int_equal(e.code, CODE_USAGE);
		assert_true(e.hint[0]);
		plan_free(&p);
	}
}

#define SHARED "looks like a value that was not set: all who have it share one folder"

static const struct {
	const char *specs[3], *warnings[3];
} odd[] = {
	{ { "a/${X}:/m/${X}" }, { "variable X is \"undefined\", which " SHARED } },
	{ { "a/${X}:/m", "b/${X}:/n" }, { "variable X is \"undefined\", which " SHARED } },
	{ { "threads/null:/m/threads/None" },
		{ "source \"threads/null\": \"null\" " SHARED, "target \"/m/threads/None\": \"None\" " SHARED } },
	{ { "a:/m:user_agent=${X}" }, { NULL } },
	{ { "a/nullable:/m" }, { NULL } },
};

static void warns_of_no_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV(KEYS, "X=undefined"), odd[i].specs, NULL, &e), 0);
		assert_int_equal(p.warning_count, length(odd[i].warnings));
		for (size_t k = 0; k < p.warning_count; k++)
			assert_string_equal(p.warnings[k], odd[i].warnings[k]);
		plan_free(&p);
	}
}

/* ---- where the mounts come from ---- */

static char folder[] = "/tmp/plan_test.XXXXXX";

static const char *file(const char *name, const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

#define BUILTIN "/mnt/r2/threads/t<bkt:threads/t/\n/mnt/r2/skills/system<bkt:skills/system/\n/mnt/r2/skills/u<bkt:skills/u/\n"

static void takes_the_first_match(void **state)
{
	static const char *const variables[] = { KEYS, "THREAD_ID=t", "USER_ID=u", NULL };
	char fstab[128], other[128], mem[512];
	const struct {
		struct plan_input in;
		const char *shows;
	} cases[] = {
		{ { .specs = SPECS("a:/m"), .spec_count = 1, .fstab = fstab, .fstab_path = other }, "/m<bkt:a/\n" },
		{ { .fstab = fstab, .fstab_path = other }, "/f<bkt:f/\n" },
		{ { .fstab_path = other }, "/o<bkt:o/\n" },
		{ { .fstab_path = "/nonexistent/fstab" }, BUILTIN },
		{ { .fstab_path = NULL }, BUILTIN },
	};

	(void)state;
	strcpy(fstab, file("fstab", "f /f auto rw\n"));
	strcpy(other, file("other", "o /o auto rw"));
	vars = variables;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct plan_input in = cases[i].in;
		struct buf out = buf_over(mem, sizeof mem);
		struct plan p;
		struct err e = { 0 };

		in.env = env;
		assert_int_equal(plan_read(&p, &in, &e), 0);
		show(&out, &p);
		assert_string_equal(mem, cases[i].shows);
		plan_free(&p);
	}
}

static void reads_an_fstab(void **state)
{
	static const char text[] = "# mounts\n"
				   "\n"
				   "threads/${THREAD_ID}\t/mnt/my\\040files\trclone\tro,uid=7,x=a\\054b\t0 0\n"
				   "off /off auto noauto\n"
				   "s3://other /whole auto defaults";
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_plan(&p, ENV(KEYS, "THREAD_ID=t\\040"), NULL, file("a", text), &e), 0);
	show(&out, &p);
	assert_string_equal(mem, "/mnt/my files<bkt:threads/t\\040/ rclone ro 7:-1 -x=a,b\n/whole<other:\n");
	plan_free(&p);
}

static void takes_a_file_of_another_system(void **state)
{
	struct plan p;
	struct err e;
	char mem[64];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	assert_int_equal(read_plan(&p, ENV(KEYS), NULL,
				 file("dos", "\xef\xbb\xbf"
					     "a /a auto ro\r\n\r\n# x\r\nb /b auto rw 0 0\r\nc /c auto ro\r"),
				 &e),
		0);
	show(&out, &p);
	assert_string_equal(mem, "/a<bkt:a/ ro\n/b<bkt:b/\n/c<bkt:c/ ro\n");
	plan_free(&p);
}

static const struct {
	const char *text, *says; /* behind the file's name */
} bad_files[] = {
	{ "", ": nothing to mount is named there" },
	{ "# only words\n\n", ": nothing to mount is named there" },
	{ "a /a auto noauto\n", ": nothing to mount is named there" },
	{ "\n\na /a auto\n", ":3: a line has four to six fields, this one has fewer" },
	{ "a /a auto rw\r\r\n", ":1: byte 13 of the line is a control byte (13)" },
	{ "a /a auto rw\n\xef\xbb\xbf"
	  "b /b auto rw\n",
		":2: " SPAN_BOM_INSIDE },
	{ "\xef\xbb\xbf\xef\xbb\xbf"
	  "a /a auto rw\n",
		":1: " SPAN_BOM_INSIDE },
	{ "a /a auto rw # mine\n", ":1: a comment (\"#…\") stands behind the fields of a mount" },
	{ "a /a auto rw 0 0 #mine\n", ":1: a comment (\"#mine…\") stands behind the fields of a mount" },
	{ "a /a #mine\n", ":1: a comment (\"#mine…\") stands behind the fields of a mount" },
	{ "\xff\xfe"
	  "a",
		": it is UTF-16 text" },
	{ "\xfe\xff"
	  "a",
		": it is UTF-16 text" },
	{ "a /a auto uid=x\n", ":1: option uid=x: not a decimal number" },
	{ "\na /a auto umask=9\n", ":2: option umask=9: not an octal number up to 0777" },
	{ "a /a auto vfs_write_back=${NOT_SET}\n", ":1: variable NOT_SET is not set" },
	{ "a /a auto rw\n# x\nb /a/./ auto rw\n", ":3: target /a is given twice: for bkt/a/ (FILE:1) and bkt/b/" },
	{ "a /${USER_ID} auto rw\n", ":1: variable USER_ID is not set" },
	{ "a/$USER_ID /a auto rw\n", ":1: \"$USER_ID\" looks like a variable that was not filled in" },
	{ "b /b auto rw\na /\044USER_ID auto rw\n", ":2: \"$USER_ID\" looks like a variable that was not filled in" },
	{ "a /a auto rw\nb b auto rw\n", ":2: target \"b\" is not absolute: it does not begin with \"/\"" },
	{ "a /a auto x\\08\n", ":1: \"x\\08\": the backslash at byte 2 does not begin an escape" },
};

/* TEXT with FILE in the place of PATH. */
static const char *replaced(char *text, const char *path)
{
	char *at = strstr(text, path);

	if (at) {
		memcpy(at, "FILE", 4);
		memmove(at + 4, at + strlen(path), strlen(at + strlen(path)) + 1);
	}
	return text;
}

static void names_file_and_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_files / sizeof *bad_files; i++) {
		const char *path = file("bad", bad_files[i].text);
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV(KEYS), NULL, path, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_memory_equal(e.text, path, strlen(path));
		assert_string_equal(replaced(e.text + strlen(path), path), bad_files[i].says);
		plan_free(&p);
	}
}

static void tells_a_file_that_cannot_be_read(void **state)
{
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_plan(&p, ENV(KEYS), NULL, "/nonexistent/fstab", &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_string_equal(e.text, "--fstab /nonexistent/fstab: there is no such file");
	plan_free(&p);
	assert_int_equal(read_plan(&p, ENV(KEYS), NULL, folder, &e), -1);
	assert_int_equal(e.code, CODE_FAULT);
	plan_free(&p);
}

static void names_a_builtin_variable(void **state)
{
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_plan(&p, ENV(KEYS, "THREAD_ID=t"), NULL, NULL, &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
	assert_string_equal(e.text, "built-in mounts:3: variable USER_ID is not set");
	plan_free(&p);
}

/* ---- before the credentials are there ---- */

static const struct {
	const char *spec, *shows;
} places[] = {
	{ "a:/m/n/", "place /m/n\n" },
	{ "a:/m/${KNOWN}/n", "place /m/k/n\n" },
	{ "a:/m/${LATER}", "place /m\n" },
	{ "a:/m/n/user-${LATER}/o", "place /m/n\n" },
	{ "a:/m/${KNOWN}/${LATER}/${KNOWN}", "place /m/k\n" },
	{ "a:/${LATER}", "" },
	{ "a:/x-${LATER}", "" },
	{ "${LATER}:/m:uid=${LATER}", "place /m\n" },
	{ "a:/m:noauto", "" },
};

static void makes_places_without_credentials(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		char mem[256];
		struct buf out = buf_over(mem, sizeof mem);
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV("KNOWN=k"), SPECS(places[i].spec), NULL, &e), 0);
		assert_false(p.have_creds);
		assert_int_equal(p.mount_count, 0);
		assert_int_equal(e.code, 0);
		show(&out, &p);
		assert_string_equal(mem, places[i].shows);
		plan_free(&p);
	}
}

static void makes_builtin_places_once(void **state)
{
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);
	struct plan p;
	struct err e;

	(void)state;
	assert_int_equal(read_plan(&p, ENV("X=x"), NULL, NULL, &e), 0);
	show(&out, &p);
	assert_string_equal(mem, "place /mnt/r2/threads\nplace /mnt/r2/skills/system\nplace /mnt/r2/skills\n");
	plan_free(&p);
	assert_int_equal(read_plan(&p, ENV("X=x"), SPECS("a:/m/${A}", "b:/m/${B}"), NULL, &e), 0);
	assert_int_equal(p.placeholder_count, 1);
	plan_free(&p);
}

/* In a folder that will be covered nothing is made; but in one of which only the beginning is known. */
static void makes_no_place_in_a_mount(void **state)
{
	static const char *const plans[][4] = {
		{ "a:/m", "b:/m/n", "c:/m/n/${A}", NULL },
		{ "b:/m/n", "c:/m/n/${A}", "a:/m", NULL },
	};
	char mem[256];
	struct plan p;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		struct buf out = buf_over(mem, sizeof mem);

		assert_int_equal(read_plan(&p, ENV("X=x"), plans[i], NULL, &e), 0);
		show(&out, &p);
		assert_string_equal(mem, "place /m\n");
		plan_free(&p);
	}
	assert_int_equal(read_plan(&p, ENV("X=x"), SPECS("a:/m/${A}", "b:/m/n", "c:/mm"), NULL, &e), 0);
	assert_int_equal(p.placeholder_count, 3);
	plan_free(&p);
}

/* A template's build is the best time to learn of these. */
static void refuses_without_credentials_too(void **state)
{
	static const char *const bad[] = { "a", "a:m", "a:/m/${BAD}", "${BAD}:/m", "a:/m:uid=x", "a:/../${LATER}" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct plan p;
		struct err e;

		assert_int_equal(read_plan(&p, ENV("BAD=a/b"), SPECS(bad[i]), NULL, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		plan_free(&p);
	}
}

static void reads_the_variables_alone(void **state)
{
	struct plan_input in = { .env = env, .no_mounts = true };
	struct plan p;
	struct err e;

	(void)state;
	vars = ENV(KEYS, "S3_ENDPOINT_URL=http://h");
	assert_int_equal(plan_read(&p, &in, &e), 0);
	assert_true(p.have_creds);
	assert_string_equal(p.bucket, "bkt");
	assert_string_equal(p.endpoint, "http://h");
	assert_int_equal(p.mount_count + p.placeholder_count, 0);
	plan_free(&p);
}

static void knows_an_owner(void **state)
{
	long uid = -1, gid = -1;

	(void)state;
	plan_default_owner(&uid, &gid);
	assert_true(uid >= 0);
	assert_true(gid >= 0);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
	static const char *const names[] = { "fstab", "other", "a", "bad", "dos" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_specs),
		cmocka_unit_test(refuses_specs),
		cmocka_unit_test(limits_a_prefix),
		cmocka_unit_test(limits_a_bucket),
		cmocka_unit_test(keeps_mounts_apart),
		cmocka_unit_test(limits_the_mounts),
		cmocka_unit_test(reads_variables),
		cmocka_unit_test(refuses_variables),
		cmocka_unit_test(names_what_is_set_and_not_read),
		cmocka_unit_test(reads_what_forces_the_path_style),
		cmocka_unit_test(tells_what_is_empty),
		cmocka_unit_test(notes_what_counts_for_nothing),
		cmocka_unit_test(says_how_to_give_keys),
		cmocka_unit_test(limits_credentials),
		cmocka_unit_test(wipes_credentials),
		cmocka_unit_test(lets_the_given_win),
		cmocka_unit_test(mends_no_set_from_two_sources),
		cmocka_unit_test(refuses_what_was_not_filled_in),
		cmocka_unit_test(warns_of_no_value),
		cmocka_unit_test(takes_the_first_match),
		cmocka_unit_test(reads_an_fstab),
		cmocka_unit_test(takes_a_file_of_another_system),
		cmocka_unit_test(names_file_and_line),
		cmocka_unit_test(tells_a_file_that_cannot_be_read),
		cmocka_unit_test(names_a_builtin_variable),
		cmocka_unit_test(makes_places_without_credentials),
		cmocka_unit_test(makes_builtin_places_once),
		cmocka_unit_test(makes_no_place_in_a_mount),
		cmocka_unit_test(refuses_without_credentials_too),
		cmocka_unit_test(reads_the_variables_alone),
		cmocka_unit_test(knows_an_owner),
	};

	return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
