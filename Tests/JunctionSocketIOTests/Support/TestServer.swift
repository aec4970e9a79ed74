import JunctionSocketIO
import NIOCore
import RawClients
import Testing

/// A Socket.IO server under test, with a well-behaved client that must be served to the end whatever the others do.
struct TestServer: Sendable {
    let address: SocketAddress
    /// The server itself; the well-behaved client has a session of its own.
    let io: SocketIOServer
    /// Why sockets of the main namespace ended, in order.
    private let reasons: AsyncStream<String>

    /// Serves while `body` runs; then the well-behaved client must still get its answer.
    ///
    /// The main namespace sends each `echo` back, and so does `/bystander`, where the well-behaved client is.
    static func run(
        options: SocketIOOptions = SocketIOOptions(), namespaces: [String] = [],
        prepare: @Sendable (SocketIOServer) -> Void = { _ in },
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        let io = SocketIOServer(host: "127.0.0.1", options: options)
        io.onConnection { socket in
            echo(socket)
            socket.onDisconnect { ended.yield($0.rawValue) }
        }
        prepare(io)
        for name in namespaces + ["/bystander"] { io.of(name).onConnection { echo($0) } }
        try await io.withListening { address in
            try await RawWebSocket.with(address) { bystander in
                try await bystander.connect("/bystander")
                try await body(TestServer(address: address, io: io, reasons: reasons))
                try await bystander.expectEcho("/bystander")
            }
        }
    }

    /// Sends each `echo` of the socket back.
    static func echo(_ socket: Socket) {
        socket.on("echo") { (event: IncomingEvent) in
            socket.emit("echo", arguments: try event.values())
        }
    }

    /// Why the next socket of the main namespace ended, as soon as one has.
    func nextReason() async -> String? {
        var iterator = reasons.makeAsyncIterator()
        return await iterator.next()
    }

    // MARK: Polling

    /// The target of requests for a session.
    static func polling(_ sid: String) -> String { "/socket.io/?EIO=4&transport=polling&sid=\(sid)" }

    /// Opens a session by polling on the connection and returns its identifier.
    static func openSession(_ connection: RawConnection) async throws -> String {
        let response = try await connection.request("GET", "/socket.io/?EIO=4&transport=polling")
        try #require(response.status == 200)
        let sid = try #require(response.body.firstMatch(of: /^0\{"sid":"([^"]+)"/)?.1)
        return String(sid)
    }

    /// Opens a session by polling and connects to the main namespace.
    static func connect(_ connection: RawConnection) async throws -> String {
        let sid = try await openSession(connection)
        try #require(try await connection.request("POST", polling(sid), body: ByteBuffer(string: "40")).body == "ok")
        try #require(try await connection.request("GET", polling(sid)).body.hasPrefix(#"40{"sid":"#))
        return sid
    }

    /// Sends an event to a session that polls, and awaits the same one back.
    static func expectEcho(_ sid: String, _ connection: RawConnection) async throws {
        let event = #"42["echo","still here"]"#
        #expect(try await connection.request("POST", polling(sid), body: ByteBuffer(string: event)).body == "ok")
        #expect(try await connection.request("GET", polling(sid)).body == event)
    }
}

extension ByteBuffer {
    /// Bytes without meaning, the same for the same seed.
    static func noise(_ count: Int, seed: UInt64) -> ByteBuffer {
        var state = seed
        return ByteBuffer(
            bytes: (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return UInt8(truncatingIfNeeded: state >> 33)
            })
    }
}
