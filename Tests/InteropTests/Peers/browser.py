"""Headless Chromium, driven over its own debugging protocol.

    browser.py client <server-url> [<page>]    runs browser.html, or another page, with the stock Socket.IO client against the server
    browser.py page <url>             opens a page and obeys the lines of its standard input, each answered by one line:

    wait <expression>       until the JavaScript expression is true           → ok
    value <expression>      its value as JSON; a promise is awaited           → the JSON
    type <text>             into the element that has the focus               → ok
    press <key>             Tab, Enter, Escape or a character                 → ok
    scheme light|dark       the preferred colour scheme                       → ok
    size <width> <height>   of the view                                       → ok
    screenshot <file.png>   of the view                                       → ok

In client mode every line that the page writes to its console is printed as it is. What fails, an uncaught exception of
the page among it, is printed as `failed ...` and ends the program with status 1.
"""
import argparse
import asyncio
import base64
import contextlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
WAIT = 20  # seconds for one command: a bound for what hangs, far more than any takes
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27}
# The pipe of the debugging protocol is file descriptors 3 and 4; Chromium ends itself when its other end closes.
WITH_PIPE = 'exec "$@" 3<&0 4>&1 0</dev/null 1>&2'
FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
    "--remote-debugging-pipe", "--window-size=1280,800",
]


class Failure(Exception):
    pass


class Browser:
    """One page in a browser of its own."""

    def __init__(self, process):
        self.process = process
        self.numbers = itertools.count(1)
        self.replies = {}
        self.console = asyncio.Queue()
        self.uncaught = None
        self.session = None
        self.loaded = asyncio.Event()
        self.reader = asyncio.create_task(self._read())

    async def _read(self):
        try:
            while True:
                message = json.loads((await self.process.stdout.readuntil(b"\0"))[:-1])
                if "id" in message:
                    self.replies.pop(message["id"]).set_result(message)
                else:
                    self._observe(message["method"], message.get("params", {}))
        except asyncio.IncompleteReadError:
            for reply in self.replies.values():
                reply.set_exception(Failure("the browser ended"))

    def _observe(self, method, params):
        if method == "Runtime.consoleAPICalled":
            self.console.put_nowait(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.uncaught = Failure(f"uncaught {details.get('exception', {}).get('description', details['text'])}")
            self.console.put_nowait(f"failed client: {self.uncaught}")
        elif method == "Page.loadEventFired":
            self.loaded.set()

    async def send(self, method, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        reply = self.replies[number] = asyncio.get_running_loop().create_future()
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        message = await asyncio.wait_for(reply, WAIT)
        if "error" in message:
            raise Failure(f"{method}: {message['error']['message']}")
        return message["result"]

    async def open(self, url):
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        await self.send("Page.enable")
        await self.send("Runtime.enable")
        error = (await self.send("Page.navigate", url=url)).get("errorText")
        if error:
            raise Failure(f"{url}: {error}")
        await asyncio.wait_for(self.loaded.wait(), WAIT)

    async def value(self, expression):
        result = await self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise Failure(f"{expression}: {details.get('exception', {}).get('description', details['text'])}")
        return json.dumps(result["result"].get("value"), ensure_ascii=False)

    async def wait(self, expression):
        try:
            await self.value(
                f"new Promise((done) => {{ const ask = () => ({expression}) ? done() : setTimeout(ask, 10); ask(); }})")
        except TimeoutError:
            shown = await self.value("document.body.innerText")
            raise Failure(f"in {WAIT} s it was never true that {expression}; the page reads {shown}") from None

    async def press(self, key):
        text = {"Enter": "\r"}.get(key, "" if key in KEYS else key)
        event = {"key": key, "text": text, "windowsVirtualKeyCode": KEYS.get(key, ord(key[0].upper()))}
        await self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **event)
        await self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    async def obey(self, line):
        command, _, rest = line.partition(" ")
        if command == "value":
            return await self.value(rest)
        if command == "wait":
            await self.wait(rest)
        elif command == "type":
            await self.send("Input.insertText", text=rest)
        elif command == "press":
            await self.press(rest)
        elif command == "scheme":
            features = [{"name": "prefers-color-scheme", "value": rest}]
            await self.send("Emulation.setEmulatedMedia", features=features)
        elif command == "size":
            width, height = map(int, rest.split())
            await self.send(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        elif command == "screenshot":
            image = await self.send("Page.captureScreenshot", format="png")
            pathlib.Path(rest).write_bytes(base64.b64decode(image["data"]))
        else:
            raise Failure(f"unknown command {command}")
        return "ok"


@contextlib.asynccontextmanager
async def browser(profile):
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", WITH_PIPE, "sh", "chromium", *FLAGS, f"--user-data-dir={profile}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        limit=64 * 1024 * 1024)  # a screenshot is one message
    try:
        yield Browser(process)
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def client(directory, server, page_name):
    shutil.copy(HERE / page_name, directory)
    shutil.copy(pathlib.Path(os.environ["JUNCTION_PEERS"]) / "socket.io.min.js", directory)
    async with browser(directory / "profile") as page:
        await page.open(f"{(directory / page_name).as_uri()}?{urllib.parse.urlencode({'server': server})}")
        while True:
            line = await asyncio.wait_for(page.console.get(), WAIT)
            print(line)
            if line.startswith(("ok ", "failed ")):
                return 0 if line.startswith("ok ") else 1


async def page(directory, url, _):
    async with browser(directory / "profile") as page:
        await page.open(url)
        print("opened", url)
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
        while line := await commands.readline():
            answer = await page.obey(line.decode().rstrip("\n"))
            if page.uncaught:
                raise page.uncaught
            print(answer)
    return 0


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["client", "page"])
    parser.add_argument("url")
    parser.add_argument("page", nargs="?", default="browser.html")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    # Ended from outside, the program still removes its directory.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    with tempfile.TemporaryDirectory(prefix="junction-browser-", ignore_cleanup_errors=True) as directory:
        try:
            return await {"client": client, "page": page}[options.mode](pathlib.Path(directory), options.url, options.page)
        except (Failure, TimeoutError) as error:
            print(f"failed {options.mode}: {str(error) or 'no answer in time'}")
            return 1
        except asyncio.CancelledError:
            return 128 + signal.SIGTERM


sys.exit(asyncio.run(main()))
