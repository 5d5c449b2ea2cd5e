# Sourced by build.sh: one sandbox to which everything happens, for as long as is asked.
# shellcheck shell=sh

cmd_soak()
{
	need build test
	cmd_build "$HOST_ARCH"
	S3MOUNTS_BIN=$ROOT/out/$HOST_ARCH/s3mounts PYTHONPATH=$ROOT/test exec /usr/bin/python3 test/soak/soak.py "$@"
}
