public import JunctionCore
public import JunctionWebSocket
import Logging
public import NIOCore
public import SocketIOProtocol
import Synchronization

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
public final class SocketIOServer: ListeningService {
    /// What was set.
    public let options: SocketIOOptions
    /// The sessions under the sockets.
    public let engine: EngineIOServer

    private let host: String?
    private let port: Int
    private let main: Namespace
    private let namespaces: Mutex<[String: Namespace]>

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
        let main = Namespace(name: "/", options: options)
        self.main = main
        self.namespaces = Mutex(["/": main])
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
        let result: Result<Void, any Error>
        do { result = .success(try await web.run(onListening: onListening)) } catch { result = .failure(error) }
        // What was sent last may still be on its way to the store.
        for namespace in namespaces.withLock({ Array($0.values) }) { await namespace.local.recovery?.committed() }
        try result.get()
    }

    /// The server as a part of a ``WebServer``.
    public func mount() -> Mount {
        Mount(path: options.path, shutDown: { self.close() }, handle: { self.engine.handle($0) })
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

    /// Ends every session and refuses new ones; sockets are disconnected with `server shutting down`.
    public func close() { engine.closeAll() }
}
