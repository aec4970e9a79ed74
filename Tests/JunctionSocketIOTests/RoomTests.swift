import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// Who gets a broadcast.
@Suite(.timeLimit(.minutes(1))) struct RoomTests {
    /// A server whose sockets join the rooms that they ask for, and have the server send.
    private func server() -> SocketIOServer {
        let io = SocketIOServer(host: "127.0.0.1")
        io.onConnection { socket in
            socket.on("join") { (rooms: [String]) in socket.join(rooms) }
            socket.on("leave") { (room: String) in socket.leave(room) }
        }
        return io
    }

    private func join(_ clients: Clients, _ rooms: [Int: [String]]) async throws {
        for (number, names) in rooms {
            let list = names.map { "\"\($0)\"" }.joined(separator: ",")
            try await clients.sockets[number].send(#"42["join",[\#(list)]]"#)
            _ = try await clients.sockets[number].receivedText()
        }
    }

    @Test("Rooms add up and are taken out in any order of the steps, and a socket in several gets an event once")
    func chaining() async throws {
        let io = server()
        try await Clients.run(5, of: io) { clients in
            try await join(clients, [0: ["a"], 1: ["a", "b"], 2: ["b"], 3: ["b", "muted"]])
            let event = #"42["x",1]"#
            io.to("a").to("b").except("muted").emit("x", 1)
            try await clients.expect([0: [event], 1: [event], 2: [event]])
            io.except(["muted"]).in(["b", "a"]).emit("x", 1)
            try await clients.expect([0: [event], 1: [event], 2: [event]])
            io.except("a").except("b").emit("x", 1)
            try await clients.expect([4: [event]])
            io.to(["a", clients.ids[1], clients.ids[4]]).emit("x", 1)
            try await clients.expect([0: [event], 1: [event], 4: [event]])
            io.to("nowhere").emit("x", 1)
            try await clients.expect([:])
            io.except("nowhere").local.emit("x", 1)
            try await clients.expect(Dictionary(uniqueKeysWithValues: (0..<5).map { ($0, [event]) }))
        }
    }

    @Test("Each step returns a new value and leaves the one before as it was")
    func immutable() async throws {
        let io = server()
        try await Clients.run(3, of: io) { clients in
            try await join(clients, [0: ["a"], 1: ["b"]])
            let toA = io.to("a")
            let toBoth = toA.to("b")
            _ = toA.except("a")
            _ = toA.volatile.compress(false).timeout(.seconds(1))
            toA.emit("only a")
            toBoth.emit("both")
            try await clients.expect([0: [#"42["only a"]"#, #"42["both"]"#], 1: [#"42["both"]"#]])
        }
    }

    @Test("A socket reaches everybody else, in its namespace or in rooms, but never itself")
    func fromSocket() async throws {
        let io = server()
        io.onConnection { socket in
            socket.on("broadcast") { () in socket.broadcast.emit("x") }
            socket.on("to") { () in socket.to("a").emit("x") }
            socket.on("in") { () in socket.in(["a", "b"]).except("b").emit("x") }
            socket.on("except") { () in socket.except("a").emit("x") }
            socket.on("local") { () in socket.local.to("a").emit("x") }
        }
        try await Clients.run(4, of: io) { clients in
            try await join(clients, [0: ["a"], 1: ["a"], 2: ["a", "b"]])
            let x = [#"42["x"]"#]
            for (event, receivers) in [
                ("broadcast", [1, 2, 3]), ("to", [1, 2]), ("in", [1]), ("except", [3]), ("local", [1, 2]),
            ] {
                try await clients.sockets[0].send(#"42["\#(event)"]"#)
                try await clients.expect(Dictionary(uniqueKeysWithValues: receivers.map { ($0, x) }))
            }
        }
    }

    @Test("A socket's identifier is a room of its own, which nobody can take from it")
    func ownRoom() async throws {
        let io = server()
        io.onConnection { socket in
            socket.on("rooms") { () async in await socket.rooms.sorted() }
            socket.on("leave own") { () in socket.leave(socket.id) }
        }
        try await Clients.run(2, of: io) { clients in
            let id = clients.ids[0]
            try await join(clients, [0: ["a", id]])
            try await clients.sockets[0].send(#"42["leave own"]"#)
            #expect(try await clients.sockets[0].receivedText() == [])
            io.to(id).emit("x")
            try await clients.expect([0: [#"42["x"]"#]])
            try await clients.sockets[0].send(#"421["rooms"]"#)
            let rooms = [id, "a"].sorted().map { "\"\($0)\"" }.joined(separator: ",")
            #expect(try await clients.sockets[0].nextText() == "431[[\(rooms)]]")
            // Another socket may join the room, as any other.
            io.in(clients.ids[1]).socketsJoin(id)
            io.to(id).emit("y")
            try await clients.expect([0: [#"42["y"]"#], 1: [#"42["y"]"#]])
        }
    }

    @Test("A socket that has left the server is in no room any more, and its rooms go on without it")
    func afterDisconnect() async throws {
        let io = server()
        let gone = Mailbox<Void>()
        io.onConnection { socket in socket.onDisconnect { _ in gone.put(()) } }
        try await Clients.run(3, of: io) { clients in
            try await join(clients, [0: ["a"], 1: ["a"], 2: ["a"]])
            let left = clients.sockets[0]
            try await left.send("41")
            try await gone.take()
            io.to("a").emit("x")
            try await RawWebSocketPair(clients, 1, 2).expect(#"42["x"]"#)
            #expect(
                await io.rooms == [
                    "a": Set(clients.ids.dropFirst()), clients.ids[1]: [clients.ids[1]],
                    clients.ids[2]: [clients.ids[2]],
                ])
        }
    }

    @Test("Rooms that a middleware lets a socket join count from its connection on")
    func joinedBefore() async throws {
        let io = server()
        io.use { (socket: Socket) throws in
            socket.join("inline")
            socket.join("left again")
        }
        io.use { (socket: Socket) async throws in
            await Task.yield()
            socket.join("asynchronous")
            socket.leave("left again")
        }
        try await Clients.run(1, of: io) { clients in
            let id = clients.ids[0]
            #expect(await io.rooms == ["inline": [id], "asynchronous": [id], id: [id]])
        }
    }

    @Test("A volatile broadcast leaves out a client that waits between two polls, and reaches the others")
    func volatile() async throws {
        let io = server()
        try await Clients.run(1, of: io) { clients in
            try await RawConnection.with(clients.address) { connection in
                let sid = try await TestServer.connect(connection)
                io.volatile.emit("lost")
                io.emit("kept")
                let answer = try await connection.request("GET", TestServer.polling(sid))
                #expect(answer.body == #"42["kept"]"#)
                try await clients.expect([0: [#"42["lost"]"#, #"42["kept"]"#]])
            }
        }
    }

    @Test("What cannot be sent is sent to nobody", arguments: ["connect", "disconnect", "connect_error"])
    func reserved(_ name: String) async throws {
        let io = server()
        try await Clients.run(1, of: io) { clients in
            io.emit(name, 1)
            io.emit("not a number", Double.nan, Unencodable())
            io.emit("next")
            try await clients.expect([0: [#"42["next"]"#]])
        }
    }

    private struct Unencodable: Encodable {
        func encode(to encoder: any Encoder) throws { throw CancellationError() }
    }
}

/// Two clients that are still there.
private struct RawWebSocketPair {
    let first: RawWebSocket
    let second: RawWebSocket

    init(_ clients: Clients, _ first: Int, _ second: Int) {
        self.first = clients.sockets[first]
        self.second = clients.sockets[second]
    }

    func expect(_ text: String) async throws {
        #expect(try await first.nextText() == text)
        #expect(try await second.nextText() == text)
    }
}
