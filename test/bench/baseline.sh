#!/bin/bash
# baseline.sh - what people run in a sandbox today: the script that s3mounts replaces, with its habits. It is measured, not recommended.
#
# baseline.sh FOLDER: mounts three prefixes of $S3_BUCKET_NAME below FOLDER.

BASE=${1:-/mnt/r2}

mkdir -p ~/.config/rclone
cat > ~/.config/rclone/rclone.conf << EOF
[r2]
type = s3
provider = Other
endpoint = $S3_ENDPOINT_URL
access_key_id = $S3_ACCESS_KEY_ID
secret_access_key = $S3_ACCESS_SECRET
no_check_bucket = true
EOF

mkdir -p "$BASE/threads/$THREAD_ID" "$BASE/skills/system" "$BASE/skills/$USER_ID"

OPTS="--allow-other --vfs-cache-mode full --vfs-write-back 1s --daemon"

# shellcheck disable=SC2086
nohup rclone mount "r2:$S3_BUCKET_NAME/threads/$THREAD_ID" "$BASE/threads/$THREAD_ID" $OPTS > /dev/null 2>&1 &
sleep 2
# shellcheck disable=SC2086
nohup rclone mount "r2:$S3_BUCKET_NAME/skills/system" "$BASE/skills/system" $OPTS > /dev/null 2>&1 &
sleep 2
# shellcheck disable=SC2086
nohup rclone mount "r2:$S3_BUCKET_NAME/skills/$USER_ID" "$BASE/skills/$USER_ID" $OPTS > /dev/null 2>&1 &

echo "Mounts complete"
