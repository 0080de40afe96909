#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The engine's end of --console-socket, and a terminal for a foreground run.

console.py socket PATH ROWS COLS [TEXT]   listen at PATH, take the pty master, set its size, type TEXT,
                                          print what comes until the other side closes
console.py pty ROWS COLS TEXT CMD...      run CMD on a new pty, type TEXT once it has printed "ready"
                                          ($CONSOLE_READY, if set), print what comes; exits with CMD's code
                                          $CONSOLE_RESIZE (ROWSxCOLS): at that moment the pty gets this size
"""
import array, fcntl, os, pty, select, socket, struct, sys, termios


def set_size(fd, rows, cols):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))


def copy(fd, text, ready, resize=None):
    """Prints what comes from fd; once ready has been seen, sets the size and types text."""
    seen = b""
    while True:
        try:
            data = os.read(fd, 65536)
        except OSError:  # EIO: the last holder of the other side has closed it
            break
        if not data:
            break
        os.write(1, data)
        seen += data
        if ready in seen:
            if resize:
                set_size(fd, *resize)
                resize = None
            if text:
                os.write(fd, text)
                text = b""


def unescape(s):
    return s.encode().decode("unicode_escape").encode("latin1")


def main():
    if sys.argv[1] == "socket":
        path, rows, cols = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        text = unescape(sys.argv[5]) if len(sys.argv) > 5 else b""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
        listener.listen(1)
        conn, _ = listener.accept()
        fds = array.array("i")
        msg, ancillary, _, _ = conn.recvmsg(4096, socket.CMSG_SPACE(fds.itemsize))
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        assert len(fds) == 1 and len(msg) >= 1, (fds, msg)
        master = fds[0]
        termios.tcgetattr(master)
        set_size(master, rows, cols)
        copy(master, text, b"ready")
        return 0
    rows, cols, text = int(sys.argv[2]), int(sys.argv[3]), unescape(sys.argv[4])
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[5], sys.argv[5:])
    set_size(master, rows, cols)
    resize = os.environ.get("CONSOLE_RESIZE")
    copy(master, text, os.environ.get("CONSOLE_READY", "ready").encode(),
         tuple(int(n) for n in resize.split("x")) if resize else None)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) & 0xFF


sys.exit(main())
