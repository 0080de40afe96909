#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads /proc where an engine does that looks for a container's processes: in the mount namespace of its pid.

usage: procview.py PID list        each process: its number and its command line
       procview.py PID cat FILE    a file below /proc
       procview.py PID write FILE  tries to
"""
import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000

pid, verb, *args = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
if libc.setns(namespace, CLONE_NEWNS) < 0:
    raise OSError(ctypes.get_errno(), "setns")


def read(file):
    with open("/proc/" + file, "rb") as f:
        return f.read()


if verb == "list":
    for name in os.listdir("/proc"):
        if name.isdigit():
            print(name, read(name + "/cmdline").replace(b"\0", b" ").decode())
elif verb == "cat":
    sys.stdout.buffer.write(read(args[0]))
elif verb == "write":
    with open("/proc/" + args[0], "wb") as f:
        f.write(b"x")
