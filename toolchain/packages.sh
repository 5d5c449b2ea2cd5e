# Sourced by build.sh: which Debian packages (12 and later) each purpose needs, and getting what is missing.
# shellcheck shell=sh

# Without a cross compiler's recommended glibc: we bring musl. The kernel's headers of the other architecture are wanted.
case $(uname -m) in
x86_64)  HOST_ARCH=x86_64  CROSS_PACKAGES="gcc-aarch64-linux-gnu linux-libc-dev-arm64-cross" ;;
aarch64) HOST_ARCH=aarch64 CROSS_PACKAGES="gcc-x86-64-linux-gnu linux-libc-dev-amd64-cross" ;;
*)       die "building on $(uname -m) is not supported: use an x86_64 or aarch64 machine" ;;
esac

packages_for()
{
	case $1 in
	build) echo "gcc libc6-dev linux-libc-dev $CROSS_PACKAGES lld make patch xz-utils dpkg-dev curl ca-certificates python3" ;;
	test)  echo "libcmocka-dev python3-pytest python3-pytest-xdist python3-boto3 python3-botocore ceph-mon ceph-osd ceph-common" \
	            "radosgw rclone podman runc nginx-light qemu-user-static strace fuse3 iproute2 openssl procps" \
	            "nodejs python3-yaml python3-pip sudo systemd tinyproxy-bin microsocks socat" ;;
	demo)  echo "ceph-mon ceph-osd ceph-common radosgw rclone fuse3 openssl procps python3-boto3" ;;
	bench) echo "hyperfine s3fs curl" ;;
	lint)  echo "clang-format clang-tidy shellcheck cppcheck libcmocka-dev" ;;
	fuzz)  echo "clang" ;;
	debug) echo "gdb strace" ;;
	valgrind) echo "valgrind libc6-dbg" ;;
	fuzz-runtime) dpkg-query -W -f '${Version}' clang | sed 's/^[0-9]*:\([0-9]*\).*/libclang-rt-\1-dev/' ;;
	esac
}

# missing PACKAGE...: those that are neither installed nor provided by what is.
missing()
{
	dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' | awk -v want="$*" '
		$1 == "installed" {
			gsub(/\([^)]*\)/, "")
			for (n = split(substr($0, 11), name, /[ ,]+/); n; n--)
				have[name[n]] = 1
		}
		END {
			for (i = 1; i <= split(want, name, " "); i++)
				if (!(name[i] in have) && !seen[name[i]]++)
					print name[i]
		}'
}

# need PURPOSE...: returns when the packages for all of these are there.
need()
{
	want=
	for purpose in "$@"; do
		want="$want $(packages_for "$purpose")"
	done
	lack=$(missing $want)
	[ -n "$lack" ] || return 0
	install="apt-get install -y --no-install-recommends $(echo $lack)"
	[ "$(id -u)" = 0 ] || die "packages are missing. Run as root: $install"
	say "installing with apt-get:" $lack
	export DEBIAN_FRONTEND=noninteractive
	install="$install -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300"
	mkdir -p out
	$install >out/apt.log 2>&1 </dev/null || {
		say "apt-get cannot yet: bringing its index up to date"
		apt-get update -qq && $install >out/apt.log 2>&1 </dev/null
	} || {
		cat out/apt.log >&2
		die "apt-get could not install: $(echo $lack)"
	}
}
