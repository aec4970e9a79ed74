import JunctionSocketIO
import NIOCore
import NIOHTTP1
import RawClients
import Synchronization
import Testing

/// An Engine.IO server under test, whose sessions send each message back.
struct EngineTestServer: Sendable {
    static let handshake = "/engine.io/?EIO=4&transport=polling"
    static let webSocket = "/engine.io/?EIO=4&transport=websocket"

    let engine: EngineIOServer
    let address: SocketAddress
    private let sessions: AsyncStream<EngineSession>
    private let reasons: AsyncStream<String>
    private let errors: AsyncStream<EngineConnectionError>

    /// Serves while `body` runs.
    static func run(
        _ options: EngineIOOptions = EngineIOOptions(), prepare: @Sendable (EngineIOServer) -> Void = { _ in },
        _ body: @escaping @Sendable (EngineTestServer) async throws -> Void
    ) async throws {
        let (sessions, opened) = AsyncStream.makeStream(of: EngineSession.self)
        let (reasons, ended) = AsyncStream.makeStream(of: String.self)
        let (errors, refused) = AsyncStream.makeStream(of: EngineConnectionError.self)
        let engine = EngineIOServer(options: options)
        engine.onConnection { session in
            session.onMessage { session.send($0) }
            session.onClose { ended.yield($0) }
            opened.yield(session)
        }
        engine.onConnectionError { refused.yield($0) }
        prepare(engine)
        try await WebServer(host: "127.0.0.1", port: 0, mounts: [engine.mount()]).withListening { address in
            try await body(
                EngineTestServer(
                    engine: engine, address: address, sessions: sessions, reasons: reasons, errors: errors))
        }
    }

    /// The target of requests for a session.
    static func polling(_ sid: String) -> String { "\(handshake)&sid=\(sid)" }

    /// The session that was opened next.
    func nextSession() async -> EngineSession? { await first(of: sessions) }
    /// Why the session ended that ended next.
    func nextReason() async -> String? { await first(of: reasons) }
    /// The next refusal that the application was told of.
    func nextError() async -> EngineConnectionError? { await first(of: errors) }

    private func first<Element>(of stream: AsyncStream<Element>) async -> Element? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }

    /// Sends one request on a connection of its own.
    func request(
        _ method: String = "GET", _ target: String = handshake, headers: HTTPHeaders = [:],
        body: ByteBuffer = ByteBuffer()
    ) async throws -> RawConnection.Response {
        try await RawConnection.with(address) { connection in
            try await connection.request(method, target, headers: headers, body: body)
        }
    }

    /// Asks for a session by WebSocket, and leaves.
    func requestWebSocket(
        _ target: String = webSocket, headers: HTTPHeaders = [:]
    ) async throws -> RawConnection.Response {
        try await request("GET", target, headers: RawWebSocket.handshake + headers)
    }

    /// Opens a session by polling on the connection and returns its identifier.
    static func open(_ connection: RawConnection, _ target: String = handshake) async throws -> String {
        let response = try await connection.request("GET", target)
        try #require(response.status == 200)
        return try sid(response)
    }

    /// The session's identifier in the answer to a handshake.
    static func sid(_ response: RawConnection.Response) throws -> String {
        String(try #require(response.body.firstMatch(of: /^0\{"sid":"([^"]+)"/)?.1))
    }

    /// Sends a message to a session that polls, and awaits the same one back.
    static func expectEcho(_ sid: String, _ connection: RawConnection) async throws {
        let message = ByteBuffer(string: "4still here")
        #expect(try await connection.request("POST", polling(sid), body: message).body == "ok")
        #expect(try await connection.request("GET", polling(sid)).bytes == message)
    }
}

extension HTTPHeaders {
    static func + (fields: HTTPHeaders, more: HTTPHeaders) -> HTTPHeaders {
        var all = fields
        all.add(contentsOf: more)
        return all
    }
}

/// Counts from any thread.
final class Counter: Sendable {
    private let value = Atomic(0)

    var count: Int { value.load(ordering: .acquiring) }

    /// Adds one and returns the sum.
    @discardableResult
    func increment() -> Int { value.add(1, ordering: .acquiringAndReleasing).newValue }
}
