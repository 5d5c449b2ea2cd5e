# The machine's own C library and sanitizers, for the unit tests. Sourced by toolchain/target.sh.
# shellcheck shell=sh disable=SC2034
TRIPLET=$HOST_ARCH-linux-gnu
TARGET_CFLAGS=
BEARSSL_FAST=
SIZE_LIMIT=
