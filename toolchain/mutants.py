#!/usr/bin/python3
"""
toolchain/mutants.py [--quick] [--least N] COUNT SEED [PATH] - makes COUNT small faults in src (or in its files whose path begins with PATH),
one at a time, and tells which of them no test notices. `./build.sh soak mutants` builds what it copies.

Each worker has a copy of the tree, in which a file is changed, built and judged: by the unit tests and the seeds of the fuzz targets, with the
sanitizers; where these see nothing, by the integration tests that TESTS names for the file. With --quick by the first of these alone, which
take seconds. A program with a fault runs as root: always in toolchain/cell. One that hangs is noticed.

The same COUNT, SEED and sources make the same mutants. One that does not compile, or makes the same machine code, is none: another is drawn.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import queue
import random
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

TREES = pathlib.Path("out/mutants")
QUICK = "out/quick"  # the unit tests and seeds, made for being built again and again
ARCH = os.uname().machine
WORKERS = 2 * (os.cpu_count() or 1)  # integration tests wait more than they work

# What keeps a promise (nobody else's mount, key or server) is drawn three times as often.
PROMISES = ("src/sup/", "src/ctl/", "src/driver/", "src/unsent/", "src/s3/", "src/base/caps", "src/base/confine", "src/base/creds",
            "src/http/verify", "src/http/names", "src/http/cert")
PROMISE_WEIGHT = 3

# What hangs is noticed. A busy machine must not pass for that.
UNIT_SECONDS = 60  # one program without a fault; the slowest takes 5. With one: so many times as long as without, and some more
SLOWER = 5
TEST_SECONDS = 30  # one integration test; those of TESTS take 3 or less, but for a few that take 10
ALL_SECONDS = 300  # all that are asked about one mutant; they take a minute

# ---- the mutator

NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
FLIPPED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&", "true": "false", "false": "true"}
TOKEN = re.compile(r"(?<= )(?:<=|>=|==|!=|<|>|&&|\|\|)(?=\s)|\b(?:true|false)\b|!(?!=)|(?<![\w.])-1\b|(?<![\w.])\d+(?=[uUlL]*\b(?!\.))")
CHANGED = {"0600": "0644", "0700": "0755", "0400": "0444", "077": "022", "-1": "0"}
LVALUE = r"\*?\w+(?:(?:->|\.)\w+|\[[^\]]*\])*"
REMOVABLE = re.compile(
    rf"\t+(?!(?:if|for|while|switch|return|sizeof)\b)(?:[a-zA-Z_]\w*(?:(?:->|\.)\w+)*\(.*\)|{LVALUE} (?:[-+|&^*/%]|<<|>>)?= .*|{LVALUE}(?:\+\+|--));")
ERROR = re.compile(r"\t+return (?:-1|false|NULL|err_\w+\(.*\));")
# An array that is larger, a variable that is not zero at first and is set later: no difference.
DECLARATION = re.compile(r"\t+(?!return |else |goto )(?:\w+ )+(?:[^=]*\[[^=]*(?: = \{ 0 \})?|\w+ = \{ 0 \});")
UNUSED = re.compile(r"\t+prctl\(.*, 0, 0\);")  # nobody reads these

Mutation = collections.namedtuple("Mutation", "path row start end new")  # row: of the line, from 0


def without_noise(text):
    """Comments, strings and characters become blanks and quotes, each as long as it was."""
    return NOISE.sub(lambda m: re.sub(r"[^\n]", '"' if m[0][0] in "\"'" else " ", m[0]), text)


def rows_in_functions(lines):
    """The rows of what stands in functions and is neither a table nor for the preprocessor."""
    inside = table = False
    for row, line in enumerate(lines):
        table = table or bool(re.match(r"\t+static const ", line))
        if line in ("{", "}"):
            inside = line == "{"
        elif inside and not table and not line.startswith("#") and line.strip():
            yield row
        table = table and not line.rstrip().endswith(";")


def other_token(token):
    if token in FLIPPED:
        return FLIPPED[token]
    if token == "!":
        return ""
    if token in CHANGED:
        return CHANGED[token]
    if len(token) > 1 and token[0] == "0":
        return f"0{int(token, 8) + 1:0{len(token) - 1}o}"
    return str(int(token) + 1)


def mutations(path, text):
    """All that can be done to a file."""
    lines = without_noise(text).split("\n")
    for row in rows_in_functions(lines):
        line = lines[row]
        if not DECLARATION.fullmatch(line) and not UNUSED.fullmatch(line):
            for m in TOKEN.finditer(line):
                yield Mutation(path, row, m.start(), m.end(), other_token(m[0]))
        last = lines[row + 1 : row + 2] == ["}"]
        if REMOVABLE.fullmatch(line) or (ERROR.fullmatch(line) and not last):
            yield Mutation(path, row, len(line) - len(line.lstrip()), len(line), ";")


def mutated(text, m):
    lines = text.split("\n")
    lines[m.row] = lines[m.row][: m.start] + m.new + lines[m.row][m.end :]
    return "\n".join(lines)


def told(m, text):
    """A mutant in one line, for people."""
    before, after = text.split("\n")[m.row].strip(), mutated(text, m).split("\n")[m.row].strip()
    return f"{m.path}:{m.row + 1}: {before}   ->   {after if after != ';' else 'removed'}"


# ---- the draw


def weight(path):
    return (PROMISE_WEIGHT if path.startswith(PROMISES) else 1) * len(pathlib.Path(path).read_text().splitlines())


def draw(count, seed, prefix):
    """A list for each mutant: the first of it that compiles is it. Files come in proportion to their weight."""
    chance = random.Random(str(seed))
    paths = sorted(str(p) for p in pathlib.Path("src").rglob("*.c") if str(p).startswith(prefix))
    weights = [weight(p) for p in paths]
    step = sum(weights) / count
    wanted, begin = collections.Counter(), 0.0
    points = [(i + chance.random()) * step for i in range(count)]
    for path, w in zip(paths, weights):
        wanted[path] = sum(begin <= point < begin + w for point in points)
        begin += w
    lists = []
    for path, n in wanted.items():
        able = list(mutations(path, pathlib.Path(path).read_text()))
        able.sort(key=lambda _: chance.random())
        lists += [able[i::n] for i in range(n)]
    lists.sort(key=lambda _: chance.random())
    return lists


# ---- a tree for each worker


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(pathlib.Path(target).resolve())


class Tree:
    def __init__(self, number):
        self.root = TREES / str(number)
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        for part in ("src", "test", "toolchain", "out/gen", QUICK, f"out/{ARCH}/obj"):
            self.copy(part)
        for part in ("config.mk", "sources", "s3mounts.debug", "s3mounts"):
            self.copy(f"out/{ARCH}/{part}")
        for part in ("host", ARCH):
            link(self.root / "out" / part / "sysroot", f"out/{part}/sysroot")
        self.compiler = shlex.split(" ".join(re.findall(r"^(?:CC|CFLAGS) = (.*)", (self.root / f"out/{ARCH}/config.mk").read_text(), re.M)))

    def copy(self, part):
        (self.root / part).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", part, self.root / part], check=True)

    def run(self, argv, seconds, **env):
        """The exit status and what was said; None: it hung."""
        env = {**os.environ, "PYTHONPATH": str(self.root.resolve() / "test"), **env}
        try:
            done = subprocess.run(list(map(str, argv)), cwd=self.root, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=seconds, check=False, text=True, errors="replace")
        except subprocess.TimeoutExpired:
            return None, ""
        return done.returncode, done.stdout

    def machine_code(self, path):
        """The shipped program's; None: it does not compile."""
        status, _ = self.run([*self.compiler, "-g0", "-w", "-c", "-o", "out/mutant.o", path], 60)
        return (self.root / "out/mutant.o").read_bytes() if status == 0 else None

    def make(self, out, *programs):
        """Those of OUT, which build.sh has configured."""
        goals = [f"{out}/{name}" for name in programs]
        status, said = self.run(["make", "-s", "--no-print-directory", "-f", "toolchain/Makefile", f"OUT={out}", *goals], 300)
        if status != 0:
            raise RuntimeError(f"{self.root}: make {' '.join(goals)}: {said}")

    def in_cell(self, argv, seconds, **env):
        status, said = self.run(["sh", "toolchain/cell", *argv], seconds, **env)
        if status == 125:
            raise RuntimeError(f"toolchain/cell: {said}")
        return status, said

    def programs(self):
        """The names of unit tests, seeds and tools, each with the names of the C files in it, whatever their folders."""
        sources = [*pathlib.Path("test/unit").glob("*_t[eo]*.c"), *pathlib.Path("test/fuzz").glob("*_fuzz.c")]
        names = [p.stem.replace("_fuzz", "_replay") for p in sources]
        return {name: set(re.findall(r"^0+ a (.*\.c)$", self.run(["nm", "-a", f"{QUICK}/{name}"], 60)[1], re.M)) for name in names}

    def unit(self, order, seconds):
        """The name of the first program that notices something, or what it came to; and how long each took. SECONDS: without a fault."""
        limits = [f"{name}={SLOWER * seconds[name] + 10 if name in seconds else UNIT_SECONDS}" for name in order]
        status, said = self.in_cell(["/usr/bin/python3", "toolchain/mutants.py", "--unit", *limits], 4 * UNIT_SECONDS,
                                    ASAN_OPTIONS="hard_rss_limit_mb=1024")
        try:
            answer = json.loads(said.splitlines()[-1])
        except (ValueError, LookupError):
            return f"a program that {'hangs' if status is None else 'ends all of them'}", {}
        return answer["noticed"], answer["seconds"]

    def integration(self, tests):
        """What notices something, or None."""
        self.make(f"out/{ARCH}", "s3mounts")
        status, said = self.in_cell(
            ["/usr/bin/python3", "-m", "pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", *tests], ALL_SECONDS,
            S3MOUNTS_ARCHITECTURES=ARCH, S3MOUNTS_TEST_SECONDS=str(TEST_SECONDS),
            S3MOUNTS_BIN=f"{self.root.resolve()}/out/{ARCH}/s3mounts", S3MOUNTS_HOST=f"{self.root.resolve()}/{QUICK}", S3MOUNTS_CURRENT_RCLONE="")
        if status == 0:
            return None
        found = re.search(r"^(?:FAILED|ERROR) (?:test/\w+/)?(\S+)", said, re.M)
        if status in (4, 5):
            raise RuntimeError(f"pytest {' '.join(tests)}: exit status {status}\n{said}")
        return found[1] if found else "a test that hangs" if status is None else f"pytest, which ends with status {status}"


