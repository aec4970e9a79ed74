/// The transport a peer speaks.
public enum TransportKind: String, Sendable, Hashable, Codable {
    /// A TCP connection.
    case tcp
    /// UDP datagrams.
    case udp
    /// A Socket.IO connection, whatever carries it.
    case socketIO = "socketio"
}

/// Somebody at the other end, whatever the transport.
public struct Peer: Sendable, Hashable, Identifiable {
    /// Unique in this process.
    public let id: String
    /// How the peer is connected.
    public let transport: TransportKind
    /// Its address as text: `127.0.0.1:51234`, `[::1]:51234`.
    public let address: String

    /// Makes a description of a peer.
    public init(id: String, transport: TransportKind, address: String) {
        self.id = id
        self.transport = transport
        self.address = address
    }
}
