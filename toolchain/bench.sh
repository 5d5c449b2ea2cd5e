# Sourced by build.sh: the figures.
# shellcheck shell=sh

cmd_bench()
{
	need_mounts bench
	need build test bench
	cmd_build "$HOST_ARCH"
	S3MOUNTS_BIN=$ROOT/out/$HOST_ARCH/s3mounts PYTHONPATH=$ROOT/test exec /usr/bin/python3 test/bench/bench.py "$@"
}
