# SPDX-License-Identifier: Apache-2.0
"""What may differ between crun on a host and vmrunc in a VM, each with its reason.

Two tables. A difference that is in neither fails the test. The reasons that a
user should know stand in docs/limits.md or docs/spec-support.md too.
"""

import os
import re


LINKS = {"/files/link": "/files/file", "/files/dirlink": "/files/dir"}	# in execute.py's root file system
DEFAULT_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")	# of each container


def in_paths(field):
	"""For keys with the path in their first group: linux.FIELD has it, or one is a link to the other."""
	return lambda config, m, *_: LINKS.get(m[1], m[1]) in [LINKS.get(p, p) for p in config["linux"].get(field, [])]


def has_namespace(config, kind):
	return any(n["type"] == kind for n in config["linux"]["namespaces"])


def without_namespace(kind):
	return lambda config, *_: not has_namespace(config, kind)


def with_user_namespace(config, *_):
	return has_namespace(config, "user")


def mounts_at(config, path):
	"""The mounts of the config at @path or a link to it, in their order."""
	path = LINKS.get(path, path)
	return [m for m in config["mounts"] if LINKS.get(m["destination"], os.path.normpath(m["destination"])) == path]


def mount_at(config, path):
	"""The last of them, or {}."""
	return (mounts_at(config, path) or [{}])[-1]


def is_bind_from_shared(config, m, reference, tested):
	options = mount_at(config, m[1]).get("options", [])
	return (reference, tested) == ("shared", "") and ("bind" in options or "rbind" in options)


def is_undone_by_crun(config, m, reference, tested):
	return reference == "" and "rootfsPropagation" not in config["linux"] and \
	    {tested, "r" + tested} & {"shared", "rshared", "unbindable", "runbindable"} & \
	    set(mount_at(config, m[1]).get("options", []))


def is_bind_flag_lost_by_crun(config, m, reference, tested):
	more = set(tested.split(",")) - set(reference.split(","))
	return has_namespace(config, "user") and bool(more) and more <= set(mount_at(config, m[1]).get("options", []))


def is_device_in_user_namespace(config, m, *_):
	return has_namespace(config, "user") and m[1] in [d["path"] for d in config["linux"].get("devices", [])]


def gives_a_name_twice(config, m, reference, tested):
	names = [e.split("=")[0] for e in config["process"]["env"]]
	reference, tested = reference.split(), tested.split()
	if "HOME" not in reference and tested[-1:] == ["HOME"]: # the other difference of "env order", below
		tested.pop()
	return len(set(names)) < len(names) and sorted(reference) == sorted(tested)


def limit_not_set(config, m, *_):
	return all(r["type"] != f"RLIMIT_{m[1]}" for r in config["process"].get("rlimits", []))


def tested_is(value):
	return lambda config, m, reference, tested: tested == value


def tmpfs_without_mode(config, path):
	return any(m.get("type") == "tmpfs" and not any(o.startswith("mode=") for o in m.get("options", []))
	           for m in mounts_at(config, path))


def denied_below_covered_mode(config, m, reference, tested):
	"""What follows from covered_mode() for a user who is not root: it cannot make files there."""
	points = [LINKS.get(x["destination"], x["destination"]) for x in config["mounts"]]
	path = next((m[1].replace(k, v, 1) for k, v in LINKS.items() if m[1].startswith(k)), m[1])
	below = any(path.startswith(p) and tmpfs_without_mode(config, p) for p in points)
	return below and config["process"]["user"]["uid"] != 0 and bool(re.search(r"\(not there\)|errno (2|13)|w13", tested))


def covered_mode(config, m, reference, tested):
	if not tmpfs_without_mode(config, m[1]):
		return False
	return re.sub("^d1777", "d0755", reference) == tested or re.sub("^d1777", "d0700", reference) == tested


def covered_mode_option(config, m, reference, tested):
	words = [w for w in tested.split(",") if not w.startswith("mode=")]
	return tmpfs_without_mode(config, m[1]) and ",".join(words) == reference


