import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// What an adapter that joins several servers gets to do.
@Suite(.timeLimit(.minutes(1))) struct AdapterTests {
    /// Two servers of one cluster, one client on each, both in the room `r`.
    private func run(
        _ body: @escaping @Sendable ([SocketIOServer], [RawWebSocket], [String]) async throws -> Void
    ) async throws {
        let link = LinkedAdapter.Link()
        var options = SocketIOOptions()
        options.adapter = link.factory
        let servers = (0..<2).map { _ in SocketIOServer(host: "127.0.0.1", options: options) }
        for io in servers {
            io.onConnection { socket in
                socket.join("r")
                socket.on("barrier") { () in }
            }
        }
        try await servers[0].withListening { first in
            try await servers[1].withListening { second in
                try await RawWebSocket.with(first) { one in
                    let id = try await one.connect()
                    try await RawWebSocket.with(second) { other in
                        let otherID = try await other.connect()
                        try await body(servers, [one, other], [id, otherID])
                    }
                }
            }
        }
    }

    /// What a client was sent until now.
    private func texts(of client: RawWebSocket, _ servers: [SocketIOServer]) async throws -> [String] {
        for io in servers { _ = await io.rooms }
        return try await client.receivedText()
    }

    @Test("A broadcast reaches the sockets of every server, with local only those of its own")
    func broadcast() async throws {
        try await run { (servers, clients, _) async throws in
            servers[0].to("r").emit("x", 1, ["two": 2])
            servers[0].local.emit("y")
            #expect(try await texts(of: clients[0], servers) == [#"42["x",1,{"two":2}]"#, #"42["y"]"#])
            #expect(try await texts(of: clients[1], servers) == [#"42["x",1,{"two":2}]"#])
        }
    }

    @Test("The clients of every server answer a broadcast")
    func acknowledgements() async throws {
        try await run { (servers, clients, _) async throws in
            async let replies: [Int] = servers[1].to("r").emitWithAck("x")
            for (index, client) in clients.enumerated() {
                let text = try await client.nextText()
                let number = try #require(text.wholeMatch(of: /42(\d+)\["x"\]/)?.1)
                try await client.send("43\(number)[\(index)]")
            }
            #expect(try await replies.sorted() == [0, 1])
            async let own: [Int] = servers[1].local.emitWithAck("x")
            let text = try await clients[1].nextText()
            let number = try #require(text.wholeMatch(of: /42(\d+)\["x"\]/)?.1)
            try await clients[1].send("43\(number)[5]")
            #expect(try await own == [5])
        }
    }

    @Test("Sockets of other servers are fetched, put into rooms, sent to, and disconnected")
    func sockets() async throws {
        try await run { servers, clients, ids in
            let all = try await servers[0].fetchSockets()
            #expect(Set(all.map(\.id)) == Set(ids))
            #expect(try await servers[0].local.fetchSockets().map(\.id) == [ids[0]])
            let remote = try #require(all.first { $0.id == ids[1] })
            remote.join("far")
            servers[1].to("far").emit("x")
            #expect(try await texts(of: clients[1], servers) == [#"42["x"]"#])
            servers[0].in("far").socketsLeave("far")
            servers[1].to("far").emit("y")
            #expect(try await texts(of: clients[1], servers) == [])
            servers[0].in(ids[1]).disconnectSockets()
            #expect(try await clients[1].nextText() == "41")
            #expect(try await texts(of: clients[0], servers) == [])
        }
    }

    @Test("A server-side event reaches the listeners of the other servers, and their answers come back")
    func serverSide() async throws {
        try await run { (servers, _, _) async throws in
            let seen = Mailbox<String>()
            for (index, io) in servers.enumerated() {
                io.onServerSideEvent("note") { (text: String) async in seen.put("\(index) \(text)") }
                io.onServerSideEvent("double") { (number: Int) async in number * 2 }
            }
            servers[0].serverSideEmit("note", "hello")
            #expect(try await seen.take() == "1 hello")
            let doubled: [Int] = try await servers[0].serverSideEmitWithAck("double", 21)
            #expect(doubled == [42])
            let error = await #expect(throws: BroadcastError.self) {
                let _: [Int] = try await servers[0].serverSideEmitWithAck("nobody listens")
            }
            #expect(error?.code == .timeout)
        }
    }

    @Test("Each namespace has an adapter of its own, and events for one socket go through it when it recovers")
    func recovering() async throws {
        let seen = Log<String>()
        var options = SocketIOOptions()
        options.adapter = AdapterFactory { RecordingAdapter($0, seen) }
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.onConnection { socket in
            socket.emit("hello", 1)
            socket.volatile.emit("volatile")
        }
        try await Clients.run(1, of: io) { clients in
            let id = clients.ids[0]
            try await clients.expect([0: [#"42["hello",1,"offset"]"#, #"42["volatile"]"#]])
            io.to("r").emit("x")
            io.emit("y", 2)
            try await clients.expect([0: [#"42["y",2,"offset"]"#]])
            #expect(seen.all == ["/ hello [\(id)]", "/ volatile [\(id)]", "/ x [r]", "/ y []"])
            io.of("/other").emit("z")
            #expect(seen.all.last == "/other z []")
        }
    }
}

/// Appends an offset to what is to be kept.
private final class RecordingAdapter: Adapter {
    private let local: InMemoryAdapter
    private let seen: Log<String>

    init(_ local: InMemoryAdapter, _ seen: Log<String>) {
        self.local = local
        self.seen = seen
    }

    var recovers: Bool { true }

    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags) {
        seen.add("\(local.namespace) \(packet.name) [\(audience.rooms.sorted().joined(separator: ","))]")
        var packet = packet
        if !flags.contains(.volatile) { packet.arguments.append("offset") }
        guard let message = try? local.encode(packet) else { return }
        local.deliver(message, to: audience, flags: flags, inOrder: true)
    }

    func broadcast(_ packet: EventPacket, to audience: Audience, flags: EmitFlags, replies: BroadcastReplies) {
        local.broadcast(packet, to: audience, flags: flags, replies: replies)
    }

    func fetchSockets(in audience: Audience, flags: EmitFlags) async -> [SocketDescription] {
        await local.fetchSockets(in: audience, flags: flags)
    }

    func join(_ rooms: Set<String>, audience: Audience, flags: EmitFlags) {
        local.join(rooms, audience: audience, flags: flags)
    }

    func leave(_ rooms: Set<String>, audience: Audience, flags: EmitFlags) {
        local.leave(rooms, audience: audience, flags: flags)
    }

    func disconnect(_ audience: Audience, close: Bool, flags: EmitFlags) {
        local.disconnect(audience, close: close, flags: flags)
    }
}
