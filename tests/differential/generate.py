# SPDX-License-Identifier: Apache-2.0
"""Valid config.json files from a seed.

generate(seed) is a dictionary: a config.json that begins with what every
container has, and to which each *feature* below has added something, or not,
as the seed's dice say. A feature draws valid values only, but no nice ones:
what two runtimes may do differently is in the corners.

    "@BUNDLE@"    stands in it for the bundle's directory,
    "@SOURCES@"   for that of the bind mounts' sources (execute.py makes both).

What the probe must look at because of a feature is appended to process.args.
The same seed gives the same config for ever, as long as this file is the same.
"""

import json
import os
import random

HERE = os.path.dirname(os.path.abspath(__file__))

CAPS = ["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
        "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
        "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
        "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
        "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
        "CHECKPOINT_RESTORE"]
DOCKER_CAPS = ["CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP",
               "SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"]

# Left out, as the references cannot do it (all of it is in tests/bats): recursive access time options (crun:
# EINVAL), devices of type p (crun: EINVAL), binds without a bind option (crun: ENODEV), proc or sysfs
# elsewhere than on /proc and /sys (crun refuses), a flag and then its opposite (crun: the first), an unbindable root with masked files (crun: EINVAL).

# System calls that neither a runtime needs after it has loaded the filter nor the probe outside its table of calls.
VICTIMS = ["mkdir", "chmod", "sched_yield", "sysinfo", "times", "getpriority", "unshare", "keyctl", "add_key", "bpf",
           "ptrace", "umount2", "chroot", "reboot", "settimeofday", "kexec_load", "init_module", "open_by_handle_at",
           "perf_event_open", "userfaultfd", "io_uring_setup", "statx", "swapon", "acct", "syslog", "quotactl",
           "setpriority", "mlock"]
ERRNOS = [1, 2, 13, 38, 95, 0, 4095 - 4000]

# What the container's files are; execute.py makes them. (path, kind)
ROOTFS_PATHS = ["/files/dir", "/files/file", "/files/fifo", "/files/chr", "/files/blk", "/files/link",
                "/files/dirlink", "/files/dir/deep", "/files/missing", "/files/secret"]
PROC_PATHS = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
              "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/proc/sys", "/proc/sysrq-trigger", "/proc/bus",
              "/proc/irq", "/proc/fs"]


class Config:
	"""The config as it grows, the dice, and what the features must agree on."""

	def __init__(self, seed):
		self.dice = random.Random(seed)
		self.namespaces = {"mount", "pid"}
		self.mappings = None
		self.probes = []
		self.late_mounts = []
		self.json = {
		    "ociVersion": "1.0.2",
		    "process": {
		        "terminal": False,
		        "user": {"uid": 0, "gid": 0},
		        "args": ["/probe"],
		        "env": ["PATH=/usr/bin:/bin:/", "TERM=xterm"],
		        "cwd": "/",
		        "capabilities": {k: [f"CAP_{c}" for c in DOCKER_CAPS]
		                         for k in ("bounding", "effective", "permitted")},
		    },
		    "root": {"path": "@BUNDLE@/rootfs", "readonly": False},
		    "mounts": [],
		    "linux": {"cgroupsPath": "/differential", "resources": {}},
		}

	@property
	def process(self):
		return self.json["process"]

	@property
	def linux(self):
		return self.json["linux"]

	@property
	def resources(self):
		return self.linux["resources"]

	def chance(self, percent):
		return self.dice.random() * 100 < percent

	def one(self, *of):
		return self.dice.choice(of)

	def some(self, of, least=0, most=None):
		return self.dice.sample(of, self.dice.randint(least, min(most or len(of), len(of))))

	def probe(self, what):
		if what not in self.probes:
			self.probes.append(what)

	def mapped(self, which, want):
		"""The id @want if the user namespace has it, else its first one."""
		if not self.mappings:
			return want
		for m in self.mappings[which]:
			if m["containerID"] <= want < m["containerID"] + m["size"]:
				return want
		return self.mappings[which][0]["containerID"]


# --- features: the first two are asked always, and first ---