# ---- inside the cell: unit tests and seeds


def without_tools(names):
    return [name for name in names if not name.endswith("_tool")]


def passes(name, limit):
    argv = [f"{QUICK}/{name}"]
    if name.endswith("_replay"):
        argv += sorted(pathlib.Path("test/fuzz", name[: -len("_replay")]).iterdir())
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit,
                              check=False)
    except subprocess.TimeoutExpired:
        return False
    tests = [done.stdout.count(word) for word in (b"[ RUN      ]", b"[       OK ]")]
    return done.returncode == 0 and tests[0] == tests[1] and (tests[0] > 0 or name.endswith("_replay"))


def unit_main(limits):
    """Runs programs, each named with its time-out, up to the first that fails; tells that in JSON."""
    seconds, lock = {}, threading.Lock()

    def one(name, limit):
        begin = time.monotonic()
        good = passes(name, float(limit))
        with lock:
            seconds[name] = round(time.monotonic() - begin, 3)
            if not good:
                print(json.dumps({"noticed": name, "seconds": seconds}), flush=True)
                os._exit(1)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(one, *limit.split("=")) for limit in limits]:
            future.result()
    print(json.dumps({"noticed": None, "seconds": seconds}))


# ---- which integration tests are asked, where unit tests and seeds see nothing

