# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: files to boot from, runs taken in turn, tables.

Numbers are printed, never judged: a benchmark fails only if something in it
could not run at all. Candidates take turns within each round, so that a load
from elsewhere meets all of them alike, and the median of the rounds is shown.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time

BUILD = os.environ.get("VMRUNC_BUILD", os.getcwd())
VMBOOT = os.path.join(BUILD, "tests/bench/vmboot")
VMRUNC = os.environ.get("VMRUNC", os.path.join(BUILD, "vmrunc"))
CACHE = os.environ.get("VMRUNC_CACHE", "/var/cache/vmrunc")
CMDLINE = "console=ttyS0 quiet cryptomgr.notests pci=off reboot=t panic=-1 percpu_alloc=page"
# A run that takes longer than this hangs: the emulated KVM machine on a loaded host is 50 times slower.
RUN_TIMEOUT_S = 1800


class CannotRun(Exception):
    """Something that the benchmark needs is not there; the message says what."""


def small_kernel():
    path = os.environ.get("VMRUNC_KERNEL", os.path.join(CACHE, "guest-kernel/vmlinux"))
    if not os.path.exists(path):
        raise CannotRun(f"{path}: no small kernel: run make guest-kernel")
    return os.path.realpath(path)


def tsc_khz():
    """For plain QEMU under TCG: the counter's frequency, as the kernel prints it nowhere else."""
    for line in open("/proc/cpuinfo", encoding="ascii", errors="replace"):
        if line.startswith("cpu MHz"):
            return int(float(line.split(":")[1]) * 1000)
    raise CannotRun("/proc/cpuinfo has no frequency")


def newc(path, files):
    """Writes a cpio archive (newc) of (name, mode, contents or None for a directory)."""
    with open(path, "wb") as out:
        def entry(number, name, mode, data):
            fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
            head = b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
            out.write(head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4))
        for number, (name, mode, data) in enumerate(files, 1):
            entry(number, name, (0o040000 if data is None else 0o100000) | mode, data or b"")
        entry(0, "TRAILER!!!", 0, b"")


def initrd(directory, init):
    """An initramfs whose /init is the file @init."""
    path = os.path.join(directory, os.path.basename(init) + ".cpio")
    with open(init, "rb") as f:
        newc(path, [("dev", 0o755, None), ("proc", 0o755, None), ("sys", 0o755, None),
                    ("mnt", 0o755, None), ("init", 0o755, f.read())])
    return path


def plain_qemu(kernel, archive, mem_mib=256, kvm=False, program="qemu-system-x86_64"):
    """The command line of QEMU booting @kernel and nothing else."""
    accel = ["-accel", "kvm", "-cpu", "host"] if kvm else ["-accel", "tcg", "-cpu", "max"]
    append = CMDLINE if kvm else f"{CMDLINE} no_timer_check tsc_early_khz={tsc_khz()}"
    return [program, "-M", "microvm,acpi=on", *accel, "-m", str(mem_mib), "-nodefaults",
            "-no-user-config", "-no-reboot", "-display", "none", "-serial", "null",
            "-kernel", kernel, "-initrd", archive, "-append", append]


def run(argv, **kw):
    """Runs @argv to its end: (seconds, CompletedProcess). A non-zero status is the caller's to judge."""
    kw.setdefault("stdin", subprocess.DEVNULL)
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.PIPE)
    start = time.monotonic()
    try:
        done = subprocess.run(argv, check=False, timeout=RUN_TIMEOUT_S, **kw)
    except FileNotFoundError as e:
        raise CannotRun(str(e)) from e
    return time.monotonic() - start, done


def must(argv, **kw):
    """As run(), but a failing command is the end of the benchmark."""
    seconds, done = run(argv, **kw)
    if done.returncode != 0:
        words = (done.stderr or b"").decode(errors="replace").strip()
        raise CannotRun(f"{argv[0]}: status {done.returncode}: {words[-500:]}")
    return seconds, done


