/*
 * Our section of an rclone.conf, and its place among others'. rclone_conf_rclone_test.py asks a real rclone what it
 * reads.
 */

#include "unit.h"

#include "rclone/conf.h"

#include <stdio.h>

static const struct s3_endpoint minio = {
	.host = "127.0.0.1", .port = 9000, .path_style = true, .region = "us-east-1", .provider = "Minio"
};

static const struct creds keys = { .key_id = "AKIAIOSFODNN7EXAMPLE", .secret = " a`b\"#;=:% ", .token = "tok" };

static void writes_a_section(void **state)
{
	char mem[1024];
	struct buf out = buf_over(mem, sizeof mem);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(rclone_conf_section(&out, &minio, &keys, &e), 0);
	assert_string_equal(mem, "[s3mounts]\n"
				 "type = `s3`\n"
				 "provider = `Minio`\n"
				 "env_auth = `false`\n"
				 "access_key_id = `AKIAIOSFODNN7EXAMPLE`\n"
				 "secret_access_key = ` a`b\"#;=:% `\n"
				 "session_token = `tok`\n"
				 "region = `us-east-1`\n"
				 "endpoint = `http://127.0.0.1:9000`\n"
				 "force_path_style = `true`\n"
				 "no_check_bucket = `true`\n");
	assert_int_equal(e.code, 0);
}