def namespaces(c):
	for ns, percent in (("ipc", 80), ("uts", 80), ("network", 80), ("cgroup", 60), ("user", 20), ("time", 25)):
		if c.chance(percent):
			c.namespaces.add(ns)
	if c.chance(12) and "user" not in c.namespaces: # no proc could be mounted there
		c.namespaces.discard("pid")
	order = sorted(c.namespaces)
	c.dice.shuffle(order)
	c.linux["namespaces"] = [{"type": ns} for ns in order]
	if "time" in c.namespaces and c.chance(70):
		c.linux["timeOffsets"] = {clock: {"secs": c.one(0, 1, 86400, 100000000), "nanosecs": c.one(0, 5, 999999999)}
		                          for clock in c.some(["monotonic", "boottime"], 1)}


def user_namespace(c):
	if "user" not in c.namespaces:
		return
	whole = [{"containerID": 0, "hostID": 100000, "size": 65536}]
	shapes = [
	    (whole, whole),
	    ([{"containerID": 0, "hostID": 0, "size": 65536}],) * 2,
	    ([{"containerID": 0, "hostID": 1000, "size": 1}, {"containerID": 1, "hostID": 100000, "size": 65535}],) * 2,
	    ([{"containerID": 0, "hostID": 1000, "size": 2000}], [{"containerID": 0, "hostID": 3000, "size": 2000}]),
	    ([{"containerID": 1000, "hostID": 1000, "size": 1}, {"containerID": 0, "hostID": 200000, "size": 1000},
	      {"containerID": 1001, "hostID": 201001, "size": 10000}],) * 2,
	]
	uids, gids = c.dice.choice(shapes)
	c.mappings = {"uid": uids, "gid": gids}
	c.linux["uidMappings"] = [dict(m) for m in uids]
	c.linux["gidMappings"] = [dict(m) for m in gids]


def user(c):
	u = c.process["user"]
	u["uid"] = c.mapped("uid", c.one(0, 0, 0, 1, 1000, 1000, 1500))
	u["gid"] = c.mapped("gid", c.one(0, 0, 5, 1000, 1500))
	if c.chance(50):
		u["additionalGids"] = sorted({c.mapped("gid", g) for g in c.some([0, 4, 5, 10, 100, 998, 1000, 1999])})
		c.dice.shuffle(u["additionalGids"])
	if c.chance(40):
		u["umask"] = c.one(0, 0o2, 0o27, 0o77, 0o777, 0o22)


def capabilities(c):
	roll = c.dice.random()
	if roll < 0.08:
		del c.process["capabilities"]
		return
	if roll < 0.3:
		return
	all_caps = CAPS if c.chance(80) else CAPS[:20]
	bounding = c.some(all_caps)
	permitted = c.some(bounding)
	sets = {"bounding": bounding, "permitted": permitted, "effective": c.some(permitted)}
	if c.chance(60):
		sets["inheritable"] = c.some(bounding)
		if c.chance(70):
			sets["ambient"] = c.some([x for x in permitted if x in sets["inheritable"]])
	c.process["capabilities"] = {k: [f"CAP_{x}" for x in v] for k, v in sets.items()}


def rlimits(c):
	# below these values a runtime itself could not go on, above the second the kernel refuses
	ranges = {"CPU": (60, 9999), "FSIZE": (1 << 20, 1 << 40), "DATA": (1 << 28, 1 << 40), "STACK": (1 << 20, 1 << 30),
	          "CORE": (0, 1 << 30), "RSS": (0, 1 << 40), "NPROC": (1000, 60000), "NOFILE": (256, 65536),
	          "MEMLOCK": (0, 1 << 26), "AS": (1 << 32, 1 << 42), "LOCKS": (10, 1000), "SIGPENDING": (100, 5000),
	          "MSGQUEUE": (0, 1 << 20), "NICE": (0, 40), "RTPRIO": (0, 99), "RTTIME": (10**6, 10**9)}
	unlimited = 2**64 - 1
	limits = []
	for name in c.some(sorted(ranges), 1, 8):
		low, high = ranges[name]
		hard = unlimited if c.chance(15) and name not in ("NOFILE",) else c.dice.randint(low, high)
		soft = hard if c.chance(40) else c.dice.randint(low, min(hard, high))
		limits.append({"type": f"RLIMIT_{name}", "soft": soft, "hard": hard})
	c.process["rlimits"] = limits


