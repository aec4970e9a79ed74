"""Hands listening sockets to a program, as a service manager does: sd_listen_fds(3).

    activate.py NAME[,NAME…] PROGRAM ARGUMENT…

Each socket listens on a free port of the loopback interface; the ports are printed in one line. A name that begins with
"udp" gets a datagram socket. With the name "foreign" the sockets are meant for another process.
"""
import os
import socket
import sys

names = sys.argv[1].split(",")
sockets = []
for name in names:
    kind = socket.SOCK_DGRAM if name.startswith("udp") else socket.SOCK_STREAM
    sockets.append(socket.socket(socket.AF_INET, kind))
    sockets[-1].bind(("127.0.0.1", 0))
    if kind == socket.SOCK_STREAM:
        sockets[-1].listen()
print(*(s.getsockname()[1] for s in sockets), flush=True)

# Out of the way first, so that none is overwritten before it is copied.
copies = [os.dup2(s.fileno(), 100 + index) for index, s in enumerate(sockets)]
for index, copy in enumerate(copies):
    os.dup2(copy, 3 + index)
    os.close(copy)
os.environ.update(
    LISTEN_PID="1" if "foreign" in names else str(os.getpid()),
    LISTEN_FDS=str(len(sockets)),
    LISTEN_FDNAMES=":".join(names),
)
os.execv(sys.argv[2], sys.argv[2:])
