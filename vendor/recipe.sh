# Sourced by the recipes vendor/musl, vendor/bearssl and vendor/libfuse, which build.sh runs with the target's settings.
# shellcheck shell=sh
set -eu
SYSROOT=$ROOT/$OUT/sysroot

source_of() { echo "$FETCHED" | sed -n "s/^$1 //p"; }

# unpack PACKAGE: changes into a fresh folder with its source.
unpack()
{
	work=$ROOT/$OUT/build/$1
	rm -rf "$work"
	mkdir -p "$work"
	tar -xf "$(source_of "$1")" -C "$work" --strip-components=1
	cd "$work"
}

# compile FLAGS FILE.c...: each becomes FILE.o, a few at a time.
compile()
{
	flags=$1
	shift
	printf '%s\n' "$@" | xargs -P "$JOBS" -n 8 sh -c 'flags=$0; for c; do $CC $flags -c "$c" -o "${c%.c}.o" || exit 255; done' "$flags"
}

# archive NAME FILE.c...: puts what was compiled from these into NAME in the sysroot.
archive()
{
	lib=$SYSROOT/lib/$1
	shift
	rm -f "$lib"
	printf '%s\n' "$@" | sed 's/c$/o/' | xargs "$AR" -rcs "$lib"
}
