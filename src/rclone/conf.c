#include "rclone/conf.h"

#include "base/text.h"

enum conf_field { KEY_ID, SECRET, TOKEN, REGION, ENDPOINT, PROXY, NO_PROXY, FIELDS };

/* rclone's names of the keys, and the variables that their values came from, for messages. */
static const struct {
	const char *key, *variable;
} fields[FIELDS] = {
	[KEY_ID] = { "access_key_id", "S3_ACCESS_KEY_ID (or AWS_ACCESS_KEY_ID)" },
	[SECRET] = { "secret_access_key", "S3_ACCESS_SECRET (or AWS_SECRET_ACCESS_KEY)" },
	[TOKEN] = { "session_token", "S3_SESSION_TOKEN (or AWS_SESSION_TOKEN)" },
	[REGION] = { "region", "S3_REGION (or AWS_REGION)" },
	[ENDPOINT] = { "endpoint", "S3_ENDPOINT_URL (or AWS_ENDPOINT_URL)" },
	/* rclone passes over these two: whoever starts it reads them. */
	[PROXY] = { "s3mounts_proxy", "HTTPS_PROXY (or HTTP_PROXY)" },
	[NO_PROXY] = { "s3mounts_no_proxy", "NO_PROXY" },
};

/* Between backticks, which goconfig strips at both ends: blanks, quotes and inner backticks survive. */
static void put_key_value(struct buf *out, const char *key, const char *value)
{
	buf_str(out, key);
	buf_str(out, " = `");
	buf_str(out, value);
	buf_str(out, "`\n");
}

static int put_field(struct buf *out, enum conf_field f, const char *value, struct err *e)
{
	if (!*value) /* rclone takes an empty value for unset */
		return 0;
	if (strpbrk(value, "\r\n") || text_find(value, "%(")) {
		err_set(e, CODE_USAGE, "variable %s: its value cannot be written to rclone's configuration",
			fields[f].variable);
		return err_hint(
			e, "rclone has no way to write a line break or \"%%(\" there; use another key, or the type native");
	}
	put_key_value(out, fields[f].key, value);
	return 0;
}

/*
 * No acl: without one S3 uses "private", a bucket whose owner has disabled ACLs refuses them, and sending one takes a
 * permission (s3:PutObjectAcl) that a key may lack. (rclone up to 1.60 sends "private" all the same.)
 */
static int write_section(struct buf *out, const struct s3_endpoint *endpoint, const char *const *values, struct err *e)
{
	buf_str(out, "[" RCLONE_REMOTE "]\n");
	put_key_value(out, "type", "s3");
	put_key_value(out, "provider", s3_endpoint_rclone_provider(endpoint));
	put_key_value(out, "env_auth", "false"); /* otherwise it asks the machine's metadata service for keys */
	for (int f = 0; f < FIELDS; f++)
		if (put_field(out, (enum conf_field)f, values[f], e))
			return -1;
	put_key_value(out, "force_path_style", endpoint->path_style ? "true" : "false");
	if (endpoint->encode_listings) {
		put_key_value(out, "list_version", "2");
		put_key_value(out, "list_url_encode", "true");
	}
	put_key_value(out, "no_check_bucket", "true"); /* otherwise it tries to make the bucket before it writes */
	return out->full ? err_set(e, CODE_FAULT, "write rclone's configuration: out of memory") : 0;
}

int rclone_conf_section(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e)
{
	char url[640];
	const char *const values[FIELDS] = { creds->key_id, creds->secret, creds->token, endpoint->region, url, creds->proxy,
		creds->no_proxy };

	s3_endpoint_url(endpoint, url, sizeof url);
	return write_section(out, endpoint, values, e);
}

/*
 * "AKIAIOSFODNN7EXAMPLE" becomes "AKIA****MPLE": enough to tell two keys apart. The ends of a short one would reveal too much.
 */
static void mask_key_id(char out[16], const char *key_id)
{
	size_t n = strlen(key_id);

	if (n < 16)
		text_fmt(out, 16, "%s", n ? "****" : "");
	else
		text_fmt(out, 16, "%.4s****%s", key_id, key_id + n - 4);
}

int rclone_conf_masked(struct buf *out, const struct s3_endpoint *endpoint, const struct creds *creds, struct err *e)
{
	char url[640], key_id[16];
	const char *const values[FIELDS] = { key_id, *creds->secret ? "****" : "", *creds->token ? "****" : "",
		endpoint->region, url, "", "" };

	mask_key_id(key_id, creds->key_id);
	s3_endpoint_url(endpoint, url, sizeof url);
	return write_section(out, endpoint, values, e);
}

/* Copies the value of KEY to TO, without the backticks that it has unless rclone has written the file anew. */
static bool read_key_value(struct span section, const char *key, char *to, size_t size)
{
	struct span line, name;
	bool more = true, opens;

	while (more) {
		more = span_cut(&section, '\n', &line);
		if (!span_cut(&line, '=', &name) || !span_is(span_trim(name), key))
			continue;
		line = span_trim(line);
		opens = line.n && line.p[0] == '`';
		if (opens != (line.n > 1 && line.p[line.n - 1] == '`'))
			return false;
		if (opens)
			line = (struct span){ line.p + 1, line.n - 2 };
		return text_fmt(to, size, "%.*s", (int)line.n, line.p) < size;
	}
	return false;
}

bool rclone_conf_creds(struct span section, struct creds *c)
{
	*c = (struct creds){ .token = "" };
	read_key_value(section, fields[TOKEN].key, c->token, sizeof c->token);
	read_key_value(section, fields[PROXY].key, c->proxy, sizeof c->proxy);
	read_key_value(section, fields[NO_PROXY].key, c->no_proxy, sizeof c->no_proxy);
	return read_key_value(section, fields[KEY_ID].key, c->key_id, sizeof c->key_id) &&
	       read_key_value(section, fields[SECRET].key, c->secret, sizeof c->secret);
}

bool rclone_conf_identity(struct span section, char *out, size_t size)
{
	char url[640] = "", provider[64] = "", region[64] = "";
	struct s3_endpoint site;
	struct err unused;

	read_key_value(section, fields[ENDPOINT].key, url, sizeof url);
	read_key_value(section, fields[REGION].key, region, sizeof region);
	if (!read_key_value(section, "provider", provider, sizeof provider) ||
		s3_endpoint_parse(&site, url, provider, region, &unused))
		return false;
	s3_endpoint_identity(&site, out, size);
	return true;
}
