public import NIOCore

/// A connection that a server has refused before anybody served it.
public struct DroppedConnection: Sendable {
    /// Who wanted to connect.
    public var remoteAddress: SocketAddress?
    /// The address of the server that was connected to.
    public var localAddress: SocketAddress?
    /// Why: `.tooManyConnections`, `.addressBlocked`, `.proxyProtocol`, or what went wrong in a TLS handshake.
    public var reason: NetworkError

    /// Makes a description of a refused connection.
    public init(remoteAddress: SocketAddress?, localAddress: SocketAddress?, reason: NetworkError) {
        self.remoteAddress = remoteAddress
        self.localAddress = localAddress
        self.reason = reason
    }
}
