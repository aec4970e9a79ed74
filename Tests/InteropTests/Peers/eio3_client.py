"""Scenarios of python-socketio 4, a client of Socket.IO 2 by Engine.IO 3, each run by name:

    eio3_client.py <scenario> <url> [--transport polling|websocket|upgrade]

Prints a line for each observation, at last `ok <scenario>`, and exits 0; a failure prints `failed <scenario>: why` and
exits 1. The server is expected to run the application that `socketio_client.py` describes, with `allowEIO3`.
"""
import argparse
import asyncio
import sys

import socketio

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}
WAIT = 10  # seconds for one answer: far more than it takes, so that a missing one is a failure and not a hang
PONG = 3

scenarios = {}


def scenario(function):
    scenarios[function.__name__.replace("_", "-")] = function
    return function


def check(actual, expected, what):
    if actual != expected or type(actual) is not type(expected):
        raise AssertionError(f"{what}: expected {expected!r:.300}, got {actual!r:.300}")


class Client:
    """One connection, whose events wait in a queue as (name, arguments) in the order of arrival."""

    opened = []

    def __init__(self, url, transport, namespace="/", query=""):
        self.url, self.transport, self.namespace, self.query = url, transport, namespace, query
        self.io = socketio.AsyncClient(reconnection=False)
        self.events = asyncio.Queue()
        self.pongs = asyncio.Queue()
        for name in ("auth", "echo", "answer", "said", "connect", "connect_error", "disconnect"):
            self.on(name, lambda *args, name=name: self.events.put_nowait((name, args)))
        receive = self.io.eio._receive_packet

        async def count(packet):
            if packet.packet_type == PONG:
                self.pongs.put_nowait(packet)
            await receive(packet)

        self.io.eio._receive_packet = count
        Client.opened.append(self)

    def on(self, event, handler):
        self.io.on(event, handler, namespace=self.namespace)

    async def connect(self):
        await self.io.connect(
            self.url, transports=TRANSPORTS[self.transport], namespaces=[self.namespace + self.query])
        return self

    async def emit(self, event, *args):
        await self.io.emit(event, args, namespace=self.namespace)

    async def call(self, event, *args):
        return await self.io.call(event, args, namespace=self.namespace, timeout=WAIT)

    async def expect(self, event, *args):
        name, actual = await asyncio.wait_for(self.events.get(), WAIT)
        check(name, event, "event")
        check(list(actual), list(args), f"arguments of {event}")

    async def settled(self):
        """Nothing is waiting: the answer to a call comes after all that was sent to this client before."""
        await self.call("ack", "barrier")
        if not self.events.empty():
            raise AssertionError(f"unexpected event: {self.events.get_nowait()!r:.300}")

    async def close(self):
        await self.io.disconnect()


async def connected(url, transport, namespace="/", query="", auth=None):
    client = await Client(url, transport, namespace, query).connect()
    await client.expect("connect")
    await client.expect("auth", auth or {})
    return client


@scenario
async def connects(url, transport):
    client = await connected(url, transport)
    check(client.io.transport(), "polling" if transport == "polling" else "websocket", "transport")
    await client.emit("echo", "안녕하세요")
    await client.expect("echo", "안녕하세요")
    print("transport", client.io.transport())
    await client.close()


@scenario
async def echo(url, transport):
    client = await connected(url, transport)
    samples = [
        (),
        (None,),
        (True, False),
        (0, -1, 42, 2**31, 0.5, 1e-7),
        ("", "text", "한국어 テスト", "é", 'quotes " \\ / \b\f\n\r\t \u0000\u2028'),
        ("🙂 \U0001f468\u200d\U0001f469\u200d\U0001f467", "behind what JavaScript counts as two"),
        ([], {}, [[], [{}]], {"": {"nested": [1, {"deep": None}]}}),
        ("-[1,2]", "0", "42[", "/custom,", "3:4a"),
        ("x" * 100_000,),
    ]
    for sample in samples:
        await client.emit("echo", *sample)
        await client.expect("echo", *sample)
    print("echoed", len(samples))
    for number in range(200):
        await client.emit("echo", number)
    for number in range(200):
        await client.expect("echo", number)
    print("order kept", 200)
    await client.close()