# The beginning of a path: names of tests that take some ten seconds together, and of more for a minute. All rows that fit count. Not those that
# need more than a cell has: an engine for containers, a terminal that root owns, a current rclone.
TESTS = (
    ("src/", "three_mounts_both_ways json_has_the_fields_of_the_contract", ""),
    ("src/base/clock", "a_clock_that_is_set_is_noticed", "a_pause_between_two_waits a_driver_that_died_meanwhile"),
    ("src/base/confine", "nobody_keeps_a_right", ""),
    ("src/base/creds", "the_supervisor_forgets_the_secret", ""),
    ("src/base/log", "the_log_is_rotated_before_it_is_large", "a_large_log_of_earlier_is_not_appended_to"),
    ("src/cmd/", "version_and_help help_of_each usage_errors lines_for_people plain_lines_for_people a_busy_target none_runs the_run_folder_is_closed "
                 "without_credentials_placeholders_are_made pending_is_counted", "output_that_nobody_reads closed_descriptors"),
    ("src/cmd/check", "test_ok one_connection_serves_all write_puts_and_deletes write_cleans_up an_endpoint_that_is_none", "people_get_the_object check_tells_the_same"),
    ("src/cmd/config", "written_for_rclone_alone print_masks_the_secret path_by_variable", "what_cannot_be_written_is_refused_by_name"),
    ("src/cmd/down", "a_busy_target_is_free_in_time lazy_takes_a_busy_one_down", "s3_gone_drops_nothing a_file_that_is_still_open"),
    ("src/cmd/init", "orphans_are_reaped_while_cmd_runs every_signal_goes_to_cmd",
     "stopped_with_cmd_and_continued cmd_has_the_terminal the_rest_is_told_to_end who_does_not_end_is_killed"),
    ("src/cmd/le", "status_tells run_tells all_are_counted_and_many_are_named without_credentials",
     "down_takes_the_rest_of_a_killed what_belongs_elsewhere_is_named wrong_keys_lose_nothing many_are_uploaded"),
    ("src/cmd/live", "a_pipe_gets_plain_lines down_shows_what_is_left", ""),
    ("src/cmd/options", "options_that_are_refused owner_and_umask", "who_wins descriptor_and_stdin"),
    ("src/cmd/remaining", "who_does_not_end_is_killed", "who_is_no_descendant the_drivers_are_spared who_has_left_the_group"),
    ("src/cmd/run", "exit_status what_it_writes_last_is_in_s3 what_stood_before_stays", "what_cannot_be_flushed_in_time_is_told_and_not_lost cmd_cannot_be_executed"),
    ("src/cmd/setup", "an_incomplete_set_is_a_usage_error aws_names_serve a_planted_rclone_that_is_named rclone_by_variable",
     "a_planted_rclone a_relative_part_of_the_path cmd_gets_no_credential"),
    ("src/cmd/start", "waits_without_credentials_then_serves_up mounts_at_once_with_credentials a_second_one_is_refused",
     "what_cannot_be_flushed_in_time placeholders_stop_before"),
    ("src/cmd/up", "some_hold_and_some_do_not nofail_is_told an_incomplete_set_is_a_usage_error", "another_users_cache_is_told"),
    ("src/ctl/", "three_mounts_both_ways twenty_at_once a_second_one_is_refused another_user_is_not_served", "several_at_once up_after_the_supervisor"),
    ("src/ctl/control", "root_asks_the_supervisor", "root_does_not_ask root_without_the_right"),
    ("src/ctl/folders", "a_users_folders", "what_somebody_has_put_there"),
    ("src/ctl/run", "a_second_one_has_the_run_folder a_run_folder_that_others_can_reach a_run_folder_that_another_user_can_swap", "what_lies_in_the_run_folder"),
    ("src/ctl/wire", "a_request_that_cannot_be_read_is_told_so", ""),
    ("src/driver/", "pending_is_counted dirty_files_of_a_run nobody_keeps_a_right", "a_driver_that_fails"),
    ("src/http/", "an_address_in_the_certificate servers_that_take_one_way_alone each_fault_is_told no_tls_to_a_server",
     "what_is_right_is_taken what_is_wrong_is_refused closed_at_each_offset unknown_host_name own_authority_end_to_end"),
    ("src/mnt/", "target_is_not_empty target_through_a_link somebody_elses_mount what_mount_says_in_words what_unmount_says_in_words",
     "a_busy_target_is_free_in_time a_missing_device_is_made what_lies_under_a_mount"),
    ("src/mnt/layer", "the_gap_is_read_only_for_root_too", "after_everybody_was_killed"),
    ("src/mnt/users", "a_busy_target who_is_no_descendant", ""),
    ("src/plan/", "owner_and_umask escapes_in_mount hostile_values_are_refused a_target_twice a_bad_line_is_named", "what_stands_for_no_value_is_told"),
    ("src/rclone/", "what_it_writes_last_is_in_s3 pending_is_counted dirty_files_of_a_run", "killed_with_files_open unwritable_pieces"),
    ("src/rclone/cause", "up_tells_why_and_leaves_nothing", ""),
    ("src/rclone/reason", "flush_says_what_s3_answered", "each_file_has_its_own_reason"),
    ("src/rclone/store", "down_gives_the_file_back", "a_config_in_a_folder_of_others another_users_file_is_refused"),
    ("src/s3/", "test_ok one_connection_serves_all a_key_that_may_only_read the_right_region_is_named refuses_path_style",
     "check_tells_the_same a_region_that_is_none no_way_leads_to_another_host generated_requests"),
    ("src/s3/redact", "a_secret_that_is_sent_back_is_not_shown", "a_signature_that_is_sent_back_is_not_shown"),
    ("src/sup/", "a_later_up_takes_down_what_it_does_not_name the_supervisor_replaces_a_driver_that_died up_after_the_supervisor_alone_died "
                 "up_clears_what_a_crash_left some_hold_and_some_do_not somebody_elses_mount target_is_not_empty a_busy_target_is_free_in_time "
                 "unmounted_by_somebody_else lines_for_people twenty_at_once dirty_files_of_a_run",
     "lazy_takes_a_busy_one_down waits_without_credentials_then_serves_up pending_is_counted the_history_of_a_killed_driver what_is_covered_is_not_down "
     "a_later_up_with_a_wrong_secret several_at_once start_tells_at_its_end s3_gone_drops_nothing a_driver_that_hangs"),
    ("src/sup/below", "what_lies_under_a_mount_is_told a_file_that_was_read_in_part", "what_the_folder_held_before"),
    ("src/sup/c", "no_driver_starts_in_a_cache_that_another_holds", "what_a_killed_driver_has_started_may_hold_its_cache a_driver_that_fails"),
    ("src/sup/client", "what_is_no_request_is_hung_up_on", "whoever_keeps_it_waiting whoever_hangs_up another_user_is_not_served"),
    ("src/sup/inherit", "what_is_kept_of_a_killed_supervisor_counts", "a_later_plan_takes_down"),
    ("src/sup/leftover", "another_thread_does_not_hide_it status_tells", "killed_in_the_middle two_supervisors_with_one_cache a_cache_that_cannot_be"),
    ("src/sup/look", "it_answers_while_a_driver_hangs", "a_stopped_driver_is_not_told_as_up"),
    ("src/sup/mount_nest", "a_file_is_in_its_place three_levels", "while_the_outer_driver_is_away"),
    ("src/sup/nest", "three_levels somebody_is_inside", "another_supervisor_and_another_plan a_hung_outer_driver"),
    ("src/sup/order", "a_link_tells_another_order three_levels", "another_supervisor_and_another_plan"),
    ("src/sup/pidfile", "a_drivers_file_that_says_nothing", "another_option_after_the_supervisor_was_killed"),
    ("src/sup/query", "twenty_at_once pending_is_counted", "whoever_leaves_before_its_answer it_answers_while_a_driver_hangs"),
    ("src/sup/reason", "status_is_not_up", "flush_says_what_s3_answered"),
    ("src/sup/s", "a_clock_that_is_set_is_noticed", "connections_that_died_while_it_slept a_pause_in_the_middle no_mount_is_up_while"),
    ("src/sup/tcp", "", "connections_that_were_forgotten connections_that_died_while_it_slept"),
    ("src/sup/oom", "that_the_memory_limit_has_killed_it_is_told", ""),
    ("src/sup/unserved", "each_speaks_for_its_own", "ones_own_without_a_supervisor"),
    ("src/unsent/", "pending_is_counted status_is_not_up", "flush_says_what_s3_answered what_passes_is_forgotten"),
)


