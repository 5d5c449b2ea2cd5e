"""What a real rclone reads from the section that src/rclone/conf.c writes: exactly what was given, or it was refused."""

import json
import os
import random
import subprocess

TOOL = os.path.join(os.environ["S3MOUNTS_HOST"], "rclone_conf_tool")
NASTY = ["`", "``", "```", '"', '"""', "'", "#", ";", "=", ":", " ", "\t", "%", "%%", "%(", "%(type)s", ")s", "[", "]", "[x]",
         "\\", "\\n", "\n", "\r", "\n[evil]\ntype = local\n", "$", "${HOME}", "{", "}", ",", "/", "+", "é",
         "\u00a0", "\u0085", "\u2028", "\ufeff", "\x01", "\x0b", "\x0c", "\x1c", "\x7f", "a", "Z9"]
UNWRITABLE = ("\n", "\r", "%(")
WRITABLE = [p for p in NASTY if not any(bad in p for bad in UNWRITABLE)]
OTHERS = ("# a file of its owner\n"
          "[first]\ntype = alias\nremote = /tmp\n\n"
          "; between\r\n[ spaced name ]\r\ntype = local\r\n\r\n"
          "[s3mounts]\ntype = s3\nprovider = AWS\nsession_token = stale\n"
          "# behind ours\n\n[last]\ntype = alias\nremote = `  /x `")


def merge(values, old):
    text = b"".join(v.encode() + b"\0" for v in values) + old.encode()
    return subprocess.run([TOOL], input=text, capture_output=True, timeout=10)


def dump(path):
    """The whole configuration as rclone reads it."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(["rclone", "config", "dump", "--config", path], capture_output=True, timeout=30, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def hostile(rng, most):
    """1 to MOST bytes, of what parsers trip over; now and then it cannot be written."""
    text = "".join(rng.choice(NASTY if rng.random() < 0.1 else WRITABLE) for _ in range(rng.randint(1, 8)))
    return text.encode()[:most].decode(errors="ignore") or "x"


def check(values, tmp_path):
    """True when VALUES could be written; then rclone has read them back."""
    done = merge(values, OTHERS)
    if any(bad in v for v in values for bad in UNWRITABLE):
        assert done.returncode == 2, values
        assert not done.stdout
        return False
    assert done.returncode == 0, (values, done.stderr)
    path = tmp_path / "rclone.conf"
    path.write_bytes(done.stdout)
    config = dump(str(path))
    ours = config.pop("s3mounts")
    names = ("access_key_id", "secret_access_key", "session_token", "region")
    assert [ours.get(n, "") for n in names] == list(values)
    assert ours["type"] == "s3" and ours["endpoint"] == "http://127.0.0.1:9000" and ours["no_check_bucket"] == "true"
    assert config == {"first": {"type": "alias", "remote": "/tmp"}, "spaced name": {"type": "local"},
                      "last": {"type": "alias", "remote": "  /x "}}
    before, after = OTHERS.split("[s3mounts]")[0], OTHERS[OTHERS.index("# behind ours"):]
    assert done.stdout.startswith(before.encode()) and done.stdout.endswith(after.encode())
    return True


def test_each_nasty_piece(tmp_path):
    for piece in WRITABLE:
        assert check([piece, piece + "x", "x" + piece, "us-east-1"], tmp_path)


def test_unwritable_pieces(tmp_path):
    for piece in NASTY:
        if any(bad in piece for bad in UNWRITABLE):
            for at in range(4):
                values = ["a", "b", "c", "d"]
                values[at] = "x" + piece
                assert not check(values, tmp_path)


def test_generated_values(tmp_path):
    rng = random.Random(20261123)
    written = 0
    for _ in range(150):
        written += check([hostile(rng, 128), hostile(rng, 256), hostile(rng, 4096), hostile(rng, 60)], tmp_path)
    assert 50 <= written <= 140  # both outcomes were seen


def test_an_empty_token_clears_a_stale_one(tmp_path):
    assert check(["a", "b", "", "us-east-1"], tmp_path)


def test_rclone_lists_the_remote(tmp_path):
    path = tmp_path / "rclone.conf"
    path.write_bytes(merge(["a", "b", "c", "d"], "[other]\ntype = local").stdout)
    done = subprocess.run(["rclone", "listremotes", "--config", str(path)], capture_output=True, timeout=30)
    assert done.stdout.split() == [b"other:", b"s3mounts:"]
