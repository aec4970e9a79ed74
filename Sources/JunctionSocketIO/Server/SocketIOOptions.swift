public import Logging

/// What can be set on a Socket.IO server; names and defaults are the JavaScript server's where it has them.
public struct SocketIOOptions: Sendable {
    /// Heartbeat, sizes, transports, origins.
    public var engine = EngineIOOptions()
    /// Where the server answers. `/socket.io`.
    public var path = "/socket.io"
    /// Time in which a client has to connect to a namespace. 45 seconds.
    public var connectTimeout: Duration = .seconds(45)
    /// Binary attachments of one packet; more ends the connection. 10.
    public var maximumAttachments = 10
    /// Depth of arrays and objects in a packet; more ends the connection. 64.
    public var maximumDepth = 64
    /// Namespaces that one connection may be in, or wait to be let into; more ends it. 100.
    public var maximumNamespacesPerConnection = 100
    /// Events that wait for a socket's handlers; then its client is slowed down. 256.
    public var maximumQueuedEvents = 256
    /// Acknowledgements that one socket may owe. 1,024.
    public var maximumPendingAcks = 1_024
    /// How long connections may take to end when the server drains. 10 seconds.
    public var drainTimeout: Duration = .seconds(10)
    /// What carries broadcasts to every server of a cluster. `nil`: there is one server.
    public var adapter: AdapterFactory?
    /// Gives clients that were away for a short time their state and what they missed. `nil`: off.
    public var connectionStateRecovery: ConnectionStateRecovery?
    /// Where the server logs.
    public var logger = Logger(label: "junction.socketio")

    /// The defaults.
    public init() {}
}
