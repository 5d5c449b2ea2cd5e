"""test_container.py - images FROM scratch: s3mounts, and rclone with its libraries; no shell, no fusermount3, no CA bundle."""

import json

import pytest

from support import procfs


@pytest.fixture(scope="session")
def images(engine):
    """Makes each image once: images(binary, with_rclone) gives its name."""
    made = {}

    def image(binary, with_rclone):
        key = (str(binary), with_rclone)
        if key not in made:
            made[key] = engine.image(f"s3mounts-test-{len(made)}", binary, with_rclone)
        return made[key]
    return image


def environment(server, thread):
    return {**server.environment(), "THREAD_ID": thread, "USER_ID": f"user-of-{thread}"}


def up(container, code):
    done = container.exec("/usr/bin/s3mounts", "up", "--json")
    assert done.returncode == code, done
    return json.loads(done.stdout)


@pytest.mark.both
def test_scratch_with_rclone(engine, images, binary, server, architecture):
    thread = f"scratch-{architecture}"
    container = engine.container(images(binary, True), env=environment(server, thread))
    try:
        answer = up(container, 0)
        assert [m["target"] for m in answer["mounts"]] == [
            f"/mnt/r2/threads/{thread}", "/mnt/r2/skills/system", f"/mnt/r2/skills/user-of-{thread}"]
        for mount in answer["mounts"]:
            (container.root / mount["target"][1:] / f"from-{thread}").write_text(mount["target"])
        assert len([m for m in procfs.mounts("/", container.pid) if m[1] == "fuse.rclone"]) == 3
        assert json.loads(container.exec("/usr/bin/s3mounts", "status", "--json").stdout)["ok"]
        assert container.exec("/usr/bin/s3mounts", "down").returncode == 0
        assert not [m for m in procfs.mounts("/", container.pid) if m[1].startswith("fuse")]
    finally:
        container.remove()
    keys = [f"threads/{thread}/from-{thread}", f"skills/system/from-{thread}", f"skills/user-of-{thread}/from-{thread}"]
    for key, mount in zip(keys, answer["mounts"]):
        assert server.client().get_object(Bucket=server.bucket, Key=key)["Body"].read().decode() == mount["target"]


def test_scratch_without_rclone(engine, images, binary, server):
    container = engine.container(images(binary, False), env=environment(server, "alone"))
    try:
        assert container.exec("/usr/bin/s3mounts", "check", "--write").returncode == 0
        assert "rclone" in str(up(container, 6))
    finally:
        container.remove()


@pytest.mark.parametrize("capabilities", [(), ("--cap-add=SYS_ADMIN",), ("--cap-add=SYS_ADMIN", "--cap-add=MKNOD")],
                         ids=["no rights", "no device", "no device, but mknod"])
def test_no_fuse(engine, images, binary, server, capabilities):
    container = engine.container(images(binary, True), *capabilities, fuse=False, env=environment(server, "nofuse"))
    try:
        answer = up(container, 6)
        words = str(answer)
        assert "/dev/fuse" in words
        assert {m["state"] for m in answer["mounts"]} <= {"failed"}
        assert not [m for m in procfs.mounts("/", container.pid) if m[1].startswith("fuse")]
    finally:
        container.remove()


def test_the_device_without_the_right_to_mount(engine, images, binary, server):
    container = engine.container(images(binary, True), "--device=/dev/fuse", fuse=False, env=environment(server, "noright"))
    try:
        assert "SYS_ADMIN" in str(up(container, 6))
    finally:
        container.remove()


def test_fstab_in_etc(engine, images, binary, server, tmp_path):
    (tmp_path / "fstab").write_text("etc/${THREAD_ID} /data auto rw 0 0\n")
    container = engine.container(images(binary, True), f"--volume={tmp_path}/fstab:/etc/s3mounts.fstab:ro", env=environment(server, "etc"))
    try:
        assert [m["target"] for m in up(container, 0)["mounts"]] == ["/data"]
        assert container.exec("/usr/bin/s3mounts", "down").returncode == 0
    finally:
        container.remove()


def test_tls_needs_no_bundle_in_the_image(engine, images, binary, server, tls, tmp_path):
    """Without a bundle the built-in authorities hold: ours is a stranger, in words. With it as a file in the image, rclone gets it."""
    volume = f"--volume={tls.authority.certificate}:/ca.pem:ro"
    env = {**environment(server, "tls"), "S3_ENDPOINT_URL": tls.url("good")}
    for more, code in (({}, 5), ({"SSL_CERT_FILE": "/ca.pem"}, 0)):
        container = engine.container(images(binary, True), volume, env={**env, **more})
        try:
            answer = up(container, code)
            assert {m["check"]["verdict"] for m in answer["mounts"]} == {"ok" if code == 0 else "tls"}
            if code == 0:
                (container.root / "mnt/r2/threads/tls/file").write_text("over TLS")
                assert container.exec("/usr/bin/s3mounts", "down").returncode == 0
        finally:
            container.remove()
    assert server.client().get_object(Bucket=server.bucket, Key="threads/tls/file")["Body"].read() == b"over TLS"
