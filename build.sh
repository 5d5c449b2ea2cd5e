#!/bin/sh
# build.sh - the one door to building, testing and shipping s3mounts. `./build.sh help` tells what it can do.
# shellcheck disable=SC1090,SC1091,SC2086
set -eu
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
unset CDPATH MAKEFLAGS MFLAGS MAKELEVEL
cd "$(dirname "$0")"

VERSION=0.1.0
TARGETS="x86_64 aarch64"

. toolchain/common.sh
. toolchain/packages.sh
. toolchain/target.sh

usage()
{
	cat <<-END
	./build.sh                        build out/x86_64/s3mounts and out/aarch64/s3mounts
	./build.sh x86_64 | aarch64       build that one
	./build.sh test [NAME...]         build, then run all tests, or those whose name has NAME in it
	./build.sh demo                   build and show a sandbox's life on this machine
	./build.sh bench                  build and measure
	./build.sh soak [WHAT [ARGUMENTS]]  what takes long, whole: life (random stress), rounds, kills, faults, sanitizers, valgrind,
	                                  mutants [COUNT [SEED [PATH]]] (small faults in src, and which of them no test notices)
	./build.sh lint                   format, warnings and static analysis of our own code
	./build.sh states [dot]           draw the state machine of a mount into src/README.md, or print it for Graphviz
	./build.sh debug                  out/debug/s3mounts for gdb, and what clangd wants to know
	./build.sh fuzz [TARGET [SECONDS]]  run one fuzz target, or all of them (60 seconds each)
	./build.sh dist                   out/dist: the programs under their release names, and SHA256SUMS
	./build.sh clean                  remove out/ but the sources that were fetched
	./build.sh help                   this text

	Missing Debian packages are installed when it runs as root, and named otherwise.
	S3MOUNTS_SOURCES=DIR              where upstream sources are kept (default: out/sources)
	END
}

cmd_build()
{
	need build
	begin
	for target in "$@"; do
		build_target "$target"
	done
	end
}

cmd_clean()
{
	for f in out/* out/.[!.]*; do
		[ "$f" = out/sources ] || rm -rf "$f"
	done
}

command=${1:-build}
[ $# -eq 0 ] || shift
case $command in
build)           cmd_build $TARGETS ;;
x86_64|aarch64)  cmd_build "$command" ;;
test|lint|fuzz|dist|demo|bench|soak|states|debug)
	. "toolchain/$command.sh"
	"cmd_$command" "$@" ;;
clean)           cmd_clean ;;
help|-h|--help)  usage ;;
*)               usage >&2; die "unknown command: $command" ;;
esac
