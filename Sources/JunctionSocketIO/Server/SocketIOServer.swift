public import JunctionCore
public import JunctionWebSocket
import Logging
import NIOCore

/// A Socket.IO server (protocol v5), for every socket.io-client from v3 on, and older ones where
/// ``EngineIOOptions/allowEIO3`` lets them in.
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

    let address: ListenAddress
    let configuration: WebServer.Configuration
    /// Ends ``run(onListening:)``.
    let stops = StopSignal()
    let errorPolicy = EventErrorPolicy()
    let namespaces: NamespaceTable

    /// A server that ``run(onListening:)`` listens with, or that is mounted with ``mount()``. Add handlers and middleware before it runs:
    /// they apply to clients that connect afterwards.
    ///
    /// - Parameters:
    ///   - address: where to listen: a host and a port, a Unix domain socket, a descriptor.
    ///   - configuration: TLS, who may connect, and what else every web server has; unused by a server that is mounted.
    public init(
        on address: ListenAddress, options: SocketIOOptions = SocketIOOptions(),
        configuration: WebServer.Configuration = WebServer.Configuration()
    ) {
        self.address = address
        self.configuration = configuration
        self.options = options
        self.engine = EngineIOServer(
            options: options.engine, clientFiles: options.serveClient.map { ($0, options.path) }, logger: options.logger
        )
        self.namespaces = NamespaceTable(options: options)
        // Weak: the engine belongs to this server. A mount, and each client, keeps the server alive.
        engine.onConnection { [weak self] session in
            guard let self else { return session.close() }
            session.withCore { core in
                let client = ClientConnection(session: core, conn: session, server: self)
                core.delegate = client
                if client.isOld { client.connectUnasked() }
            }
        }
    }

    /// A server on a host and a port.
    ///
    /// - Parameters:
    ///   - host: name or address to listen on; `nil` is every address of the machine.
    ///   - port: 0 asks for any free port. Unused by a server that is mounted (``mount()``).
    ///   - configuration: TLS, who may connect, and what else every web server has; unused by a server that is mounted.
    public convenience init(
        host: String? = nil, port: Int = 0, options: SocketIOOptions = SocketIOOptions(),
        configuration: WebServer.Configuration = WebServer.Configuration()
    ) {
        self.init(on: .host(host, port: port), options: options, configuration: configuration)
    }
}
