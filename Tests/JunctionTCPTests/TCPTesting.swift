import Foundation
import JunctionTransport
import NIOCore
import Synchronization
import Testing

@testable import JunctionTCP

extension TCPServer {
    /// A server on a free port of the loopback interface.
    static func local(
        framing: Framing = .raw, configuration: Configuration = Configuration(),
        handler: @escaping @Sendable (TCPConnection) async throws -> Void
    ) -> TCPServer {
        TCPServer(host: "127.0.0.1", port: 0, framing: framing, configuration: configuration, handler: handler)
    }

    /// A server that greets each client, and waits for its end.
    static func greeting(_ text: String = "hello", on address: ListenAddress, configuration: Configuration = .init())
        -> TCPServer
    {
        TCPServer(on: address, configuration: configuration) { connection in
            try await connection.write(text)
            for try await _ in connection.inbound {}
        }
    }
}

extension TCPClient {
    /// What a server greets a new client with; nil when it closes the connection instead.
    static func greeting(from address: SocketAddress, options: ConnectOptions = ConnectOptions()) async throws
        -> String?
    {
        try await withConnection(to: address, options: options) { connection in
            do {
                var iterator = connection.inbound.makeAsyncIterator()
                return try await iterator.next().map { String(buffer: $0) }
            } catch let error as NetworkError where error.code == .connectionReset {
                return nil
            }
        }
    }
}

/// Expects a server to greet a new client so; nil when it closes the connection instead.
func expectGreeting(
    _ expected: String?, from address: SocketAddress, options: ConnectOptions = ConnectOptions(),
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let greeting = try await TCPClient.greeting(from: address, options: options)
    #expect(greeting == expected, sourceLocation: sourceLocation)
}

extension TCPConnection {
    /// Writes without waiting, where an `async` function would choose the other `write`.
    func queue(_ bytes: ByteBuffer) { write(bytes) }

    /// The value of an option of the socket.
    func option(_ level: CInt, _ name: CInt) async throws -> CInt? {
        try await withDescriptor(doing: "get an option") {
            try SocketCalls.get($0, level, name, doing: "get an option")
        }
    }
}

/// Returns when `condition` holds. Every event loop of the process does what it has to do before it is asked again.
func eventually(_ condition: () async -> Bool) async throws {
    while !(await condition()) {
        try Task.checkCancellation()
        try await turnLoops()
    }
}

/// Returns when every event loop of the process has done what it had to do.
func turnLoops() async throws {
    for loop in EventLoops.all { try await loop.submit {}.get() }
}

/// Gives `body` the path of a new file in a directory of its own, which is removed behind it.
func withTemporaryPath<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appending(path: "junction-\(UUID())").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    return try await body("\(directory)/socket")
}

/// A counter that tasks share.
final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .relaxed) }
    func add(_ amount: Int) { count.wrappingAdd(amount, ordering: .relaxed) }
}

/// A pattern in which lost, doubled and moved bytes show.
func pattern(_ count: Int) -> ByteBuffer {
    // Of a length that fits no buffer's, so that the repetitions do not hide a move.
    let block = (0..<65_521).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8) }
    var pattern = ByteBufferAllocator().buffer(capacity: count)
    while pattern.readableBytes < count { pattern.writeBytes(block.prefix(count - pattern.readableBytes)) }
    return pattern
}
