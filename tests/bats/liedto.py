#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls what there is to call on a tmpfs of a container, in the mount namespace of its pid, whose guest lies about it.

usage: liedto.py PID DIR ROUNDS    each call so often; prints "CALL: N answers, N errors"
       liedto.py PID DIR NAME      looks NAME up: prints "error: WHY"

Exit status 1 if something comes that a kernel must not give to a reader.
"""
import ctypes
import os
import stat
import sys

CLONE_NEWNS = 0x00020000
ENTRIES = 3  # of a directory: there may be no end
HANDLE_TRIES = 100

pid, directory, what = sys.argv[1:]


def enter():
    libc = ctypes.CDLL(None, use_errno=True)
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    if libc.setns(namespace, CLONE_NEWNS) < 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.chdir(directory)


if not what.isdigit():
    try:
        enter()
        os.stat(what)
        sys.exit("it is there")
    except OSError as e:
        print("error:", e.strerror)
    sys.exit()

enter()
rounds = int(what)
answers, errors = {}, {}


def call(name, function, check=lambda result: True):
    for _ in range(rounds):
        try:
            result = function()
        except OSError as e:
            if not 0 < e.errno < 512:
                sys.exit(f"{name}: an error {e.errno}")
            errors[name] = errors.get(name, 0) + 1
            continue
        answers[name] = answers.get(name, 0) + 1
        if not check(result):
            sys.exit(f"{name}: {result}")


def entries():
    names = []
    with os.scandir(".") as listing:
        for entry in listing:
            names.append(entry.name)
            if not is_name(entry.name):
                sys.exit(f"list: {names}")
            if len(names) == ENTRIES:
                break
    return names


def opened(name, flags):
    """A descriptor: what leads to it is lied about, too. Each call has a new one: of an inode that has shown two types nothing comes again."""
    for _ in range(HANDLE_TRIES):
        try:
            return os.open(name, flags, 0o600)
        except OSError:
            pass
    sys.exit(f"{name} does not open")


def call_open(name, function, check=lambda result: True):
    def one():
        fd = opened("f", os.O_RDWR)
        try:
            return function(fd)
        finally:
            os.close(fd)

    call(name, one, check)


def is_stat(st):
    return 0 <= st.st_size < 1 << 63 and stat.S_IFMT(st.st_mode) in (
        stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK)


def is_name(name):
    return name and "/" not in name and "\0" not in name and len(name) <= 255 and name not in (".", "..")


call("stat", lambda: os.lstat("f"), is_stat)
call("stat of the root", lambda: os.stat("."), is_stat)
call("list", entries)
call("readlink", lambda: os.readlink("l"), lambda text: 0 < len(text) < 4096 and "\0" not in text)
call("open", lambda: os.close(os.open("f", os.O_RDONLY)))
call("create", lambda: os.close(os.open("new", os.O_RDWR | os.O_CREAT, 0o600)))
call("mkdir", lambda: os.mkdir("nd"))
call("mknod", lambda: os.mknod("np", 0o600 | stat.S_IFIFO))
call("symlink", lambda: os.symlink("x", "nl"))
call("link", lambda: os.link("f", "ng", follow_symlinks=False))
call("rename", lambda: os.rename("f", "ng"))
call("unlink", lambda: os.unlink("f"))
call("rmdir", lambda: os.rmdir("d"))
call("statfs", lambda: os.statvfs("."))
call("getxattr", lambda: os.getxattr("f", "user.ab"), lambda value: len(value) <= 65536)
call("listxattr", lambda: os.listxattr("f"))
call("setxattr", lambda: os.setxattr("f", "user.ab", b"x"))
call("removexattr", lambda: os.removexattr("f", "user.ab"))
call_open("read", lambda fd: os.pread(fd, 4096, 0), lambda data: len(data) <= 4096)
call_open("write", lambda fd: os.pwrite(fd, b"x" * 4096, 0), lambda n: 0 <= n <= 4096)
call_open("truncate", lambda fd: os.ftruncate(fd, 5))
call_open("chmod", lambda fd: os.fchmod(fd, 0o600))
call_open("stat of a file that is open", os.fstat, is_stat)
for name in sorted(answers | errors):
    print(f"{name}: {answers.get(name, 0)} answers, {errors.get(name, 0)} errors")
