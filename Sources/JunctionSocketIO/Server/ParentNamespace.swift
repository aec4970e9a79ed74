import SocketIOProtocol
import Synchronization

/// Stands for all namespaces whose names fit a pattern or please a function; see ``SocketIOServer/of(_:)-(Regex<Output>)``.
///
/// Its middleware and handlers apply to all of them, also to those that exist already; a broadcast goes to all of them. Rooms
/// and sockets are those of each child.
public final class ParentNamespace: Broadcasting, ConnectionHandling {
    /// What is called when a client connects to one of the children.
    public let connectionHandlers = ConnectionHandlers()

    enum Rule: Sendable {
        case pattern(@Sendable (String) -> Bool)
        case function(@Sendable (String, SocketIOValue) async throws -> Bool)
    }

    let rule: Rule
    private let known = Mutex<[String: Namespace]>([:])

    init(_ rule: Rule) { self.rule = rule }

    /// Everybody in all children. ``Broadcasting/fetchSockets()`` is not supported: a child may exist on another server alone.
    public var broadcast: BroadcastOperator { BroadcastOperator(parent: self) }

    /// The children that exist on this server.
    public var children: [Namespace] { known.withLock { Array($0.values) } }

    func add(_ child: Namespace) { known.withLock { $0[child.name] = child } }
    func remove(_ child: Namespace) { known.withLock { $0[child.name] = nil } }
}
