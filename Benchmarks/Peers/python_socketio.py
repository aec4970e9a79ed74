"""The Socket.IO application of bench-server with python-socketio on aiohttp and uvloop, at the port in PORT."""
import os

import socketio
import uvloop
from aiohttp import web

io = socketio.AsyncServer(async_mode="aiohttp", cors_allowed_origins="*")
app = web.Application()
io.attach(app)


@io.event
async def message(sid, value):
    await io.emit("message", value, to=sid)


@io.event
async def ack(sid, value):
    return value


@io.event
async def broadcast(sid, value):
    await io.emit("message", value)


@io.event
async def join(sid, room):
    await io.enter_room(sid, room)


@io.event
async def toroom(sid, room, value):
    await io.emit("message", value, room=room)


uvloop.install()
web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)
