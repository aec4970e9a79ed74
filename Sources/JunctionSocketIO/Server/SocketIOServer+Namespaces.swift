public import SocketIOProtocol
import Synchronization

extension SocketIOServer {
    /// The main namespace, `/`, which every method of the server is about that does not name another.
    public var sockets: Namespace { namespaces.main }

    /// The main namespace.
    public var namespace: Namespace { namespaces.main }

    /// What is called when a client connects to the main namespace.
    public var connectionHandlers: ConnectionHandlers { namespaces.main.connectionHandlers }

    /// Where the server answers.
    public var path: String { options.path }

    /// The namespace of that name, with or without its leading slash; made when it is not there yet, as a child of the first
    /// ``ParentNamespace`` whose pattern it fits. A client that asks for a namespace which was never made and fits nothing is
    /// refused with "Invalid namespace".
    ///
    /// ```swift
    /// io.of("/admin").onConnection { socket in … }
    /// ```
    public func of(_ name: String) -> Namespace { namespaces.of(name) }

    /// All namespaces whose names the pattern is found in; each is made when the first client connects to it.
    ///
    /// ```swift
    /// io.of(/^\/room-\d+$/).onConnection { socket in print(socket.namespace.name) }
    /// ```
    ///
    /// As in JavaScript the pattern may be found anywhere in the name unless it says otherwise with `^` and `$`. Of several
    /// parents the first that fits counts. ``SocketIOOptions/maximumChildNamespaces`` bounds what clients can make.
    public func of<Output>(_ pattern: sending Regex<Output>) -> ParentNamespace {
        let pattern = Mutex(pattern)
        return namespaces.add(.pattern { name in pattern.withLock { (try? $0.firstMatch(in: name)) ?? nil } != nil })
    }

    /// All namespaces that `isAllowed` lets a client make, which it connects to; it is asked when a namespace of that name does
    /// not exist yet, on the client's event loop. What it throws is a no.
    ///
    /// ```swift
    /// io.of { name, auth in try await tenants.contains(name, token: auth["token"]?.stringValue) }
    ///     .onConnection { socket in … }
    /// ```
    public func of(
        _ isAllowed: @escaping @Sendable (_ name: String, _ auth: SocketIOValue) async throws -> Bool
    ) -> ParentNamespace {
        namespaces.add(.function(isAllowed))
    }

    /// Calls `listener` for each namespace that is made from now on, by ``of(_:)-(String)`` or by a client, before anybody is
    /// in it.
    public func onNewNamespace(_ listener: @escaping @Sendable (Namespace) -> Void) {
        namespaces.onNewNamespace(listener)
    }
}