/* rclone looks at force_path_style only for a provider of which it knows path style; and a control byte in a name takes it 40 s. */
static void rclone_asks_as_the_check_does(void **state)
{
	static const struct {
		const char *endpoint, *provider, *style, *writes;
	} cases[] = {
		{ "http://h", "AWS", "", "provider = `Other`\n" },
		{ "http://h", "AWS", "virtual", "provider = `AWS`\n" },
		{ "http://h", "", "virtual", "force_path_style = `false`\n" },
		{ "https://t3.storage.dev", "", "", "provider = `Other`\n" },
		{ "https://t3.storage.dev", "", "", "force_path_style = `false`\n" },
		{ "https://oss-cn-beijing.aliyuncs.com", "", "", "force_path_style = `false`\n" },
		{ "http://h", "", "", "list_version = `2`\nlist_url_encode = `true`\n" },
		{ "http://h", "Ceph", "", "list_version = `2`\nlist_url_encode = `true`\n" },
		{ "http://h", "SeaweedFS", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char mem[1024];
		struct buf out = buf_over(mem, sizeof mem);
		struct s3_endpoint site;
		struct err e;

		assert_int_equal(s3_endpoint_parse(&site, cases[i].endpoint, cases[i].provider, "", &e), 0);
		assert_int_equal(s3_endpoint_set_style(&site, cases[i].style, &e), 0);
		assert_int_equal(rclone_conf_section(&out, &site, &keys, &e), 0);
		if (cases[i].writes ? !strstr(mem, cases[i].writes) : strstr(mem, "list_") != NULL)
			fail_msg("%s %s %s: %s", cases[i].endpoint, cases[i].provider, cases[i].style, mem);
	}
}

static void leaves_out_what_is_empty(void **state)
{
	const struct s3_endpoint aws = {
		.host = "s3.amazonaws.com", .port = 443, .tls = true, .aws = true, .region = "eu-west-1", .provider = "AWS"
	};
	const struct creds two = { .key_id = "a", .secret = "b" };
	char mem[1024];
	struct buf out = buf_over(mem, sizeof mem);
	struct err e;

	(void)state;
	assert_int_equal(rclone_conf_section(&out, &aws, &two, &e), 0);
	assert_null(strstr(mem, "session_token"));
	assert_null(strstr(mem, "acl"));
	assert_non_null(strstr(mem, "force_path_style = `false`\n"));
	assert_non_null(strstr(mem, "region = `eu-west-1`\n"));
}

static void masks_what_is_secret(void **state)
{
	static const struct {
		const char *key_id, *shown;
	} ids[] = {
		{ "AKIAIOSFODNN7EXAMPLE", "access_key_id = `AKIA****MPLE`\n" },
		{ "0123456789abcdef", "access_key_id = `0123****cdef`\n" },
		{ "0123456789abcde", "access_key_id = `****`\n" },
		{ "x", "access_key_id = `****`\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
		struct creds c = { .secret = "wJalrXUtnFEMI", .token = "FwoGZXIvYXdz" };
		char mem[1024];
		struct buf out = buf_over(mem, sizeof mem);
		struct err e;

		strcpy(c.key_id, ids[i].key_id);
		assert_int_equal(rclone_conf_masked(&out, &minio, &c, &e), 0);
		assert_non_null(strstr(mem, ids[i].shown));
		assert_non_null(strstr(mem, "secret_access_key = `****`\n"));
		assert_non_null(strstr(mem, "session_token = `****`\n"));
		assert_null(strstr(mem, "wJal"));
		assert_null(strstr(mem, "FwoG"));
	}
}

/* For the driver that uploads what an earlier run has left. */
static void credentials_come_back(void **state)
{
	struct creds in = { .key_id = "AKIAIOSFODNN7EXAMPLE",
		.secret = "wJalrXUtnFEMI/K7MDENG",
		.token = "FwoGZXIvYXdz",
		.proxy = "http://u:p%40=@x:1/",
		.no_proxy = " a, `b`" };
	struct creds out;
	char mem[1024];
	struct buf text = buf_over(mem, sizeof mem);
	struct err e;

	(void)state;
	assert_int_equal(rclone_conf_section(&text, &minio, &in, &e), 0);
	assert_true(rclone_conf_creds(buf_all(&text), &out));
	assert_string_equal(out.key_id, in.key_id);
	assert_string_equal(out.secret, in.secret);
	assert_string_equal(out.token, in.token);
	assert_string_equal(out.proxy, in.proxy);
	assert_string_equal(out.no_proxy, in.no_proxy);
	buf_clear(&text);
	assert_int_equal(rclone_conf_masked(&text, &minio, &in, &e), 0);
	assert_null(strstr(mem, "proxy"));
	assert_true(rclone_conf_creds(SPAN("access_key_id = `a`\nsecret_access_key = `b`\n"), &out));
	assert_string_equal(out.token, "");
	assert_string_equal(out.proxy, "");
	assert_false(rclone_conf_creds(SPAN("access_key_id = `a`\n"), &out));
	assert_false(rclone_conf_creds(SPAN("access_key_id = `a`\nsecret_access_key = `b\n"), &out));
	assert_false(rclone_conf_creds(SPAN("xaccess_key_id = `a`\nsecret_access_key = `b`\n"), &out));
	assert_false(rclone_conf_creds(SPAN(""), &out));
}

static const struct {
	struct creds creds;
	const char *region, *names;
} refused[] = {
	{ { .key_id = "a\nb", .secret = "s" }, "r", "S3_ACCESS_KEY_ID" },
	{ { .key_id = "a", .secret = "SeC\nrEt" }, "r", "S3_ACCESS_SECRET" },
	{ { .key_id = "a", .secret = "SeCrEt\n[evil]\ntype = local" }, "r", "S3_ACCESS_SECRET" },
	{ { .key_id = "a", .secret = "SeCrEt\r" }, "r", "S3_ACCESS_SECRET" },
	{ { .key_id = "a", .secret = "SeC%(rEt" }, "r", "S3_ACCESS_SECRET" },
	{ { .key_id = "a", .secret = "s", .token = "SeC%(x)srEt" }, "r", "S3_SESSION_TOKEN" },
	{ { .key_id = "a", .secret = "s" }, "r\n", "S3_REGION" },
	{ { .key_id = "a", .secret = "s", .proxy = "http://SeCrEt%(" }, "r", "HTTPS_PROXY" },
	{ { .key_id = "a", .secret = "s", .no_proxy = "a%(b" }, "r", "NO_PROXY" },
};

static void refuses_what_cannot_be_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		struct s3_endpoint site = minio;
		char mem[1024];
		struct buf out = buf_over(mem, sizeof mem);
		struct err e;

		strcpy(site.region, refused[i].region);
		assert_int_equal(rclone_conf_section(&out, &site, &refused[i].creds, &e), -1);
		assert_int_equal(e.code, CODE_USAGE);
		assert_non_null(strstr(e.text, refused[i].names));
		assert_null(strstr(e.text, "SeC"));
	}
}

static void tells_when_there_is_no_room(void **state)
{
	struct creds c = keys;
	char whole[1024];
	struct buf all = buf_over(whole, sizeof whole);
	struct err e;

	(void)state;
	assert_int_equal(rclone_conf_section(&all, &minio, &c, &e), 0);
	for (size_t room = 1; room <= all.len + 1; room++) {
		char mem[1024];
		struct buf out = buf_over(mem, room);

		assert_int_equal(rclone_conf_section(&out, &minio, &c, &e), room <= all.len ? -1 : 0);
		if (room <= all.len)
			assert_int_equal(e.code, CODE_FAULT);
	}
}

#define NEW "[s3mounts]\ntype = `s3`\n"
#define OLD "[s3mounts]\nkey = x\n"

