# Sourced by build.sh: a sandbox's life, shown on this machine.
# shellcheck shell=sh

cmd_demo()
{
	need_mounts demo
	need build demo
	cmd_build "$HOST_ARCH"
	S3MOUNTS_BIN=$ROOT/out/$HOST_ARCH/s3mounts exec test/demo/demo.sh "$@"
}
