#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A FUSE file system of one directory with one file, "file", which can be opened and read for as long as this runs.

usage: fuse.py DIR  mounts it on DIR, prints "mounted", and serves. Stopped (SIGSTOP), it is a file system that hangs.

It speaks version 7.12 of the protocol, whose messages are the shortest that current kernels take.
"""

import ctypes
import errno
import os
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = (
	1, 2, 3, 14, 15, 17, 18, 26, 27, 28, 29, 36, 42)
TEXT = b"text\n"
FOR_EVER = 1 << 30  # s; what the kernel knows it need not ask for again


def attr(node):
	mode, size = (0o40755, 0) if node == 1 else (0o100644, len(TEXT))
	return struct.pack("<6Q9I4x", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096)


def answer(opcode, node, body):
	"""The body of the answer, or the number of an error."""
	if opcode == INIT:
		return struct.pack("<4I2HI", 7, 12, 0, 0, 12, 9, 4096)
	if opcode == LOOKUP:
		return struct.pack("<4Q2I", 2, 0, FOR_EVER, FOR_EVER, 0, 0) + attr(2) if body == b"file\0" else errno.ENOENT
	if opcode == GETATTR:
		return struct.pack("<Q2I", FOR_EVER, 0, 0) + attr(node)
	if opcode in (OPEN, OPENDIR):
		return bytes(16)
	if opcode == READ:
		return TEXT if struct.unpack_from("<Q", body, 8)[0] == 0 else b""
	if opcode == STATFS:
		return bytes(80)
	return b"" if opcode in (READDIR, RELEASE, RELEASEDIR) else errno.ENOSYS


def main():
	fd = os.open("/dev/fuse", os.O_RDWR)
	data = f"fd={fd},rootmode=40755,user_id=0,group_id=0,allow_other".encode()
	if ctypes.CDLL(None, use_errno=True).mount(b"hangs", sys.argv[1].encode(), b"fuse", 0, data) < 0:
		sys.exit("mount: " + os.strerror(ctypes.get_errno()))
	while True:
		try:
			message = os.read(fd, 1 << 18)
		except OSError as e:
			sys.exit(0 if e.errno == errno.ENODEV else e.strerror)
		_, opcode, unique, node = struct.unpack_from("<2I2Q", message)
		if opcode == INIT:
			print("mounted", flush=True)
		if opcode not in (FORGET, BATCH_FORGET, INTERRUPT):
			reply = answer(opcode, node, message[40:])
			error, body = (-reply, b"") if isinstance(reply, int) else (0, reply)
			os.write(fd, struct.pack("<IiQ", 16 + len(body), error, unique) + body)


if __name__ == "__main__":
	main()
