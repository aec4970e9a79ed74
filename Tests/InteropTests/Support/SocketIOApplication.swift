import JunctionSocketIO

/// The application that `Peers/socketio_client.py` and `Peers/browser.html` talk to; the former describes it.
enum SocketIOApplication {
    /// A server on any free port, not listening yet.
    static func server(options: SocketIOOptions = SocketIOOptions()) -> SocketIOServer {
        let io = SocketIOServer(options: options)
        for name in ["/", "/custom", "/private"] {
            let namespace = io.of(name)
            namespace.onConnection { serve($0, in: namespace) }
        }
        io.of("/private").use { socket in
            guard socket.handshake.auth == ["token": "secret"] else {
                throw ConnectError("not authorized", data: ["code": 401, "hint": "token"])
            }
        }
        return io
    }

    private static func serve(_ socket: Socket, in namespace: Namespace) {
        socket.emit("auth", socket.handshake.auth)
        socket.on("echo") { (event: IncomingEvent) in
            socket.emit("echo", arguments: try event.values())
        }
        socket.on("ack") { (event: IncomingEvent) in
            event.acknowledge(arguments: try event.values())
        }
        socket.on("ask") { (question: SocketIOValue) async throws in
            let answer: SocketIOValue = try await socket.emitWithAck("question", question)
            socket.emit("answer", answer)
        }
        socket.on("kick") { socket.disconnect() }
        serveRooms(socket, in: namespace)
    }

    private static func serveRooms(_ socket: Socket, in namespace: Namespace) {
        socket.on("join") { (room: String) in socket.join(room) }
        socket.on("leave") { (room: String) in socket.leave(room) }
        socket.on("say") { (room: String, text: String) in
            socket.to(room).emit("said", text)
        }
        socket.on("shout") { (text: String) in
            socket.broadcast.emit("said", text)
        }
        socket.on("tellroomexcept") { (room: String, other: String, text: String) in
            namespace.to(room).except(other).emit("said", text)
        }
    }
}
