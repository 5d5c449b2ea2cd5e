# What differs for x86_64. Sourced by toolchain/target.sh.
# shellcheck shell=sh disable=SC2034
TRIPLET=x86_64-linux-gnu
SIZE_LIMIT=458752
TARGET_CFLAGS=

# BearSSL files that are worth -O2: S3 wants the SHA-256 of each body.
BEARSSL_FAST=sha2small
