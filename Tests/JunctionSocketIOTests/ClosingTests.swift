import JunctionSocketIO
import Logging
import NIOCore
import RawClients
import ServiceLifecycle
import TestSupport
import Testing

/// How a Socket.IO server ends, and what its clients see of that.
@Suite(.timeLimit(.minutes(5))) struct ClosingTests {
    private let reasons = Box<DisconnectReason>()
    private let sockets = Box<Socket>()

    private func server(
        options: SocketIOOptions = SocketIOOptions(), configuration: WebServer.Configuration = .init()
    ) -> SocketIOServer {
        let io = SocketIOServer(host: "127.0.0.1", options: options, configuration: configuration)
        io.onConnection { [reasons, sockets] socket in
            TestServer.echo(socket)
            socket.onDisconnect { reasons.put($0) }
            sockets.put(socket)
        }
        return io
    }

    /// Runs a service until `body` shuts it down, which it must.
    private func run(
        _ server: some ListeningService,
        _ body: (_ address: SocketAddress, _ shutDown: () async -> Void) async throws -> Void
    ) async throws {
        let addresses = Box<SocketAddress>()
        let service = Announced(server: server, addresses: addresses)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [service], logger: Logger(label: "test")))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body(try #require(await addresses.take()), { await group.triggerGracefulShutdown() })
            try await tasks.waitForAll()
        }
    }

    private struct Announced<Server: ListeningService>: Service {
        let server: Server
        let addresses: Box<SocketAddress>

        func run() async throws { try await server.run { addresses.put($0) } }
    }

    // MARK: close()

    @Test("close() disconnects sockets with “server shutting down”, ends their connections and the server")
    func close() async throws {
        let io = server()
        let addresses = Box<SocketAddress>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await io.run { addresses.put($0) } }
            let address = try #require(await addresses.take())
            try await RawWebSocket.with(address) { socket in
                try await socket.connect()
                io.close()
                #expect(try await socket.closeCode() == .normal)
                #expect(await reasons.take() == .serverShuttingDown)
            }
            try await group.waitForAll()  // the server has ended
            #expect(io.engine.clientsCount == 0)
        }
    }

    @Test("What was emitted before close() reaches the client before its connection ends")
    func emittedBeforeClose() async throws {
        let io = server()
        try await io.withListening { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect()
                let socket = try #require(await sockets.take())
                for number in 0..<100 { socket.emit("number", number) }
                io.emit("to all", "last")
                io.close()
                for number in 0..<100 { #expect(try await client.nextText() == #"42["number",\#(number)]"#) }
                #expect(try await client.nextText() == #"42["to all","last"]"#)
                #expect(try await client.closeCode() == .normal)
            }
        }
    }

    @Test("A server that was closed can run again, and takes clients as before")
    func again() async throws {
        let io = server()
        for _ in 0..<2 {
            try await io.withListening { address in
                try await RawWebSocket.with(address) { client in
                    try await client.connect()
                    try await client.expectEcho()
                    io.close()
                    #expect(try await client.closeCode() == .normal)
                }
            }
        }
    }

    @Test("A plain WebSocket server can run again, too")
    func webSocketServerAgain() async throws {
        let server = WebSocketServer(host: "127.0.0.1", port: 0) { message, connection in connection.send(message) }
        for _ in 0..<2 {
            try await server.withListening { address in
                try await RawWebSocket.with(address, "/") { client in
                    try await client.send("hello")
                    #expect(try await client.nextText() == "hello")
                }
            }
        }
    }

    // MARK: Clients that poll

    @Test("A poll that waits is answered at once: with what was emitted, and the end")
    func waitingPoll() async throws {
        let io = server()
        try await run(io) { address, shutDown in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                let socket = try #require(await sockets.take())
                try await connection.send("GET", TestServer.polling(sid))
                // The poll waits: the answer to a request on another connection came after it.
                try await RawConnection.with(address) { _ = try await $0.request("GET", "/") }
                await shutDown()
                let answer = try await connection.response()
                #expect(answer.body == "1")
                #expect(await reasons.take() == .serverShuttingDown)
                _ = socket
                try await connection.expectEnd()
            }
        }
    }

    @Test("A client between two polls fetches with its next one what was emitted before the shutdown, and the end")
    func betweenPolls() async throws {
        let io = server()
        try await run(io) { address, shutDown in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                let socket = try #require(await sockets.take())
                socket.emit("last words", 1)
                socket.emit("last words", 2)
                await shutDown()
                #expect(await reasons.take() == .serverShuttingDown)
                let answer = try await connection.request("GET", TestServer.polling(sid))
                #expect(answer.body == "42[\"last words\",1]\u{1e}42[\"last words\",2]\u{1e}1")
                try await connection.expectEnd()
            }
        }
    }

    @Test("A client that never polls again does not hold the shutdown up for longer than `lastPollTimeout`")
    func neverAgain() async throws {
        var options = SocketIOOptions()
        options.engine.lastPollTimeout = .milliseconds(1)
        let io = server(options: options)
        try await run(io) { address, shutDown in
            try await RawConnection.with(address) { connection in
                _ = try await TestServer.connect(connection)
                await shutDown()
                try await connection.expectEnd()
            }
        }
    }

    @Test("Sessions of clients that never poll again are over when the server has shut down")
    func neverAgainSessions() async throws {
        var options = SocketIOOptions()
        options.engine.lastPollTimeout = .milliseconds(1)
        let io = server(options: options)
        try await io.withListening { address in
            _ = try await RawConnection.with(address) { try await TestServer.connect($0) }
        }
        try await eventually { io.engine.clientsCount == 0 }
    }

    @Test("By default, a server that shuts down waits two seconds for the last polls")
    func lastPollDefault() {
        #expect(EngineIOOptions().lastPollTimeout == .seconds(2))
    }

    @Test("After close() of a mounted server, a client between two polls has `pollingCloseTimeout` to learn of it")
    func betweenPollsMounted() async throws {
        var options = SocketIOOptions()
        options.engine.pollingCloseTimeout = .milliseconds(1)
        let io = server(options: options)
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [io.mount()]).withListening { address in
            try await RawConnection.with(address) { connection in
                let sid = try await TestServer.connect(connection)
                io.close()
                #expect(await reasons.take() == .serverShuttingDown)
                try await eventually { io.engine.clientsCount == 0 }
                let answer = try await connection.request("GET", TestServer.polling(sid))
                #expect(answer.body == #"{"code":1,"message":"Session ID unknown"}"#)
            }
        }
    }

    // MARK: Draining

    @Test("drain() refuses new clients while those that are there go on, and ends with the last of them")
    func drain() async throws {
        let io = server()
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [io.mount()]).withListening { address in
            let drained = Box<Void>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await RawConnection.with(address) { polling in
                    let sid = try await TestServer.connect(polling)
                    try await RawWebSocket.with(address) { client in
                        try await client.connect()
                        group.addTask {
                            await io.drain(timeout: .seconds(600))
                            drained.put(())
                        }
                        try await RawConnection.with(address) { late in
                            try await Self.expectRefusal(late)
                        }
                        try await client.expectEcho()
                        try await TestServer.expectEcho(sid, polling)
                        // A session may still upgrade.
                        try await RawWebSocket.with(address, "/socket.io/?EIO=4&transport=websocket&sid=\(sid)") {
                            socket in
                            try await socket.send("2probe")
                            #expect(try await socket.nextText() == "3probe")
                        }
                        #expect(io.engine.clientsCount == 2)
                        try await client.send("41")
                        try await client.send("1")
                    }
                    #expect(await reasons.take() == .clientNamespaceDisconnect)
                    #expect(
                        try await polling.request("POST", TestServer.polling(sid), body: ByteBuffer(string: "1")).body
                            == "ok")
                }
                await drained.take()
                try await group.waitForAll()
            }
        }
    }

    /// Until the drain has begun on the server.
    private static func expectRefusal(_ connection: RawConnection) async throws {
        while true {
            let answer = try await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
            if answer.status == 200 { continue }
            #expect(answer.status == 400)
            return #expect(answer.body.contains("Server is shutting down"))
        }
    }

    @Test("drain() closes what is left at its deadline")
    func drainDeadline() async throws {
        let io = server()
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [io.mount()]).withListening { address in
            try await RawWebSocket.with(address) { client in
                try await client.connect()
                await io.drain(timeout: .milliseconds(1))
                #expect(try await client.closeCode() == .normal)
                #expect(await reasons.take() == .serverShuttingDown)
            }
        }
    }

    @Test("A graceful shutdown lets sessions go on for `lingerTimeout`, polling ones on new connections, too")
    func linger() async throws {
        var configuration = WebServer.Configuration()
        configuration.lingerTimeout = .seconds(600)
        let io = server(configuration: configuration)
        try await run(io) { address, shutDown in
            let sid = try await RawConnection.with(address) { try await TestServer.connect($0) }
            await shutDown()
            try await RawConnection.with(address) { try await Self.expectRefusal($0) }
            try await RawConnection.with(address) { connection in
                try await TestServer.expectEcho(sid, connection)
                // The last session that ends ends the server.
                #expect(
                    try await connection.request("POST", TestServer.polling(sid), body: ByteBuffer(string: "1")).body
                        == "ok")
                try await connection.expectEnd()
            }
        }
    }

    @Test("A graceful shutdown without `lingerTimeout`, as by default, tells everybody at once")
    func shutdown() async throws {
        #expect(WebServer.Configuration().lingerTimeout == .zero)
        let io = server()
        try await run(io) { address, shutDown in
            try await RawWebSocket.with(address) { client in
                try await client.connect()
                await shutDown()
                #expect(try await client.closeCode() == .normal)
                #expect(await reasons.take() == .serverShuttingDown)
            }
        }
    }

    @Test("A cancellation does not wait for `lingerTimeout`")
    func cancelledLinger() async throws {
        var configuration = WebServer.Configuration()
        configuration.lingerTimeout = .seconds(600)
        let io = server(configuration: configuration)
        try await io.withListening { address in
            // The server is cancelled when this returns.
            try await RawConnection.with(address) { _ = try await TestServer.openSession($0) }
        }
        try await eventually { io.engine.clientsCount == 0 }
    }

    @Test("A client that does not answer the close frame is cut off, and the server ends")
    func silentClient() async throws {
        var configuration = WebServer.Configuration()
        configuration.drainTimeout = .milliseconds(1)
        let io = server(configuration: configuration)
        try await run(io) { address, shutDown in
            try await RawWebSocket.with(address) { client in
                try await client.connect()
                await shutDown()
                while let event = try await client.next() {
                    guard case .close = event else { continue }
                }
            }
        }
    }
}
