import Logging
public import SocketIOProtocol
import Synchronization

/// A part of a Socket.IO server that clients connect to by name, with its own handlers, middleware and rooms.
public final class Namespace: Sendable {
    /// How a middleware refuses: by throwing, best a ``ConnectError``.
    public typealias Middleware = @Sendable (Socket) async throws -> Void

    /// `/` for the main one, else `/admin` and the like.
    public let name: String

    /// The sockets of this server.
    let local: InMemoryAdapter
    let adapter: any Adapter
    /// Events are kept for clients that come back.
    var recovers: Bool { local.recovery != nil }
    let logger: Logger
    private let state = Mutex(State())

    struct State {
        var middleware: [Middleware] = []
        var handlers: [ConnectionHandler] = []
    }

    enum ConnectionHandler: Sendable {
        case inline(@Sendable (Socket) -> Void)
        case asynchronous(@Sendable (Socket) async -> Void)
    }

    init(name: String, options: SocketIOOptions) {
        self.name = name
        self.logger = options.logger
        self.local = InMemoryAdapter(namespace: name, logger: options.logger)
        if let recovery = options.connectionStateRecovery { local.recover(recovery, engine: options.engine) }
        self.adapter = (options.adapter ?? .inMemory).make(local)
    }

    /// What applies to clients that connect from now on.
    var current: State { state.withLock { $0 } }

    /// Calls `middleware` for each client that wants to connect, in the order of registration, before its connection is
    /// confirmed. A thrown error refuses the client, which gets it as `connect_error`.
    public func use(_ middleware: @escaping Middleware) {
        state.withLock { $0.middleware.append(middleware) }
    }

    /// Calls `handler` for each client that has connected, on the socket's event loop; it must not block. The client's first
    /// event is delivered when it has returned.
    public func onConnection(_ handler: @escaping @Sendable (Socket) -> Void) {
        state.withLock { $0.handlers.append(.inline(handler)) }
    }

    /// Calls `handler` for each client that has connected, in a task on the socket's event loop. The client's first event is
    /// delivered when it has returned.
    @_disfavoredOverload
    public func onConnection(_ handler: @escaping @Sendable (Socket) async -> Void) {
        state.withLock { $0.handlers.append(.asynchronous(handler)) }
    }

    /// How clients that were away have fared; nil without ``SocketIOOptions/connectionStateRecovery``.
    public var recoveryStatistics: RecoveryStatistics? { local.recovery?.statistics }

    // MARK: Broadcasting

    private var everybody: BroadcastOperator { BroadcastOperator(namespace: self) }

    /// Sends an event to everybody in the namespace.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        everybody.emit(event, repeat each arguments)
    }

    /// Sends an event with dynamic arguments to everybody in the namespace.
    public func emit(_ event: String, arguments: [SocketIOValue]) { everybody.emit(event, arguments: arguments) }

    /// Everybody in a room.
    public func to(_ room: String) -> BroadcastOperator { everybody.to(room) }
    /// The same as ``to(_:)``.
    public func `in`(_ room: String) -> BroadcastOperator { everybody.to(room) }
    /// Everybody who is not in that room.
    public func except(_ room: String) -> BroadcastOperator { everybody.except(room) }
    /// Disconnects everybody; with `close`, the connections under them, too.
    public func disconnectSockets(close: Bool = false) { everybody.disconnectSockets(close: close) }
}
