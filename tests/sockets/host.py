#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The host's end of tests/bats/48-sockets.bats.

usage: host.py serve stream|seqpacket PATH     listens; says "ready" when it does, and a line for each connection's end
       host.py hold PATH N                     gives each of N connections a byte when all of them are there
       host.py activate ADDRESS... -- COMMAND  executes COMMAND with a listening socket for each ADDRESS from descriptor 3
                                               on, as a service manager: LISTEN_FDS, LISTEN_PID
       host.py ask ADDRESS TEXT                connects, sends TEXT, ends its direction, prints what comes; ADDRESS: a path
                                               or IP:PORT
       host.py pair COMMAND                    executes COMMAND with one end of a socket pair as descriptor 3, and is at
                                               the other: sends "ping", ends its direction, and prints what comes
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


def address(text):
    """The family and the address of @text."""
    if text.startswith("/"):
        return socket.AF_UNIX, text
    host, port = text.rsplit(":", 1)
    return socket.AF_INET, (host, int(port))


def activate(argv):
    split = argv.index("--")
    socks = []
    for text in argv[:split]:
        family, addr = address(text)
        sock = socket.socket(family)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(addr)
        sock.listen(16)
        socks.append(sock)
    high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(socks)]
    os.closerange(3, 100)
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i, inheritable=True)
    os.environ.update(LISTEN_FDS=str(len(high)), LISTEN_PID=str(os.getpid()))
    os.closerange(100, 200)
    os.execvp(argv[split + 1], argv[split + 1:])


def finish(sock, text):
    """Sends @text, ends the direction, and prints what comes until the end."""
    sock.sendall(text.encode())
    sock.shutdown(socket.SHUT_WR)
    while True:
        data = sock.recv(65536)
        if not data:
            return
        sys.stdout.write(data.decode())
        sys.stdout.flush()


def ask(addr, text):
    family, addr = address(addr)
    sock = socket.socket(family)
    sock.connect(addr)
    finish(sock, text)


def pair(command):
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        if theirs.fileno() != 3:
            os.dup2(theirs.fileno(), 3)
        os.set_inheritable(3, True)
        os.closerange(4, 200)
        os.execvp(command[0], command)
    theirs.close()
    finish(ours, "ping")
    os.wait()


def main(argv):
    if argv[1] == "serve":
        serve(getattr(socket, "SOCK_" + argv[2].upper()), argv[3])
    elif argv[1] == "hold":
        sock = listener(socket.SOCK_STREAM, argv[2], 1)
        conns = [sock.accept()[0] for _ in range(int(argv[3]))]
        for conn in conns:
            conn.sendall(b"x")
    elif argv[1] == "activate":
        activate(argv[2:])
    elif argv[1] == "ask":
        ask(argv[2], argv[3])
    elif argv[1] == "pair":
        pair(argv[2:])
    elif argv[1] == "datagrams":
        sock = listener(socket.SOCK_DGRAM, argv[2])
        while True:
            say(sock.recv(1 << 20).decode())


main(sys.argv)