def interleave(candidates, rounds, warm_up=1):
    """
    Calls each of {name: function} in turn, @rounds times after @warm_up rounds
    that do not count; {name: [results]}. A function that raises CannotRun is
    left out from then on, with a line that says so.
    """
    results = {name: [] for name in candidates}
    live = dict(candidates)
    for number in range(-warm_up, rounds):
        for name, function in list(live.items()):
            try:
                result = function()
            except (CannotRun, subprocess.TimeoutExpired) as e:
                print(f"  {name}: left out: {e}", flush=True)
                del live[name], results[name]
                continue
            if number >= 0:
                results[name].append(result)
            print(f"  round {number + 1} of {rounds}: {name} done", file=sys.stderr, flush=True)
    return results


def median(values):
    return statistics.median(values) if values else float("nan")


def table(title, head, rows):
    """Prints a Markdown table, so that docs/limits.md can take it as it is."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    sys.stdout.flush()


def timing_rows(results, base=None):
    """Rows of name, median, least, most (ms) and the ratio to the median of @base."""
    rows = []
    for name, seconds in results.items():
        ratio = f"{median(seconds) / median(results[base]):.2f}" if base in results else ""
        rows.append((name, *(f"{f(seconds) * 1000:.0f}" for f in (median, min, max)), ratio))
    return rows


def make_bundle(directory, args, name="bundle"):
    """A bundle of Debian's static busybox with the configuration that `vmrunc spec` writes."""
    bundle = os.path.join(directory, name)
    binaries = os.path.join(bundle, "rootfs/bin")
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp", "run"):
        os.makedirs(os.path.join(bundle, "rootfs", name))
    shutil.copy("/bin/busybox", binaries)
    for name in ("sh", "true", "sleep"):
        os.symlink("busybox", os.path.join(binaries, name))
    must([VMRUNC, "spec", "-b", bundle])
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["ociVersion"] = "1.0.2"  # Debian 12's crun knows no later one
    config["process"]["terminal"] = False
    config["process"]["args"] = args
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    return bundle


def add_user_namespace(bundle, first, count):
    """Gives the bundle a user namespace of @count ids from @first on, and its files to the root there."""
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    mapping = [{"containerID": 0, "hostID": first, "size": count}]
    config["linux"]["namespaces"].append({"type": "user"})
    config["linux"].update(uidMappings=mapping, gidMappings=mapping)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    for top, names, files in os.walk(os.path.join(bundle, "rootfs")):
        for name in [top, *(os.path.join(top, n) for n in names + files)]:
            os.chown(name, first, first, follow_symlinks=False)


class Vmrunc:
    """vmrunc, and the phases of each run."""

    def __init__(self, engine, directory, bundle):
        self.engine, self.directory, self.bundle = engine, directory, bundle
        self.number = 0
        self.phases = []

    def __call__(self):
        self.number += 1
        timeline = os.path.join(self.directory, "timeline.json")
        seconds, _ = must([VMRUNC, "--root", os.path.join(self.directory, "root"), "--engine", self.engine,
                             "--kernel", small_kernel(), "--timeline", timeline, "run", "-b", self.bundle,
                             f"bench-{os.path.basename(self.bundle)}-{self.number}"])
        with open(timeline, encoding="utf-8") as f:
            marks = json.load(f)["marks"]
        phases, last = {}, 0
        for mark in marks:
            phases[mark["name"]] = (mark["ns"] - last) / 1e9
            last = mark["ns"]
        self.phases.append(phases)
        return seconds


def where():
    """One line on the circumstances."""
    load = os.getloadavg()[0]
    inside = "inside the KVM test machine" if os.environ.get("VMRUNC_KVMHOST") else "on this machine"
    return f"{inside}, {os.cpu_count()} CPUs, Linux {os.uname().release}, load {load:.1f} at the start"


def need_programs(*names):
    for name in names:
        if not shutil.which(name):
            raise CannotRun(f"{name} is not installed")


def bench_main(function):
    """Runs a benchmark's main function; what is missing is said in one line, with status 77 (skipped)."""
    try:
        function()
    except CannotRun as e:
        print(f"cannot run: {e}", file=sys.stderr)
        sys.exit(77)
