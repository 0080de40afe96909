# SPDX-License-Identifier: Apache-2.0
"""Two runs of one config: their facts, made comparable, and what differs.

facts(result, config) makes a dictionary of one result of execute.py. What
cannot be the same on a host and in a VM is taken out there, each with its
reason, and nothing else.

differences(config, engine, reference, second, tested) compares. The reference is
crun, or runc where crun refuses a config. Each difference has a verdict:

   agrees    the second reference (runc) has what the tested runtime has:
             two runtimes that users take for right disagree, so either is
   expected  it is in the tables of accepted.py, with a reason
   wrong     everything else
"""

import re

import accepted

# What a mount point shows in /proc/self/mountinfo (proc_pid_mountinfo(5)).
MOUNTINFO = re.compile(r"\d+ \d+ \S+ (?P<root>\S+) (?P<point>\S+) (?P<options>\S+)(?P<optional>.*?) - "
                       r"(?P<type>\S+) (?P<source>\S*) (?P<super>\S+)$")


def unescape(value):
	return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), value)


def mount_facts(text, config):
	points = {}
	ids = {}
	found = {}
	device_paths = {d["path"] for d in config["linux"].get("devices", [])}
	for line in text.splitlines():
		m = MOUNTINFO.match(line)
		if not m:
			found[f"mount.unreadable {line}"] = "there"
			continue
		number, parent = line.split()[:2]
		ids[number] = m["point"]
		nth = points[m["point"]] = points.get(m["point"], 0) + 1
		key = f"mount {m['point']}" + (f" #{nth}" if nth > 1 else "")
		# A device is a node or, where none can be made, a bind of one: open: and dev. tell what it is.
		if m["point"] in device_paths or re.fullmatch(r"/dev/(null|zero|full|random|urandom|tty)", m["point"]):
			continue
		kind, source, root, options = m["type"], m["source"], m["root"], m["super"]
		if kind == "9p" or source == "host-files":
			# Files of the host are its own file system's under crun, and 9p in a VM.
			kind, source, options = "(host's files)", "", ""
			# The root of such a mount is the path in that file system: its last component is what is promised.
			root = "" if m["point"] == "/" else root.rsplit("/", 1)[-1]
		elif root == "/null" and kind in ("devtmpfs", "tmpfs"):
			# A mask over a file is some /dev/null, of whichever file system.
			kind, source, options = "(null device)", "", ""
		elif kind in ("cgroup2", "cgroup"):
			# Without a cgroup namespace the root is a path of the host, which the VM does not have.
			root = "/" if root == "/" else "(below)"
		found[f"{key} type"] = kind
		found[f"{key} source"] = source
		found[f"{key} root"] = root
		found[f"{key} options"] = ",".join(sorted(m["options"].split(",")))
		found[f"{key} super"] = super_options(kind, options)
		# Nothing propagates from the host's mounts into a VM, so none has a master there.
		found[f"{key} propagation"] = " ".join(w.split(":")[0] for w in m["optional"].split()
		                                       if not w.startswith(("master:", "propagate_from:")))
		found[f"{key} parent"] = ids.get(parent, "none") if m["point"] != "/" else "none"
	return found


def super_options(kind, text):
	# inode64 depends on how a kernel was built, size= of a tmpfs without one on the memory of the machine.
	words = [w for w in text.split(",") if w != "inode64"]
	if kind == "(mount of the system)":
		return ""
	return ",".join(sorted(words))


def environment_facts(found):
	"""By name, and the order apart from the values."""
	order = []
	for i in range(len(found)):
		entry = found.pop(f"env.{i}", None)
		if entry is None:
			break
		name, _, value = entry.partition("=")
		order.append(name)
		found[f"env {name}" + (f" #{order.count(name)}" if order.count(name) > 1 else "")] = value
	found["env order"] = " ".join(order)


def drop_volatile(found):
	"""What is in the files and directories of a kernel is that kernel's, and another one each time."""
	for key in list(found):
		if re.match(r"path\.list\./(proc|sys)/", key):
			del found[key]
		elif re.match(r"path\./(proc|sys)/.*\.read$", key):
			found[key] = re.sub(r"read [1-9]\d*$", "read something", found[key])


def missing_paths(found):
	return {m[1] for m in (re.fullmatch(r"path\.(/(?:proc|sys)/[^ ]*)", k) for k, v in found.items() if v == "errno 2") if m}


def drop_missing(found, missing):
	"""Files of /proc and /sys that one of the two kernels does not have: stock kernel here, small kernel there."""
	for key in list(found):
		m = re.match(r"(?:path\.|mount )(/(?:proc|sys)/[^ ]*?)(\.(followed|readonly|access|read|write|create)| .*)?$", key)
		if m and m[1] in missing:
			del found[key]


def facts(result, config):
	"""{KEY: VALUE}, all of it strings."""
	found = {}
	ended = False
	for line in result["stdout"].splitlines():
		key, _, value = line.partition(" ")
		while key in found: # a config may ask for a thing twice
			key += "'"
		found[key] = value
		ended |= key == "end"
	if result["exit"] == "timeout":
		return {"outcome": "does not end"}
	if not ended:
		return {"outcome": f"ends early, behind {list(found)[-1]}" if found else "refused"}
	found["outcome"] = f"runs, exit {result['exit']}"
	found.update(mount_facts(unescape(found.pop("mountinfo", "")), config))
	for path, what in result["files"].items():
		found[f"host {path}"] = what
	environment_facts(found)
	drop_volatile(found)
	return found


class Difference:
	def __init__(self, key, reference, tested, verdict, reason):
		self.key, self.reference, self.tested, self.verdict, self.reason = key, reference, tested, verdict, reason

	def __str__(self):
		text = f"{self.key}: reference {self.reference!r}, vmrunc {self.tested!r}"
		return text + (f" ({self.reason})" if self.reason else "")


def judge(key, config, engine, reference, second, tested):
	"""(verdict, reason) of a difference."""
	expectation = accepted.expectation(key, config)
	if expectation is not None:
		wanted, reason = expectation
		if tested == wanted:
			return "expected", reason
		return "wrong", f"the config says {wanted!r}: {reason}"
	reason = accepted.reason(key, config, engine, reference, tested)
	if reason:
		return "expected", reason
	if second is not None and second == tested:
		return "agrees", "as runc"
	return "wrong", ""


def differences(config, engine, reference, second, tested):
	"""Results of execute.py for the reference, the second reference or None, and the tested runtime."""
	a, c = facts(reference, config), facts(tested, config)
	b = facts(second, config) if second else {}
	if not b.get("outcome", "").startswith("runs"):
		b = {} # it has no opinion on what it cannot do
	if not a["outcome"].startswith("runs") and b:
		a, b = b, a # crun cannot: then runc is the reference
	missing = missing_paths(a) | missing_paths(c)
	for x in (a, b, c):
		drop_missing(x, missing)
	both_ran = a["outcome"].startswith("runs") and c["outcome"].startswith("runs")
	keys = sorted(a.keys() | c.keys()) if both_ran else ["outcome"]
	found = []
	for key in keys:
		wanted, got = a.get(key, "(not there)"), c.get(key, "(not there)")
		# What neither reference implements must be what the config says, also where all agree to ignore it.
		if wanted == got and accepted.expectation(key, config) is None:
			continue
		verdict, reason = judge(key, config, engine, wanted, b.get(key, "(not there)") if b else None, got)
		if wanted == got and verdict != "wrong":
			continue
		found.append(Difference(key, wanted, got, verdict, reason))
	return a["outcome"], c["outcome"], found
