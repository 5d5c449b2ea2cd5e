# What differs for aarch64. Sourced by toolchain/target.sh.
# shellcheck shell=sh disable=SC2034
TRIPLET=aarch64-linux-gnu
SIZE_LIMIT=491520

# Outline atomics would pull in libgcc's run-time dispatch; nothing here is hot on atomics.
TARGET_CFLAGS=-mno-outline-atomics

# BearSSL files that are worth -O2: S3 wants the SHA-256 of each body.
BEARSSL_FAST=sha2small