def is_mount_point(config, m, reference, tested):
	"""A path, as the host sees it, that leads to a mount's destination or a device, and that a runtime has made."""
	point = "/" + m[1]
	made = [os.path.normpath(x["destination"]) for x in config["mounts"]]
	made += [d["path"] for d in config["linux"].get("devices", [])]
	made.append(config["process"]["cwd"])
	if has_namespace(config, "user"): # files over which the default devices are bound
		made += [f"/dev/{d}" for d in DEFAULT_DEVICES]
	if tested == "(not there)" or (reference[0], reference.split()[1:]) != (tested[0], tested.split()[1:]):
		return False # another kind, owner or content
	return any(p == point or p.startswith(point + "/") for p in made)


# (key, condition(config, match, reference's value, tested value) or None, reason). Keys are regular expressions.
ACCEPTED = [
    # --- the guest's kernel ---
    (r"call\.(acct|kexec_load|quotactl)", tested_is("errno 38"),
     "vmrunc's small kernel is built without process accounting, kexec and quotas"),
    (r"call\.syslog", tested_is("errno 0"),
     "Debian's kernel restricts its log to privileged processes by default; the guest's log is the container's own"),
    (r"(dev|host rootfs/dev|host rootfs)\.?/dev/core", tested_is("(not there)"),
     "vmrunc's small kernel has no /proc/kcore, so no link to it is made"),
    (r"host rootfs/dev/core", tested_is("(not there)"),
     "vmrunc's small kernel has no /proc/kcore, so no link to it is made"),
    (r"rlimit\.(NPROC|SIGPENDING)", limit_not_set, "the kernel derives the default from the machine's memory"),

    # --- what is the VM's instead of the host's ---
    (r"proc\.cgroup", without_namespace("cgroup"), "the path is one in the VM's cgroup tree"),
    (r"cgroup\.cpuset\.(cpus|mems)", tested_is(""),
     "the config's numbers are those of the host's CPUs and nodes: the monitor is bound to them, and the VM has as many"),
    (r"open\.(/.+)\.(read|write)", lambda c, m, ref, got: got == "errno 1" and not c["linux"]["resources"].get("devices"),
     "without device rules crun filters nothing; runc and vmrunc let the default devices be opened and no others"),
    (r"mount (/.+)/sub [a-z]+", lambda c, m, ref, got: got == "(not there)" and "rbind" in mount_at(c, m[1])["options"],
     "what is mounted below a bind's source is part of its one 9p file system: there, but no mount of its own"),
    (r"mount /sys/fs/cgroup root", lambda c, *_: has_namespace(c, "user") and not has_namespace(c, "cgroup"),
     "with a user namespace and the VM's cgroup namespace, the container's own cgroup is bound there, not the whole tree"),
    (r"stdio\.0\.reopen", lambda c, m, ref, got: (ref, got) == ("errno 13", "errno 0"),
     "the caller's /dev/null, which device rules can forbid; a process of vmrunc's has a pipe of its own"),
    (r"stdio\.[012]\.type", None, "the process's stdio are pipes (or a terminal) of the VM, whatever the caller's are"),

    (r"path\.(/.+)/blk\.(read|write)", tested_is("errno 6"),
     "a block device node stands for a driver of the host's kernel that the guest's does not have"),

    # --- masks ---
    (r"mount (/.+?)(?: #\d)? (root|source|type)",
     lambda c, m, *_: in_paths("maskedPaths")(c, m) and in_paths("readonlyPaths")(c, m),
     "of a path that is masked and read-only crun binds the mask read-only over itself; runc and vmrunc bind the path "
     "read-only, and the mask over it"),
    (r"mount (/.+?)(?: #\d)? (options|super)", in_paths("maskedPaths"),
     "a mask's own flags: crun's are ro (and size=0k), vmrunc's nosuid,nodev,noexec and, over a directory, ro too"),
    (r"path\.(/.+?)(\.followed)?", in_paths("maskedPaths"),
     "a mask over a file is a null device, which crun gives to the container's user"),
    (r"path\.(/.+)\.readonly", in_paths("maskedPaths"),
     "crun binds /dev/null read-only over a masked file, runc and vmrunc do not"),

    (r"mount (/.+?)(?: #\d)? options", lambda c, m, ref, got: in_paths("readonlyPaths")(c, m) and
     set(ref.split(",")) < set(got.split(",")),
     "a read-only path loses its mount's nosuid, nodev and noexec with crun, not with vmrunc"),

    # --- crun's own ways ---
    (r"host left mounted .+", tested_is("(not there)"),
     "what is mounted over a bind of a shared tree reaches the tree with crun, and stays there"),
    (r"call\.unknown", lambda c, m, ref, got: (ref, got) == ("errno 1", "errno 38") and
     c["linux"]["seccomp"]["defaultAction"] == "SCMP_ACT_ERRNO",
     "to system calls newer than libseccomp runc and vmrunc answer ENOSYS where the default is an errno, crun that errno"),
    (r"env order", gives_a_name_twice,
     "of a name given twice crun and runc 1.1 keep the last value in the first one's place, vmrunc and runc 1.2 in its own"),
    (r"env HOME", lambda c, m, ref, got: ref in ("", "(not there)") and got.startswith("/"),
     "crun leaves an empty HOME empty, and sets none for a user that passwd does not know; runc and vmrunc do"),
    (r"env order", lambda c, m, ref, got: ref + " HOME" == got,
     "crun sets no HOME for a user that passwd does not know"),
    (r"mount /sys/fs/cgroup source", lambda c, m, ref, got: (ref, got) == ("cgroup2", "cgroup"),
     "crun replaces the source, runc and vmrunc take the config's"),
    (r"(dev\.|open\.|host rootfs)/dev/null(\.read|\.write)?", lambda c, m, ref, got: c["process"]["user"]["gid"] or c["process"]["user"]["uid"] or
     any(d["path"] == "/dev/null" for d in c["linux"].get("devices", [])),
     "crun gives its stdio to the user, also where that is the container's /dev/null; runc and vmrunc leave it alone"),
    (r"(?:dev|open)\.(/.+?)(\.read|\.write)?", is_device_in_user_namespace,
     "in a user namespace crun makes nodes under the caller's umask, and those without fileMode as 0000"),
    (r"mount (/.+?)(?: #\d)? propagation", is_undone_by_crun,
     "without rootfsPropagation crun makes all mounts private at the end, runc and vmrunc keep what the options say"),
    (r"mount (/.+?)(?: #\d)? propagation", is_bind_from_shared,
     "the source's mount is shared on the host, and its peers are there: nothing propagates into a VM or out of it"),
    (r"host rootfs/(.+)", is_mount_point,
     "the mount points that a runtime makes: crun's modes are 0700 and 01755, vmrunc's 0644 and 0755 (01777 under a "
     "tmpfs without mode)"),
    (r"(?:path|make|made)\.(/.+?)(\.followed|\.access)?", covered_mode,
     "a tmpfs without mode: crun leaves tmpfs' 01777, runc and vmrunc take that of the directory that it covers"),
    (r"(?:path|make|made)\.(/.+)", denied_below_covered_mode,
     "what follows of it for a user who is not root"),
    (r"mount (/.+?)(?: #\d)? super", covered_mode_option,
     "the mode of the directory that a tmpfs covers is an option with vmrunc, and set afterwards by runc"),
    (r"mount (/.+?)(?: #\d)? options", is_bind_flag_lost_by_crun,
     "flags of a bind that the kernel refuses to crun's way of setting them in a user namespace: crun goes on without, and runc fails"),
    (r"path\.(/.+)\.(read|write)", lambda c, m, ref, got: has_namespace(c, "user") and got == "errno 13" and
     "nodev" in mount_at(c, m[1]).get("options", []), "what follows of it for a device node: the config says nodev"),
    (rf"(dev|open)\./dev/({'|'.join(DEFAULT_DEVICES)})", with_user_namespace,
     "in a user namespace crun binds the host's nodes, whose owner is not mapped; vmrunc's belong to the container's root"),
]

