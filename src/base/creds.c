#include "base/creds.h"

const struct creds_variable creds_variables[] = {
	{ "S3_ACCESS_KEY_ID", 0, CREDS_KEY_ID }, { "S3_ACCESS_SECRET", 0, CREDS_SECRET },
	{ "S3_SECRET_ACCESS_KEY", 0, CREDS_SECRET }, { "S3_SESSION_TOKEN", 0, CREDS_TOKEN },
	{ "AWS_ACCESS_KEY_ID", 1, CREDS_KEY_ID }, { "AWS_SECRET_ACCESS_KEY", 1, CREDS_SECRET },
	{ "AWS_SESSION_TOKEN", 1, CREDS_TOKEN },
	{ "AWS_SECURITY_TOKEN", 1, CREDS_TOKEN }, /* its name before 2014; many tools set both */
	{ "S3_ACCESS_KEY", CREDS_NO_SET, CREDS_KEY_ID }, { "S3_SECRET_KEY", CREDS_NO_SET, CREDS_SECRET },
	{ "S3_SECRET", CREDS_NO_SET, CREDS_SECRET }, { "S3_ACCESS_KEY_SECRET", CREDS_NO_SET, CREDS_SECRET },
	{ "S3_TOKEN", CREDS_NO_SET, CREDS_TOKEN }, { "S3_SECURITY_TOKEN", CREDS_NO_SET, CREDS_TOKEN },
	{ "s3_access_key_id", CREDS_NO_SET, CREDS_KEY_ID }, { "s3_access_secret", CREDS_NO_SET, CREDS_SECRET },
	{ "s3_secret_access_key", CREDS_NO_SET, CREDS_SECRET }, { "s3_session_token", CREDS_NO_SET, CREDS_TOKEN },
	{ "aws_access_key_id", CREDS_NO_SET, CREDS_KEY_ID }, { "aws_secret_access_key", CREDS_NO_SET, CREDS_SECRET },
	{ "aws_session_token", CREDS_NO_SET, CREDS_TOKEN }, { "AWS_ACCESS_KEY", CREDS_NO_SET, CREDS_KEY_ID },
	{ "AWS_SECRET_KEY", CREDS_NO_SET, CREDS_SECRET }, { "AWS_CONTAINER_AUTHORIZATION_TOKEN", CREDS_NO_SET, CREDS_TOKEN },
	{ "RCLONE_S3_ACCESS_KEY_ID", CREDS_NO_SET, CREDS_KEY_ID },
	{ "RCLONE_S3_SECRET_ACCESS_KEY", CREDS_NO_SET, CREDS_SECRET }, { "RCLONE_S3_SESSION_TOKEN", CREDS_NO_SET, CREDS_TOKEN },
	{ "RCLONE_CONFIG_PASS", CREDS_NO_SET, CREDS_SECRET }, /* opens an encrypted rclone.conf */
};
const size_t creds_variable_count = sizeof creds_variables / sizeof *creds_variables;

bool creds_is_variable(struct span name)
{
	for (size_t i = 0; i < creds_variable_count; i++)
		if (span_is(name, creds_variables[i].name))
			return true;
	return false;
}
