# Sourced by build.sh: what a machine can say about our own code. Each line names the tool and what it looked at.
# shellcheck shell=sh

NAMED='-DS3MOUNTS_VERSION="lint"'

# look NAME COMMAND...: runs it, and tells how it went.
look()
{
	start=$(now_ms)
	name=$1
	shift
	if "$@" >out/lint.log 2>&1; then
		say "ok      $name ($(took "$start"))"
	else
		cat out/lint.log
		say "FAILED  $name"
		bad=1
	fi
}

# each COMMAND...: for every file name on standard input, in parallel.
each() { xargs -P "$JOBS" -n 4 "$@"; }

own_c() { find src test -name '*.c' | sort; }
own_shell() { { grep -rlIE '^#!/bin/(ba)?sh' build.sh .ci toolchain vendor test; ls toolchain/*.sh vendor/recipe.sh; } | sort -u; }

lint_format() { { own_c; find src test -name '*.h'; } | each clang-format --dry-run -Werror; }

# compile FLAGS: every file on standard input with the target's compiler and flags, for what it says alone.
compile()
{
	LINT="$CC $CFLAGS $1 -Werror -c -o /dev/null" each sh -c 'bad=0; for c; do $LINT "$c" || bad=1; done; exit $bad' sh
}
lint_warnings() { find src -name '*.c' | sort | compile ""; }
lint_host_warnings() { own_c | compile "-O2"; }

# Without the findings that do not know that getenv(3) of the same name answers the same, and that what dup2(2) put on 0, 1, 2
# shall stay there.
lint_analyzer()
{
	find src -name '*.c' | sort |
		compile "-O1 -fanalyzer -Wno-analyzer-null-dereference -Wno-analyzer-null-argument
			-Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-fd-leak"
}

lint_tidy() { find src -name '*.c' | sort | CFLAGS=$CFLAGS each sh -c 'clang-tidy --quiet "$@" -- $CFLAGS' sh; }
lint_cppcheck()
{
	cppcheck --quiet -j "$JOBS" --enable=warning,portability --inline-suppr --error-exitcode=1 --std=c11 -Isrc -D_GNU_SOURCE \
		--suppress=missingIncludeSystem --suppress=unknownMacro src
}
lint_shell() { own_shell | xargs shellcheck -x -e SC1091; }
lint_python()
{
	find toolchain test -name '*.py' -print0 | xargs -0 /usr/bin/python3 -c '
import ast, sys
for path in sys.argv[1:]:
    ast.parse(open(path, encoding="utf-8").read(), path)'
}

cmd_lint()
{
	need build lint
	bad=0
	begin
	for arch in $TARGETS; do
		target "$arch"
		sysroot
		CFLAGS="$(own_cflags) $NAMED $OWN_SMALL $TARGET_CFLAGS $LIBC_CFLAGS"
		look "gcc's warnings, $arch" lint_warnings
	done
	target host
	sysroot
	CFLAGS="$(own_cflags) $NAMED"
	end
	look "gcc's warnings, tests too" lint_host_warnings
	look "gcc -fanalyzer" lint_analyzer
	look "clang-tidy" lint_tidy
	look "cppcheck" lint_cppcheck
	look "clang-format" lint_format
	look "shellcheck" lint_shell
	look "Python's syntax" lint_python
	[ $bad = 0 ] || die "lint found something. For the format alone: clang-format -i FILE"
	say "lint: clean"
}
