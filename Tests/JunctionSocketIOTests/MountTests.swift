import JunctionSocketIO
import NIOCore
import NIOHTTP1
import NIOPosix
import RawClients
import TestSupport
import Testing

/// Several servers on one HTTP server, and servers on HTTP servers that others wrote.
@Suite(.timeLimit(.minutes(5))) struct MountTests {
    // MARK: Several on one port

    private func server(_ path: String, says greeting: String) -> SocketIOServer {
        var options = SocketIOOptions()
        options.path = path
        let io = SocketIOServer(options: options)
        io.onConnection { socket in
            socket.emit("hello", greeting)
            TestServer.echo(socket)
        }
        return io
    }

    private static func target(_ path: String) -> String { "\(path)/?EIO=4&transport=websocket" }

    @Test("Socket.IO servers with paths of their own share a port, each with its own clients")
    func severalPaths() async throws {
        let chat = server("/chat", says: "chat")
        let inner = server("/chat/inner", says: "inner")
        let engine = EngineIOServer()
        engine.onConnection { $0.send("engine") }
        let mounts = [chat.mount(), inner.mount(), engine.mount()]
        try await WebServer(host: "127.0.0.1", port: 0, mounts: mounts).withListening { address in
            try await RawWebSocket.with(address, Self.target("/chat")) { one in
                try await one.connect()
                #expect(try await one.nextText() == #"42["hello","chat"]"#)
                // The longest path takes it.
                try await RawWebSocket.with(address, Self.target("/chat/inner")) { other in
                    try await other.connect()
                    #expect(try await other.nextText() == #"42["hello","inner"]"#)
                    chat.emit("for chat")
                    inner.emit("for inner")
                    #expect(try await one.nextText() == #"42["for chat"]"#)
                    #expect(try await other.nextText() == #"42["for inner"]"#)
                    #expect(chat.engine.clientsCount == 1)
                    #expect(inner.engine.clientsCount == 1)
                }
            }
            try await RawWebSocket.with(address, Self.target("/engine.io")) { session async throws in
                #expect(try await session.nextText().hasPrefix(#"0{"sid":"#))
                #expect(try await session.nextText() == "4engine")
            }
            try await RawConnection.with(address) { connection async throws in
                #expect(try await connection.request("GET", "/other").status == 404)
                #expect(try await connection.request("GET", "/chatter/?EIO=4&transport=polling").status == 404)
            }
        }
    }

    @Test("A session of one server means nothing to another on the same port")
    func sessionsAreApart() async throws {
        let one = server("/one", says: "one")
        let other = server("/other", says: "other")
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [one.mount(), other.mount()]).withListening { address in
            try await RawConnection.with(address) { connection in
                let opened = try await connection.request("GET", "/one/?EIO=4&transport=polling")
                let sid = try #require(opened.body.firstMatch(of: /"sid":"([^"]+)"/)?.1)
                let strange = try await connection.request("GET", "/other/?EIO=4&transport=polling&sid=\(sid)")
                #expect(strange.status == 400)
                #expect(strange.body == #"{"code":1,"message":"Session ID unknown"}"#)
            }
        }
    }

    @Test("One server that is closed leaves the HTTP server and the others on it running")
    func closeOne() async throws {
        let closed = server("/closed", says: "closed")
        let open = server("/open", says: "open")
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [closed.mount(), open.mount()]).withListening {
            address in
            try await RawWebSocket.with(address, Self.target("/open")) { stays in
                try await stays.connect()
                _ = try await stays.nextText()
                try await RawWebSocket.with(address, Self.target("/closed")) { goes in
                    try await goes.connect()
                    _ = try await goes.nextText()
                    closed.close()
                    #expect(try await goes.closeCode() == .normal)
                }
                try await stays.expectEcho()
            }
            try await RawConnection.with(address) { connection in
                let refused = try await connection.request("GET", "/closed/?EIO=4&transport=polling")
                #expect(refused.status == 400)
                #expect(refused.body.contains("Server is shutting down"))
                #expect(try await connection.request("GET", "/open/?EIO=4&transport=polling").status == 200)
            }
        }
    }

    // MARK: On a server of NIO's handlers

    @Test("The routes of a plain NIO server and a mount answer in turn on one connection")
    func alternating() async throws {
        let io = SocketIOServer()
        io.onConnection { TestServer.echo($0) }
        try await PlainServer.run(mounting: [io.mount()]) { address in
            try await RawConnection.with(address) { connection in
                #expect(try await connection.request("GET", "/hello").body == "plain: GET /hello 0")
                let sid = try await TestServer.connect(connection)
                for _ in 0..<3 {
                    let body = ByteBuffer(string: "some text")
                    #expect(try await connection.request("POST", "/up", body: body).body == "plain: POST /up 9")
                    try await TestServer.expectEcho(sid, connection)
                }
            }
        }
    }

    @Test("A connection that the routes of a plain NIO server have used can become a WebSocket connection of a mount")
    func upgradeAfterRoutes() async throws {
        let io = SocketIOServer()
        io.onConnection { TestServer.echo($0) }
        try await PlainServer.run(mounting: [io.mount()]) { address in
            try await RawConnection.with(address) { connection in
                #expect(try await connection.request("GET", "/hello").body == "plain: GET /hello 0")
                let socket = try await RawWebSocket.upgrade(connection)
                try await socket.connect()
                try await socket.expectEcho()
            }
        }
    }

    @Test("A session that began by polling upgrades on a plain NIO server, and loses nothing")
    func upgrade() async throws {
        let io = SocketIOServer()
        io.onConnection { TestServer.echo($0) }
        try await PlainServer.run(mounting: [io.mount()]) { address in
            try await RawConnection.with(address) { polling in
                let sid = try await TestServer.connect(polling)
                let target = "/socket.io/?EIO=4&transport=websocket&sid=\(sid)"
                try await RawWebSocket.with(address, target) { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                    try await socket.send("5")
                    try await socket.expectEcho()
                }
            }
        }
    }

    @Test("A poll that waits keeps a request behind it on the connection waiting, and no other connection")
    func pollAhead() async throws {
        let io = SocketIOServer()
        let sockets = Box<Socket>()
        io.onConnection { sockets.put($0) }
        try await PlainServer.run(mounting: [io.mount()]) { address in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                let socket = try #require(await sockets.take())
                try await connection.send("GET", TestServer.polling(sid))
                try await connection.send("GET", "/behind")
                try await RawConnection.with(address) { other async throws in
                    #expect(try await other.request("GET", "/other").status == 200)
                }
                socket.emit("now")
                #expect(try await connection.response().body == #"42["now"]"#)
                #expect(try await connection.response().body == "plain: GET /behind 0")
            }
        }
    }

    @Test("Rooms reach over the event loops of any group, Junction's and others at once")
    func foreignLoops() async throws {
        let io = SocketIOServer()
        io.onConnection { $0.join("room") }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        try await PlainServer.run(on: group, mounting: [io.mount()]) { foreign in
            try await WebServer(host: "127.0.0.1", port: 0, mounts: [io.mount()]).withListening { own in
                // Accepted by the loops of each group in turn.
                try await withThrowingTaskGroup(of: Void.self) { clients in
                    let connected = Box<Void>()
                    for address in [foreign, own, foreign, own] {
                        clients.addTask {
                            try await RawWebSocket.with(address) { socket in
                                try await socket.connect()
                                connected.put(())
                                #expect(try await socket.nextText() == #"42["to all",1]"#)
                            }
                        }
                    }
                    for _ in 0..<4 { await connected.take() }
                    io.to("room").emit("to all", 1)
                    try await clients.waitForAll()
                }
            }
        }
        try await group.shutdownGracefully()
    }

    @Test(
        "A mounted server that is closed leaves a plain NIO server running; the clients of one that shuts down are told"
    )
    func closing() async throws {
        let io = SocketIOServer()
        let reasons = Box<DisconnectReason>()
        io.onConnection { socket in socket.onDisconnect { reasons.put($0) } }
        try await PlainServer.run(mounting: [io.mount()]) { address in
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                await io.mount().shutDown()
                #expect(try await socket.closeCode() == .normal)
                #expect(await reasons.take() == .serverShuttingDown)
            }
            try await RawConnection.with(address) { connection async throws in
                #expect(try await connection.request("GET", "/hello").status == 200)
            }
        }
    }
}

/// An HTTP server as one writes it with NIO alone; says what it was asked.
private enum PlainServer {
    static func run(
        on group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, mounting mounts: [Mount],
        _ body: (SocketAddress) async throws -> Void
    ) async throws {
        let server = try await ServerBootstrap(group: group).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.configureHTTPServerPipeline(mounting: mounts)
                try channel.pipeline.syncOperations.addHandler(Handler())
            }
        }.bind(host: "127.0.0.1", port: 0).get()
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(try #require(server.localAddress)))
        } catch {
            outcome = .failure(error)
        }
        try await server.close()
        try outcome.get()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private var head: HTTPRequestHead?
        private var size = 0

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                size = 0
            case .body(let part): size += part.readableBytes
            case .end:
                guard let head else { return }
                let text = ByteBuffer(string: "plain: \(head.method) \(head.uri) \(size)")
                let headers: HTTPHeaders = ["content-length": "\(text.readableBytes)"]
                let response = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
                context.write(wrapOutboundOut(.head(response)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(text))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