# Where crun refuses a config and runc is the reference.
ACCEPTED += [
    (r"rlimit\.(NOFILE)", limit_not_set, "the Go run-time of runc raises the soft limit that it inherits"),
    (r"mount /sys super", lambda c, m, ref, got: (ref, got) == ("ro", "rw"),
     "read-only is the mount's alone with crun and vmrunc, the superblock's too with runc"),
    (r"dev\./dev/mqueue", with_user_namespace, "the group of mqueue's root is nobody's with runc"),
    (r"(?:path|make|made)\.(/.+?)(\.followed|\.access)?", lambda c, m, ref, got:
     any(o == f"mode=0{got[2:5]}" for o in mount_at(c, LINKS.get(m[1], m[1])).get("options", [])),
     "runc 1.1 gives a tmpfs the mode of the directory that it covers even against its option"),
]

POLICIES = {"SCHED_OTHER": 0, "SCHED_FIFO": 1, "SCHED_RR": 2, "SCHED_BATCH": 3, "SCHED_IDLE": 5}
IO_CLASSES = {"IOPRIO_CLASS_RT": 1, "IOPRIO_CLASS_BE": 2, "IOPRIO_CLASS_IDLE": 3}


def scheduler(config):
	s = config["process"].get("scheduler")
	if not s:
		return None
	reset = "SCHED_FLAG_RESET_ON_FORK" in s.get("flags", [])
	return (f"policy {POLICIES[s['policy']]} flags {int(reset)} nice {s.get('nice', 0)} "
	        f"priority {s.get('priority', 0)} deadline 0/0/0")


