import JunctionUDP
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

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

    /// Calls the form of `send` that does not wait.
    func queue(_ text: String, to address: SocketAddress? = nil) {
        send(text, to: address)
    }
}

/// A descriptor such as another part of a program may have opened, bound to a free port of the loopback interface.
func openLoopbackSocket() throws -> CInt {
    #if canImport(Darwin)
        let descriptor = socket(AF_INET, SOCK_DGRAM, 0)
    #else
        let descriptor = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    #endif
    let address = try SocketAddress(ipAddress: "127.0.0.1", port: 0)
    guard descriptor >= 0, address.withSockAddr({ bind(descriptor, $0, socklen_t($1)) }) == 0 else {
        throw IOError(errnoCode: errno, reason: "open a socket")
    }
    return descriptor
}
