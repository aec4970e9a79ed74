public import NIOCore

/// What a PROXY protocol header says: on whose behalf a proxy opened the connection.
///
/// The protocol is HAProxy's, described in its `proxy-protocol.txt`: one line of text (version 1) or a binary block
/// (version 2) as the first bytes of a connection.
public struct ProxyHeader: Sendable, Hashable {
    /// How the header is written.
    public enum Version: Sendable, Hashable, CaseIterable {
        /// A line of text, at most 107 bytes long.
        case v1
        /// A binary block.
        case v2
    }

    /// Who opened the connection.
    public enum Command: Sendable, Hashable {
        /// The proxy itself, for example to check whether the server lives. The connection's own addresses are the true ones.
        case local
        /// The proxy, on behalf of ``ProxyHeader/source``.
        case proxy
    }

    /// What the client speaks to the proxy.
    public enum Transport: Sendable, Hashable {
        /// Unknown; there are no addresses.
        case unspecified
        /// TCP, or a stream of a Unix domain socket.
        case stream
        /// UDP, or datagrams of a Unix domain socket.
        case datagram
    }

    /// One more thing that version 2 tells of the connection (section 2.2, "Type-Length-Value").
    public struct TLV: Sendable, Hashable {
        /// What the value means, for example `0x01` ALPN, `0x02` authority, `0x05` unique id, `0x20` TLS, `0xE0` to `0xEF`
        /// the application's own.
        public var type: UInt8
        /// The value as it is in the header, at most 65,535 bytes.
        public var value: ByteBuffer

        /// Makes a value.
        public init(type: UInt8, value: ByteBuffer) {
            self.type = type
            self.value = value
        }
    }

    /// How the header is written.
    public var version: Version
    /// Who opened the connection.
    public var command: Command
    /// What the client speaks.
    public var transport: Transport
    /// The client's address. `nil` when the connection's own addresses are the true ones: ``Command/local``, a family that the
    /// proxy does not name, or a Unix domain socket without a name.
    public var source: SocketAddress?
    /// The address that the client connected to; `nil` where ``source`` may be.
    public var destination: SocketAddress?
    /// What else a header of version 2 tells, in its order. A checksum is not among it; it has been verified.
    public var tlvs: [TLV]
    /// The header has a CRC-32C checksum (version 2). Off.
    public var hasChecksum: Bool

    /// Makes a header.
    ///
    /// It is checked when it is sent: both addresses have to be of one family, and version 1 knows TCP over IPv4 and IPv6
    /// alone, without more values.
    public init(
        _ version: Version, command: Command = .proxy, transport: Transport = .stream, source: SocketAddress? = nil,
        destination: SocketAddress? = nil, tlvs: [TLV] = [], hasChecksum: Bool = false
    ) {
        self.version = version
        self.command = command
        self.transport = transport
        self.source = source
        self.destination = destination
        self.tlvs = tlvs
        self.hasChecksum = hasChecksum
    }

    /// A header of version 1 for a client that speaks TCP.
    public static func v1(source: SocketAddress, destination: SocketAddress) -> ProxyHeader {
        ProxyHeader(.v1, source: source, destination: destination)
    }

    /// A header of version 2 for a client that speaks TCP.
    public static func v2(source: SocketAddress, destination: SocketAddress, tlvs: [TLV] = []) -> ProxyHeader {
        ProxyHeader(.v2, source: source, destination: destination, tlvs: tlvs)
    }

    /// A header of version 2 for a connection that the proxy opens for itself.
    public static var local: ProxyHeader { ProxyHeader(.v2, command: .local, transport: .unspecified) }
}