def flags(c):
	if c.chance(70):
		c.process["noNewPrivileges"] = c.chance(70)
	if c.chance(60):
		c.process["oomScoreAdj"] = c.one(0, 100, 500, 999, 1000, -500, -1000)


def scheduling(c):
	c.process["scheduler"] = c.dice.choice([
	    {"policy": "SCHED_OTHER", "nice": 7},
	    {"policy": "SCHED_OTHER", "nice": -5},
	    {"policy": "SCHED_BATCH", "nice": 3},
	    {"policy": "SCHED_IDLE"},
	    {"policy": "SCHED_FIFO", "priority": 10},
	    {"policy": "SCHED_RR", "priority": 20, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
	])


def io_priority(c):
	c.process["ioPriority"] = {"class": c.one("IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"),
	                           "priority": c.dice.randint(0, 7)}


def cwd(c):
	c.process["cwd"] = c.one("/", "/tmp", "/files/dir", "/files/dir/deep", "/made/by/the/runtime", "/files/dirlink",
	                         "/home", "//tmp/../files/")


def environment(c):
	env = c.process["env"]
	extra = ["HOME=/home/somebody", "HOME=", "A=b=c", "EMPTY=", "SPACE=a b", "UTF=\u00e4\u20ac", "LINES=a\nb",
	         "DOUBLE=1", "DOUBLE=2", "lower=x", "1DIGIT=y", "container=oci", "LISTEN_FDS=", "NOTIFY=1"]
	env += c.some(extra, 1, 6)
	if c.chance(20):
		env.remove("TERM=xterm")
	if c.chance(40):
		c.process["args"][0] = c.one("probe", "/probe", "//probe")


def names(c):
	if "uts" not in c.namespaces:
		return
	c.json["hostname"] = c.one("box", "a.b.example", "x" * 63)
	if c.chance(50):
		c.json["domainname"] = c.one("example.org", "nis")


# --- mounts ---

GENERIC = [("nosuid", "suid"), ("nodev", "dev"), ("noexec", "exec"), ("ro", "rw")]
ATIME = ["noatime", "relatime", "strictatime", "nodiratime", "atime", "norelatime"]
RECURSIVE = ["rro", "rnosuid", "rnodev", "rnoexec", "rrw", "rexec", "rsuid", "rdev"]
OPPOSITES = {"ro": ["rrw"], "rw": ["rro"], "nosuid": ["rsuid"], "suid": ["rnosuid"], "nodev": ["rdev"],
             "dev": ["rnodev"], "noexec": ["rexec"], "exec": ["rnoexec"]}
PROPAGATION = ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"]


def mount_options(c, extra=()):
	options = list(extra)
	options += [c.one(*pair) for pair in c.some(GENERIC, 0, 3)]
	if c.chance(30):
		options.append(c.dice.choice(ATIME))
	if c.chance(15):
		options.append(c.dice.choice(RECURSIVE))
	if c.chance(25):
		options.append(c.dice.choice(PROPAGATION))
	# Of a flag and the recursive opposite, which one counts depends on the kind of mount with either reference.
	return [o for o in options if not any(r in options for r in OPPOSITES.get(o, ()))]


def standard_mounts(c):
	"""What engines put into every config, with the options that they write, or others."""
	mounts = c.json["mounts"]
	proc = {"destination": "/proc", "type": "proc", "source": "proc"}
	if c.chance(30):
		proc["options"] = c.some(["nosuid", "nodev", "noexec", "relatime", "hidepid=2", "hidepid=0"], 1, 4)
	mounts.append(proc)
	dev_options = ["nosuid", "strictatime", "mode=755", "size=65536k"]
	if c.chance(25):
		dev_options = c.some(["nosuid", "noexec", "strictatime", "relatime", "mode=750", "mode=1777", "size=1m"], 0, 4)
	if c.chance(92):
		mounts.append({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": dev_options})
	gid = c.mapped("gid", 5)
	if c.chance(90):
		options = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", f"gid={gid}"]
		if c.chance(20):
			options = c.some(["nosuid", "noexec", "newinstance", "ptmxmode=0600", "mode=0600", "max=100"], 1)
		mounts.append({"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": options})
	if c.chance(80):
		mounts.append({"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": c.one(
		    ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"], ["mode=0700"], ["nodev", "size=4k"], [])})
	if "ipc" in c.namespaces and c.chance(70):
		mounts.append({"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
		               "options": c.one(["nosuid", "noexec", "nodev"], ["ro"], [])})
	if "network" in c.namespaces and c.chance(80):
		mounts.append({"destination": "/sys", "type": "sysfs", "source": "sysfs",
		               "options": c.one(["nosuid", "noexec", "nodev", "ro"], ["nosuid", "noexec", "nodev"], ["ro"])})
		if c.chance(80):
			options = c.one(["nosuid", "noexec", "nodev", "relatime", "ro"], ["nosuid", "noexec", "nodev"],
			                ["rprivate", "ro"])
			mounts.append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": options})


def tmpfs_mounts(c):
	for destination in c.some(["/mnt/tmpfs", "/tmp", "/run", "/new/deep/tmpfs", "/files/dirlink", "/mnt/full"], 1, 3):
		options = mount_options(c)
		options += c.some(["size=1m", "mode=1770", "mode=0555", "uid=0", "gid=0", "nr_inodes=100", "tmpcopyup"], 0, 2)
		c.json["mounts"].append({"destination": destination, "type": "tmpfs", "source": c.one("tmpfs", "none", "x"),
		                         "options": options})
		c.probe(f"path:{destination}")


def bind_mounts(c):
	for source in c.some(["dir", "nested", "file", "secret", "fifo", "socket", "chr", "tree"], 1, 4):
		destination = c.one("/mnt/" + source, "/new/place/" + source)
		if source in ("dir", "tree") and c.chance(30):
			destination = c.one("/files/dir", "/files/dirlink", "/mnt/../mnt/x")
		if source == "file" and c.chance(30):
			destination = c.one("/files/file", "/files/link")
		mount = {"destination": destination, "source": f"@SOURCES@/{source}", "type": "bind"}
		if source in ("dir", "nested", "tree") and c.chance(30):
			mount["type"] = c.one("none", "") # of files crun thinks then that they are directories
		mount["options"] = mount_options(c, [c.one("bind", "rbind")])
		if source not in ("dir", "nested", "tree"): # crun takes the destination for a directory then
			mount["options"] = [o for o in mount["options"] if o not in RECURSIVE]
		if c.mappings: # the kernel refuses these there; crun goes on without them, runc and vmrunc do not
			mount["options"] = [o for o in mount["options"] if o not in ATIME]
		c.dice.shuffle(mount["options"])
		c.json["mounts"].append(mount)
		c.probe(f"path:{destination}")


def other_mounts(c):
	for kind in c.some(["duplicate", "ramfs", "over-file"], 1, 2):
		if kind == "duplicate":
			for n in range(2):
				c.json["mounts"].append({"destination": "/mnt/twice", "type": "tmpfs", "source": f"twice{n}",
				                         "options": [f"mode=070{n}"]})
			c.probe("path:/mnt/twice")
		elif kind == "ramfs" and "user" not in c.namespaces:
			c.json["mounts"].append({"destination": "/mnt/ramfs", "type": "ramfs", "source": "ramfs",
			                         "options": mount_options(c)})
			c.probe("path:/mnt/ramfs")
		elif kind == "over-file":
			c.json["mounts"].append({"destination": "/files/secret", "type": "bind", "source": "@SOURCES@/file",
			                         "options": ["bind", "ro"]})
			c.probe("path:/files/secret")


# --- the file system's restrictions ---

def hidden_paths(c):
	for field in ("maskedPaths", "readonlyPaths"):
		if c.chance(70):
			paths = c.some(PROC_PATHS, 0, 5) + c.some(ROOTFS_PATHS, 0, 3)
			if {"/files/dir", "/files/dirlink"} & set(paths): # the outer bind undoes the inner one with crun
				paths = [p for p in paths if p != "/files/dir/deep"]
			c.linux[field] = paths
			for p in paths:
				c.probe(f"path:{p}")


def root_options(c):
	c.json["root"]["readonly"] = c.chance(40)
	if c.chance(60):
		c.linux["rootfsPropagation"] = c.one("private", "rprivate", "shared", "rshared", "slave", "rslave")


def devices(c):
	nodes = []
	for path, kind, major, minor in c.some([
	    ("/dev/test1", "c", 10, 666), ("/dev/test2", "b", 8, 66),
	    ("/dev/sub/dir/zero", "c", 1, 5), ("/dev/null", "c", 1, 3), ("/dev/unbuffered", "u", 1, 7),
	    ("/nodes/random", "c", 1, 8), ("/dev/full2", "c", 1, 7)], 1, 4):
		node = {"path": path, "type": kind, "major": major, "minor": minor}
		if c.chance(70):
			node["fileMode"] = c.one(0o600, 0o666, 0o644, 0o20660, 0)
		if c.chance(50):
			node["uid"] = c.mapped("uid", c.one(0, 1000, 33))
		if c.chance(50):
			node["gid"] = c.mapped("gid", c.one(0, 1000, 5))
		nodes.append(node)
		c.probe(f"open:{path}")
	c.linux["devices"] = nodes


def device_rules(c):
	rules = []
	if c.chance(80):
		rules.append({"allow": False, "access": "rwm"})
	choices = [
	    {"allow": True, "type": "c", "major": 1, "minor": 5, "access": "r"},
	    {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rwm"},
	    {"allow": False, "type": "c", "major": 1, "minor": 7, "access": "w"},
	    {"allow": False, "type": "c", "major": 1, "access": "w"},
	    {"allow": True, "type": "c", "major": 1, "access": "rw"},
	    {"allow": True, "type": "c", "access": "m"},
	    {"allow": True, "type": "b", "access": "m"},
	    {"allow": False, "type": "b", "access": "m"},
	    {"allow": True, "type": "a", "access": "rwm"},
	    {"allow": False, "type": "c", "major": 1, "minor": 8, "access": "rwm"},
	    {"allow": True, "type": "c", "major": -1, "minor": -1, "access": "r"},
	    {"allow": True, "access": "rwm"},
	]
	rules += [dict(r) for r in c.some(choices, 0, 4)]
	c.resources["devices"] = rules
	for name in ("null", "zero", "full", "random", "tty"):
		c.probe(f"open:/dev/{name}")


def sysctls(c):
	choices = {}
	if "ipc" in c.namespaces:
		choices.update({"kernel.shm_rmid_forced": "1", "kernel.msgmax": "16384", "kernel.sem": "250 32000 100 200",
		                "fs.mqueue.msg_max": "20", "kernel.msgmnb": "32768", "kernel.shmmax": "67108864"})
	if "network" in c.namespaces:
		choices.update({"net.ipv4.ip_forward": "1", "net.ipv4.ping_group_range": "0 1000",
		                "net.ipv4.ip_unprivileged_port_start": "80", "net/ipv4/tcp_syncookies": "0",
		                "net.ipv4.conf.lo.rp_filter": "2"})
		if "user" not in c.namespaces: # hidden there, on a host
			choices["net.core.somaxconn"] = "1024"
	if choices:
		c.linux["sysctl"] = {k: choices[k] for k in c.some(sorted(choices), 1, 4)}
		for name in c.linux["sysctl"]:
			c.probe(f"sysctl:{name}")


def seccomp(c):
	shape = c.dice.random()
	if shape < 0.2:
		with open(f"{HERE}/../samples/docker-run.config.json", encoding="utf-8") as f:
			c.linux["seccomp"] = json.load(f)["linux"]["seccomp"]
		return
	def action():
		return c.one("SCMP_ACT_ERRNO", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
		             "SCMP_ACT_KILL_THREAD", "SCMP_ACT_TRAP", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_ALLOW")
	rules = []
	for _ in range(c.dice.randint(1, 4)):
		rule = {"names": c.some(VICTIMS, 1, 6), "action": action()}
		if rule["action"] == "SCMP_ACT_ERRNO" and c.chance(60):
			rule["errnoRet"] = c.dice.choice(ERRNOS)
		rules.append(rule)
	if c.chance(50):
		op = c.one("SCMP_CMP_EQ", "SCMP_CMP_NE", "SCMP_CMP_GT", "SCMP_CMP_GE", "SCMP_CMP_LT", "SCMP_CMP_LE")
		rules.append({"names": ["socket"], "action": "SCMP_ACT_ERRNO", "errnoRet": 97,
		              "args": [{"index": 0, "value": c.one(1, 16, 17), "op": op}]})
	if c.chance(40):
		rules.append({"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 61,
		              "args": [{"index": 0, "value": 0xffff, "valueTwo": 8, "op": "SCMP_CMP_MASKED_EQ"}]})
	if c.chance(30):
		rules.append({"names": ["no_such_call", "mkdir"], "action": "SCMP_ACT_ERRNO"})
	profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}
	if c.chance(50):
		profile["architectures"] = c.one(["SCMP_ARCH_X86_64"], ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"])
	if c.chance(30):
		profile["flags"] = c.some(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
		                           "SECCOMP_FILTER_FLAG_TSYNC"], 0, 2)
	c.linux["seccomp"] = profile


def personality(c):
	c.linux["personality"] = {"domain": c.one("LINUX", "LINUX32")}


# --- resources ---

def resources(c):
	r = c.resources
	for what in c.some(["memory", "cpu", "pids", "hugetlb", "unified"], 1, 3):
		if what == "memory":
			limit = c.one(64, 128, 300) << 20
			r["memory"] = {"limit": limit}
			if c.chance(50):
				r["memory"]["swap"] = c.one(limit, limit * 2, -1)
			if c.chance(40):
				r["memory"]["reservation"] = c.one(limit // 2, limit)
			if c.chance(20):
				r["memory"] = {"limit": -1}
		elif what == "cpu":
			r["cpu"] = {}
			if c.chance(60):
				r["cpu"]["shares"] = c.one(2, 512, 1024, 262144, 3, 5000)
			period = 100000
			if c.chance(60):
				period = r["cpu"]["period"] = c.one(100000, 50000, 1000000)
			if c.chance(60): # not less: the boot of a VM is in it too
				r["cpu"]["quota"] = c.one(period // 2, period, period * 3 // 2, -1)
			if c.chance(30):
				r["cpu"]["cpus"] = "0"
				r["cpu"]["mems"] = "0"
		elif what == "pids":
			r["pids"] = {"limit": c.one(64, 1000, 0, -1)}
		elif what == "hugetlb":
			r["hugepageLimits"] = [{"pageSize": "2MB", "limit": c.one(0, 2 << 20, 1 << 31)}]
		else:
			r["unified"] = {k: v for k, v in c.some([
			    ("memory.high", "209715200"), ("memory.low", "1048576"), ("pids.max", "77"), ("cpu.weight", "42"),
			    ("memory.oom.group", "1"), ("cpu.max", "30000 60000"), ("memory.swap.max", "8388608")], 1, 3)}
	for f in ("memory.max", "memory.low", "memory.high", "memory.swap.max", "memory.oom.group", "cpu.max",
	          "cpu.weight", "cpu.idle", "pids.max", "cpuset.cpus", "cpuset.mems", "hugetlb.2MB.max",
	          "cgroup.type", "cgroup.subtree_control"):
		c.probe(f"cgroup:{f}")


def made_files(c):
	for directory in c.some(["/files/dir", "/tmp", "/mnt", "/home", "/dev/shm"], 1, 2):
		c.probe(f"make:{directory}")
	for m in c.json["mounts"]:
		if m.get("source", "").endswith(("/dir", "/tree")) and ".." not in m["destination"]:
			c.probe(f"make:{m['destination']}")


def exit_status(c):
	c.probe(f"exit:{c.one(0, 1, 7, 42, 126, 255)}")


ALWAYS = [namespaces, user_namespace, standard_mounts]
# (feature, percent of the configs that have it)
FEATURES = [(user, 60), (capabilities, 60), (rlimits, 35), (flags, 60), (scheduling, 15), (io_priority, 15), (cwd, 40),
            (environment, 40), (names, 60), (tmpfs_mounts, 30), (bind_mounts, 50), (other_mounts, 20),
            (hidden_paths, 40), (root_options, 40), (devices, 30), (device_rules, 45), (sysctls, 30), (seccomp, 40),
            (personality, 10), (resources, 45), (made_files, 50), (exit_status, 50)]


def generate(seed):
	c = Config(seed)
	for feature in ALWAYS:
		feature(c)
	for feature, percent in FEATURES:
		if c.chance(percent):
			feature(c)
	if c.chance(50):
		c.probe("path:/probe")
	c.process["args"] += c.probes
	return c.json
