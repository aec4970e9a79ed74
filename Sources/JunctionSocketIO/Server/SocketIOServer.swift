public import JunctionCore
public import JunctionWebSocket
import Logging
public import NIOCore

/// A Socket.IO server (protocol v5), for every socket.io-client from v3 on.
///
/// ```swift
/// let io = SocketIOServer(port: 3000)
/// io.onConnection { socket in
///     socket.on("message") { (text: String) in
///         socket.emit("message", "Hello Client!")
///     }
///     socket.on("sum") { (a: Int, b: Int) in a + b }     // the returned value is the acknowledgement
///     socket.onDisconnect { reason in print(reason) }
/// }
/// try await io.run()
/// ```
public final class SocketIOServer: ListeningService, NamespaceAddressing {
    /// What was set.
    public let options: SocketIOOptions
    /// The sessions under the sockets.
    public let engine: EngineIOServer

    private let host: String?
    private let port: Int
    let namespaces: NamespaceTable

    /// A server that ``run()`` listens with, or that is mounted with ``mount()``. Add handlers and middleware before it runs:
    /// they apply to clients that connect afterwards.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port. Unused by a server that is mounted (``mount()``).
    public init(host: String? = nil, port: Int = 0, options: SocketIOOptions = SocketIOOptions()) {
        self.host = host
        self.port = port
        self.options = options
        self.engine = EngineIOServer(options: options.engine, logger: options.logger)
        self.namespaces = NamespaceTable(options: options)
        // Weak: the engine belongs to this server. A mount, and each client, keeps the server alive.
        engine.onConnection { [weak self] session in
            guard let self else { return session.close() }
            session.withCore { core in core.delegate = ClientConnection(session: core, server: self) }
        }
    }

    /// Listens on the port and serves until cancelled or shut down.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws {
        let web = WebServer(
            host: host, port: port, maximumBodySize: options.engine.maxHttpBufferSize,
            drainTimeout: options.drainTimeout,
            logger: options.logger, mounts: [mount()])
        try await web.run(onListening: onListening)
    }

    /// The server as a part of a ``WebServer``.
    public func mount() -> Mount {
        Mount(path: options.path, shutDown: { self.close() }, handle: { self.engine.handle($0) })
    }

    /// Ends every session and refuses new ones; sockets are disconnected with `server shutting down`.
    public func close() { engine.closeAll() }
}
