# Sourced by build.sh: what takes more than a minute, whole. `./build.sh test` runs most of it in a short, seeded form.
# shellcheck shell=sh

. toolchain/mutants.sh

SOAKS="life rounds kills faults sanitizers valgrind mutants"

# State bounds of memory and time that no sanitizer keeps, or need the real artefact.
UNSANITIZED="limits clients container run_container templates readme demo fusermount unprivileged soak faults kills sanitizers"

soak_python() { PYTHONPATH=$ROOT/test /usr/bin/python3 "$@"; }

soak_mutants() { mutants "${1:-100}" "${2:-$(date +%s)}" "${3:-src/}"; }
soak_life()   { soak_python test/soak/soak.py "$@"; }
soak_kills()  { soak_python test/soak/kills.py "$@"; }
soak_faults() { soak_python test/soak/faults.py "$@"; }
soak_rounds() { S3MOUNTS_SOAK=${1:-1000} soak_python -m pytest -p no:cacheprovider -q test/integration/test_limits.py -k rounds; }

# All that a sanitizer can watch.
soak_sanitizers()
{
	. toolchain/test.sh
	names=$*
	build_host
	build_sanitized
	set --
	for file in test/integration/test_*.py; do
		name=$(basename "$file" .py)
		case " $UNSANITIZED " in
		*" ${name#test_} "*) ;;
		*) set -- "$@" "$file" ;;
		esac
	done
	sanitized_tests "$@"
	[ $failed = 0 ]
}

# The host's program without sanitizers: valgrind knows its C library.
soak_valgrind()
{
	need valgrind
	target host
	sysroot
	OUT=out/plain
	configure "-g -O1"
	run_make "$OUT/s3mounts-host"
	soak_python test/soak/memcheck.py "$OUT/s3mounts-host"
}

cmd_soak()
{
	need build test
	cmd_build "$HOST_ARCH"
	export S3MOUNTS_BIN="$ROOT/out/$HOST_ARCH/s3mounts"
	case " $SOAKS " in
	*" ${1:-all} "*)
		what=$1
		shift
		"soak_$what" "$@" ;;
	*)
		[ $# = 0 ] || die "no such soak: $1 (there are: $SOAKS)"
		for what in $SOAKS; do
			say "== $what"
			"soak_$what"
		done ;;
	esac
}
