#!/usr/bin/python3
"""toolchain/anchors.py OUT.c - writes those certificate authorities of Debian's ca-certificates as C that toolchain/authorities names.

The record format is stated in src/http/anchors.h. Only name and key are taken: that is all a trust anchor is. One that a release of
ca-certificates does not have (any more, or yet) is passed over: Mozilla has withdrawn its trust, or not given it there.
"""

import base64
import os
import re
import sys

FOLDER = "/usr/share/ca-certificates/mozilla"
AUTHORITIES = os.path.join(os.path.dirname(__file__), "authorities")
PEM = re.compile(b"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)

SEQUENCE = 0x30
VERSION = 0xA0  # [0] EXPLICIT, absent in version 1 (RFC 5280, 4.1)


def element(der, at):
    """The DER element at AT: its tag, where its content starts, where it ends."""
    tag, length, start = der[at], der[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise ValueError("long tag")
    if length >= 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[start : start + octets], "big")
        start += octets
    if start + length > len(der):
        raise ValueError("cut off")
    return tag, start, start + length


def inside(der, at):
    """The elements inside the SEQUENCE at AT, as (tag, whole element)."""
    tag, at, end = element(der, at)
    if tag != SEQUENCE:
        raise ValueError("not a SEQUENCE")
    found = []
    while at < end:
        tag, _, after = element(der, at)
        found.append((tag, der[at:after]))
        at = after
    return found


def anchor(der):
    """Subject and subjectPublicKeyInfo of a certificate (RFC 5280, 4.1: TBSCertificate)."""
    fields = inside(inside(der, 0)[0][1], 0)
    if fields[0][0] == VERSION:
        fields = fields[1:]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    (name_tag, name), (key_tag, key) = fields[4:6]
    if name_tag != SEQUENCE or key_tag != SEQUENCE:
        raise ValueError("no subject or no key where they belong")
    return name, key


def anchors(names):
    found = {}
    for name in names:
        path = os.path.join(FOLDER, name + ".crt")
        if not os.path.exists(path):
            continue
        with open(path, "rb") as f:
            blocks = PEM.findall(f.read())
        if not blocks:
            sys.exit(f"{path}: no certificate in it")
        for block in blocks:
            try:
                found[anchor(base64.b64decode(block))] = True
            except (ValueError, IndexError) as e:
                sys.exit(f"{path}: not a certificate: {e}")
    return list(found)


def record(field):
    return len(field).to_bytes(2, "big") + field


def main(out):
    with open(AUTHORITIES, encoding="ascii") as f:
        found = anchors([line for line in f.read().split("\n") if line and not line.startswith("#")])
    if not found:
        sys.exit(f"{FOLDER}: no certificates (package ca-certificates)")
    data = b"".join(record(name) + record(key) for name, key in found)
    with open(out + ".new", "w", encoding="ascii") as f:
        f.write('/* Made by toolchain/anchors.py. */\n\n#include "http/anchors.h"\n\n')
        f.write("const unsigned char anchors_builtin[] = {\n")
        for at in range(0, len(data), 24):
            f.write("\t" + ",".join(map(str, data[at : at + 24])) + ",\n")
        f.write("};\n\nconst size_t anchors_builtin_size = sizeof anchors_builtin;\n")
        f.write(f"const unsigned anchors_builtin_count = {len(found)};\n")
    os.replace(out + ".new", out)


if __name__ == "__main__":
    main(sys.argv[1])
