#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The host's end of tests/bats/48-sockets.bats.

usage: host.py serve stream|seqpacket PATH     listens; says "ready" when it does, and a line for each connection's end
       host.py hold PATH N                     gives each of N connections a byte when all of them are there
       host.py datagrams PATH                  prints what comes
"""
import os
import socket
import sys


def say(text):
    print(text, flush=True)


def listener(kind, path, backlog=16):
    sock = socket.socket(socket.AF_UNIX, kind)
    os.chdir(os.path.dirname(path) or ".")
    sock.bind(os.path.basename(path))
    if kind != socket.SOCK_DGRAM:
        sock.listen(backlog)
    say("ready")
    return sock


def serve(kind, path):
    """Each connection is read to its end, and answered by the length and the beginning of what came."""
    sock = listener(kind, path)
    while True:
        conn, _ = sock.accept()
        data = b""
        while True:
            more = conn.recv(1 << 20)
            if not more:
                break
            data += more
        try:
            conn.sendall(b"host got %d: %s\n" % (len(data), data[:40]))
        except OSError as e:
            say("error %s" % e)
        conn.close()
        say("end %d" % len(data))


def main(argv):
    if argv[1] == "serve":
        serve(getattr(socket, "SOCK_" + argv[2].upper()), argv[3])
    elif argv[1] == "hold":
        sock = listener(socket.SOCK_STREAM, argv[2], 1)
        conns = [sock.accept()[0] for _ in range(int(argv[3]))]
        for conn in conns:
            conn.sendall(b"x")
    elif argv[1] == "datagrams":
        sock = listener(socket.SOCK_DGRAM, argv[2])
        while True:
            say(sock.recv(1 << 20).decode())


main(sys.argv)