def io_priority(config):
	p = config["process"].get("ioPriority")
	return p and f"class {IO_CLASSES[p['class']]} priority {p['priority']}"


def time_namespace(config):
	return "own" if has_namespace(config, "time") else None


def time_offsets(config):
	if not has_namespace(config, "time"):
		return None
	lines = []
	for clock in ("monotonic", "boottime"):
		o = config["linux"].get("timeOffsets", {}).get(clock, {"secs": 0, "nanosecs": 0})
		lines.append(f"{clock:<10} {o['secs']:>10} {o['nanosecs']:>9}")
	return "\\x0a".join(lines)


def domain_name(config):
	return config.get("domainname")


# (key, value(config), or None where the config says nothing; reason): fields that neither crun 1.8 nor runc 1.1
# implements. The config alone says what is right.
EXPECTED = [
    (r"scheduler", scheduler, "crun 1.8 ignores process.scheduler"),
    (r"ioprio", io_priority, "crun 1.8 ignores process.ioPriority"),
    (r"ns\.time(_for_children)?", time_namespace, "crun 1.8 has no reliable time namespaces"),
    (r"uname\.domainname", domain_name, "runc 1.1 ignores domainname"),
    (r"timens_offsets", time_offsets, "crun 1.8 sets no offsets"),
]


def is_taken_for_nobody(config, m, reference, tested):
	"""The container's root has by its guest what the host refuses for good: the file's owner is not mapped (docs/9p.md)."""
	mappings = config["linux"].get("uidMappings", [])
	if not any(r["containerID"] <= 65534 < r["containerID"] + r["size"] for r in mappings):
		return False
	if m[1] == "write":  # a FIFO's ends meet in the guest: there is no reader
		return (reference, tested) == ("errno 13", "errno 6")
	pairs = zip(reference.split(), tested.split())
	return all(ours == theirs or (theirs[1:] == "13" and ours == theirs[0] + "0") for theirs, ours in pairs)


# As ACCEPTED, for one engine of vmrunc alone.
ACCEPTED_BY_ENGINE = {
    "kvm": [
        (r"path\..*\.(access|write)", is_taken_for_nobody, "an unmapped owner looks like the container's nobody (docs/9p.md)"),
    ],
    "qemu": [
        (r"(host (rootfs|sources)|made\.|make\.).*/(fifo|socket|chardev|blockdev|whiteout)(\.result)?",
         lambda c, m, ref, got: got in ("(not there)", "errno 6"), "QEMU's own 9P server makes no FIFOs, sockets and device nodes"),
        (r"path\..*\.readonly", tested_is("(not there)"), "QEMU's own 9P server has no statfs of special files"),
    ],
}


def reason(key, config, engine, reference, tested):
	for pattern, condition, why in ACCEPTED + ACCEPTED_BY_ENGINE[engine]:
		m = re.fullmatch(pattern, key)
		if m and (condition is None or condition(config, m, reference, tested)):
			return why
	return None


def expectation(key, config):
	for pattern, value, why in EXPECTED:
		if re.fullmatch(pattern, key):
			wanted = value(config)
			if wanted is not None:
				return wanted, why
	return None
