"""A member of the room `mixed`, written for python-socketio 4 and 5 alike:

    room_member.py <url> <transport>

Prints `joined`, then a line for each `said`: its arguments, bytes in hexadecimal. Says each line of its standard input to the
room, and leaves when that ends. The server is expected to run the application that `socketio_client.py` describes.
"""
import asyncio
import sys

import socketio

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}


async def main(url, transport):
    sys.stdout.reconfigure(line_buffering=True)
    io = socketio.AsyncClient(reconnection=False)
    connected = asyncio.Event()
    lines = asyncio.Queue()
    io.on("connect", connected.set)
    io.on("said", lambda *args: print("said", *(a.hex() if isinstance(a, bytes) else a for a in args)))
    await io.connect(url, transports=TRANSPORTS[transport])
    await asyncio.wait_for(connected.wait(), 10)
    await io.call("join", "mixed", timeout=10)
    print("joined")
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: lines.put_nowait(sys.stdin.readline()))
    while line := await lines.get():
        await io.emit("say", ("mixed", line.rstrip("\n")))
    asyncio.get_running_loop().remove_reader(sys.stdin)
    await io.disconnect()


asyncio.run(main(*sys.argv[1:]))
