public import SocketIOProtocol

/// Chooses whom an event is for, step by step.
///
/// ```swift
/// io.to("room").except("muted").emit("message", "hello")
/// ```
///
/// A broadcast is encoded once and never waits for a slow client.
public struct BroadcastOperator: Sendable {
    private let namespace: Namespace
    private var audience = Audience()
    private var flags: EmitFlags = []

    init(namespace: Namespace, sender: Socket? = nil) {
        self.namespace = namespace
        if let sender { audience.except.insert(sender.id) }
    }

    /// Adds the sockets in a room. A socket in several of the rooms gets the event once.
    public func to(_ room: String) -> BroadcastOperator {
        with { $0.audience.rooms.insert(room) }
    }

    /// Adds the sockets in any of the rooms.
    public func to(_ rooms: Set<String>) -> BroadcastOperator {
        with { $0.audience.rooms.formUnion(rooms) }
    }

    /// The same as ``to(_:)-(String)``.
    public func `in`(_ room: String) -> BroadcastOperator { to(room) }

    /// Takes out the sockets in a room.
    public func except(_ room: String) -> BroadcastOperator {
        with { $0.audience.except.insert(room) }
    }

    /// Drops the event for each client that it cannot leave to at once, because that one is behind or between two polls.
    public var volatile: BroadcastOperator { with { $0.flags.insert(.volatile) } }

    /// Sends an event to everybody chosen.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        namespace.adapter.broadcast(EventPacket(event, repeat each arguments), to: audience, flags: flags)
    }

    /// Sends an event with dynamic arguments to everybody chosen.
    public func emit(_ event: String, arguments: [SocketIOValue]) {
        namespace.adapter.broadcast(EventPacket(name: event, arguments: arguments), to: audience, flags: flags)
    }

    /// Disconnects everybody chosen; with `close`, the connections under them, too.
    public func disconnectSockets(close: Bool = false) {
        namespace.adapter.disconnect(audience, close: close, flags: flags)
    }

    private func with<Ignored>(_ change: (inout BroadcastOperator) -> Ignored) -> BroadcastOperator {
        var copy = self
        _ = change(&copy)
        return copy
    }
}
