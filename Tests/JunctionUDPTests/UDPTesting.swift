import JunctionUDP
import NIOCore

extension UDPSocket {
    /// A socket on a free port of the loopback interface.
    static func local(_ configuration: Configuration = Configuration()) async throws -> UDPSocket {
        try await bind(host: "127.0.0.1", port: 0, configuration: configuration)
    }

    /// The next datagram.
    func receive() async throws -> Datagram? {
        var iterator = inbound.makeAsyncIterator()
        return try await iterator.next()
    }

    /// The next datagram as text.
    func receiveText() async throws -> String? {
        try await receive().map { String(buffer: $0.payload) }
    }
}
