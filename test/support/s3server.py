#!/usr/bin/python3
"""
s3server.py - a real S3 server from Debian's packages: Ceph's radosgw over one monitor and one OSD that keeps all in memory.

It checks signatures, clocks and payload hashes as AWS does. Everything is on loopback and in one folder.

By hand:  cd test && /usr/bin/python3 -m support.s3server
prints export lines (endpoint, keys, bucket) and serves until its stdin ends, SIGTERM or Ctrl-C.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import uuid

import boto3
import botocore.config

from support import proc

KEY_ID = "AKIATESTS3MOUNTS0001"
BUCKET = "sandbox"

CONF = """\
[global]
fsid = {fsid}
mon host = [v1:127.0.0.1:{mon_port}]
auth cluster required = none
auth service required = none
auth client required = none
ms bind msgr2 = false
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = {folder}
admin socket =
log file = {folder}/$name.log
log to stderr = false
err to stderr = false
mon cluster log to file = false
mon data = {folder}/mon
paxos propose interval = 0.02
paxos min wait = 0.01
mon allow pool size one = true
mon allow pool delete = true
mon warn on pool no redundancy = false
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = {size}
osd pool default size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd class load list = *
osd class default list = *
rgw data = {folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:{rgw_port} tcp_nodelay=1
rgw dynamic resharding = false
rgw override bucket index max shards = 1
rgw gc obj min wait = 1
rgw gc processor period = 1
rgw thread pool size = 64
rgw enable usage log = false
rgw enable ops log = false
"""


class S3Server:
    """A running server. `endpoint`, `port`, `key_id`, `secret`, `bucket`; `client()` is the independent witness (boto3)."""

    def __init__(self, folder, size=4 << 30):
        self.folder = pathlib.Path(folder)
        self.port, self.mon_port = proc.free_ports(2)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.key_id, self.bucket = KEY_ID, BUCKET
        self.secret = "s/+" + base64.b64encode(os.urandom(27)).decode()  # 39 characters, in all three classes; nobody else has it
        self.fsid = str(uuid.uuid4())
        self.size = size
        self.children = []

    def start(self):
        try:
            self._configure()
            self._start_store()
            self._start_gateway()
            self.client().create_bucket(Bucket=self.bucket)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        for child in reversed(self.children):
            proc.stop(child, grace=0.5)
        self.children.clear()

    def client(self, **more):
        """A boto3 client with the good keys, or with what MORE says (endpoint_url, aws_access_key_id, …)."""
        return boto3.client(**{
            "service_name": "s3", "endpoint_url": self.endpoint, "region_name": "us-east-1",
            "aws_access_key_id": self.key_id, "aws_secret_access_key": self.secret,
            "config": botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"max_attempts": 2}, connect_timeout=5, read_timeout=20), **more})

    def _ceph(self, *argv):
        return proc.run([*argv, "-c", self.folder / "ceph.conf"], timeout=60).stdout

    def _daemon(self, *argv):
        child = proc.spawn([*argv, "-f", "-c", self.folder / "ceph.conf"], log=self.folder / f"{argv[0]}.out")
        self.children.append(child)
        return child

    def _configure(self):
        for name in ("mon", "osd", "rgw"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "ceph.conf").write_text(CONF.format(
            fsid=self.fsid, folder=self.folder, mon_port=self.mon_port, rgw_port=self.port, size=self.size))

    def _start_store(self):
        monmap = self.folder / "monmap"
        proc.run(["monmaptool", "--create", "--clobber", "--fsid", self.fsid,
                  "--addv", "a", f"[v1:127.0.0.1:{self.mon_port}]", monmap])
        self._ceph("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self._daemon("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        self._once_it_answers("ceph", "osd", "new", osd, "0")
        self._ceph("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        # A pool that is made while the OSD boots can make it wait for ever; and on a loaded machine it may do so all the same.
        for _ in range(5):
            store = self._daemon("ceph-osd", "-i", "0")
            if self._is_up(store):
                return
            proc.stop(store, grace=0.5)
            self.children.remove(store)
        raise RuntimeError(f"ceph-osd does not come up; its log is in {self.folder}")

    def _once_it_answers(self, *argv, patience=20):
        """A monitor that has just started refuses its first commands now and then (EPERM)."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._ceph(*argv)
            except RuntimeError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _is_up(self, store, patience=8):
        deadline = time.monotonic() + patience
        while store.poll() is None and time.monotonic() < deadline:
            if json.loads(self._once_it_answers("ceph", "osd", "stat", "--format=json"))["num_up_osds"]:
                return True
        return False

    def _start_gateway(self):
        self._ceph("radosgw-admin", "user", "create", "--uid=tests", "--display-name=tests",
                   f"--access-key={self.key_id}", f"--secret-key={self.secret}")
        gateway = self._daemon("radosgw", "-n", "client.rgw.tests")
        proc.wait_for(lambda: gateway.poll() is not None or proc.answers(self.port), 60, "radosgw")
        if gateway.poll() is not None:
            raise RuntimeError(f"radosgw exits with {gateway.returncode}; its logs are in {self.folder}")

    # Other keys, as variables for s3mounts

    def renewed(self):
        """A second key with the same rights."""
        key, secret = "AKIATESTS3MOUNTS0002", f"renewed-{self.secret}"
        if key not in self._ceph("radosgw-admin", "user", "info", "--uid=tests"):
            self._ceph("radosgw-admin", "key", "create", "--uid=tests", "--key-type=s3", f"--access-key={key}", f"--secret-key={secret}")
        return {"S3_ACCESS_KEY_ID": key, "S3_ACCESS_SECRET": secret}

    def reader(self):
        """May list and read the bucket, and nothing else."""
        self._user("reader")
        allow = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/reader"]},
                 "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"]}
        self.client().put_bucket_policy(Bucket=self.bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))
        return {"S3_ACCESS_KEY_ID": "AKIAreader", "S3_ACCESS_SECRET": "secret-of-reader"}

    def nobody(self):
        """A known key without any right."""
        self._user("nobody")
        return {"S3_ACCESS_KEY_ID": "AKIAnobody", "S3_ACCESS_SECRET": "secret-of-nobody"}

    def _user(self, name):
        if name in self._ceph("radosgw-admin", "user", "list"):
            return
        self._ceph("radosgw-admin", "user", "create", f"--uid={name}", f"--display-name={name}",
                   f"--access-key=AKIA{name}", f"--secret-key=secret-of-{name}")

    def environment(self):
        """What a user would export to reach this server."""
        return {"S3_ENDPOINT_URL": self.endpoint, "S3_ACCESS_KEY_ID": self.key_id, "S3_ACCESS_SECRET": self.secret,
                "S3_BUCKET_NAME": self.bucket}


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    folder = tempfile.mkdtemp(prefix="s3server-")
    server = S3Server(folder)
    try:
        server.start()
        for name, value in server.environment().items():
            print(f"export {name}={value!r}")
        print("export THREAD_ID='t1' USER_ID='u1'", flush=True)
        sys.stdin.buffer.read()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
