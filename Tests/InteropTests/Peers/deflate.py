"""aiohttp's WebSocket client with permessage-deflate, against a server that echoes every message.

    deflate.py <url> [--window 9…15]    window: what the server is asked to keep to

Prints what was agreed on, then `ok` when every message came back as it was sent.
"""
import argparse
import asyncio
import random

import aiohttp

SIZES = [0, 1, 100, 1023, 1024, 5_000, 70_000, 300_000]


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--window", type=int, default=15)
    options = parser.parse_args()
    noise = random.Random(1)
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(options.url, compress=options.window, max_msg_size=0) as socket:
            print("agreed", socket._response.headers.get("Sec-WebSocket-Extensions"), flush=True)
            assert socket.compress > 0
            for _ in range(3):
                for size in SIZES:
                    text = ("가격 1234.5, " * size)[:size]
                    await socket.send_str(text)
                    message = await socket.receive(20)
                    assert message.type == aiohttp.WSMsgType.TEXT and message.data == text, f"text of {size}"
                    data = noise.randbytes(size)
                    await socket.send_bytes(data)
                    message = await socket.receive(20)
                    assert message.type == aiohttp.WSMsgType.BINARY and message.data == data, f"bytes of {size}"
    print("ok")


asyncio.run(main())
