# Sourced by build.sh: how Debian's gcc becomes a static musl compiler for one target, and what is built with it.
# shellcheck shell=sh

WARNINGS="-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2
 -Wswitch-enum -Wundef -Wconversion"
SECTIONS="-ffunction-sections -fdata-sections"
SMALL="-fPIE $SECTIONS -fno-asynchronous-unwind-tables -fno-unwind-tables"
OWN_SMALL="-Oz $SMALL -fstack-protector-strong"
# lld packs relative relocations for every target, and pads no segment: a tenth of the program.
LINK="-static -pie --no-dynamic-linker --gc-sections --build-id=none --hash-style=gnu -z noexecstack -z relro -z now -z text
 --pack-dyn-relocs=relr --icf=all -O2 --fatal-warnings"
# SANITIZE= (empty) builds the unit tests without: for valgrind.
SANITIZE=${SANITIZE-"-fsanitize=address,undefined -fno-sanitize-recover=undefined"}

# target NAME: sets what is known of it (toolchain/NAME.sh) and what follows from that. All paths are relative to the root.
target()
{
	TARGET=$1
	OUT=out/$1
	SYSROOT=$OUT/sysroot
	. "toolchain/$1.sh"
	CC=$TRIPLET-gcc
	AR=$TRIPLET-ar
	VENDOR_CFLAGS="-Oz $SMALL -fstack-protector $TARGET_CFLAGS -w -ffile-prefix-map=$ROOT=."
	if [ "$1" = host ]; then
		PACKAGES="bearssl libfuse"
		LIBC_CFLAGS=
		VENDOR_CFLAGS="-O2 -g -w"
	else
		PACKAGES="musl bearssl libfuse"
		LIBC_CFLAGS="-nostdinc -isystem $ROOT/$SYSROOT/include -isystem $($CC -print-file-name=include)"
	fi
	mkdir -p "$SYSROOT/include" "$SYSROOT/lib" out/gen
}

# sysroot: builds the vendored packages whose source, recipe or compiler is not the one that they were built with.
sysroot()
{
	compiler=$($CC --version | head -n 1)
	for package in $PACKAGES; do
		stamp=$SYSROOT/$package.made
		made=$(echo "$compiler $VENDOR_CFLAGS $LIBC_CFLAGS $BEARSSL_FAST" | sed "s|$ROOT|.|g" |
			cat - vendor/LOCK "vendor/$package" vendor/recipe.sh | sha256sum)
		[ "$made" != "$(cat "$stamp" 2>/dev/null)" ] || continue
		[ -n "${FETCHED-}" ] || FETCHED=$(ROOT=$ROOT SOURCES=$SOURCES sh vendor/fetch)
		start=$(now_ms)
		export ROOT OUT CC AR TRIPLET VENDOR_CFLAGS LIBC_CFLAGS BEARSSL_FAST FETCHED JOBS
		rm -f "$stamp"
		say "building $package for $TARGET"
		ticking "building $package for $TARGET" &
		ticker=$!
		sh "vendor/$package" >"$OUT/$package.log" 2>&1 </dev/null || {
			kill $ticker
			tail -n 20 "$OUT/$package.log" >&2
			die "$package for $TARGET could not be built (all of it: $OUT/$package.log)"
		}
		kill $ticker
		wait $ticker 2>/dev/null || :
		echo "$made" >"$stamp"
		say "built $package for $TARGET in $(took "$start")"
	done
}

# own_cflags: what our own sources are compiled with, whatever the target.
own_cflags() { echo -std=c11 -D_GNU_SOURCE -Isrc -isystem "$SYSROOT/include" $WARNINGS; }

# configure FLAGS: tells toolchain/Makefile of the target. A file that changes makes what depends on it be built again.
configure()
{
	mkdir -p "$OUT"
	put_if_changed "$OUT/config.mk" <<-END
	# Written by build.sh. $(cat "$SYSROOT"/*.made | sha256sum)
	CC = $CC
	AR = $AR
	STRIP = $TRIPLET-strip
	CFLAGS = $(own_cflags) -DS3MOUNTS_VERSION='"$VERSION"' $(echo $1)
	LINK = ld.lld $(echo $LINK)
	LIBGCC = $($CC -print-libgcc-file-name)
	SYSROOT = $SYSROOT
	SIZE_LIMIT = $SIZE_LIMIT
	END
	find src -name '*.c' 2>/dev/null | sort | put_if_changed "$OUT/sources"
	authorities
}

# authorities: notes which certificates will be built in, so that a newer package makes them be read again.
authorities()
{
	authorities=$(dpkg-query -W -f '${Version}' ca-certificates)
	echo "$authorities" | put_if_changed out/gen/ca-certificates
}

build_target()
{
	target "$1"
	sysroot
	start=$(now_ms)
	configure "-g $OWN_SMALL $TARGET_CFLAGS $LIBC_CFLAGS -ffile-prefix-map=$ROOT=."
	if run_make -q "$OUT/s3mounts"; then
		say "$OUT/s3mounts is up to date"
	else
		run_make "$OUT/s3mounts"
		say "$OUT/s3mounts: $(stat -c %s "$OUT/s3mounts") bytes of at most $SIZE_LIMIT, static, authorities of" \
			"ca-certificates $authorities, built in $(took "$start")"
	fi
}

build_host()
{
	target host
	sysroot
	start=$(now_ms)
	configure "-g -O1 -fno-omit-frame-pointer $SANITIZE"
	if run_make -q host; then
		say "the unit tests are up to date"
	else
		run_make host
		say "built the unit tests in $(took "$start")"
	fi
}

# build_sanitized: the program with the host's sanitizers, and the x86_64 or aarch64 one that traps on undefined behaviour.
build_sanitized()
{
	run_make "$OUT/s3mounts-host"
	target "$HOST_ARCH"
	OUT=out/trap
	SIZE_LIMIT=
	configure "-g $OWN_SMALL $TARGET_CFLAGS $LIBC_CFLAGS -fsanitize=undefined -fsanitize-undefined-trap-on-error"
	run_make "$OUT/s3mounts"
}

run_make() { make -s --no-print-directory -j "$JOBS" -f toolchain/Makefile OUT="$OUT" "$@"; }
