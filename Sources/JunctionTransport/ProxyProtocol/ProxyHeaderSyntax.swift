import JunctionCore
import NIOCore

/// What both directions of the PROXY protocol share (HAProxy's `proxy-protocol.txt`, section 2).
enum ProxyHeaderSyntax {
    /// How a line of version 1 begins.
    static let line = Array("PROXY ".utf8)
    /// Bytes of a line of version 1 at most, its end included.
    static let maximumLineLength = 107
    /// How a block of version 2 begins.
    static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
    /// Bytes of a block of version 2 before its addresses.
    static let fixedLength = 16
    /// The type of the value that has the checksum.
    static let checksumType: UInt8 = 0x03
    /// Bytes of the path of a Unix domain socket.
    static let pathLength = 108

    /// The address family of version 2.
    enum Family: UInt8 {
        case unspecified = 0
        case ipv4 = 1
        case ipv6 = 2
        case unix = 3

        /// Bytes that two addresses and their ports take.
        var addressesLength: Int {
            switch self {
            case .unspecified: 0
            case .ipv4: 12
            case .ipv6: 36
            case .unix: 2 * ProxyHeaderSyntax.pathLength
            }
        }
    }

    /// The transport's number in version 2.
    static func number(of transport: ProxyHeader.Transport) -> UInt8 {
        switch transport {
        case .unspecified: 0
        case .stream: 1
        case .datagram: 2
        }
    }

    /// The transport of a number in version 2; `nil` for one that is not assigned.
    static func transport(_ number: UInt8) -> ProxyHeader.Transport? {
        switch number {
        case 0: .unspecified
        case 1: .stream
        case 2: .datagram
        default: nil
        }
    }
}

/// CRC-32C (Castagnoli), as RFC 9260 appendix A computes it.
enum CRC32C {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0x82F6_3B78 ^ (value >> 1) : value >> 1 }
    }

    /// The checksum of `bytes`.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~bytes.reduce(UInt32.max) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
    }
}