@scenario
async def binary(url, transport):
    client = await connected(url, transport)
    samples = [
        (b"\x00\x01\xfe\xff",),
        ("text 🙂", b"first", 1, b"second"),
        ({"file": {"name": "a.bin", "parts": [b"1", {"deep": b"2"}]}, "size": 2}, [b"3", [b"4"]]),
        (bytes(range(256)) * 400,),
    ]
    for sample in samples:
        await client.emit("echo", *sample)
        await client.expect("echo", *sample)
    print("echoed", len(samples))
    check(await client.call("ack", {"bytes": b"\x80"}), {"bytes": b"\x80"}, "acknowledgement")
    client.on("question", lambda question: {"bytes": question["bytes"] + b"\xff"})
    await client.emit("ask", {"bytes": b"\x00"})
    await client.expect("answer", {"bytes": b"\x00\xff"})
    print("acknowledged bytes")
    await client.close()


@scenario
async def ack(url, transport):
    client = await connected(url, transport)
    check(await client.call("ack"), None, "acknowledgement without arguments")
    check(await client.call("ack", "one"), "one", "acknowledgement")
    check(await client.call("ack", 1, "two", {"three": [3]}), (1, "two", {"three": [3]}), "acknowledgement")
    print("client called")
    answers = await asyncio.gather(*(client.call("ack", number) for number in range(50)))
    check(answers, list(range(50)), "acknowledgements in flight together")
    print("calls in flight", len(answers))
    client.on("question", lambda question: f"{question} 42")
    await client.emit("ask", "the answer is")
    await client.expect("answer", "the answer is 42")
    print("server called")
    await client.close()


@scenario
async def namespace(url, transport):
    client = await connected(url, transport, "/custom", "?user=ada&role=a%20b", {"user": "ada", "role": "a b"})
    print("query received")
    await client.emit("echo", "in a namespace", b"with bytes")
    await client.expect("echo", "in a namespace", b"with bytes")
    check(await client.call("ack", "yes"), "yes", "acknowledgement")
    await client.close()

    admitted = await connected(url, transport, "/private", "?token=secret", {"token": "secret"})
    print("admitted")
    await admitted.close()


@scenario
async def refusal(url, transport):
    for name, query, error in [
        ("/private", "?token=wrong", {"code": 401, "hint": "token"}),
        ("/private", "", {"code": 401, "hint": "token"}),
        ("/unknown", "?a=1", {"message": "Invalid namespace"}),
    ]:
        client = await Client(url, transport, name, query).connect()
        await client.expect("connect_error", error)
        print("refused", name)
        await client.close()


@scenario
async def rooms(url, transport):
    clients = [await connected(url, transport) for _ in range(3)]
    red, both, none = clients
    await red.call("join", "red")
    await both.call("join", "red")
    await both.call("join", "blue")

    async def heard(sender, request, text, *listeners):
        await sender.emit(*request, text)
        await sender.call("ack", "barrier")  # now the server has sent it to whom it may concern
        for client in clients:
            if client in listeners:
                await client.expect("said", text)
            await client.settled()
        print("heard", text)

    await heard(red, ("say", "red"), "to the room", both)
    await heard(none, ("say", "red"), "from outside", red, both)
    await heard(red, ("tellroomexcept", "red", "blue"), "except", red)
    await heard(both, ("shout",), "broadcast", red, none)
    await both.call("leave", "red")
    await heard(none, ("say", "red"), "after leaving", red)
    for client in clients:
        await client.close()


@scenario
async def disconnect(url, transport):
    kicked = await connected(url, transport)
    await kicked.emit("kick")
    await kicked.expect("disconnect")
    print("by the server")

    leaving = await connected(url, transport)
    await leaving.close()  # of which this version tells its own program nothing


@scenario
async def heartbeat(url, transport):
    """Longer than the two seconds that the server waits for a ping: the client pings once a second."""
    client = await connected(url, transport)
    for _ in range(4):
        await asyncio.wait_for(client.pongs.get(), WAIT)
    check(await client.call("ack", "still here"), "still here", "acknowledgement")
    await client.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=scenarios)
    parser.add_argument("url")
    parser.add_argument("--transport", choices=TRANSPORTS, default="upgrade")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    try:
        await scenarios[options.scenario](options.url, options.transport)
    except (AssertionError, asyncio.TimeoutError, socketio.exceptions.SocketIOError) as error:
        print(f"failed {options.scenario}: {type(error).__name__} {error}")
        return 1
    finally:
        for client in Client.opened:
            await client.close()
    print("ok", options.scenario)
    return 0


sys.exit(asyncio.run(main()))
