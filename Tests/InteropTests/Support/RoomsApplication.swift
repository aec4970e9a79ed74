import JunctionSocketIO

/// The application that `Peers/rooms.py` and `Peers/rooms.html` talk to.
///
/// On `/` a client may `join` rooms; `tell` rooms, except others, something, which they get as `said`; `poll` a room, whose
/// members are asked to `vote`, and gets their answers, or `poll briefly`, which waits for a short time alone; ask `who` is in a
/// room; `move` a socket into a room; `kick` it; and `tell rooms`, that is every namespace `/room-<number>`. `/private` refuses
/// everybody, and the middleware of `/broken` fails.
enum RoomsApplication {
    /// A server on any free port, not listening yet.
    static func server(options: SocketIOOptions = SocketIOOptions()) -> SocketIOServer {
        let io = SocketIOServer(options: options)
        let children = io.of(/^\/room-\d+$/)
        io.of("/private").use { (_: Socket) throws in throw ConnectError("not authorized", data: ["code": 401]) }
        io.of("/broken").use { (_: Socket) async throws in throw CancellationError() }
        io.onConnection { [unowned io] socket in
            socket.on("join") { (rooms: [String]) in socket.join(rooms) }
            socket.on("tell") { (rooms: [String], except: [String], text: String) in
                io.to(rooms).except(except).emit("said", text)
            }
            socket.on("tell rooms") { (text: String) in children.emit("said", text) }
            socket.on("poll") { (room: String, question: String) async throws -> [String] in
                try await io.to(room).timeout(.seconds(10)).emitWithAck("vote", question)
            }
            socket.on("poll briefly") { (event: IncomingEvent) async throws in
                let values = try event.values().compactMap(\.stringValue)
                do {
                    let _: [String] = try await io.to(values[0]).timeout(.seconds(2))
                        .emitWithAck("vote", values[1])
                } catch let error as BroadcastError {
                    let replies = try error.replies(as: SocketIOValue.self)
                    event.acknowledge(arguments: [.array([.string(error.message), .array(replies)])])
                }
            }
            socket.on("who") { (room: String) async throws in try await io.in(room).fetchSockets().map(\.id) }
            socket.on("move") { (id: String, room: String) in io.in(id).socketsJoin(room) }
            socket.on("kick") { (id: String) in io.in(id).disconnectSockets() }
        }
        return io
    }
}
