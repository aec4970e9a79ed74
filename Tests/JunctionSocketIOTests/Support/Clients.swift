import JunctionSocketIO
import NIOCore
import RawClients
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Several raw clients of one server, connected to one namespace.
struct Clients {
    private let io: SocketIOServer
    let address: SocketAddress
    let sockets: [RawWebSocket]
    /// The identifiers of their sockets.
    let ids: [String]

    /// Serves while `body` runs with that many clients of the namespace.
    ///
    /// The server acknowledges `barrier`.
    static func run(
        _ count: Int, of io: SocketIOServer, in namespace: String = "/",
        _ body: @escaping @Sendable (Clients) async throws -> Void
    ) async throws {
        io.of(namespace).onConnection { socket in socket.on("barrier") { () in } }
        try await io.withListening { address in
            try await open(count, namespace, Clients(io: io, address: address, sockets: [], ids: []), body)
        }
    }

    /// Opens more clients, one inside another.
    private static func open(
        _ count: Int, _ namespace: String, _ clients: Clients,
        _ body: (Clients) async throws -> Void
    ) async throws {
        guard count > 0 else { return try await body(clients) }
        try await RawWebSocket.with(clients.address) { socket in
            let id = try await socket.connect(namespace)
            let more = Clients(
                io: clients.io, address: clients.address, sockets: clients.sockets + [socket], ids: clients.ids + [id])
            try await open(count - 1, namespace, more, body)
        }
    }

    /// What each client was sent until now, in order.
    func received(in namespace: String = "/") async throws -> [[String]] {
        // What the clients sent is handled; what that sent to other loops is there; and all of it has reached the clients.
        var all: [[String]] = []
        for socket in sockets { all.append(try await socket.receivedText(in: namespace)) }
        _ = await io.of(namespace).rooms
        for (index, socket) in sockets.enumerated() { all[index] += try await socket.receivedText(in: namespace) }
        return all
    }

    /// Of each client the messages that it was sent until now, together for comparison: the clients by number, the rest empty.
    func expect(
        _ expected: [Int: [String]], in namespace: String = "/", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let received = try await received(in: namespace)
        let wanted = sockets.indices.map { expected[$0] ?? [] }
        #expect(received == wanted, sourceLocation: sourceLocation)
    }
}

extension RawWebSocket {
    /// What was sent to this client until now.
    func receivedText(in namespace: String = "/") async throws -> [String] {
        let prefix = namespace == "/" ? "" : "\(namespace),"
        try await send(#"42\#(prefix)999["barrier"]"#)
        var texts: [String] = []
        while true {
            let text = try await nextText()
            if text == "43\(prefix)999[]" { return texts }
            texts.append(text)
        }
    }
}

/// What a handler has seen, in order.
final class Log<Entry: Sendable>: Sendable {
    private let entries = Mutex<[Entry]>([])

    func add(_ entry: Entry) { entries.withLock { $0.append(entry) } }
    var all: [Entry] { entries.withLock { $0 } }
}

/// Values that handlers hand to a test.
struct Mailbox<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func put(_ value: Value) { continuation.yield(value) }

    func take() async throws -> Value {
        var iterator = stream.makeAsyncIterator()
        return try #require(await iterator.next())
    }
}

/// The thread that calls, which is the event loop's in a handler.
func currentThread() -> UInt { UInt(bitPattern: pthread_self().hashValue) }
