public import Logging
public import SocketIOProtocol

/// What can be set on a Socket.IO server; names and defaults are the JavaScript server's where it has them.
public struct SocketIOOptions: Sendable {
    /// Heartbeat, sizes, transports, origins.
    public var engine = EngineIOOptions()
    /// Where the server answers. `/socket.io`.
    public var path = "/socket.io"
    /// The client for browsers, served below the path as `socket.io.js` and under its other names. None.
    public var serveClient: ClientFiles?
    /// The format of packets; clients need the same one. The format of the protocol.
    public var parser = SocketIOParser.default
    /// Time in which a client has to connect to a namespace. 45 seconds.
    public var connectTimeout: Duration = .seconds(45)
    /// Binary attachments of one packet; more ends the connection. 10.
    public var maximumAttachments = 10
    /// Depth of arrays and objects in a packet; more ends the connection. 64.
    public var maximumDepth = 64
    /// Whether a child of a ``ParentNamespace`` goes when the last client has left it. It stays.
    public var cleanupEmptyChildNamespaces = false
    /// Children of parent namespaces that clients may have made by connecting; who asks for one more is refused with "Invalid
    /// namespace". 10,000.
    public var maximumChildNamespaces = 10_000
    /// Namespaces that one connection may be in, or wait to be let into; more ends it. 100.
    public var maximumNamespacesPerConnection = 100
    /// Events that wait for a socket's handlers; then its client is slowed down. 256.
    public var maximumQueuedEvents = 256
    /// Acknowledgements that one socket may owe. 1,024.
    public var maximumPendingAcks = 1_024
    /// What carries broadcasts to every server of a cluster. `nil`: there is one server.
    public var adapter: AdapterFactory?
    /// Gives clients that were away for a short time their state and what they missed. `nil`: off.
    public var connectionStateRecovery: ConnectionStateRecovery?
    /// Where the server logs.
    public var logger = Logger(label: "junction.socketio")

    /// The defaults.
    public init() {}
}
