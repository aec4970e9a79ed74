public import JunctionCore
import JunctionTransport
public import Logging
public import NIOCore
import Synchronization

/// A TCP server.
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
/// A thrown error ends that connection alone and is logged.
public final class TCPServer: ListeningService {
    /// What can be set on a server, with the defaults.
    public struct Configuration: Sendable {
        /// Bytes received and not yet taken by the reader, or queued and not yet taken by the peer, above which the side
        /// that is faster waits. 65,536.
        public var highWaterMark = 65_536
        /// Bytes queued by writes that do not wait, for a peer that does not read; while there are more, the next such write
        /// ends the connection with ``NetworkError/Code/peerTooSlow``. 16 MiB.
        public var maximumBufferedBytes = 16_777_216
        /// How long connections may take to end when the server drains. 10 seconds.
        public var drainTimeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }

    private enum Handling: Sendable {
        case asynchronous(@Sendable (TCPConnection) async throws -> Void)
        case inline(Callbacks)
    }

    private struct Callbacks: Sendable {
        let onConnect: (@Sendable (TCPConnection) -> Void)?
        let onMessage: @Sendable (ByteBuffer, TCPConnection) throws -> Void
        let onClose: (@Sendable (TCPConnection, CloseReason) -> Void)?
    }

    private let address: ListenAddress
    private let framing: Framing
    private let configuration: Configuration
    private let logger: Logger
    private let handling: Handling
    private let connections = ConnectionRegistry()

    /// A server whose handler runs once for each connection, in a task on the connection's event loop; the connection closes
    /// when it returns.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port.
    ///   - handler: must not block its thread.
    public init(
        host: String? = nil, port: Int, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp"),
        handler: @escaping @Sendable (TCPConnection) async throws -> Void
    ) {
        self.address = ListenAddress(host: host, port: port)
        self.framing = framing
        self.configuration = configuration
        self.logger = logger
        self.handling = .asynchronous(handler)
    }

    /// A server whose handlers are called on the event loop as messages come: the fastest form. They must not block.
    ///
    /// ```swift
    /// TCPServer(port: 7, onMessage: { data, connection in connection.write(data) })
    /// ```
    ///
    /// The connection closes when the peer ends its side. While the peer does not read what was written, nothing is read
    /// from it.
    public init(
        host: String? = nil, port: Int, framing: Framing = .raw, configuration: Configuration = Configuration(),
        logger: Logger = Logger(label: "junction.tcp"),
        onConnect: (@Sendable (TCPConnection) -> Void)? = nil,
        onMessage: @escaping @Sendable (ByteBuffer, TCPConnection) throws -> Void,
        onClose: (@Sendable (TCPConnection, CloseReason) -> Void)? = nil
    ) {
        self.address = ListenAddress(host: host, port: port)
        self.framing = framing
        self.configuration = configuration
        self.logger = logger
        self.handling = .inline(Callbacks(onConnect: onConnect, onMessage: onMessage, onClose: onClose))
    }

    /// The number of open connections.
    public var connectionCount: Int { connections.count }

    /// Listens and serves until cancelled or shut down; see ``ListeningService/run(onListening:)``.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        let listener = Listener(
            address: address, drainTimeout: TimeAmount(configuration.drainTimeout), logger: logger)
        try await listener.run(connections: connections, onListening: onListening) { try self.accept($0) }
    }

    /// Serves an accepted channel, on its loop. A listener that shares its port calls it, too.
    package func accept(_ channel: any Channel) throws {
        let executor = LoopExecutor.of(channel.eventLoop)
        let core = ConnectionCore(
            executor: executor, framing: framing, highWaterMark: configuration.highWaterMark,
            maximumBufferedBytes: configuration.maximumBufferedBytes)
        let connection = TCPConnection(channel: channel, core: core, executor: executor)
        let mark = configuration.highWaterMark
        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: .init(low: mark / 2, high: mark))
        if case .inline(let callbacks) = handling { core.inline = inlineHandlers(callbacks, of: connection) }
        try channel.pipeline.syncOperations.addHandler(core)
        // Not before the core is in place: a drain that has begun reaches the connection at once.
        connections.insert(connection)
        channel.closeFuture.whenComplete { [connections] _ in connections.remove(connection) }
        core.whenOpen {
            switch self.handling {
            case .inline(let callbacks): callbacks.onConnect?(connection)
            case .asynchronous(let handler): self.serve(connection, handler)
            }
        }
    }

    /// Gives a channel back that turned out to speak another protocol; its handler sees the end of the input. On its loop.
    package func release(_ channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        pipeline.removeHandler(try pipeline.handler(type: ConnectionCore.self), promise: nil)
    }

    /// Ends the connections of a listener that shares its port, as ``run(onListening:)`` does for its own.
    /// The deadline is a timer of `eventLoop`, or of any loop of the process.
    package func drain(on eventLoop: (any EventLoop)? = nil) async {
        await connections.drain(timeout: TimeAmount(configuration.drainTimeout), logger: logger, on: eventLoop)
    }

    private func serve(_ connection: TCPConnection, _ handler: @escaping @Sendable (TCPConnection) async throws -> Void)
    {
        // Bound to the connection: a forced close at the end of a drain cancels it.
        let task = Task(executorPreference: connection.executor) { [logger] in
            do {
                try await handler(connection)
            } catch is CancellationError {
            } catch {
                logger.info("connection failed", metadata: Self.metadata(of: connection, error))
            }
            connection.close()
        }
        connection.handler.withLock { $0 = task }
    }

    private func inlineHandlers(_ callbacks: Callbacks, of connection: TCPConnection) -> InlineHandlers {
        InlineHandlers(
            onMessage: { [logger] message in
                do {
                    try callbacks.onMessage(message, connection)
                } catch {
                    logger.info("connection failed", metadata: Self.metadata(of: connection, error))
                    connection.close()
                }
            },
            onEnd: { connection.close() },
            onClose: { callbacks.onClose?(connection, $0) })
    }

    private static func metadata(of connection: TCPConnection, _ error: any Error) -> Logger.Metadata {
        ["peer": "\(connection.remoteAddress?.text ?? "unknown")", "error": "\(error)"]
    }
}
