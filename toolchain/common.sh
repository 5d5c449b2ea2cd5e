# Sourced by build.sh: saying, failing, timing, locking.
# shellcheck shell=sh

ROOT=$PWD
SOURCES=${S3MOUNTS_SOURCES:-$ROOT/out/sources}
JOBS=$(nproc)
[ "$JOBS" -ge 2 ] || JOBS=2

say() { printf '%s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

case $ROOT in
*[[:space:]]*) die "the path of this folder has a blank in it, which make cannot take: $ROOT" ;;
esac

now_ms() { echo $(($(date +%s%N) / 1000000)); }

# took START: the time since START of now_ms, for people.
took()
{
	ms=$(($(now_ms) - $1))
	printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
}

# ticking WHAT: says each 30 s that WHAT goes on, until it is killed or build.sh is gone. For the background.
ticking()
{
	waited=0
	while sleep 1 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
		waited=$((waited + 1))
		[ $((waited % 30)) != 0 ] || say "$1: $waited s so far"
	done
}

# need_mounts WHAT: dies where WHAT cannot have mounts of its own (unshare(1)).
need_mounts()
{
	[ "$(id -u)" = 0 ] || die "$1 mounts, and needs root"
	awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo ||
		die "$1 needs mounts of its own, and / is none here: change the root to a mount (mount --bind FOLDER FOLDER, then chroot FOLDER)"
}

# put_if_changed FILE: standard input becomes FILE; its time moves only where the content does.
put_if_changed()
{
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm "$1.new"
	else
		mv "$1.new" "$1"
	fi
}

# begin ... end: one build at a time in this tree. The kernel drops the lock when build.sh dies.
begin()
{
	mkdir -p out
	exec 9>out/.lock
	flock -n 9 || {
		say "waiting for another build in this folder"
		flock 9
	}
}
end() { exec 9>&-; }
