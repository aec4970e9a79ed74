public import NIOCore

/// A kind of IP address. Where both kinds will do, an API takes `nil`.
public enum AddressFamily: Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// Addresses of 32 bits.
    case ipv4
    /// Addresses of 128 bits.
    case ipv6

    /// The family of an address; `nil` for a Unix domain socket.
    public init?(of address: SocketAddress) {
        switch address {
        case .v4: self = .ipv4
        case .v6: self = .ipv6
        case .unixDomainSocket: return nil
        }
    }

    /// `IPv4` or `IPv6`.
    public var description: String {
        switch self {
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        }
    }
}
