import Logging

/// A part of a Socket.IO server that clients connect to by name, with its own handlers, middleware and rooms.
public final class Namespace: NamespaceAddressing {
    /// `/` for the main one, else `/admin` and the like.
    public let name: String
    /// What is called when a client connects.
    public let connectionHandlers: ConnectionHandlers

    /// Whose child it is.
    let parent: ParentNamespace?
    /// The sockets of this server.
    let local: InMemoryAdapter
    let adapter: any Adapter
    let parser: SocketIOParser
    /// Events are kept for clients that come back.
    var recovers: Bool { local.recovery != nil }
    let logger: Logger

    init(name: String, parent: ParentNamespace? = nil, options: SocketIOOptions) {
        self.name = name
        self.parent = parent
        self.logger = options.logger
        self.connectionHandlers = ConnectionHandlers(parent: parent?.connectionHandlers)
        self.parser = options.parser
        self.local = InMemoryAdapter(namespace: name, parser: options.parser, logger: options.logger)
        if let recovery = options.connectionStateRecovery { local.recover(recovery, engine: options.engine) }
        self.adapter = (options.adapter ?? .inMemory).make(local)
    }

    /// This one.
    public var namespace: Namespace { self }

    /// How clients that were away have fared; nil without ``SocketIOOptions/connectionStateRecovery``.
    public var recoveryStatistics: RecoveryStatistics? { local.recovery?.statistics }

    /// The sockets of this server, by identifier.
    public var sockets: [String: Socket] {
        get async {
            Dictionary(await local.sockets(in: Audience()).map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }
}

/// A ``Namespace``, or the server, which stands for its main one.
public protocol NamespaceAddressing: Broadcasting, ConnectionHandling {
    /// The namespace that is meant.
    var namespace: Namespace { get }
}

extension NamespaceAddressing {
    /// Everybody in the namespace.
    public var broadcast: BroadcastOperator { BroadcastOperator(namespace: namespace) }

    /// The rooms of this server, each with the identifiers of the sockets in it. Each socket is in the room of its own name.
    public var rooms: [String: Set<String>] {
        get async { await namespace.local.rooms() }
    }

    /// Calls `listener` when something happens in the rooms of this server, from now on and one event after another, on the
    /// event loop of a socket. It must not block. Each socket joins the room of its own name first and leaves it last.
    public func onRoomEvent(_ listener: @escaping @Sendable (RoomEvent) -> Void) {
        namespace.local.observeRooms(listener)
    }
}
