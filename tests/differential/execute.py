#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs configs under runtimes, on the machine it is started on.

   usage: execute.py PROBE CONFIGS RUNTIME...

CONFIGS is a directory of NAME.json files (generate.py's form); a RUNTIME is
NAME=COMMAND LINE. For each config and runtime a fresh bundle is made, the
container run, and one line of JSON printed:

   {"config": NAME, "runtime": NAME, "exit": CODE, "stdout": TEXT, "stderr": TEXT, "files": {PATH: WHAT}}

where "files" is what the host sees in the root file system and in the sources
of bind mounts afterwards. Nothing is judged here. Must be root; /run must be
a file system that has device nodes.
"""

import contextlib
import ctypes
import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys

BASE = "/run/differential"
TIMEOUT_S = 120		# of one container: an emulated machine in an emulated machine boots in a few seconds
OUTPUT_MAX = 4 << 20	# of a container's output; the probe prints some 50 KiB
HOST_FS = "host-files"	# the name by which compare.py knows the file systems of ours in mountinfo
CLONE_NEWNS = 0x20000
MOUNT_POINTS = "bin dev etc files home mnt nodes proc run sys tmp usr/bin".split()


def make(path, mode=0o644, text=""):
	with open(path, "w", encoding="utf-8") as f:
		f.write(text)
	os.chmod(path, mode)


def make_node(path, mode, major=0, minor=0):
	os.mknod(path, mode, os.makedev(major, minor))
	os.chmod(path, stat.S_IMODE(mode))


def make_dir(path, mode=0o755):
	os.makedirs(path)
	os.chmod(path, mode)


def make_rootfs(root, probe):
	for d in MOUNT_POINTS:
		make_dir(f"{root}/{d}")
	os.chmod(f"{root}/tmp", 0o1777)
	shutil.copyfile(probe, f"{root}/probe")
	os.chmod(f"{root}/probe", 0o755)
	make(f"{root}/etc/passwd", text="root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n")
	make(f"{root}/etc/group", text="root:x:0:\nuser:x:1000:\n")
	files = f"{root}/files"
	make_dir(f"{files}/dir/deep", 0o700)
	make(f"{files}/dir/a", text="in a directory\n")
	make(f"{files}/file", text="a file\n")
	make(f"{files}/secret", 0o600, "a secret\n")
	make_node(f"{files}/fifo", stat.S_IFIFO | 0o644)
	make_node(f"{files}/chr", stat.S_IFCHR | 0o666, 1, 3)
	make_node(f"{files}/blk", stat.S_IFBLK | 0o660, 7, 200)
	os.symlink("/files/file", f"{files}/link")
	os.symlink("/files/dir", f"{files}/dirlink")


def make_sources(sources):
	make_dir(f"{sources}/dir")
	make(f"{sources}/dir/a", text="the host's\n")
	make_dir(f"{sources}/nested/sub")
	mount(f"{sources}/nested/sub")
	make(f"{sources}/nested/sub/below", text="below a mount\n")
	make(f"{sources}/nested/above", text="above it\n")
	make(f"{sources}/file", text="a bound file\n")
	make(f"{sources}/secret", 0o600, "a bound secret\n")
	make_node(f"{sources}/fifo", stat.S_IFIFO | 0o644)
	make_node(f"{sources}/socket", stat.S_IFSOCK | 0o755)
	make_node(f"{sources}/chr", stat.S_IFCHR | 0o666, 1, 5)
	make_dir(f"{sources}/tree/one/two", 0o2775)
	make(f"{sources}/tree/one/owned", 0o640, "another's\n")
	os.chown(f"{sources}/tree/one/owned", 1000, 5)
	os.symlink("one/owned", f"{sources}/tree/link")


def mount(where):
	subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=0755", HOST_FS, where], check=True)


def mapped(mappings, identity):
	"""The host's id for a container's; itself where no mapping has it."""
	for m in mappings:
		if m["containerID"] <= identity < m["containerID"] + m["size"]:
			return m["hostID"] + identity - m["containerID"]
	return identity


def give_to(root, linux):
	"""A root file system is owned by the ids that its user namespace maps."""
	for top, dirs, files in os.walk(root):
		for name in [top] + [f"{top}/{n}" for n in dirs + files]:
			if name != top or top == root:
				st = os.lstat(name)
				mode = st.st_mode
				os.lchown(name, mapped(linux["uidMappings"], st.st_uid), mapped(linux["gidMappings"], st.st_gid))
				if not stat.S_ISLNK(mode):
					os.chmod(name, stat.S_IMODE(mode))


def what_is(path):
	st = os.lstat(path)
	text = f"{stat.filemode(st.st_mode)} {st.st_uid}:{st.st_gid}"
	if stat.S_ISLNK(st.st_mode):
		text += f" -> {os.readlink(path)}"
	elif stat.S_ISREG(st.st_mode):
		text += f" {st.st_size} bytes, {st.st_nlink} links"
	elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
		text += f" {os.major(st.st_rdev)}:{os.minor(st.st_rdev)}"
	return text


def look_at(bundle):
	found = {}
	for top, dirs, files in os.walk(bundle):
		for name in dirs + files:
			path = f"{top}/{name}"
			found[path[len(bundle) + 1:]] = what_is(path)
	return found


def take_leftovers(bundle, ours):
	"""Unmounts what a runtime has left mounted below @bundle, and says where that was."""
	with open("/proc/self/mountinfo", encoding="utf-8") as f:
		points = [line.split()[4] for line in f]
	left = [p for p in points if p.startswith(f"{bundle}/") and p not in ours]
	for p in reversed(left): # the last one lies on top
		subprocess.run(["umount", p], check=True)
	return {f"left mounted {p[len(bundle) + 1:]}": "mounted" for p in left}


def run_container(command, bundle, name):
	"""Exit code, stdout and stderr; the code is "timeout" where there was no end."""
	with open(f"{bundle}/stdout", "wb") as out, open(f"{bundle}/stderr", "wb") as err:
		p = subprocess.Popen(command + ["run", "--bundle", bundle, name], stdin=subprocess.DEVNULL, stdout=out,
		                     stderr=err, start_new_session=True)
		try:
			code = p.wait(TIMEOUT_S)
		except subprocess.TimeoutExpired:
			code = "timeout"
			os.killpg(p.pid, signal.SIGKILL)
			p.wait()
	subprocess.run(command + ["delete", "--force", name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
	               stderr=subprocess.DEVNULL, check=False)
	texts = []
	for stream in ("stdout", "stderr"):
		with open(f"{bundle}/{stream}", "rb") as f:
			texts.append(f.read(OUTPUT_MAX).decode(errors="backslashreplace"))
		os.unlink(f"{bundle}/{stream}")
	return code, *texts


def without_time_namespace(config):
	linux = dict(config["linux"])
	linux["namespaces"] = [n for n in linux["namespaces"] if n["type"] != "time"]
	linux.pop("timeOffsets", None)
	return {**config, "linux": linux}


def without_what_runc_refuses(config):
	config = without_time_namespace(config)
	if config["linux"].get("seccomp", {}).get("flags"):
		config["linux"]["seccomp"] = {**config["linux"]["seccomp"], "flags": []}
	return config


# What a runtime cannot do at all is left out of its config; accepted.EXPECTED says what is right for it.
REDUCED = {"crun": without_time_namespace,	# 1.8: dies now and then, and sets no offsets
           "runc": without_what_runc_refuses}	# 1.1: knows neither time namespaces nor seccomp flags


def execute(name, text, runtime, command, probe):
	bundle = f"{BASE}/bundle"
	os.mkdir(bundle)
	make_rootfs(f"{bundle}/rootfs", probe)
	make_sources(f"{bundle}/sources")
	config = json.loads(text.replace("@BUNDLE@", bundle).replace("@SOURCES@", f"{bundle}/sources"))
	if config["linux"].get("uidMappings"):
		give_to(f"{bundle}/rootfs", config["linux"])
	config = REDUCED.get(runtime, dict)(config)
	make(f"{bundle}/config.json", text=json.dumps(config, indent=1))
	code, out, err = run_container(command, bundle, f"{name}-{runtime}")
	os.unlink(f"{bundle}/config.json")
	files = look_at(bundle) | take_leftovers(bundle, [f"{bundle}/sources/nested/sub"])
	subprocess.run(["umount", f"{bundle}/sources/nested/sub"], check=True)
	shutil.rmtree(bundle)
	return {"config": name, "runtime": runtime, "exit": code, "stdout": out, "stderr": err, "files": files}


@contextlib.contextmanager
def scratch():
	"""A file system of our own, in a mount namespace of our own: nothing stays of it."""
	if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) < 0:
		raise OSError(ctypes.get_errno(), "cannot make a mount namespace")
	subprocess.run(["mount", "--make-rprivate", "/"], check=True)
	os.makedirs(BASE, exist_ok=True)
	mount(BASE)
	# Shared, as the mounts of most systems are; how much of that reaches a container is for the runtime to decide.
	subprocess.run(["mount", "--make-shared", BASE], check=True)
	yield
	subprocess.run(["umount", "-l", BASE], check=True)


def main():
	probe, configs, *runtimes = sys.argv[1:]
	names = sorted(f[:-5] for f in os.listdir(configs) if f.endswith(".json"))
	with open(probe, "rb"):
		pass
	with scratch():
		os.umask(0o022)
		for name in names:
			with open(f"{configs}/{name}.json", encoding="utf-8") as f:
				text = f.read()
			for r in runtimes:
				runtime, _, command = r.partition("=")
				print(json.dumps(execute(name, text, runtime, shlex.split(command), probe)), flush=True)


if __name__ == "__main__":
	main()
