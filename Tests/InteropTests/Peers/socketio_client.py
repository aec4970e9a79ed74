"""Scenarios of the python-socketio client against a Socket.IO server, each run by name:

    socketio_client.py <scenario> <url> [--transport polling|websocket|upgrade] [--serializer default|msgpack]

Prints a line for each observation, at last `ok <scenario>`, and exits 0; a failure prints `failed <scenario>: why` and
exits 1. The server is expected to run this application on the namespaces `/` and `/custom`:

    on connect        emits `auth` with the `auth` value of the handshake ({} without one)
    echo ...          emits `echo` with the same arguments
    ack ...           acknowledges with the same arguments
    ask question      emits `question` with that argument to the same socket, expecting an acknowledgement with one value,
                      then emits `answer` with that value
    join room         joins the room, acknowledges without arguments
    leave room        leaves the room, acknowledges without arguments
    say room text     emits `said` with the text to the room, except to the sender
    shout text        emits `said` with the text to everybody else
    tellroomexcept room other text
                      emits `said` with the text to the room, the sender included, except to members of the other room
    kick              disconnects that socket

The namespace `/private` refuses unless `auth` is {"token": "secret"}, with message `not authorized` and data
{"code": 401, "hint": "token"}; otherwise it behaves like the others. There is no namespace `/unknown`.
"""
import argparse
import asyncio
import sys

import socketio

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": None}
WAIT = 10  # seconds for one answer: far more than it takes, so that a missing one is a failure and not a hang

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
    serializer = "default"

    def __init__(self, url, transport, namespace="/"):
        self.url, self.transport, self.namespace = url, transport, namespace
        self.io = socketio.AsyncClient(reconnection=False, serializer=Client.serializer)
        self.events = asyncio.Queue()
        self.io.on("*", lambda name, *args: self.events.put_nowait((name, args)), namespace=namespace)
        for name in ("connect_error", "disconnect"):  # not among those that "*" stands for
            self.io.on(name, lambda *args, name=name: self.events.put_nowait((name, args)), namespace=namespace)
        Client.opened.append(self)

    async def connect(self, auth=None):
        await self.io.connect(
            self.url, transports=TRANSPORTS[self.transport], namespaces=[self.namespace], auth=auth, wait_timeout=WAIT)
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


async def connected(url, transport, namespace="/", auth=None):
    client = await Client(url, transport, namespace).connect(auth)
    await client.expect("auth", {} if auth is None else auth)
    return client


async def connects_by(url, transport, expected):
    client = await connected(url, transport)
    check(client.io.transport(), expected, "transport")
    await client.emit("echo", "안녕하세요")
    await client.expect("echo", "안녕하세요")
    check(client.io.transport(), expected, "transport after the exchange")
    print("transport", client.io.transport())
    await client.close()


@scenario
async def polling(url, transport):
    await connects_by(url, "polling", "polling")


@scenario
async def websocket(url, transport):
    await connects_by(url, "websocket", "websocket")


@scenario
async def upgrade(url, transport):
    await connects_by(url, "upgrade", "websocket")


@scenario
async def echo(url, transport):
    client = await connected(url, transport)
    samples = [
        (),
        (None,),
        (True, False),
        (0, -1, 42, 2**31, -(2**53), 2**53 + 1),
        (0.5, -2.25, 1e-7, 1.5e300),
        ("", "text", "한국어 テスト", "🙂 \U0001f468\u200d\U0001f469\u200d\U0001f467", 'quotes " \\ / \b\f\n\r\t \u0000\u2028'),
        ([], {}, [[], [{}]], {"": {"nested": [1, {"deep": None}]}}),
        ({"id": 7, "tags": ["a", "b"], "ok": True, "ratio": 0.25, "none": None}, "second", 3),
        ("-[1,2]", "0", "42[", "/custom,"),
        ("x" * 100_000,),
        (list(range(1000)),),
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
        (b"",),
        ("text", b"first", 1, b"second"),
        ({"file": {"name": "a.bin", "parts": [b"1", {"deep": b"2"}]}, "size": 2}, [b"3", [b"4"]]),
        (bytes(range(256)) * 400,),
        ({"_placeholder": False, "num": 0}, b"beside a lookalike"),
    ]
    for sample in samples:
        await client.emit("echo", *sample)
        await client.expect("echo", *sample)
    print("echoed", len(samples))
    check(await client.call("ack", {"bytes": b"\x80"}), {"bytes": b"\x80"}, "acknowledgement")
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

    client.io.on("question", lambda question: f"{question} 42", namespace=client.namespace)
    await client.emit("ask", "the answer is")
    await client.expect("answer", "the answer is 42")
    print("server called")
    await client.close()