def check_table():
    """Names of files and tests change; here they must too."""
    files = "\n".join(map(str, pathlib.Path("src").rglob("*.c")))
    texts = "".join(p.read_text() for p in pathlib.Path("test").rglob("*test*.py"))
    for start, few, more in TESTS:
        lost = [name for name in f"{few} {more}".split() if not re.search(rf"^def \w*{name}", texts, re.M)]
        if lost or not re.search(f"^{start}", files, re.M):
            sys.exit(f"mutants.py: its table names what is not there (any more): {start} {' '.join(lost)}")


def tests_for(path, quick):
    """For pytest: the files, in the order of the names that are found in them, and the names."""
    rows = [row for row in TESTS if path.startswith(row[0])]
    names = " ".join(f"{few} {'' if quick else more}" for _, few, more in rows).split()
    texts = {str(p): p.read_text() for p in sorted(pathlib.Path("test").rglob("*test*.py"))}
    files = {file: None for name in names for file, text in texts.items() if re.search(rf"^def \w*{name}", text, re.M)}
    return [*files, "-k", " or ".join(names)]


# ---- the judgement

Verdict = collections.namedtuple("Verdict", "mutation by slow")  # by: what notices it, or None; slow: integration tests were asked


class Judge:
    def __init__(self, quick, programs, seconds):
        self.quick = quick
        self.programs = programs
        self.seconds = seconds  # of each unit test, without a fault

    def order(self, path):
        """The programs that have PATH in them; first what is named after it, then what takes long."""
        file, folder = pathlib.Path(path), pathlib.Path(path).parent.name
        able = [name for name, files in self.programs.items() if file.name in files]
        return sorted(able, key=lambda n: (-2 * (file.stem in n) - (folder in n), -self.seconds.get(n, 0)))

    def judge(self, tree, able):
        """The first of ABLE that is a mutant; None: there is none."""
        code = tree.machine_code(able[0].path) if able else None
        for m in able:
            file = tree.root / m.path
            original = file.read_text()
            file.write_text(mutated(original, m))
            try:
                if tree.machine_code(m.path) not in (None, code):
                    return self.verdict(tree, m)
            finally:
                file.write_text(original)
        return None

    def verdict(self, tree, m):
        order = self.order(m.path)
        if order:
            tree.make(QUICK, *order)
            by, _ = tree.unit(without_tools(order), self.seconds)
            if by:
                return Verdict(m, by, False)
        return Verdict(m, tree.integration(tests_for(m.path, self.quick)), True)


