#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an engine does around a detached exec.

engine.py PIDFILE OUT CMD...   becomes the subreaper, runs CMD with pipes and with a listening socket that it leaks, reads
                               PIDFILE, waits for that process as a child of its own, takes what is in the pipes at that
                               moment, and writes OUT: a line for each thing that it has found.
"""
import fcntl, os, signal, socket, subprocess, sys, ctypes

PR_SET_CHILD_SUBREAPER = 36


def drain(fd):
    """What can be read from fd without waiting, and whether its end has been seen."""
    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
    data = b""
    while True:
        try:
            more = os.read(fd, 1 << 16)
        except BlockingIOError:
            return data, "no"
        if not more:
            return data, "yes"
        data += more


def main():
    pid_file, out, cmd = sys.argv[1], sys.argv[2], sys.argv[3:]
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    leak = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    leak.bind(pid_file + ".leak")
    leak.listen(1)
    os.set_inheritable(leak.fileno(), True)
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, close_fds=False)
    lines = [f"rc {p.wait()}"]
    if p.returncode == 0:
        with open(pid_file, encoding="ascii") as f:
            text = f.read()
        pid = int(text)
        lines.append(f"newline {'yes' if text.endswith(chr(10)) else 'no'}")
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        lines.append(f"mine {'yes' if int(fields[1]) == os.getpid() else 'no'}")
        lines.append(f"session {'yes' if int(fields[3]) == pid else 'no'}")
        with open(out + ".running", "w", encoding="ascii") as f:
            f.write(text)
        _, status = os.waitpid(pid, 0)
        lines.append(f"code {os.waitstatus_to_exitcode(status)}")
    for name, pipe in ("out", p.stdout), ("err", p.stderr):
        data, end = drain(pipe.fileno())
        lines.append(f"{name} {len(data)} {end} {data[-200:].decode(errors='replace').strip()}")
    leak.close()
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(pid_file + ".leak")
        lines.append("leak kept")
    except ConnectionRefusedError:
        lines.append("leak none")
    with open(out + ".new", "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")
    os.rename(out + ".new", out)
    return 0


signal.signal(signal.SIGPIPE, signal.SIG_DFL)
sys.exit(main())
