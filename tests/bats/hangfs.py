#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A FUSE file system that hangs: usage: hangfs.py DIR

Mounted at DIR are "file", which can be read, and "hang", a read of which is never answered. Prints "mounted", and "hanging"
when the first such read has come. Ends with SIGTERM, and all that hangs with it, or when DIR is unmounted.
"""

import ctypes
import errno
import os
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = (
	1, 2, 3, 14, 15, 17, 18, 25, 26, 27, 28, 29, 36, 42)
ROOT, FILE, HANG = 1, 2, 3
NAMES = {b"file": FILE, b"hang": HANG}
TEXT = b"fine\n"
LONG = 3600	# seconds for which the kernel may keep what it was told


def attr(node):
	mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o644
	return struct.pack("=6Q10I", node, 0 if node == ROOT else len(TEXT), 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def answer(opcode, node, body):
	"""The answer's body, or an errno."""
	if opcode == INIT:
		return struct.pack("=4I2H2I2H8I", 7, 31, 65536, 0, 12, 9, 65536, 1, 0, 0, *[0] * 8)
	if opcode == GETATTR:
		return struct.pack("=Q2I", LONG, 0, 0) + attr(node)
	if opcode == LOOKUP:
		found = NAMES.get(body.rstrip(b"\0"))
		if found is None:
			return errno.ENOENT
		return struct.pack("=4Q2I", found, 0, LONG, LONG, 0, 0) + attr(found)
	if opcode in (OPEN, OPENDIR):
		return struct.pack("=Q2I", 0, 0, 0)
	if opcode == READ:
		offset, size = struct.unpack_from("=QI", body, 8)
		return TEXT[offset:offset + size]
	if opcode == STATFS:
		return bytes(80)
	if opcode in (READDIR, RELEASE, RELEASEDIR, FLUSH):
		return b""
	return errno.ENOSYS


def main():
	libc = ctypes.CDLL(None, use_errno=True)
	fd = os.open("/dev/fuse", os.O_RDWR)
	options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
	if libc.mount(b"hangfs", os.fsencode(sys.argv[1]), b"fuse", 0, options) != 0:
		sys.exit("mount: " + os.strerror(ctypes.get_errno()))
	print("mounted", flush=True)
	told = False
	while True:
		try:
			message = os.read(fd, 1 << 20)
		except OSError as e:
			if e.errno in (errno.EINTR, errno.ENOENT):
				continue
			break	# ENODEV: unmounted
		_, opcode, unique, node = struct.unpack_from("=IIQQ", message)
		if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
			continue
		if opcode == READ and node == HANG:
			if not told:
				print("hanging", flush=True)
			told = True
			continue
		body = answer(opcode, node, message[40:])
		error, body = (-body, b"") if isinstance(body, int) else (0, body)
		try:
			os.write(fd, struct.pack("=IiQ", 16 + len(body), error, unique) + body)
		except FileNotFoundError:
			pass	# whoever asked was interrupted meanwhile


if __name__ == "__main__":
	main()
