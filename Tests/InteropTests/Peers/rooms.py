"""Rooms and namespaces with the python-socketio client against the application of RoomsApplication.swift:

    rooms.py <url> polling|websocket|upgrade

Prints a line for each part that passed, at last `ok`; a failure prints `failed: why` and exits 1.
"""
import asyncio
import sys

import socketio

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}
WAIT = 10  # seconds for one answer: far more than it takes, so that a missing one is a failure and not a hang


def check(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r:.300}, got {actual!r:.300}")


class Client:
    """One connection, in one or several namespaces; what is said to it waits as (namespace, text)."""

    def __init__(self, url, transport, *namespaces):
        self.url, self.transport, self.namespaces = url, transport, namespaces or ("/",)
        self.io = socketio.AsyncClient(reconnection=False)
        self.said = asyncio.Queue()
        self.errors = asyncio.Queue()
        self.gone = asyncio.Event()
        self.answer = None
        for name in self.namespaces:
            self.io.on("said", lambda text, name=name: self.said.put_nowait((name, text)), namespace=name)
            self.io.on("connect_error", self.errors.put_nowait, namespace=name)
        self.io.on("disconnect", lambda *_: self.gone.set())

    async def connect(self, auth=None):
        await self.io.connect(
            self.url, transports=TRANSPORTS[self.transport], namespaces=list(self.namespaces), auth=auth,
            wait_timeout=WAIT)
        return self

    def votes(self, answer):
        self.io.on("vote", lambda question: f"{question} {answer}")
        return self

    @property
    def id(self):
        return self.io.get_sid()

    async def call(self, event, *args):
        return await self.io.call(event, args, timeout=WAIT)

    async def expect(self, text, namespace="/"):
        check(await asyncio.wait_for(self.said.get(), WAIT), (namespace, text), "said")

    async def settled(self):
        """Nothing else was said: the answer to a call comes after all that was sent to this client before."""
        await self.call("join", [])
        check(self.said.empty(), True, "nothing else said")


async def rooms(red, blue):
    await red.call("join", ["red", "both"])
    await blue.call("join", ["blue", "both"])
    await red.call("tell", ["both"], [], "to both")
    await red.expect("to both")
    await blue.expect("to both")
    await red.call("tell", ["red", "both"], ["red"], "except red")
    await blue.expect("except red")
    await red.call("tell", ["red", "blue", "both"], [], "once each")
    await red.expect("once each")
    await blue.expect("once each")
    await red.settled()
    await blue.settled()
    print("rooms")


async def acknowledgements(red, blue):
    red.votes("yes")
    blue.votes("no")
    check(sorted(await red.call("poll", "both", "tea?")), ["tea? no", "tea? yes"], "answers")
    check(await red.call("poll", "nowhere", "tea?"), [], "answers of nobody")
    print("acknowledgements of everybody")


async def remote(red, blue):
    check(sorted(await red.call("who", "both")), sorted([red.id, blue.id]), "fetchSockets")
    await red.call("move", blue.id, "red")
    await red.call("tell", ["red"], [red.id], "moved")
    await blue.expect("moved")
    await red.call("kick", blue.id)
    await asyncio.wait_for(blue.gone.wait(), WAIT)
    await red.settled()
    print("sockets from afar")


async def namespaces(url, transport, red):
    inside = await Client(url, transport, "/room-7", "/room-8").connect()
    await red.call("tell rooms", "to all children")
    said = sorted([await asyncio.wait_for(inside.said.get(), WAIT) for _ in range(2)])
    check(said, [("/room-7", "to all children"), ("/room-8", "to all children")], "broadcast of the parent")
    await inside.io.disconnect()
    for name, error in [
        ("/unknown", {"message": "Invalid namespace"}),
        ("/room-", {"message": "Invalid namespace"}),
        ("/private", {"message": "not authorized", "data": {"code": 401}}),
        ("/broken", {"message": "Internal error"}),
    ]:
        refused = Client(url, transport, name)
        try:
            await refused.connect()
        except socketio.exceptions.ConnectionError:
            check(await asyncio.wait_for(refused.errors.get(), WAIT), error, f"refusal by {name}")
        else:
            raise AssertionError(f"{name} let the client in")
        finally:
            await refused.io.disconnect()
    print("namespaces")


async def main(url, transport):
    sys.stdout.reconfigure(line_buffering=True)
    red, blue = Client(url, transport), Client(url, transport)
    try:
        await red.connect()
        await blue.connect()
        await rooms(red, blue)
        await acknowledgements(red, blue)
        await remote(red, blue)
        await namespaces(url, transport, red)
    except (AssertionError, TimeoutError, socketio.exceptions.SocketIOError) as error:
        print(f"failed: {type(error).__name__} {error}")
        return 1
    finally:
        await red.io.disconnect()
        await blue.io.disconnect()
    print("ok")
    return 0


sys.exit(asyncio.run(main(*sys.argv[1:])))
