# Sourced by build.sh: the programs under the names that they are published with.
# shellcheck shell=sh

cmd_dist()
{
	cmd_build $TARGETS
	rm -rf out/dist
	mkdir -p out/dist
	for arch in $TARGETS; do
		cp "out/$arch/s3mounts" "out/dist/s3mounts-$VERSION-$arch"
	done
	(cd out/dist && sha256sum s3mounts-* | tee SHA256SUMS)
	say "out/dist is ready"
}
