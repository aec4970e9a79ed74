public import JunctionCore
public import JunctionTLS

extension TCPServer {
    /// What can be set on a server, with the defaults.
    public struct Configuration: Sendable {
        /// What every connection begins with.
        public var connection = TCPConnection.Configuration()
        /// Connections that the kernel keeps until they are accepted. 511.
        public var backlog = 511
        /// Opens a listening socket for each event loop, all on the same port; the kernel spreads connections over them, and
        /// other processes may share the port. Off: one socket, whose connections are dealt to the loops in turn.
        public var reusePort = false
        /// Connections open at a time; one more is refused with ``NetworkError/Code/tooManyConnections``. `nil`, the default,
        /// leaves the limit to the process's descriptors.
        public var maximumConnections: Int?
        /// Connections that wait for whoever takes them from a sequence (``TCPServer/withConnections(_:)``); while there are as
        /// many, no more are accepted. 512.
        public var maximumWaitingConnections = 512
        /// Who may connect; others are refused with ``NetworkError/Code/addressBlocked``. Its lists may change while the
        /// server runs. Everybody.
        public var filter: AddressFilter?
        /// Expects the PROXY protocol header of a load balancer, which says where a connection really comes from. Off.
        public var proxyProtocol: ProxyProtocol?
        /// Speaks TLS. Off.
        public var tls: ServerTLS?
        /// Told of every connection that is refused before anybody serves it, on the connection's event loop. It is counted
        /// (``TCPServer/droppedConnectionCount``) and logged all the same.
        public var onDrop: (@Sendable (DroppedConnection) -> Void)?
        /// How long connections may take to end when the server drains. 10 seconds.
        public var drainTimeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }
}
