# Sourced by build.sh: all tests, or those whose name was given. Ends with one line, "N passed, N failed".
# shellcheck shell=sh

. toolchain/mutants.sh
. toolchain/rclone.sh
. toolchain/states.sh

passed=0
failed=0
CURRENT_RCLONE=

# Whose tests run with the sanitizers too; all of them by ./build.sh soak sanitizers.
SANITIZED="up config"

WORKERS=2 # of pytest-xdist

# Of so many small faults in src so many must be noticed by the unit tests, the seeds and some quick integration tests. 18 of 20 is the aim. Of a
# hundred 68 were when this was written (src/sup 21 of 40, the rest 47 of 60): of twenty drawn from such, fewer than 8 come once in 400 commits.
MUTANTS=20
MUTANTS_NOTICED=8

# count PASSED FAILED WHAT: adds to the totals and tells it in one line.
count()
{
	passed=$((passed + $1))
	failed=$((failed + $2))
	if [ "$2" = 0 ]; then say "ok      $3 ($1)"; else say "FAILED  $3 ($2 of $(($1 + $2)))"; fi
}

# wanted NAME: no names were given, or one of them is in NAME.
wanted()
{
	[ -n "$names" ] || return 0
	for n in $names; do
		case $1 in *"$n"*) return 0 ;; esac
	done
	return 1
}

check()
{
	wanted "$1" || return 0
	name=$1
	shift
	if "$@"; then count 1 0 "$name"; else count 0 1 "$name"; fi
}

# One cmocka program. What started and did not end well failed: so does a crash, a sanitizer's report and a skipped test.
unit_test()
{
	wanted "$1" || return 0
	log=out/host/$1.log
	status=0
	timeout -k 5 120 "out/host/$1" >"$log" 2>&1 </dev/null || status=$?
	ok=$(grep -c '^\[       OK \]' "$log" || :)
	bad=$(($(grep -c '^\[ RUN      \]' "$log" || :) - ok))
	if [ $bad = 0 ] && { [ $status != 0 ] || [ "$ok" = 0 ]; }; then
		bad=1
	fi
	[ $bad = 0 ] || {
		cat "$log"
		say "$log: exit status $status"
	}
	count "$ok" $bad "$1"
}

