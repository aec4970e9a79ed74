public import NIOCore

/// Lets a server learn its clients' addresses from the proxy in front of it (HAProxy's PROXY protocol, versions 1 and 2).
///
/// ```swift
/// let proxies = ProxyProtocol { $0.ipAddress == "10.0.0.2" }
/// ```
///
/// Whoever may send the header can claim any address, so only the proxies' own addresses are to be trusted (section 5 of the
/// specification).
public struct ProxyProtocol: Sendable {
    /// What happens to a connection without a header from an address that is trusted.
    public enum Requirement: Sendable, Hashable {
        /// It is closed. The specification asks for this.
        case required
        /// It is served as if it came straight from the client. A proxy that fails to send headers is not noticed then, and a
        /// client that waits for the server to speak waits for ``ProxyProtocol/headerTimeout``.
        case optional
    }

    /// What happens to a connection from an address that is not trusted.
    public enum Untrusted: Sendable, Hashable {
        /// It is closed.
        case refuse
        /// It is served as one that came straight from the client; a header that it sends is data like any other.
        case serveWithoutHeader
    }

    /// The addresses that may send a header: those of the proxies. Called on the connection's event loop; must not block.
    public var trusted: @Sendable (SocketAddress) -> Bool
    /// The versions that are accepted. Both.
    public var versions: Set<ProxyHeader.Version> = [.v1, .v2]
    /// Whether a trusted connection needs a header. ``Requirement/required``.
    public var requirement: Requirement = .required
    /// What happens to a connection that is not trusted. ``Untrusted/refuse``.
    public var untrusted: Untrusted = .refuse
    /// Time for the whole header. 5 seconds; the specification asks for 3 at least.
    public var headerTimeout: Duration = .seconds(5)
    /// Bytes of a header of version 2, all of it. 4,096. A header of version 1 has 107 at most.
    public var maximumHeaderLength = 4_096

    /// The defaults, for proxies at the addresses for which `trusted` returns true.
    public init(trusted: @escaping @Sendable (SocketAddress) -> Bool) {
        self.trusted = trusted
    }
}
