#if Hummingbird

    import Hummingbird
    import HummingbirdCore
    import HummingbirdTLS
    import JunctionHummingbird
    import JunctionSocketIO
    import NIOCore
    import NIOPosix
    import NIOSSL
    import RawClients
    import TLSTesting
    import TestSupport
    import Testing

    /// A Socket.IO server on a Hummingbird application.
    @Suite(.timeLimit(.minutes(5))) struct HummingbirdTests {
        private let io = TestApplication.server()

        // MARK: Both on one port

        @Test("The application's routes go on working, and the mount answers beside them on one connection")
        func alternating() async throws {
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawConnection.with(application.address) { connection in
                    #expect(try await connection.request("GET", "/hello").body == "Hello")
                    let sid = try await TestApplication.connectByPolling(connection)
                    for _ in 0..<3 {
                        let body = ByteBuffer(string: "some text")
                        #expect(try await connection.request("POST", "/length", body: body).body == "9")
                        try await TestApplication.expectEcho(sid, connection)
                        #expect(try await connection.request("GET", "/nowhere").status == 404)
                    }
                }
            }
        }

        @Test("WebSocket connections, fresh ones and ones that the application has used, belong to the mount")
        func webSocket() async throws {
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawWebSocket.with(application.address) { socket in
                    try await socket.connect()
                    try await socket.expectEcho()
                }
                try await RawConnection.with(application.address) { connection in
                    #expect(try await connection.request("GET", "/hello").body == "Hello")
                    let socket = try await RawWebSocket.upgrade(connection)
                    try await socket.connect()
                    try await socket.expectEcho()
                }
            }
        }

        @Test("A session that began by polling upgrades, and loses nothing")
        func upgrade() async throws {
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawConnection.with(application.address) { polling in
                    let sid = try await TestApplication.connectByPolling(polling)
                    let target = "/socket.io/?EIO=4&transport=websocket&sid=\(sid)"
                    try await RawWebSocket.with(application.address, target) { socket in
                        try await socket.send("2probe")
                        #expect(try await socket.nextText() == "3probe")
                        try await socket.send("5")
                        try await socket.expectEcho()
                    }
                }
            }
        }

        @Test("Requests that were sent ahead are answered in their order, the application's and the mount's")
        func pipelining() async throws {
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawConnection.with(application.address) { connection in
                    let sid = try await TestApplication.connectByPolling(connection)
                    let event = #"42["echo","ahead"]"#
                    var requests = RawConnection.bytes("GET", "/hello")
                    requests.writeImmutableBuffer(
                        RawConnection.bytes("POST", TestApplication.polling(sid), body: ByteBuffer(string: event)))
                    requests.writeImmutableBuffer(RawConnection.bytes("GET", TestApplication.polling(sid)))
                    requests.writeImmutableBuffer(RawConnection.bytes("GET", "/hello"))
                    try await connection.send(requests)
                    for expected in ["Hello", "ok", event, "Hello"] {
                        #expect(try await connection.response().body == expected)
                    }
                }
            }
        }

        @Test("Several Socket.IO servers with paths of their own share the application")
        func severalServers() async throws {
            let admin = TestApplication.server(path: "/admin/socket.io")
            try await TestApplication.run(.http1(mounting: io.mount(), admin.mount())) { application in
                try await RawWebSocket.with(application.address) { one in
                    try await one.connect()
                    let target = "/admin/socket.io/?EIO=4&transport=websocket"
                    try await RawWebSocket.with(application.address, target) { other in
                        try await other.connect()
                        io.emit("first")
                        admin.emit("second")
                        #expect(try await one.nextText() == #"42["first"]"#)
                        #expect(try await other.nextText() == #"42["second"]"#)
                    }
                }
                #expect(
                    try await RawConnection.with(application.address) { try await $0.request("GET", "/hello") }.body
                        == "Hello")
            }
        }

        // MARK: Event loops

        @Test(
            "Rooms reach all clients on the application's event loops, whatever their group", arguments: [false, true])
        func rooms(ownGroup: Bool) async throws {
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
            let io = io
            try await TestApplication.run(
                .http1(mounting: io.mount()), on: ownGroup ? .shared(group) : .singleton
            ) { application in
                try await withThrowingTaskGroup(of: Void.self) { clients in
                    let connected = Box<Void>()
                    for _ in 0..<4 {
                        clients.addTask {
                            try await RawWebSocket.with(application.address) { socket in
                                try await socket.connect()
                                try await socket.send(#"420["join"]"#)
                                #expect(try await socket.nextText() == "430[]")
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
            try await group.shutdownGracefully()
        }

        // MARK: Idle connections

        @Test("`idleTimeout` closes idle connections, and neither a poll that waits nor a WebSocket connection")
        func idle() async throws {
            let builder = HTTPServerBuilder.http1(
                mounting: io.mount(), configuration: .init(idleTimeout: .milliseconds(500)))
            try await TestApplication.run(builder) { application in
                try await RawConnection.with(application.address) { polling in
                    let sid = try await TestApplication.connectByPolling(polling)
                    try await polling.send("GET", TestApplication.polling(sid))
                    try await RawWebSocket.with(application.address) { socket in
                        try await socket.connect()
                        // Each in turn is closed by its own timer, so that much more than the timeout has passed.
                        for path in ["/hello", "/socket.io/?EIO=4&transport=polling", "/hello"] {
                            try await RawConnection.with(application.address) { idle in
                                #expect(try await idle.request("GET", path).status == 200)
                                try await idle.expectEnd()
                            }
                        }
                        try await socket.expectEcho()
                    }
                    io.emit("still there")
                    #expect(try await polling.response().body == #"42["still there"]"#)
                }
            }
        }

        // MARK: Ending

        @Test("An application that shuts down tells the clients of the mount, and ends when they have gone")
        func shutdown() async throws {
            let reasons = Box<DisconnectReason>()
            io.onConnection { socket in socket.onDisconnect { reasons.put($0) } }
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawConnection.with(application.address) { polling in
                    let sid = try await TestApplication.connectByPolling(polling)
                    try await polling.send("GET", TestApplication.polling(sid))
                    try await RawConnection.with(application.address) { connection in
                        // One that the application's handlers know, too.
                        #expect(try await connection.request("GET", "/hello").body == "Hello")
                        let used = try await RawWebSocket.upgrade(connection)
                        try await used.connect()
                        try await RawWebSocket.with(application.address) { socket in
                            try await socket.connect()
                            io.emit("last")
                            #expect(try await polling.response().body == #"42["last"]"#)
                            try await polling.send("GET", TestApplication.polling(sid))
                            try await used.expectEcho(after: #"42["last"]"#)
                            await application.shutDown()
                            for client in [used, socket] {
                                let code = try await client.closeCode()
                                #expect(code == .normal)
                            }
                            #expect(try await polling.response().body == "1")
                            try await polling.expectEnd()
                        }
                    }
                    for _ in 0..<3 { #expect(await reasons.take() == .serverShuttingDown) }
                }
            }
        }

        @Test("A client between two polls fetches with its next one what was emitted before the shutdown, and the end")
        func betweenPolls() async throws {
            let reasons = Box<DisconnectReason>()
            io.onConnection { socket in socket.onDisconnect { reasons.put($0) } }
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawConnection.with(application.address) { connection in
                    let sid = try await TestApplication.connectByPolling(connection)
                    try await RawWebSocket.with(application.address) { socket in
                        try await socket.connect()
                        io.emit("last")
                        #expect(try await socket.nextText() == #"42["last"]"#)
                        await application.shutDown()
                        for _ in 0..<2 { #expect(await reasons.take() == .serverShuttingDown) }
                        let answer = try await connection.request("GET", TestApplication.polling(sid))
                        #expect(answer.body == "42[\"last\"]\u{1e}1")
                        try await connection.expectEnd()
                    }
                }
            }
        }

        @Test("A mounted server that is closed by itself leaves the application running")
        func closeAlone() async throws {
            try await TestApplication.run(.http1(mounting: io.mount())) { application in
                try await RawWebSocket.with(application.address) { socket in
                    try await socket.connect()
                    io.close()
                    #expect(try await socket.closeCode() == .normal)
                }
                try await RawConnection.with(application.address) { connection in
                    #expect(try await connection.request("GET", "/hello").body == "Hello")
                    let refused = try await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
                    #expect(refused.status == 400)
                    #expect(refused.body.contains("Server is shutting down"))
                }
            }
        }

        // MARK: TLS

        @Test("With Hummingbird's TLS the routes and the mount answer by https and wss", TestCertificates.requirement)
        func secure() async throws {
            let certificates = try await TestCertificates.shared()
            let chain = try NIOSSLCertificate.fromPEMBytes(Array(certificates.localhost.certificate.utf8))
            let key = try NIOSSLPrivateKey(bytes: Array(certificates.localhost.key.utf8), format: .pem)
            let tls = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
            let secure = Box<Bool>()
            io.onConnection { secure.put($0.handshake.secure) }
            let client = certificates.client { $0.serverName = "localhost" }
            try await TestApplication.run(.tls(.http1(mounting: io.mount()), tlsConfiguration: tls)) { application in
                try await RawConnection.with(application.address, tls: client) { connection in
                    #expect(try await connection.request("GET", "/hello").body == "Hello")
                    let sid = try await TestApplication.connectByPolling(connection)
                    try await TestApplication.expectEcho(sid, connection)
                    #expect(await secure.take() == true)
                }
                try await RawWebSocket.with(application.address, tls: client) { socket in
                    try await socket.connect()
                    try await socket.expectEcho()
                    #expect(await secure.take() == true)
                }
            }
        }
    }

    extension RawWebSocket {
        /// The same as ``expectEcho(_:)``, where an event comes first.
        fileprivate func expectEcho(after event: String) async throws {
            #expect(try await nextText() == event)
            try await expectEcho()
        }
    }

#endif