# The seeds of a fuzz target, and every beginning of each.
replay()
{
	log=out/host/$1_replay.log
	timeout -k 5 120 "out/host/$1_replay" "test/fuzz/$1"/* >"$log" 2>&1 </dev/null || {
		cat "$log"
		return 1
	}
}

# attribute NAME: of the test suite in pytest's report.
attribute() { sed -n "s/.*<testsuite [^>]* $1=\"\([0-9]*\)\".*/\1/p" "$report"; }

# python_tests WHAT PROGRAM ARGUMENT...: pytest with PROGRAM as this machine's s3mounts.
python_tests()
{
	what=$1
	program=$2
	shift 2
	report=out/test/$what.xml
	mkdir -p out/test
	rm -f "$report"
	set -- -p no:cacheprovider -o faulthandler_timeout=300 -ra --junitxml="$report" "$@"
	# Most of them wait most of the time. A few by name have one S3 server, all of them one for each worker.
	if [ -n "$names" ]; then
		set -- "$@" -k "$(echo $names | sed 's/ / or /g')"
	else
		set -- "$@" -n "$WORKERS"
	fi
	# In a mount namespace of its own: mounts of the program that stand on this machine are neither seen nor touched.
	alone=
	[ "$(id -u)" != 0 ] || alone="unshare --mount --propagation private sh toolchain/alone"
	status=0
	S3MOUNTS_BIN=$ROOT/$program S3MOUNTS_BIN_AARCH64=$ROOT/out/aarch64/s3mounts S3MOUNTS_HOST=$ROOT/out/host \
		S3MOUNTS_CURRENT_RCLONE=$CURRENT_RCLONE PYTHONPATH=$ROOT/test \
		timeout -k 30 3600 $alone /usr/bin/python3 -m pytest "$@" || status=$?
	if [ $status = 5 ]; then
		[ -n "$names" ] || count 0 1 "$what: it collected nothing"
		return 0
	fi
	total=$(attribute tests)
	bad=$(($(attribute errors) + $(attribute failures) + $(attribute skipped)))
	if [ -z "$total" ] || { [ $status != 0 ] && [ $bad = 0 ]; }; then
		count 0 1 "$what: exit status $status"
	else
		[ "$(attribute skipped)" = 0 ] || say "skipped tests count as failed"
		count $((total - bad)) $bad "$what"
	fi
}

# sanitized_tests FILE...: the program with the sanitizers of the host, and the one that traps; what the first reports goes to files.
sanitized_tests()
{
	rm -f out/test/sanitizer.*
	S3MOUNTS_ARCHITECTURES=x86_64 ASAN_OPTIONS=log_path=$ROOT/out/test/sanitizer UBSAN_OPTIONS=log_path=$ROOT/out/test/sanitizer:print_stacktrace=1 \
		python_tests sanitizers out/host/s3mounts-host -m "not shipped" "$@"
	S3MOUNTS_ARCHITECTURES=x86_64 python_tests trap out/trap/s3mounts "$@"
	[ -z "$(ls out/test/sanitizer.* 2>/dev/null)" ] || {
		cat out/test/sanitizer.*
		count 0 1 "a sanitizer has found something"
	}
}

# The picture in the contributor's page is that of the tables.
states_drawn()
{
	out/host/states_tool >out/host/states.mmd
	states_page out/host/states.mmd | cmp - src/README.md || {
		say "./build.sh states draws it anew"
		return 1
	}
}

# Other mutants with each commit, the same ones for all who test it.
mutants_in_short()
{
	seed=$(git rev-parse HEAD 2>/dev/null || find src -name '*.c' | sort | xargs cat | sha256sum | cut -c 1-12)
	say "mutants: $MUTANTS by the seed $seed"
	mutants --quick --least "$MUTANTS_NOTICED" "$MUTANTS" "$seed"
}

cmd_test()
{
	names=$*
	[ "$(id -u)" != 0 ] || need_mounts test
	need build test
	if fetch_rclone; then CURRENT_RCLONE=$ROOT/out/rclone/rclone; else count 0 1 "no current rclone: its tests are left out"; fi
	# Debian's installer and container images make it; a bare root has none, and the system's fusermount3 wants to read it.
	if [ ! -e /etc/mtab ] && [ "$(id -u)" = 0 ]; then
		say "making /etc/mtab, a link to the mount table"
		ln -s ../proc/self/mounts /etc/mtab
	fi
	begin
	for target in $TARGETS; do
		build_target "$target"
	done
	build_host
	build_sanitized
	end
	for arch in $TARGETS; do
		check "static-$arch" toolchain/check-static "out/$arch/s3mounts" "$(. "toolchain/$arch.sh"; echo "$SIZE_LIMIT")"
	done
	check reproducible toolchain/check-reproducible "$HOST_ARCH"
	for source in test/unit/*_test.c; do
		[ ! -e "$source" ] || unit_test "$(basename "$source" .c)"
	done
	for source in test/fuzz/*_fuzz.c; do
		target=$(basename "$source" _fuzz.c)
		check "fuzz-$target" replay "$target"
	done
	check states states_drawn
	check mutants mutants_in_short
	python_tests pytest "out/$HOST_ARCH/s3mounts" test
	set --
	for file in $SANITIZED; do
		set -- "$@" "test/integration/test_$file.py"
	done
	sanitized_tests "$@"
	[ $((passed + failed)) != 0 ] || die "no test has this name: $names"
	say "$passed passed, $failed failed"
	[ $failed = 0 ]
}
