import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Testing

/// What the options about transports, time and path do.
@Suite(.timeLimit(.minutes(5))) struct TransportOptionTests {
    private func options(_ change: (inout EngineIOOptions) -> Void) -> EngineIOOptions {
        var options = EngineIOOptions()
        change(&options)
        return options
    }

    // MARK: transports, allowUpgrades

    @Test("A server of polling alone refuses WebSocket, and offers no upgrade")
    func pollingOnly() async throws {
        try await EngineTestServer.run(options { $0.transports = [.polling] }) { server in
            let answer = try await server.requestWebSocket()
            #expect(answer.status == 400)
            #expect(answer.body == RequestErrorTests.unknownTransport)
            try await RawConnection.with(server.address) { connection in
                let opened = try await connection.request("GET", EngineTestServer.handshake)
                #expect(opened.body.contains(#""upgrades":[]"#))
                let sid = try EngineTestServer.sid(opened)
                let upgrade = try await server.requestWebSocket("\(EngineTestServer.webSocket)&sid=\(sid)")
                #expect(upgrade.body == RequestErrorTests.unknownTransport)
                try await EngineTestServer.expectEcho(sid, connection)
            }
        }
    }

    @Test("A server of WebSocket alone refuses polling, and serves clients that begin with WebSocket")
    func webSocketOnly() async throws {
        try await EngineTestServer.run(options { $0.transports = [.websocket] }) { server in
            #expect(try await server.request().body == RequestErrorTests.unknownTransport)
            try await RawWebSocket.with(server.address, EngineTestServer.webSocket) { socket in
                #expect(try await socket.nextText().contains(#""upgrades":[]"#))
                try await socket.send("4hello")
                #expect(try await socket.nextText() == "4hello")
            }
        }
    }

    @Test("By default polling offers an upgrade and WebSocket none")
    func upgradesOffered() async throws {
        try await EngineTestServer.run { server in
            #expect(try await server.request().body.contains(#""upgrades":["websocket"]"#))
            try await RawWebSocket.with(server.address, EngineTestServer.webSocket) { socket async throws in
                #expect(try await socket.nextText().contains(#""upgrades":[]"#))
            }
        }
    }

    @Test("Without upgrades none is offered, one that comes is closed, and the session stays with polling")
    func noUpgrades() async throws {
        try await EngineTestServer.run(options { $0.allowUpgrades = false }) { server in
            try await RawConnection.with(server.address) { connection in
                let opened = try await connection.request("GET", EngineTestServer.handshake)
                #expect(opened.body.contains(#""upgrades":[]"#))
                let sid = try EngineTestServer.sid(opened)
                try await RawWebSocket.with(server.address, "\(EngineTestServer.webSocket)&sid=\(sid)") {
                    socket async throws in
                    #expect(try await socket.closeCode() == .normal)
                }
                try await EngineTestServer.expectEcho(sid, connection)
                // WebSocket from the start is no upgrade.
                #expect(try await server.requestWebSocket().status == 101)
            }
        }
    }

    @Test("A second upgrade beside one that is under way is closed, and the first one completes")
    func secondUpgrade() async throws {
        try await EngineTestServer.run { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                let target = "\(EngineTestServer.webSocket)&sid=\(sid)"
                try await RawWebSocket.with(server.address, target) { first in
                    try await first.send("2probe")
                    #expect(try await first.nextText() == "3probe")
                    try await RawWebSocket.with(server.address, target) { second async throws in
                        #expect(try await second.closeCode() == .normal)
                    }
                    try await first.send("5")
                    try await first.send("4hello")
                    #expect(try await first.nextText() == "4hello")
                }
            }
        }
    }

    @Test("An upgrade that is not completed in time is closed, and the session stays with polling")
    func upgradeTimeout() async throws {
        try await EngineTestServer.run(options { $0.upgradeTimeout = .milliseconds(50) }) { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                try await RawWebSocket.with(server.address, "\(EngineTestServer.webSocket)&sid=\(sid)") {
                    socket async throws in
                    #expect(try await socket.closeCode() == .normal)
                }
                try await EngineTestServer.expectEcho(sid, connection)
            }
        }
    }

    @Test("An upgrade that was completed is not closed when its time is up")
    func upgradeInTime() async throws {
        try await EngineTestServer.run(
            options {
                $0.upgradeTimeout = .seconds(5)
                $0.pingInterval = .seconds(6)
            }
        ) { server in
            try await RawConnection.with(server.address) { connection in
                let sid = try await EngineTestServer.open(connection)
                try await RawWebSocket.with(server.address, "\(EngineTestServer.webSocket)&sid=\(sid)") { socket in
                    try await socket.send("2probe")
                    #expect(try await socket.nextText() == "3probe")
                    try await socket.send("5")
                    // Behind the time for the upgrade.
                    #expect(try await socket.nextText() == "2")
                    try await socket.send("4hello")
                    #expect(try await socket.nextText() == "4hello")
                }
            }
        }
    }

    // MARK: Heartbeat

    @Test(
        "The handshake says how often the server pings and how long it waits, in milliseconds, and its largest payload")
    func handshake() async throws {
        try await EngineTestServer.run(
            options {
                $0.pingInterval = .seconds(7)
                $0.pingTimeout = .milliseconds(1_234)
                $0.maxHttpBufferSize = 4_321
            }
        ) { server in
            let body = try await server.request().body
            #expect(body.hasSuffix(#","pingInterval":7000,"pingTimeout":1234,"maxPayload":4321}"#))
        }
    }

    @Test("The server pings at its interval, by polling and by WebSocket", arguments: ["polling", "websocket"])
    func pings(_ transport: String) async throws {
        let options = options {
            $0.pingInterval = .milliseconds(30)
            $0.pingTimeout = .seconds(120)
        }
        try await EngineTestServer.run(options) { server in
            if transport == "websocket" {
                try await RawWebSocket.with(server.address, EngineTestServer.webSocket) { socket in
                    #expect(try await socket.nextText().hasPrefix("0{"))
                    for _ in 0..<3 {
                        #expect(try await socket.nextText() == "2")
                        try await socket.send("3")
                    }
                }
            } else {
                try await RawConnection.with(server.address) { connection in
                    let target = EngineTestServer.polling(try await EngineTestServer.open(connection))
                    for _ in 0..<3 {
                        #expect(try await connection.request("GET", target).body == "2")
                        _ = try await connection.request("POST", target, body: ByteBuffer(string: "3"))
                    }
                }
            }
        }
    }

    @Test("A client that does not answer a ping in time ends with ping timeout", arguments: ["polling", "websocket"])
    func pingTimeout(_ transport: String) async throws {
        try await EngineTestServer.run(
            options {
                $0.pingInterval = .milliseconds(20)
                $0.pingTimeout = .milliseconds(20)
            }
        ) { server in
            if transport == "websocket" {
                try await RawWebSocket.with(server.address, EngineTestServer.webSocket) { socket in
                    while try await socket.next() != nil {}
                    #expect(await server.nextReason() == "ping timeout")
                }
            } else {
                #expect(try await server.request().status == 200)
                #expect(await server.nextReason() == "ping timeout")
            }
            #expect(server.engine.clientsCount == 0)
        }
    }

    // MARK: connectTimeout

    @Test(
        "A client that connects to no namespace in time is cut off, one that did is not",
        arguments: ["polling", "websocket"])
    func connectTimeout(_ transport: String) async throws {
        var options = SocketIOOptions()
        options.connectTimeout = .milliseconds(1_500)
        options.engine.pingInterval = .milliseconds(2_000)
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.onConnection { TestServer.echo($0) }
        try await io.withListening { address in
            if transport == "polling" {
                try await RawConnection.with(address) { connection in
                    let sid = try await TestServer.openSession(connection)
                    #expect(try await connection.request("GET", TestServer.polling(sid)).body == "1")
                    #expect(
                        try await connection.request("GET", TestServer.polling(sid)).body
                            == RequestErrorTests.unknownSession)
                }
            } else {
                try await RawWebSocket.with(address) { socket async throws in
                    #expect(try await socket.nextText().hasPrefix("0{"))
                    #expect(try await socket.closeCode() == .normal)
                }
            }
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                #expect(try await socket.nextText() == "2")  // behind the time to connect
                try await socket.expectEcho()
            }
        }
    }

    // MARK: Path

    @Test(
        "The path is answered with a slash behind it, and without one where addTrailingSlash is off",
        arguments: [
            ("/engine.io/", true, 200), ("/engine.io", true, 404), ("/engine.io/", false, 200),
            ("/engine.io", false, 200), ("/engine.io/foo/bar/", true, 200), ("/engine.iox", false, 404),
            ("/engine.iox/", true, 404), ("/", true, 404),
        ])
    func trailingSlash(_ path: String, _ addTrailingSlash: Bool, _ status: Int) async throws {
        try await EngineTestServer.run(options { $0.addTrailingSlash = addTrailingSlash }) { server in
            let answer = try await server.request("GET", path + "?EIO=4&transport=polling")
            #expect(answer.status == status)
        }
    }

    @Test("A path of the user's is the same with and without a slash behind it", arguments: ["/chat", "/chat/"])
    func ownPath(_ path: String) async throws {
        var options = SocketIOOptions()
        options.path = path
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        try await io.withListening { address in
            try await RawConnection.with(address) { connection async throws in
                let query = "?EIO=4&transport=polling"
                #expect(try await connection.request("GET", "/chat/" + query).status == 200)
                #expect(try await connection.request("GET", "/chat" + query).status == 404)
                #expect(try await connection.request("GET", "/socket.io/" + query).status == 404)
            }
        }
    }
}
