public import JunctionCore
public import JunctionTLS

extension WebServer {
    /// What can be set on every kind of web server: a ``WebServer``, a ``WebSocketServer``, a Socket.IO server with a port of its
    /// own; with the defaults.
    public struct Configuration: Sendable {
        /// Connections that the kernel keeps until they are accepted. 511.
        public var backlog = 511
        /// Opens a listening socket for each event loop, all on the same port; the kernel spreads connections over them, and
        /// other processes may share the port. Off: one socket, whose connections are dealt to the loops in turn.
        public var reusePort = false
        /// Options of every connection's socket.
        public var socket = SocketOptions()
        /// Connections open at a time, WebSocket connections among them; one more is refused with
        /// ``NetworkError/Code/tooManyConnections``. `nil`, the default, leaves the limit to the process's descriptors.
        public var maximumConnections: Int?
        /// Who may connect; others are refused with ``NetworkError/Code/addressBlocked``. Its lists may change while the
        /// server runs. Everybody.
        public var filter: AddressFilter?
        /// Expects the PROXY protocol header of a load balancer, which says where a connection really comes from. Off.
        ///
        /// It is the only word of a proxy that counts: what a request says of itself (`X-Forwarded-For`, `Forwarded`) is not
        /// believed, as every client can write it.
        public var proxyProtocol: ProxyProtocol?
        /// Speaks TLS: `https` and `wss`. Off.
        public var tls: ServerTLS?
        /// Told of every connection that is refused before anybody serves it, on the connection's event loop. It is counted
        /// (``WebServer/droppedConnectionCount``) and logged all the same.
        public var onDrop: (@Sendable (DroppedConnection) -> Void)?
        /// Answers only requests for `localhost` or an address, others with 421: a server on loopback keeps out the pages of a
        /// site that points its own name at this machine (DNS rebinding). Off.
        public var localNamesOnly = false
        /// How long sessions may go on after a graceful shutdown has begun. Meanwhile the server listens, because clients
        /// that poll may need connections, and takes no new sessions; a cancellation does not wait for it. Zero: they
        /// are told at once.
        public var lingerTimeout: Duration = .zero
        /// How long connections may take to end when the server drains. 10 seconds.
        public var drainTimeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }
}
