# Sourced by build.sh: the program for a debugger, and what clangd wants to know.
# shellcheck shell=sh

# compile_commands: how each file is compiled, as clang's tools read it (clang.llvm.org/docs/JSONCompilationDatabase.html).
compile_commands()
{
	flags=$(sed -n 's/^CFLAGS = //p' "$OUT/config.mk" | sed 's/["\\]/\\&/g')
	find src test -name '*.c' | sort | awk -v root="$ROOT" -v command="$CC $(printf '%s' "$flags" | sed 's/\\/\\\\/g')" '
		{ printf "%s{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s -c %s\"}", NR == 1 ? "[\n" : ",\n", root, $0, command, $0 }
		END { print "\n]" }' | put_if_changed out/compile_commands.json
}

cmd_debug()
{
	need build debug
	cmd_build "$HOST_ARCH"
	begin
	target host
	sysroot
	OUT=out/debug
	configure "-g3 -O0 -fno-omit-frame-pointer $SANITIZE"
	run_make "$OUT/s3mounts-host"
	ln -f "$OUT/s3mounts-host" "$OUT/s3mounts"
	compile_commands
	end
	cat <<-END
	out/debug/s3mounts is made (-O0 -g, with sanitizers), and out/compile_commands.json, which clangd finds by .clangd.
	gdb, from the start:    ASAN_OPTIONS=detect_leaks=0 gdb -ex 'break sup_loop' -ex run --args out/debug/s3mounts start
	gdb, what is shipped:   gdb -ex 'break job_step' -p PID out/$HOST_ARCH/s3mounts.debug   # PID: s3mounts status --json has it
	strace of all of a mount:  strace -D -f -o out/strace -e trace=process,mount,umount2,openat out/$HOST_ARCH/s3mounts up
	END
}
