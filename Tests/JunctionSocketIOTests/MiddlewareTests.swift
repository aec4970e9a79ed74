import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// What decides about clients before they are connected, and what is called when they are.
@Suite(.timeLimit(.minutes(1))) struct MiddlewareTests {
    private func serve(
        _ io: SocketIOServer, client: @escaping @Sendable (RawWebSocket) async throws -> Void
    ) async throws {
        try await io.withListening { address in
            try await RawWebSocket.with(address) { try await client($0) }
        }
    }

    @Test(
        "Middleware runs in the order of registration, async or not; the first that throws is the last that is called")
    func order() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let log = Log<String>()
        io.use { (_: Socket) throws in log.add("1") }
        io.use { (_: Socket) async throws in
            await Task.yield()
            log.add("2")
        }
        io.use { (_: Socket) throws in log.add("3") }
        io.use { (socket: Socket) async throws in
            log.add("4")
            if socket.handshake.auth["in"] != true { throw ConnectError("not in") }
        }
        io.use { (_: Socket) throws in log.add("5") }
        io.onConnection { _ in log.add("connected") }
        try await serve(io) { client in
            #expect(try await client.nextText().hasPrefix("0{"))
            try await client.send("40")
            #expect(try await client.nextText() == #"44{"message":"not in"}"#)
            try await client.send(#"40{"in":true}"#)
            #expect(try await client.nextText().hasPrefix("40{"))
        }
        #expect(log.all == ["1", "2", "3", "4", "1", "2", "3", "4", "5", "connected"])
    }

    @Test("A ConnectError reaches the client with message and data, inline and async; the connection stays")
    func refusal() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.of("/inline").use { (_: Socket) throws in throw ConnectError("no", data: ["code": 401, "retry": false]) }
        io.of("/async").use { (_: Socket) async throws in
            await Task.yield()
            throw ConnectError("no", data: ["code": 403])
        }
        io.of("/plain").use { (_: Socket) throws in throw ConnectError("no") }
        try await serve(io) { client in
            try await client.connect("/")
            for (name, error) in [
                ("/inline", #"{"message":"no","data":{"code":401,"retry":false}}"#),
                ("/async", #"{"message":"no","data":{"code":403}}"#), ("/plain", #"{"message":"no"}"#),
            ] {
                try await client.send("40\(name),")
                #expect(try await client.nextText() == "44\(name),\(error)")
                // Nothing is left of it: an event for the namespace would end the connection.
            }
        }
    }

    @Test("Of any other error the client learns nothing but that there was one")
    func internalError() async throws {
        struct DatabaseError: Error { let password = "hunter2" }
        let io = SocketIOServer(host: "127.0.0.1")
        io.of("/inline").use { (_: Socket) throws in throw DatabaseError() }
        io.of("/async").use { (_: Socket) async throws in
            await Task.yield()
            throw DatabaseError()
        }
        try await serve(io) { client in
            try await client.connect("/")
            for name in ["/inline", "/async"] {
                try await client.send("40\(name),")
                #expect(try await client.nextText() == #"44\#(name),{"message":"Internal error"}"#)
            }
        }
    }

    @Test("A client that leaves while middleware runs never becomes a socket, and leaves no room behind")
    func leaving() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let entered = Mailbox<Void>()
        let decided = Mailbox<Bool>()
        let connected = Log<String>()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let slow = io.of("/slow")
        slow.use { (socket: Socket) async throws in
            socket.join("r")
            entered.put(())
            for await _ in gate {}
            decided.put(true)
        }
        slow.onConnection { connected.add($0.id) }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { client in
                #expect(try await client.nextText().hasPrefix("0{"))
                try await client.send("40/slow,")
                try await entered.take()
                // Asking again before it is decided is against the protocol: the connection ends.
                try await client.send("40/slow,")
                #expect(try await client.closeCode() == .normal)
            }
            open.finish()
            _ = try await decided.take()
            // The next is let in: the gate is open.
            try await RawWebSocket.with(address) { client in
                let id = try await client.connect("/slow")
                #expect(await slow.rooms == ["r": [id], id: [id]])
                #expect(connected.all == [id])
            }
        }
    }

    @Test("A client that was refused may ask again, and is connected once when it is let in")
    func again() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let connected = Log<String>()
        io.of("/a").use { (socket: Socket) async throws in
            await Task.yield()
            if socket.handshake.auth["in"] != true { throw ConnectError("no") }
        }
        io.of("/a").onConnection { connected.add($0.id) }
        try await serve(io) { client in
            try await client.connect("/")
            try await client.send("40/a,")
            #expect(try await client.nextText() == #"44/a,{"message":"no"}"#)
            let prefix = #"40/a,{"sid":""#
            try await client.send(#"40/a,{"in":true}"#)
            #expect(try await client.nextText().hasPrefix(prefix))
            #expect(connected.all.count == 1)
        }
    }

    @Test("Handlers and middleware that are added later apply to the clients that connect from then on")
    func late() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let log = Log<String>()
        try await io.withListening { address in
            try await RawWebSocket.with(address) { first in
                try await first.connect()
                io.onConnection { _ in log.add("late handler") }
                io.use { (_: Socket) throws in log.add("late middleware") }
                #expect(log.all == [])
                try await RawWebSocket.with(address) { second in
                    try await second.connect()
                    #expect(log.all == ["late middleware", "late handler"])
                }
            }
        }
    }

    @Test("Middleware of the main namespace does not decide about others")
    func mainOnly() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.use { (_: Socket) throws in throw ConnectError("no") }
        _ = io.of("/other")
        try await serve(io) { client in
            try await client.connect("/other")
            try await client.send("40")
            #expect(try await client.nextText() == #"44{"message":"no"}"#)
        }
    }
}