static const struct {
	const char *old, *with, *without; /* with our section set to NEW; with it removed */
} merges[] = {
	{ "", NEW, "" },
	{ "[a]\nx = 1\n", "[a]\nx = 1\n" NEW, "[a]\nx = 1\n" },
	{ "[a]\nx = 1", "[a]\nx = 1\n" NEW, "[a]\nx = 1" }, /* no last newline */
	{ "[a]\r\nx = 1\r\n\r\n", "[a]\r\nx = 1\r\n\r\n" NEW, "[a]\r\nx = 1\r\n\r\n" },
	{ OLD, NEW, "" },
	{ "[s3mounts]", NEW, "" },
	{ "[s3mounts]\n\n[b]\n", NEW "\n[b]\n", "\n[b]\n" },
	{ "[a]\nx = 1\n" OLD, "[a]\nx = 1\n" NEW, "[a]\nx = 1\n" },
	{ OLD "\n# of b\n[b]\ny = 2\n", NEW "\n# of b\n[b]\ny = 2\n", "\n# of b\n[b]\ny = 2\n" },
	{ "; head\n[a]\nx\n\n" OLD "[b]\ny", "; head\n[a]\nx\n\n" NEW "[b]\ny", "; head\n[a]\nx\n\n[b]\ny" },
	{ "[s3mounts]\nk = 1\n# inside\nl = 2\n# after\n", NEW "# after\n", "# after\n" },
	{ OLD "[b]\n" OLD "[c]\n", NEW "[b]\n[c]\n", "[b]\n[c]\n" }, /* twice */
	{ OLD OLD "# x\n" OLD, NEW "# x\n", "# x\n" },
	{ "\t[ s3mounts ] \r\nk = 1\r\n[b]\r\n", NEW "[b]\r\n", "[b]\r\n" },
	{ "[s3mounts2]\nk = 1\n", "[s3mounts2]\nk = 1\n" NEW, "[s3mounts2]\nk = 1\n" },
	{ "[S3mounts]\nk = 1\n", "[S3mounts]\nk = 1\n" NEW, "[S3mounts]\nk = 1\n" },
	{ "# [s3mounts]\nk = 1\n", "# [s3mounts]\nk = 1\n" NEW, "# [s3mounts]\nk = 1\n" },
	{ "[a]\nk = [s3mounts]\n", "[a]\nk = [s3mounts]\n" NEW, "[a]\nk = [s3mounts]\n" },
	{ "[", "[\n" NEW, "[" },
};

static void merge(struct buf *out, struct span old, struct span section)
{
	struct err e;

	buf_clear(out);
	assert_int_equal(rclone_conf_merge(out, old, section, &e), 0);
}

static void merges_with_other_sections(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof merges / sizeof *merges; i++) {
		char with_mem[512], mem[512];
		struct buf with = buf_over(with_mem, sizeof with_mem), out = buf_over(mem, sizeof mem);

		merge(&with, span_of(merges[i].old), span_of(NEW));
		assert_string_equal(with_mem, merges[i].with);
		assert_true(span_is(rclone_conf_find(buf_all(&with)), NEW));
		merge(&out, span_of(merges[i].old), SPAN(""));
		assert_string_equal(mem, merges[i].without);
		assert_int_equal(rclone_conf_find(buf_all(&out)).n, 0);
		/* Again and again: nothing grows. */
		merge(&out, buf_all(&with), span_of(NEW));
		assert_string_equal(mem, merges[i].with);
	}
}

static void merges_text_with_nul(void **state)
{
	char mem[64];
	struct buf out = buf_over(mem, sizeof mem);

	(void)state;
	merge(&out, SPAN("[a]\nx\0y = 1\n"), SPAN(NEW));
	assert_true(span_eq(buf_all(&out), SPAN("[a]\nx\0y = 1\n" NEW)));
}

static void refuses_an_encrypted_file(void **state)
{
	static const char old[] = "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabcd\n";
	char mem[256];
	struct buf out = buf_over(mem, sizeof mem);
	struct err e;

	(void)state;
	assert_int_equal(rclone_conf_merge(&out, span_of(old), SPAN(NEW), &e), -1);
	assert_int_equal(e.code, CODE_USAGE);
}

static void tells_when_a_merge_has_no_room(void **state)
{
	static const char old[] = "[a]\nx\n" OLD "[b]\n", result[] = "[a]\nx\n" NEW "[b]\n";

	(void)state;
	for (size_t room = 1; room <= sizeof result; room++) {
		char mem[sizeof result];
		struct buf out = buf_over(mem, room);
		struct err e;

		assert_int_equal(rclone_conf_merge(&out, span_of(old), SPAN(NEW), &e), room < sizeof result ? -1 : 0);
		if (room < sizeof result)
			assert_int_equal(e.code, CODE_FAULT);
	}
}

/* ---- is it an rclone.conf? ---- */

