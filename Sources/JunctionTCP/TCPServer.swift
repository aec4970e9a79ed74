public import JunctionCore
public import JunctionFraming
public import JunctionTransport
public import Logging
public import NIOCore
import Synchronization

/// A TCP server, on a port or on a Unix domain socket.
///
/// ```swift
/// let server = TCPServer(port: 3000) { connection in
///     for try await data in connection.inbound {
///         try await connection.write("Hello Client!")      // suspends while the peer is slow
///     }
/// }
/// try await server.run()
/// ```
///
/// A thrown error ends that connection alone and is logged. Connections are served in one of three ways: by an `async` handler
/// for each, by callbacks on the event loop, or as a sequence (``withConnections(_:)``).
public final class TCPServer: ListeningService {
    enum Handling: Sendable {
        case asynchronous(@Sendable (TCPConnection) async throws -> Void)
        case inline(Callbacks)
        case sequence
    }

    struct Callbacks: Sendable {
        let onConnect: (@Sendable (TCPConnection) -> Void)?
        let onMessage: @Sendable (ByteBuffer, TCPConnection) throws -> Void
        let onClose: (@Sendable (TCPConnection, CloseReason) -> Void)?
    }

    let address: ListenAddress
    let settings: ConnectionSettings
    let configuration: Configuration
    let logger: Logger
    let handling: Handling
    let connections: ConnectionRegistry
    let admission: Admission
    /// The connections that nobody has taken yet, while ``withConnections(_:)`` runs.
    let waiting: ConnectionQueue

    private init(
        _ address: ListenAddress, _ framing: Framing, _ configuration: Configuration, _ logger: Logger,
        _ handling: Handling
    ) {
        self.address = address
        self.settings = ConnectionSettings(
            framing: framing, configuration.connection, isNextToSocket: configuration.tls == nil, logger: logger)
        self.configuration = configuration
        self.logger = logger
        self.handling = handling
        self.connections = ConnectionRegistry(maximum: configuration.maximumConnections)
        self.admission = Admission(
            filter: configuration.filter, proxyProtocol: configuration.proxyProtocol, onDrop: configuration.onDrop,
            logger: logger)
        self.waiting = ConnectionQueue(limit: configuration.maximumWaitingConnections)
    }

    /// A server whose handler runs once for each connection, in a task on the connection's event loop; the connection closes
    /// when it returns.
    ///
    /// - Parameters:
    ///   - address: where to listen: a host and a port, a Unix domain socket, a descriptor.
    ///   - framing: how the stream is cut into messages, both ways.
    ///   - handler: must not block its thread.
    public convenience init(
        on address: ListenAddress, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp"),
        handler: @escaping @Sendable (TCPConnection) async throws -> Void
    ) {
        self.init(address, framing, configuration, logger, .asynchronous(handler))
    }

    /// A server on a host and a port, whose handler runs once for each connection.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    public convenience init(
        host: String? = nil, port: Int, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp"),
        handler: @escaping @Sendable (TCPConnection) async throws -> Void
    ) {
        self.init(.host(host, port: port), framing, configuration, logger, .asynchronous(handler))
    }

    /// A server whose handlers are called on the event loop as messages come: the fastest form. They must not block.
    ///
    /// ```swift
    /// TCPServer(port: 7, onMessage: { data, connection in connection.write(data) })
    /// ```
    ///
    /// The connection closes when the peer ends its side. While the peer does not read what was written, nothing is read
    /// from it.
    public convenience init(
        on address: ListenAddress, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp"),
        onConnect: (@Sendable (TCPConnection) -> Void)? = nil,
        onMessage: @escaping @Sendable (ByteBuffer, TCPConnection) throws -> Void,
        onClose: (@Sendable (TCPConnection, CloseReason) -> Void)? = nil
    ) {
        let callbacks = Callbacks(onConnect: onConnect, onMessage: onMessage, onClose: onClose)
        self.init(address, framing, configuration, logger, .inline(callbacks))
    }

    /// A server on a host and a port, whose handlers are called on the event loop as messages come.
    public convenience init(
        host: String? = nil, port: Int, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp"),
        onConnect: (@Sendable (TCPConnection) -> Void)? = nil,
        onMessage: @escaping @Sendable (ByteBuffer, TCPConnection) throws -> Void,
        onClose: (@Sendable (TCPConnection, CloseReason) -> Void)? = nil
    ) {
        self.init(
            on: .host(host, port: port), framing: framing, configuration: configuration, logger: logger,
            onConnect: onConnect, onMessage: onMessage, onClose: onClose)
    }

    /// A server whose connections are taken from a sequence; see ``withConnections(_:)``.
    public convenience init(
        on address: ListenAddress, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp")
    ) {
        self.init(address, framing, configuration, logger, .sequence)
    }

    /// A server on a host and a port, whose connections are taken from a sequence.
    public convenience init(
        host: String? = nil, port: Int, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp")
    ) {
        self.init(.host(host, port: port), framing, configuration, logger, .sequence)
    }

    /// The number of open connections.
    public var connectionCount: Int { connections.count }

    /// Connections refused so far before anybody served them; see ``Configuration/onDrop``.
    public var droppedConnectionCount: Int { admission.droppedCount }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        var listener = Listener(
            address: address, drainTimeout: TimeAmount(configuration.drainTimeout), logger: logger)
        listener.backlog = CInt(clamping: configuration.backlog)
        listener.reusePort = configuration.reusePort
        listener.socketOptions = configuration.connection.socket
        listener.willDrain = { [self] in
            waiting.finish()
            await admission.drain(timeout: TimeAmount(configuration.drainTimeout))
        }
        try await listener.run(connections: connections, onListening: onListening, gate: waiting.gate) {
            try self.accept($0)
        }
    }
}
