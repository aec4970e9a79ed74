import JunctionUDP
import NIOCore
import Testing

/// A UDP client of the hub.
final class DatagramClient {
    /// Its address as the hub shows it.
    let address: String

    private let socket: UDPSocket
    private var datagrams: UDPSocket.Inbound.AsyncIterator

    private init(_ socket: UDPSocket) throws {
        self.address = "127.0.0.1:\(try #require(socket.localAddress?.port))"
        self.socket = socket
        self.datagrams = socket.inbound.makeAsyncIterator()
    }

    /// Opens a socket that talks to the hub, and closes it when `body` is done.
    static func with<Result>(
        _ address: SocketAddress, _ body: (DatagramClient) async throws -> Result
    ) async throws -> Result {
        let socket = try await UDPSocket.connect(host: "127.0.0.1", port: try #require(address.port))
        defer { socket.close() }
        return try await body(DatagramClient(socket))
    }

    func say(_ text: String) async throws { try await socket.send(text) }
    func say(_ bytes: [UInt8]) async throws { try await socket.send(ByteBuffer(bytes: bytes)) }

    /// The next datagram as text.
    func next() async throws -> String? { try await nextBytes().map { String(buffer: $0) } }

    /// The next datagram.
    func nextBytes() async throws -> ByteBuffer? { try await datagrams.next()?.payload }
}