static const struct {
	const char *text, *says; /* NULL: it is one */
} files[] = {
	{ "", NULL },
	{ "\n\n", NULL },
	{ "# a comment\n; another\n", NULL },
	{ "[a]\ntype = local\n", NULL },
	{ "\xef\xbb\xbf[a]\r\ntype = local\r\n", NULL },
	{ "# of it\n[a b]\n  type: s3\n\tkey = `a`b`\nempty =\n[c]\n", NULL },
	{ "[a]\n`type` = local\n\"x:y\" = 1\ntoken = {\"access_token\":\"x\"}\nv = \"\"\"a\"\"\"\n", NULL },
	{ "[a]\nremote = b:c\n[b]\ntype = alias\n", NULL },
	{ "[s3mounts]\n", NULL },
	{ "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nabcd\n", NULL },
	{ "root:x:0:0:root:/root:/bin/bash\n", "line 1 stands before any [section]" },
	{ "# os-release\nNAME=Debian\n", "line 2 stands before any [section]" },
	{ "#!/bin/sh\n", "line 1 makes it a script" },
	{ "#!/bin/sh\nset -e\n", "line 1 makes it a script" },
	{ "{\n  \"a\": 1\n}\n", "line 1 is neither a [section], nor KEY = VALUE, nor a comment" },
	{ "[a]\ntype = s3\nwords\n", "line 3 is neither a [section], nor KEY = VALUE, nor a comment" },
	{ "[a]\ntype = s3\n= x\n", "line 3 is neither a [section], nor KEY = VALUE, nor a comment" },
	{ "[a]\ntype = s3\n`k = x\n", "line 3 is neither a [section], nor KEY = VALUE, nor a comment" },
	{ "[a]\ntype = s3\n`k`= x\n\"k = x\n", "line 4 is neither a [section], nor KEY = VALUE, nor a comment" },
	{ "[a]\ntype = s3\nk = `x\n", "line 3 is neither a [section], nor KEY = VALUE, nor a comment" },
	{ "[]\ntype = s3\n", "line 1 is a section without a name" },
	{ "[default]\naws_access_key_id = AKIA\n", "no section of it has a type, as each remote has" },
	{ "[Unit]\nType = x\n", "no section of it has a type, as each remote has" },
	{ "[a]\ntype =\n", "no section of it has a type, as each remote has" },
	{ "[core]\n\trepositoryformatversion = 0\n", "no section of it has a type, as each remote has" },
	{ "\x7f"
	  "ELF\x02\x01",
		"line 1 holds a control byte" },
	{ "[a]\ntype = \x1b[2J\n", "line 2 holds a control byte" },
};

static void knows_an_rclone_conf(void **state)
{
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		e = (struct err){ 0 };
		assert_int_equal(rclone_conf_check(span_of(files[i].text), &e), files[i].says ? -1 : 0);
		assert_string_equal(e.text, files[i].says ? files[i].says : "");
		assert_int_equal(e.code, files[i].says ? CODE_USAGE : 0);
	}
	assert_int_equal(rclone_conf_check(SPAN("[a]\ntype\0 = s3\n"), &e), -1);
	assert_string_equal(e.text, "line 2 holds a control byte");
}

/* ---- what the file was ---- */

static void remembers_the_file(void **state)
{
	static const struct rclone_mark marks[] = { { false, 0600, false }, { true, 0644, false }, { true, 0400, true },
		{ true, 0, false }, { true, 0777, true } };

	(void)state;
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
		char mem[256];
		struct buf out = buf_over(mem, sizeof mem);
		struct rclone_mark back;

		rclone_conf_mark(&out, SPAN(NEW), &marks[i]);
		back = rclone_conf_marked(buf_all(&out));
		assert_int_equal(back.found, marks[i].found);
		assert_int_equal(back.mode, marks[i].mode);
		assert_int_equal(back.open_line, marks[i].open_line);
		assert_true(marks[i].found || span_is(buf_all(&out), NEW));
		assert_true(span_eq(rclone_conf_find(buf_all(&out)), buf_all(&out)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_a_section),
		cmocka_unit_test(rclone_asks_as_the_check_does),
		cmocka_unit_test(leaves_out_what_is_empty),
		cmocka_unit_test(masks_what_is_secret),
		cmocka_unit_test(credentials_come_back),
		cmocka_unit_test(refuses_what_cannot_be_written),
		cmocka_unit_test(tells_when_there_is_no_room),
		cmocka_unit_test(merges_with_other_sections),
		cmocka_unit_test(merges_text_with_nul),
		cmocka_unit_test(refuses_an_encrypted_file),
		cmocka_unit_test(tells_when_a_merge_has_no_room),
		cmocka_unit_test(knows_an_rclone_conf),
		cmocka_unit_test(remembers_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
