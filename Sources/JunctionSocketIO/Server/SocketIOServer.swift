public import JunctionCore
public import JunctionWebSocket
import Logging
import NIOCore
public import SocketIOProtocol
import Synchronization

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
public final class SocketIOServer: ListeningService {
    /// What was set.
    public let options: SocketIOOptions
    /// The sessions under the sockets.
    public let engine: EngineIOServer

    let address: ListenAddress
    let configuration: WebServer.Configuration
    /// Ends ``run(onListening:)``.
    let stops = StopSignal()
    let errorPolicy = EventErrorPolicy()
    private let main: Namespace
    private let namespaces: Mutex<[String: Namespace]>

    /// A server that ``run()`` listens with, or that is mounted with ``mount()``. Add handlers and middleware before it runs:
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
        let main = Namespace(name: "/", options: options)
        self.main = main
        self.namespaces = Mutex(["/": main])
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

    // MARK: Namespaces

    /// The namespace of that name, with or without its leading slash; made when it is not there yet. A client that asks for a
    /// namespace which was never made is refused with "Invalid namespace".
    ///
    /// ```swift
    /// io.of("/admin").onConnection { socket in … }
    /// ```
    public func of(_ name: String) -> Namespace {
        let name = name.hasPrefix("/") ? name : "/" + name
        return namespaces.withLock { namespaces in
            if let namespace = namespaces[name] { return namespace }
            let namespace = Namespace(name: name, options: options)
            namespaces[name] = namespace
            return namespace
        }
    }

    func existingNamespace(_ name: String) -> Namespace? {
        name == "/" ? main : namespaces.withLock { $0[name] }
    }

    // MARK: The main namespace

    /// See ``Namespace/use(_:)``.
    public func use(_ middleware: @escaping Namespace.Middleware) { main.use(middleware) }

    /// See ``Namespace/onConnection(_:)-((Socket)->Void)``.
    public func onConnection(_ handler: @escaping @Sendable (Socket) -> Void) { main.onConnection(handler) }

    /// See ``Namespace/onConnection(_:)-((Socket)async->Void)``.
    @_disfavoredOverload
    public func onConnection(_ handler: @escaping @Sendable (Socket) async -> Void) { main.onConnection(handler) }

    /// Sends an event to everybody in the main namespace.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        main.emit(event, repeat each arguments)
    }

    /// Sends an event with dynamic arguments to everybody in the main namespace.
    public func emit(_ event: String, arguments: [SocketIOValue]) { main.emit(event, arguments: arguments) }

    /// Everybody in a room of the main namespace.
    public func to(_ room: String) -> BroadcastOperator { main.to(room) }
    /// The same as ``to(_:)``.
    public func `in`(_ room: String) -> BroadcastOperator { main.to(room) }
    /// Everybody in the main namespace who is not in that room.
    public func except(_ room: String) -> BroadcastOperator { main.except(room) }
    /// Disconnects everybody in the main namespace; with `close`, the connections under them, too.
    public func disconnectSockets(close: Bool = false) { main.disconnectSockets(close: close) }
}
