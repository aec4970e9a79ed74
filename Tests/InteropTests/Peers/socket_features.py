"""Scenarios of the python-socketio client against the application of SocketInteropTests, each run by name:

    socket_features.py <scenario> <url> --transport polling|websocket

Prints at last `ok <scenario>` and exits 0; a failure prints `failed <scenario>: why` and exits 1.
"""
import argparse
import asyncio
import sys

import socketio

WAIT = 10  # seconds for one answer: far more than it takes, so that a missing one is a failure and not a hang

scenarios = {}


def scenario(function):
    scenarios[function.__name__.replace("_", "-")] = function
    return function


def check(actual, expected):
    if actual != expected:
        raise AssertionError(f"expected {expected!r:.300}, got {actual!r:.300}")


class Client:
    def __init__(self):
        self.io = socketio.AsyncClient(reconnection=False)
        self.events = asyncio.Queue()
        self.answers = {}
        self.io.on("*", self._received)
        self.io.on("disconnect", lambda *args: self.events.put_nowait(("disconnect", args)))

    async def _received(self, name, *args):
        if name in self.answers:
            return self.answers[name](*args)
        self.events.put_nowait((name, args))

    async def connect(self, url, transport):
        await self.io.connect(f"{url}?name=a%20b", transports=[transport], auth={"token": "t"}, wait_timeout=WAIT)
        self.hello = await self.next("hello")

    async def next(self, event):
        name, args = await asyncio.wait_for(self.events.get(), WAIT)
        check(name, event)
        return args

    async def call(self, event, *args):
        return await self.io.call(event, args, timeout=WAIT)

    async def emit(self, event, *args):
        await self.io.emit(event, args)


@scenario
async def handshake(client, transport):
    check(client.hello, ({"auth": {"token": "t"}, "name": "a b", "transport": transport, "hasAddress": True,
                          "secure": False, "url": "/socket.io/"},))


@scenario
async def handlers(client, _):
    check(await client.call("sum", 1, 2), 3)
    check(await client.call("divide", 17, 5), (3, 2))
    check(await client.call("later", "text", b"bytes"), {"text": "text", "bytes": b"bytes"})
    check(await client.call("nothing"), None)
    check([await client.call("once") for _ in range(3)], ["first", "again", "again"])
    check(await client.call("off"), "kept")
    for number in range(20):
        await client.emit("tick", number)
    for number in range(20):
        check(await client.next("tock"), (number,))


@scenario
async def errors(client, _):
    check(await client.call("refuse"), {"error": {"code": "refused", "message": "No.", "data": {"bytes": b"\1"}}})
    check(await client.call("crash"), {"error": {"code": "internal_error", "message": "Internal error"}})
    check(await client.call("sum", 1), {"error": {
        "code": "invalid_arguments", "message": "args[1] is missing or of another type"}})
    await client.emit("error", "nobody handles it")
    check(await client.call("sum", 1, 2), 3)


@scenario
async def middleware(client, _):
    check(await client.call("forbidden"), {"error": {"code": "forbidden", "message": "not for you"}})
    check(await client.call("renamed", "whatever"), 42)


@scenario
async def catch_all(client, _):
    await client.emit("watch")
    await client.emit("speak")
    check(await client.next("seen"), ("speak",))
    check(await client.next("sent"), ("spoken",))
    check(await client.next("spoken"), (b"\1\2",))
    await client.emit("unwatch")
    check(await client.next("seen"), ("unwatch",))
    await client.emit("speak")
    check(await client.next("spoken"), (b"\1\2",))


@scenario
async def acknowledgements(client, _):
    client.answers["question"] = lambda question: {"question": question, "bytes": b"\3"}
    await client.emit("ask", "why")
    check(await client.next("answer"), ({"question": "why", "bytes": b"\3"},))
    client.answers["two"] = lambda question: (question + "!", b"\4")
    await client.emit("ask two", "how")
    check(await client.next("answers"), ("how!", b"\4"))
    await client.emit("ask in vain")
    # Taken as an event, and so answered by python-socketio, with nothing and too late or too little.
    received = [await asyncio.wait_for(client.events.get(), WAIT) for _ in range(2)]
    check(received[0], ("slow question", ()))
    check(received[1][0], "failed")
    check(await client.call("sum", 1, 2), 3)


@scenario
async def flags(client, _):
    await client.emit("flags")
    check(await client.next("flagged"), (1,))
    check(await client.next("flagged"), (2,))
    check(await client.next("message"), ("hello", {"deep": {"bytes": b"\7"}}))


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=[*scenarios, "ends"])
    parser.add_argument("url")
    parser.add_argument("--transport", choices=["polling", "websocket"], required=True)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    try:
        if options.scenario == "ends":
            for event in ("kick", "offend"):
                client = Client()
                await client.connect(options.url, options.transport)
                await client.emit(event)
                check(await client.next("disconnect"), ("server disconnect",))
                await client.io.disconnect()
        client = Client()
        await client.connect(options.url, options.transport)
        if options.scenario != "ends":
            await scenarios[options.scenario](client, options.transport)
        await client.io.disconnect()
    except (AssertionError, TimeoutError, socketio.exceptions.SocketIOError) as error:
        print(f"failed {options.scenario}: {type(error).__name__} {error}")
        return 1
    print("ok", options.scenario)
    return 0


sys.exit(asyncio.run(main()))
