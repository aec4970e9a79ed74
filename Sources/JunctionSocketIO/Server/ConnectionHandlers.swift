import Synchronization

/// What is called when a client connects to a namespace: middleware first, then the connection handlers.
public final class ConnectionHandlers: Sendable {
    enum Middleware: Sendable {
        case inline(@Sendable (Socket) throws -> Void)
        case asynchronous(@Sendable (Socket) async throws -> Void)
    }

    enum Handler: Sendable {
        case inline(@Sendable (Socket) -> Void)
        case asynchronous(@Sendable (Socket) async -> Void)
    }

    /// What is called for one client.
    struct Lists: Sendable {
        var middleware: [Middleware] = []
        var handlers: [Handler] = []
    }

    /// Those of the parent namespace, which come first.
    private let parent: ConnectionHandlers?
    private let own = Mutex(Lists())

    init(parent: ConnectionHandlers? = nil) { self.parent = parent }

    /// What applies to clients that connect from now on.
    var current: Lists {
        let own = own.withLock { $0 }
        guard let parent else { return own }
        var all = parent.current
        all.middleware += own.middleware
        all.handlers += own.handlers
        return all
    }

    func add(_ middleware: Middleware) { own.withLock { $0.middleware.append(middleware) } }
    func add(_ handler: Handler) { own.withLock { $0.handlers.append(handler) } }
}

/// What clients connect to: a ``Namespace``, a ``ParentNamespace``, the server for its main namespace.
public protocol ConnectionHandling: Sendable {
    /// What is called when a client connects. Fill it with `use` and `onConnection`.
    var connectionHandlers: ConnectionHandlers { get }
}

extension ConnectionHandling {
    /// How a middleware refuses: by throwing, best a ``ConnectError``.
    public typealias Middleware = @Sendable (Socket) async throws -> Void

    /// Calls `middleware` for each client that wants to connect, in the order of registration and those of a parent namespace
    /// first, before its connection is confirmed. A thrown error refuses the client, which gets it as `connect_error`: of a
    /// ``ConnectError`` message and data, of any other only "Internal error". What comes behind is not called then.
    ///
    /// It runs in a task on the socket's event loop. Rooms that the socket joins here count from its connection on.
    @_disfavoredOverload
    public func use(_ middleware: @escaping @Sendable (Socket) async throws -> Void) {
        connectionHandlers.add(ConnectionHandlers.Middleware.asynchronous(middleware))
    }

    /// Calls `middleware` for each client that wants to connect, at once on the socket's event loop; it must not block.
    public func use(_ middleware: @escaping @Sendable (Socket) throws -> Void) {
        connectionHandlers.add(ConnectionHandlers.Middleware.inline(middleware))
    }

    /// Calls `handler` for each client that has connected, on the socket's event loop; it must not block. The client's first
    /// event is delivered when it has returned. Clients that were connected before are not shown to it.
    public func onConnection(_ handler: @escaping @Sendable (Socket) -> Void) {
        connectionHandlers.add(ConnectionHandlers.Handler.inline(handler))
    }

    /// Calls `handler` for each client that has connected, in a task on the socket's event loop. The client's first event is
    /// delivered when it has returned.
    @_disfavoredOverload
    public func onConnection(_ handler: @escaping @Sendable (Socket) async -> Void) {
        connectionHandlers.add(ConnectionHandlers.Handler.asynchronous(handler))
    }
}