@scenario
async def namespace(url, transport):
    auth = {"user": "ada", "roles": ["admin"]}
    client = await connected(url, transport, "/custom", auth)
    print("auth received")
    await client.emit("echo", "in a namespace", b"with bytes")
    await client.expect("echo", "in a namespace", b"with bytes")
    check(await client.call("ack", "yes"), "yes", "acknowledgement")
    await client.close()

    admitted = await connected(url, transport, "/private", {"token": "secret"})
    print("admitted")
    await admitted.close()


async def refused(url, transport, name, auth, error):
    client = Client(url, transport, name)
    try:
        await client.connect(auth)
    except socketio.exceptions.ConnectionError:
        await client.expect("connect_error", error)
        print("refused", error["message"])
    else:
        raise AssertionError(f"{name} let the client in")


@scenario
async def refusal(url, transport):
    error = {"message": "not authorized", "data": {"code": 401, "hint": "token"}}
    await refused(url, transport, "/private", {"token": "wrong"}, error)
    await refused(url, transport, "/private", None, error)


@scenario
async def unknown_namespace(url, transport):
    await refused(url, transport, "/unknown", None, {"message": "Invalid namespace"})


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
    clients.remove(red)
    await red.close()
    await heard(none, ("say", "red"), "after the member is gone")
    await heard(none, ("shout",), "to those who stay", both)
    for client in clients:
        await client.close()


@scenario
async def disconnect(url, transport):
    kicked = await connected(url, transport)
    await kicked.emit("kick")
    await kicked.expect("disconnect", "server disconnect")
    print("by the server")

    leaving = await connected(url, transport)
    await leaving.close()
    await leaving.expect("disconnect", "client disconnect")
    print("by the client")


@scenario
async def blocking(url, transport):
    """The blocking client, which has an HTTP and a WebSocket implementation of its own (requests, websocket-client)."""

    def run():
        with socketio.SimpleClient(reconnection=False, serializer=Client.serializer) as client:
            client.connect(url, transports=TRANSPORTS[transport], wait_timeout=WAIT)
            check(client.receive(timeout=WAIT), ["auth", {}], "event")
            check(client.transport, "polling" if transport == "polling" else "websocket", "transport")
            print("transport", client.transport)
            client.emit("echo", ("text", b"bytes"))
            check(client.receive(timeout=WAIT), ["echo", "text", b"bytes"], "event")
            check(client.call("ack", "yes", timeout=WAIT), "yes", "acknowledgement")

    await asyncio.to_thread(run)


@scenario
async def packed(url, transport):
    """What MessagePack has and JSON has not; the server's dynamic values keep what they have a form for."""
    from msgpack import ExtType, Timestamp

    client = await connected(url, transport)
    samples = [
        (2**63 - 1, -(2**63), 2**63, 2**64 - 1),
        (0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000),
        (-0x20, -0x21, -0x80, -0x81, -0x8000, -0x8001, -0x80000000, -0x80000001),
        tuple("x" * length for length in (31, 32, 255, 256, 65535, 65536)),
        tuple(b"x" * length for length in (0, 255, 256, 65535, 65536)),
        ([0] * 15, [0] * 16, [0] * 65535, [0] * 65536),
        ({str(number): number for number in range(15)}, {str(number): number for number in range(16)}),
        ({str(number): None for number in range(70000)},),
    ]
    for sample in samples:
        await client.emit("echo", *sample)
        await client.expect("echo", *sample)
    print("echoed", len(samples))
    changed = [
        ({1: "integers as keys", -7: True}, {"1": "integers as keys", "-7": True}),
        (ExtType(5, b"abc"), [5, b"abc"]),
        (Timestamp(1, 500), [-1, Timestamp(1, 500).to_bytes()]),
        (ExtType(0, (1700000000123).to_bytes(8, "big")), "2023-11-14T22:13:20.123Z"),
        (ExtType(0, b"\x00"), None),
        (float("inf"), None),
    ]
    for sent, received in changed:
        await client.emit("echo", sent)
        await client.expect("echo", received)
    print("changed", len(changed))
    await client.emit("typed", {"at": ExtType(0, (1700000000123).to_bytes(8, "big")), "bytes": b"\x01", "big": 2**64 - 1})
    await client.expect(
        "typed", {"at": ExtType(0, (1700000000123).to_bytes(8, "big")), "bytes": b"\x01", "big": 2**64 - 1})
    await client.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=scenarios)
    parser.add_argument("url")
    parser.add_argument("--transport", choices=TRANSPORTS, default="upgrade")
    parser.add_argument("--serializer", choices=["default", "msgpack"], default="default")
    options = parser.parse_args()
    Client.serializer = options.serializer
    sys.stdout.reconfigure(line_buffering=True)
    try:
        await scenarios[options.scenario](options.url, options.transport)
    except (AssertionError, TimeoutError, socketio.exceptions.SocketIOError) as error:
        print(f"failed {options.scenario}: {type(error).__name__} {error}")
        return 1
    finally:
        for client in Client.opened:
            await client.close()
    print("ok", options.scenario)
    return 0


sys.exit(asyncio.run(main()))
