"""procfs.py - what the kernel says about mounts and processes: the witness beside boto3."""

import os
import pathlib


def _unescape(field):
    """mountinfo writes blank, tab, newline and backslash as three octal digits."""
    head, *rest = field.split("\\")
    return head + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def is_layer(mount):
    """The empty, read-only file system that s3mounts puts under a mount."""
    return mount[1] == "tmpfs" and mount[2].startswith("s3mounts:/")


def mounts(below="/", pid="self"):
    """[(target, fstype, source)] of the mounts at or below the folder BELOW, in the kernel's order; without a layer on which another stands."""
    found = all_mounts(below, pid)
    return [m for i, m in enumerate(found) if not (is_layer(m) and any(m[0] == other[0] for other in found[i + 1:]))]


def all_mounts(below="/", pid="self"):
    found = []
    text = pathlib.Path(f"/proc/{pid}/mountinfo").read_bytes().decode("utf-8", "surrogateescape")
    for line in text.splitlines():
        left, right = line.split(" - ", 1)
        target, (fstype, source) = _unescape(left.split(" ")[4]), right.split(" ")[:2]
        if os.path.commonpath([target, str(below)]) == str(below):
            found.append((target, fstype, _unescape(source)))
    return found


def _read(pid, name):
    try:
        return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_line(pid):
    return _read(pid, "cmdline")


def environment(pid):
    return _read(pid, "environ")


def state(pid):
    """'S', 'Z', …, or None where there is no such process."""
    stat = _read(pid, "stat")
    return chr(stat[stat.rindex(b")") + 2]) if stat else None


def parent(pid):
    stat = _read(pid, "stat")
    return int(stat[stat.rindex(b")") + 2:].split()[1]) if stat else None


def group(pid):
    stat = _read(pid, "stat")
    return int(stat[stat.rindex(b")") + 2:].split()[2]) if stat else None


def session(pid):
    stat = _read(pid, "stat")
    return int(stat[stat.rindex(b")") + 2:].split()[3]) if stat else None


def number_inside(pid):
    """The number that it has in its own pid namespace."""
    return int(_read(pid, "status").split(b"NSpid:")[1].split(b"\n")[0].split()[-1])


def oom_score_adj(pid):
    return int(_read(pid, "oom_score_adj"))


def alive(pid):
    return state(pid) not in (None, "Z")


def children(pid):
    return [p for p in processes() if parent(p) == pid]


def open_files(pid):
    """What its descriptors point to, as text."""
    found = []
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
            except OSError:
                pass
    except OSError:
        pass
    return found


def of_folder(folder):
    """
    The processes that have to do with FOLDER by command line, environment or an open file; without this one and its parents, and those
    that are ending (they have no command line any more).
    """
    folder, us = str(folder), {os.getpid()}
    pid = os.getpid()
    while pid:
        pid = parent(pid)
        us.add(pid)
    return [pid for pid in processes() if pid not in us and command_line(pid) and (
        folder.encode() in command_line(pid) or folder.encode() in environment(pid) or
        any(folder in path for path in open_files(pid)))]


def memory_holds(pid, needle):
    """Are these bytes anywhere in its memory?"""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            bounds, mode = line.split()[:2]
            begin, end = (int(n, 16) for n in bounds.split("-"))
            if not mode.startswith("r") or "[v" in line:
                continue
            memory.seek(begin)
            if needle in memory.read(end - begin):
                return True
    return False


def cpu_seconds(pid):
    """What the process itself has used of the processors, in user and in kernel mode."""
    stat = _read(pid, "stat")
    fields = stat[stat.rindex(b")") + 2:].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def pss_kib(pid):
    """Proportional set size: what the process costs, shared pages counted in parts."""
    return _smaps_kib(pid, b"Pss:")


def anonymous_kib(pid):
    """Stack, heap and what it has written to of its data: how many run the same program does not matter."""
    return _smaps_kib(pid, b"Anonymous:")


def _smaps_kib(pid, name):
    for line in _read(pid, "smaps_rollup").splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def limit(pid, name):
    """The line of /proc/PID/limits that begins with NAME."""
    return next(line for line in _read(pid, "limits").decode().splitlines() if line.startswith(name))
