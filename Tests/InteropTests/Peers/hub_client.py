"""A python-socketio client of the gateway's hub: says what it reads, prints what it hears.

    hub_client.py <url>

Each line of its standard input is a JSON value, which it says. It prints a line for each of these:

    connected with <transports>             of all peers, itself among them, sorted
    joined <transport>
    left <transport>: <reason>
    <transport>: <JSON>                     what a peer says
    disconnected: <reason>                  and it ends

The end of its standard input ends it.
"""
import argparse
import asyncio
import json
import sys

import socketio


async def main(url):
    io = socketio.AsyncClient(reconnection=False)
    peers = {}
    over = asyncio.Event()

    @io.on("peers")
    def peers_known(known):
        peers.update((peer["id"], peer["transport"]) for peer in known)
        print("connected with", *sorted(peers.values()))

    @io.on("peer:join")
    def joined(peer):
        peers[peer["id"]] = peer["transport"]
        print("joined", peer["transport"])

    @io.on("peer:leave")
    def left(peer):
        print(f"left {peers.pop(peer['id'])}: {peer['reason']}")

    @io.on("message")
    def said(message):
        print(f"{message['transport']}: {json.dumps(message['data'], ensure_ascii=False)}")

    @io.on("disconnect")
    def disconnected(reason):
        print("disconnected:", reason)
        over.set()

    await io.connect(url)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    async def say():
        while line := await lines.readline():
            await io.emit("message", json.loads(line))

    saying, ending = asyncio.create_task(say()), asyncio.create_task(over.wait())
    await asyncio.wait([saying, ending], return_when=asyncio.FIRST_COMPLETED)
    saying.cancel()
    await io.disconnect()


parser = argparse.ArgumentParser()
parser.add_argument("url")
sys.stdout.reconfigure(line_buffering=True)
asyncio.run(main(parser.parse_args().url))
