import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// Namespaces that clients make by connecting to them.
@Suite(.timeLimit(.minutes(5))) struct DynamicNamespaceTests {
    private func serve(
        _ io: SocketIOServer, _ body: @escaping @Sendable (SocketAddress) async throws -> Void
    ) async throws {
        try await io.withListening { try await body($0) }
    }

    private func refusal(_ name: String) -> String { #"44\#(name),{"message":"Invalid namespace"}"# }

    @Test("A client connects to any namespace that fits a pattern, and is refused every other")
    func pattern() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.of(/^\/room-\d+$/).onConnection { socket in socket.emit("in", socket.namespace.name) }
        try await serve(io) { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect("/room-1")
                #expect(try await client.nextText() == #"42/room-1,["in","/room-1"]"#)
                try await client.join("/room-22")
                #expect(try await client.nextText() == #"42/room-22,["in","/room-22"]"#)
                for name in ["/room-", "/room-1x", "/a/room-1"] {
                    try await client.send("40\(name),")
                    #expect(try await client.nextText() == refusal(name))
                }
            }
        }
    }

    @Test("A pattern without anchors is looked for anywhere in the name, as in JavaScript")
    func unanchored() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        _ = io.of(/room/)
        try await serve(io) { address in
            try await RawWebSocket.with(address) { _ = try await $0.connect("/my-rooms") }
        }
    }

    @Test("A function says which namespaces a client may make: it is given name and auth, and what it throws is a no")
    func function() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let asked = Log<String>()
        io.of { (name: String, auth: SocketIOValue) async throws in
            asked.add("\(name) \(auth["token"]?.stringValue ?? "none")")
            await Task.yield()
            if name == "/broken" { throw CancellationError() }
            return auth["token"] == "secret"
        }.onConnection { socket in socket.emit("in") }
        try await serve(io) { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect("/")
                try await client.send(#"40/a,{"token":"secret"}"#)
                #expect(try await client.nextText().hasPrefix(#"40/a,{"sid":"#))
                #expect(try await client.nextText() == #"42/a,["in"]"#)
                for name in ["/b", "/broken"] {
                    try await client.send("40\(name),")
                    #expect(try await client.nextText() == refusal(name))
                }
                // It exists now, and nobody is asked any more.
                try await RawWebSocket.with(address) { other in
                    try await other.connect("/a")
                    #expect(try await other.nextText() == #"42/a,["in"]"#)
                }
            }
        }
        #expect(asked.all == ["/a secret", "/b none", "/broken none"])
    }

    @Test("Of several parents the first that fits counts, in the order in which they were made")
    func order() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        io.of(/^\/p-/).onConnection { $0.emit("pattern") }
        io.of { (name: String, _: SocketIOValue) in name.hasPrefix("/p-") || name.hasPrefix("/f-") }
            .onConnection { $0.emit("function") }
        io.of(/^\/f-/).onConnection { $0.emit("too late") }
        io.of(/^\/g-/).onConnection { $0.emit("behind") }
        try await serve(io) { address in
            for (name, event) in [("/p-1", "pattern"), ("/f-1", "function"), ("/g-1", "behind")] {
                try await RawWebSocket.with(address) { client in
                    try await client.connect(name)
                    #expect(try await client.nextText() == #"42\#(name),["\#(event)"]"#)
                }
            }
        }
    }

    @Test("Middleware and handlers of the parent apply to every child and come first, also those that are added later")
    func inheritance() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let parent = io.of(/^\/c-/)
        let log = Log<String>()
        parent.use { (_: Socket) throws in log.add("parent's middleware") }
        parent.onConnection { _ in log.add("parent's handler") }
        io.onNewNamespace { child in
            child.use { (_: Socket) throws in log.add("child's middleware") }
            child.onConnection { _ in log.add("child's handler") }
        }
        try await serve(io) { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect("/c-1")
                let expected = ["parent's middleware", "child's middleware", "parent's handler", "child's handler"]
                #expect(log.all == expected)
                parent.use { (_: Socket) throws in throw ConnectError("closed by now") }
                try await RawWebSocket.with(address) { other in
                    #expect(try await other.nextText().hasPrefix("0{"))
                    try await other.send("40/c-1,")
                    #expect(try await other.nextText() == #"44/c-1,{"message":"closed by now"}"#)
                }
            }
        }
    }

    @Test("A broadcast of the parent reaches everybody in all children, and their acknowledgements come together")
    func parentBroadcast() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let parent = io.of(/^\/c-/)
        parent.onConnection { socket in socket.on("barrier") { () in } }
        try await Clients.run(1, of: io) { bystander in
            try await RawWebSocket.with(bystander.address) { first in
                let id = try await first.connect("/c-1")
                try await RawWebSocket.with(bystander.address) { second in
                    try await second.connect("/c-2")
                    parent.emit("x")
                    #expect(try await first.nextText() == #"42/c-1,["x"]"#)
                    #expect(try await second.nextText() == #"42/c-2,["x"]"#)
                    parent.except(id).emit("y")
                    #expect(try await second.nextText() == #"42/c-2,["y"]"#)
                    parent.socketsJoin("r")
                    parent.in(id).socketsLeave("r")
                    parent.to("r").emit("z")
                    #expect(try await second.nextText() == #"42/c-2,["z"]"#)
                    #expect(try await first.receivedText(in: "/c-1") == [])

                    async let replies: [Int] = parent.emitWithAck("ask")
                    for (number, client) in [(1, first), (2, second)] {
                        let text = try await client.nextText()
                        let call = try #require(text.wholeMatch(of: /42\/c-\d,(\d+)\["ask"\]/)?.1)
                        try await client.send("43/c-\(number),\(call)[\(number)]")
                    }
                    #expect(try await replies.sorted() == [1, 2])

                    let error = await #expect(throws: SocketIOError.self) { try await parent.fetchSockets() }
                    #expect(error?.message == "fetchSockets() is not supported on parent namespaces")
                    #expect(Set(parent.children.map(\.name)) == ["/c-1", "/c-2"])

                    parent.in(id).disconnectSockets()
                    #expect(try await first.nextText() == "41/c-1,")
                    #expect(try await second.receivedText(in: "/c-2") == [])
                }
            }
            try await bystander.expect([:])
        }
    }

    @Test("A namespace asked for by name belongs to the parent whose pattern it fits")
    func byName() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let parent = io.of(/^\/c-/)
        let made = Log<String>()
        io.onNewNamespace { made.add($0.name) }
        let child = io.of("c-1")
        #expect(child.name == "/c-1")
        #expect(io.of("/c-1") === child)
        #expect(parent.children.map(\.name) == ["/c-1"])
        _ = io.of("/static")
        _ = io.of("/static")
        #expect(io.of("/") === io.sockets)
        #expect(made.all == ["/c-1", "/static"])
    }

    @Test("An empty child goes when the server is told so, is made anew for the next client, and stays otherwise")
    func cleanUp() async throws {
        for cleanUp in [true, false] {
            var options = SocketIOOptions()
            options.cleanupEmptyChildNamespaces = cleanUp
            let io = SocketIOServer(host: "127.0.0.1", options: options)
            let made = Log<String>()
            let left = Mailbox<Void>()
            io.onNewNamespace { made.add($0.name) }
            let parent = io.of(/^\/c-/)
            parent.use { (socket: Socket) throws in
                if socket.handshake.auth["in"] == false { throw ConnectError("no") }
            }
            parent.onConnection { socket in socket.onDisconnect { _ in left.put(()) } }
            try await serve(io) { address in
                try await RawWebSocket.with(address) { client in
                    try await client.connect("/")
                    try await client.join("/c-1")
                    // A second client keeps it.
                    try await RawWebSocket.with(address) { other in
                        try await other.connect("/c-1")
                        try await other.send("41/c-1,")
                        try await left.take()
                        #expect(parent.children.map(\.name) == ["/c-1"])
                    }
                    try await client.send("41/c-1,")
                    try await left.take()
                    #expect(parent.children.map(\.name) == (cleanUp ? [] : ["/c-1"]))
                    try await client.join("/c-1")
                    #expect(made.all == (cleanUp ? ["/c-1", "/c-1"] : ["/c-1"]))
                    // One who is not let in leaves nothing behind.
                    try await client.send(#"40/c-2,{"in":false}"#)
                    #expect(try await client.nextText() == #"44/c-2,{"message":"no"}"#)
                    #expect(parent.children.map(\.name).sorted() == (cleanUp ? ["/c-1"] : ["/c-1", "/c-2"]))
                }
            }
        }
    }

    @Test(
        "Clients can make as many children as the limit says; the next is refused, and one that exists still lets clients in"
    )
    func limit() async throws {
        var options = SocketIOOptions()
        options.maximumChildNamespaces = 2
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        _ = io.of(/^\/c-/)
        _ = io.of { (name: String, _: SocketIOValue) in name.hasPrefix("/f-") }
        try await serve(io) { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect("/c-1")
                try await client.join("/f-1")
                for name in ["/c-2", "/f-2"] {
                    try await client.send("40\(name),")
                    #expect(try await client.nextText() == refusal(name))
                }
                try await RawWebSocket.with(address) { _ = try await $0.connect("/c-1") }
                #expect(io.of("/c-3").name == "/c-3")  // the program is not bound
            }
        }
    }

    @Test("A function that takes its time does not let one connection ask for more namespaces than it may be in")
    func flood() async throws {
        let io = SocketIOServer(host: "127.0.0.1")
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let asked = Log<String>()
        _ = io.of { (name: String, _: SocketIOValue) async in
            asked.add(name)
            for await _ in gate {}
            return true
        }
        let made = Log<String>()
        io.onNewNamespace { made.add($0.name) }
        try await serve(io) { address in
            try await RawWebSocket.with(address) { client in
                #expect(try await client.nextText().hasPrefix("0{"))
                for number in 0...100 { try await client.send("40/n\(number),") }
                #expect(try await client.closeCode() == .normal)
                #expect(asked.all.count == 100)
            }
            open.finish()
        }
    }
}
