# Sourced by build.sh: small faults in src, one at a time, and which of them no test notices (toolchain/mutants.py).
# shellcheck shell=sh

# mutants ARGUMENT...: COUNT SEED [PATH], as mutants.py takes them. What it copies is built: out/quick, and this machine's program.
mutants()
{
	[ "$(id -u)" = 0 ] || {
		say "mutants want root, for namespaces in which a program with a fault can harm nothing"
		return 1
	}
	begin
	build_target "$HOST_ARCH"
	target host
	sysroot
	OUT=out/quick
	configure "-O0 -fuse-ld=lld $SANITIZE"
	run_make host
	end
	/usr/bin/python3 toolchain/mutants.py "$@"
}
