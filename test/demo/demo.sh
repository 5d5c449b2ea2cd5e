#!/bin/sh
# demo.sh - the life of a sandbox in a minute: a real S3 server on this machine, and beside it a root file system that holds nothing but
# s3mounts and rclone. Needs root (for FUSE in a root of its own). Everything that it makes is gone at its end, Ctrl-C included.
#
# demo.sh [BINARY], or $S3MOUNTS_BIN, or what ./build.sh makes.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
binary=$(readlink -f "${1:-${S3MOUNTS_BIN:-$here/../out/$(uname -m)/s3mounts}}")
export PYTHONDONTWRITEBYTECODE=1

say()
{
	if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$1"; else printf '\n%s\n' "$1"; fi
	shift
	[ $# -eq 0 ] || printf '   %s\n' "$@"
}

# Shows a command and runs it inside, with the variables that a backend gives: in the sandbox's namespaces and its root.
inside()
{
	printf '   $ s3mounts %s\n' "$*"
	code=0
	nsenter --target "$init" --mount --pid --root chroot "$root" /usr/bin/s3mounts "$@" > "$work/said" 2>&1 || code=$?
	sed 's/^/     /' "$work/said"
	printf '     (exit code %s)\n' "$code"
}

[ "$(id -u)" = 0 ] || { echo "demo.sh: it mounts, and needs root" >&2; exit 1; }
server=
sandbox=
work=$(mktemp -d -t s3mounts-demo-XXXXXX)
clean_up()
{
	trap '' INT TERM HUP
	[ -z "$sandbox" ] || kill -KILL "$sandbox" 2>/dev/null || : # takes all that is in it along; unshare(1) ignores SIGTERM
	[ -z "$server" ] || kill "$server" 2>/dev/null || :
	wait
	rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "1. An S3 server" \
	"Ceph's radosgw on loopback. It checks signatures as AWS does."
mkfifo "$work/stop"
(cd "$here" && exec /usr/bin/python3 -m support.s3server < "$work/stop" > "$work/exports") &
server=$!
exec 3> "$work/stop" # the server serves until this is closed
until grep -q THREAD_ID "$work/exports" 2>/dev/null; do
	kill -0 "$server"
	sleep 0.1
done
# shellcheck source=/dev/null
. "$work/exports"
export THREAD_ID=thread-42 USER_ID=alice
printf '   %s, bucket "%s"\n' "$S3_ENDPOINT_URL" "$S3_BUCKET_NAME"

say "2. A sandbox with nothing in it" \
	"Its own root, mounts and processes. No shell, no fusermount3, no sudo, no CA bundle: s3mounts, and rclone with what it loads."
root=$work/root
rclone=$(command -v rclone)
for file in "$rclone" $(ldd "$rclone" | grep -o '/[^ ]*'); do
	mkdir -p "$root$(dirname "$file")"
	cp -L "$file" "$root$file"
done
cp "$binary" "$root/usr/bin/s3mounts"
mkdir -p "$root/proc" "$root/dev" "$root/tmp"
# shellcheck disable=SC2016
unshare --mount --propagation private --pid --fork --kill-child sh -c '
	mount --bind "$1" "$1" && cd "$1" && mount -t proc proc proc && mount -t tmpfs tmpfs dev && mknod dev/fuse c 10 229 && mknod dev/null c 1 3
	: > "$1/tmp/ready"
	while :; do sleep 1000; done' init "$root" &
sandbox=$!
until [ -e "$root/tmp/ready" ]; do
	kill -0 "$sandbox"
	sleep 0.05
done
init=$(tr -d ' ' < "/proc/$sandbox/task/$sandbox/children")
(cd "$root" && find . -type f ! -path './proc/*' ! -path './tmp/*' -printf '   %10s  %P\n')

witness()
{
	/usr/bin/python3 - "$@" <<-'END'
	import os, sys, boto3
	s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT_URL"], region_name="us-east-1",
	                  aws_access_key_id=os.environ["S3_ACCESS_KEY_ID"], aws_secret_access_key=os.environ["S3_ACCESS_SECRET"])
	bucket = os.environ["S3_BUCKET_NAME"]
	if sys.argv[1] == "put":
	    s3.put_object(Bucket=bucket, Key=sys.argv[2], Body=sys.argv[3].encode())
	else:
	    for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]:
	        text = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read().decode().strip()
	        print(f"   s3://{bucket}/{entry['Key']}: {text}")
	END
}
witness put "skills/$USER_ID/note.txt" "Hello from outside"

say "3. Up, with a wrong secret" \
	"A script would say that all is well, and lose every file that is written later."
(export S3_ACCESS_SECRET=not-the-secret && inside up)

say "4. Up" \
	"THREAD_ID=$THREAD_ID USER_ID=$USER_ID; checked, mounted, and each mount asked whether it answers."
inside up

say "5. Write a file, read one" \
	"One is written in the sandbox; the other was put into the bucket from outside."
mnt=/proc/$init/root$root/mnt/r2
printf '   $ echo "Hello from a sandbox" > /mnt/r2/threads/%s/hello.txt\n' "$THREAD_ID"
echo "Hello from a sandbox" > "$mnt/threads/$THREAD_ID/hello.txt"
printf '   $ cat /mnt/r2/skills/%s/note.txt\n     %s\n' "$USER_ID" "$(cat "$mnt/skills/$USER_ID/note.txt")"

say "6. Status"
inside status

say "7. Down" \
	"It waits until every byte is in S3, unmounts, and looks whether the mounts are gone."
inside down

say "8. What the bucket holds" \
	"Asked by another client (boto3), from outside."
witness look