def judge_all(lists, quick):
    """A verdict for each list that has a mutant, in the order in which they come."""
    trees = queue.Queue()
    for number in range(WORKERS):
        trees.put(Tree(number))
    first = trees.get()
    programs = first.programs()
    by, seconds = first.unit(without_tools(programs), {})
    if by:
        sys.exit(f"mutants.py: {by} fails without any mutant")
    trees.put(first)
    judge = Judge(quick, programs, seconds)

    def one(able):
        tree = trees.get()
        try:
            return judge.judge(tree, able)
        finally:
            trees.put(tree)

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for future in concurrent.futures.as_completed([pool.submit(one, able) for able in lists]):
            if future.result():
                yield future.result()
    while not trees.empty():
        shutil.rmtree(trees.get().root)


def report(verdicts):
    """Per folder, and at the end of all. How many were noticed."""
    folders = collections.defaultdict(list)
    for v in verdicts:
        folders[os.path.dirname(v.mutation.path)].append(v)
    for folder, of in sorted(folders.items()):
        noticed, at_once = sum(bool(v.by) for v in of), sum(bool(v.by) and not v.slow for v in of)
        print(f"{folder:12} {noticed:4} of {len(of):4}, {at_once:4} by unit tests and seeds")
    noticed = sum(bool(v.by) for v in verdicts)
    print(f"{noticed} of {len(verdicts)} mutants were noticed")
    return noticed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--least", type=int, default=0, help="of so many noticed ones is an exit status of 0")
    parser.add_argument("count", type=int)
    parser.add_argument("seed")
    parser.add_argument("path", nargs="?", default="src/")
    given = parser.parse_args()
    verdicts = []
    check_table()
    TREES.mkdir(parents=True, exist_ok=True)
    with open(TREES / "log", "w") as log:
        for v in judge_all(draw(given.count, given.seed, given.path), given.quick):
            verdicts.append(v)
            line = told(v.mutation, pathlib.Path(v.mutation.path).read_text())
            print(f"noticed by {v.by}: {line}" if v.by else f"unnoticed: {line}", file=log, flush=True)
            if not v.by:
                print(f"unnoticed  {line}", flush=True)
    sys.exit(report(verdicts) < given.least)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--unit"]:
        unit_main(sys.argv[2:])
    else:
        main()
