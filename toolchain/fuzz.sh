# Sourced by build.sh: libFuzzer on test/fuzz/NAME_fuzz.c, each around one real function. Seeds are in test/fuzz/NAME/, what it
# finds in out/fuzz/NAME/.
# shellcheck shell=sh

cmd_fuzz()
{
	only=${1:-}
	seconds=${2:-60}
	[ -n "$(find test/fuzz -name '*_fuzz.c' 2>/dev/null)" ] || {
		say "there are no fuzz targets yet (test/fuzz/NAME_fuzz.c)"
		return 0
	}
	[ -z "$only" ] || [ -e "test/fuzz/${only}_fuzz.c" ] || die "no such fuzz target: test/fuzz/${only}_fuzz.c"
	need build fuzz
	need fuzz-runtime
	begin
	target host
	sysroot
	OUT=out/fuzz
	CC=clang
	configure "-g -O2 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
	run_make fuzz
	end
	for source in $(find test/fuzz -name "${only:-*}_fuzz.c" | sort); do
		name=$(basename "$source" _fuzz.c)
		mkdir -p "out/fuzz/$name"
		seeds=test/fuzz/$name
		[ -d "$seeds" ] || seeds=
		say "fuzzing $name for $seconds seconds"
		"out/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
			-artifact_prefix="out/fuzz/$name/" "out/fuzz/$name" $seeds
	done
}
