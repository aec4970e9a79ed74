"""HAProxy on a free port of the loopback interface, which is printed first.

haproxy.py send v1|v2 PORT    relays to 127.0.0.1:PORT with a PROXY header; v2 has a checksum and a unique id
haproxy.py check PORT         only checks whether 127.0.0.1:PORT lives, with PROXY headers
haproxy.py accept             wants a PROXY header, and answers HTTP requests with what it says
"""
import os
import signal
import socket
import subprocess
import sys

DEFAULTS = """
defaults
    mode tcp
    timeout connect 10s
    timeout client 30s
    timeout server 30s
    timeout check 30s
listen test
    bind fd@{fd}{accept}
"""
SERVER = "    server target 127.0.0.1:{port} "

command, *arguments = sys.argv[1:]
listener = socket.create_server(("127.0.0.1", 0))
configuration = DEFAULTS.format(fd=listener.fileno(), accept=" accept-proxy" if command == "accept" else "")
if command == "accept":
    configuration += """
    mode http
    http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst]:%[dst_port] %[fc_pp_authority]"
"""
elif command == "check":
    configuration += SERVER.format(port=arguments[0]) + "send-proxy-v2 check check-send-proxy inter 100ms\n"
elif arguments[0] == "v1":
    configuration += SERVER.format(port=arguments[1]) + "send-proxy\n"
else:
    configuration += "    unique-id-format id-%cp\n"
    configuration += SERVER.format(port=arguments[1]) + "send-proxy-v2 proxy-v2-options crc32c,unique-id\n"

reading, writing = os.pipe()
os.write(writing, configuration.encode())
os.close(writing)
# HAProxy does not notice that its test is gone; this program does, by the end of its input.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
haproxy = subprocess.Popen(
    ["haproxy", "-q", "-db", "-f", f"/dev/fd/{reading}"],
    stdin=subprocess.DEVNULL, pass_fds=(reading, listener.fileno()))
try:
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()
finally:
    haproxy.kill()
    haproxy.wait()
