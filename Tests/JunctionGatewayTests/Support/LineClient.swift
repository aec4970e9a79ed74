import JunctionTCP
import NIOCore
import Testing

/// A raw TCP client of the hub that reads lines.
final class LineClient {
    /// Its address as the hub shows it.
    let address: String

    private let connection: TCPConnection
    private var lines: TCPConnection.Inbound.AsyncIterator

    private init(_ connection: TCPConnection) throws {
        self.address = "127.0.0.1:\(try #require(connection.localAddress?.port))"
        self.connection = connection
        self.lines = connection.inbound.makeAsyncIterator()
    }

    /// Connects, and closes when `body` is done.
    static func with<Result>(
        _ address: SocketAddress, _ body: (LineClient) async throws -> Result
    ) async throws -> Result {
        let connection = try await TCPClient.connect(to: address, framing: .lines(maximumLength: 1_000_000))
        defer { connection.close() }
        return try await body(LineClient(connection))
    }

    /// Sends a line.
    func say(_ line: String) async throws { try await connection.write(line) }

    /// Ends the write side.
    func finish() { connection.finish() }

    /// The next line as text; nil at the end.
    func next() async throws -> String? { try await nextBytes().map { String(buffer: $0) } }

    /// The next line; nil at the end.
    func nextBytes() async throws -> ByteBuffer? { try await lines.next() }
}
