"""python-socketio with servers that share a port, speak TLS, or go away:

    mount_client.py <scenario> <url> [--transport polling|websocket|upgrade] [--authority ca.pem]

Prints `ok <scenario>` at last and exits 0; a failure is a traceback. `MountInteropTests` says what the server does.
"""
import argparse
import asyncio
import ssl

import aiohttp
import socketio

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}
WAIT = 10  # seconds for one answer: far more than it takes, so that a missing one is a failure and not a hang


async def connect(options, path="/socket.io", **settings):
    client = socketio.AsyncClient(reconnection=False, **settings)
    client.numbers, client.over = [], asyncio.Event()
    client.on("number", client.numbers.append)
    client.on("disconnect", lambda *reason: client.over.set())
    await client.connect(options.url, transports=TRANSPORTS[options.transport], socketio_path=path, wait_timeout=WAIT)
    return client


async def paths(options):
    clients = {path: await connect(options, path) for path in ("/one", "/other")}
    for path, client in clients.items():
        assert await client.call("where", timeout=WAIT) == path
    for client in clients.values():
        await client.disconnect()


async def secure(options):
    context = ssl.create_default_context(cafile=options.authority)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        client = await connect(options, http_session=session)
        assert await client.call("secure", timeout=WAIT) is True
        for value in ("text", b"bytes" * 20_000, {"binary": b"\0\1"}):
            assert await client.call("echo", value, timeout=WAIT) == value
        await client.disconnect()


async def closing(options):
    client = await connect(options)
    await client.emit("close")
    await asyncio.wait_for(client.over.wait(), WAIT)
    assert client.numbers == list(range(10)), client.numbers


async def hummingbird(options):
    client = await connect(options)
    async with aiohttp.ClientSession() as session:
        for number in range(3):
            async with session.get(f"{options.url}/hello") as answer:
                assert await answer.text() == "Hello"
            assert await client.call("ack", number, timeout=WAIT) == number
    await client.disconnect()


parser = argparse.ArgumentParser()
parser.add_argument("scenario", choices=["paths", "secure", "closing", "hummingbird"])
parser.add_argument("url")
parser.add_argument("--transport", choices=TRANSPORTS, default="upgrade")
parser.add_argument("--authority")
options = parser.parse_args()
asyncio.run(globals()[options.scenario](options))
print("ok", options.scenario, flush=True)
