public import SocketIOProtocol

/// What can say whom an event is for: a ``Socket``, a ``Namespace``, the server, and what they return.
///
/// ```swift
/// io.to("room").except("muted").emit("message", "hello")
/// socket.to(["red", "blue"]).emit("message", "hello")     // not to the socket itself
/// ```
///
/// Each step returns a new value, and the order of the steps does not matter.
public protocol AudienceChoosing: Sendable {
    /// Everybody who can be reached: the whole namespace; of a socket, everybody else.
    var broadcast: BroadcastOperator { get }
}

extension AudienceChoosing {
    /// The sockets in a room. Several calls add up; a socket in several of the rooms gets an event once.
    public func to(_ room: String) -> BroadcastOperator { to(CollectionOfOne(room)) }

    /// The sockets in any of the rooms.
    public func to(_ rooms: some Sequence<String>) -> BroadcastOperator {
        broadcast.with { $0.audience.rooms.formUnion(rooms) }
    }

    /// The same as ``to(_:)-(String)``.
    public func `in`(_ room: String) -> BroadcastOperator { to(room) }

    /// The same as ``to(_:)-(Sequence<String>)``.
    public func `in`(_ rooms: some Sequence<String>) -> BroadcastOperator { to(rooms) }

    /// Not the sockets in a room.
    public func except(_ room: String) -> BroadcastOperator { except(CollectionOfOne(room)) }

    /// Not the sockets in any of the rooms.
    public func except(_ rooms: some Sequence<String>) -> BroadcastOperator {
        broadcast.with { $0.audience.except.formUnion(rooms) }
    }

    /// Only sockets of this server, where an adapter reaches others, too.
    public var local: BroadcastOperator { broadcast.with { $0.flags.insert(.local) } }
}

/// What can send to many sockets at once: a ``Namespace``, the server, and what ``AudienceChoosing`` returns.
///
/// A broadcast is encoded once and never waits for a slow client. Calls may be made from any thread.
public protocol Broadcasting: AudienceChoosing {}

extension Broadcasting {
    /// For events that are worthless when late: each client is left out to whom the event cannot leave at once, because it is
    /// behind or between two polls.
    public var volatile: BroadcastOperator { broadcast.with { $0.flags.insert(.volatile) } }

    /// Whether the transport may compress what is sent through this; it may unless told otherwise.
    public func compress(_ compress: Bool) -> BroadcastOperator {
        broadcast.with { if compress { $0.flags.remove(.uncompressed) } else { $0.flags.insert(.uncompressed) } }
    }

    /// Gives the acknowledgements a time limit.
    public func timeout(_ duration: Duration) -> BroadcastOperator { broadcast.with { $0.timeout = duration } }

    // MARK: Sending

    /// Sends an event to everybody chosen. What cannot be encoded is logged and not sent.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        broadcast.send(EventPacket(event, repeat each arguments))
    }

    /// Sends an event with dynamic arguments to everybody chosen.
    public func emit(_ event: String, arguments: [SocketIOValue]) {
        broadcast.send(EventPacket(name: event, arguments: arguments))
    }

    /// Sends an event of the name `message` to everybody chosen.
    public func send<each Argument: Encodable & Sendable>(_ arguments: repeat each Argument) {
        broadcast.send(EventPacket("message", repeat each arguments))
    }

    /// Sends an event to everybody chosen and suspends until all of them have acknowledged it.
    ///
    /// ```swift
    /// do {
    ///     let votes: [Bool] = try await io.timeout(.seconds(5)).to("jury").emitWithAck("vote", question)
    /// } catch let error as BroadcastError {
    ///     let votes = try error.replies(as: Bool.self)     // of those who did answer
    /// }
    /// ```
    ///
    /// Without ``timeout(_:)`` it waits as long as one of them is connected and silent.
    ///
    /// - Returns: of each acknowledgement the first argument, in the order in which they came; none when nobody was chosen.
    /// - Throws: ``BroadcastError`` when somebody has not answered in time, or has left; `CancellationError` when the task is
    ///   cancelled; `EncodingError` when nothing could be sent; `DecodingError` when an answer is of another type.
    public func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> [Reply] {
        let replies = broadcast.ask(EventPacket(event, repeat each arguments))
        return try await replies.all().map { try $0.firstArgument() }
    }

    /// Sends an event to everybody chosen and calls `ack` once, on any thread, when all of them have acknowledged it; see
    /// ``emitWithAck(_:_:)``.
    ///
    /// ```swift
    /// io.timeout(.seconds(5)).emit("ready?") { (answers: Result<[Bool], any Error>) in … }
    /// ```
    public func emit<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument,
        ack: @escaping @Sendable (Result<[Reply], any Error>) -> Void
    ) {
        broadcast.ask(EventPacket(event, repeat each arguments)).whenOver { outcome in
            ack(Result { try outcome.get().map { try $0.firstArgument() } })
        }
    }

    // MARK: The sockets themselves

    /// The sockets chosen, on whichever server they are.
    ///
    /// - Throws: when another server does not answer in time; ``SocketIOError/Code/notSupported`` for a ``ParentNamespace``.
    public func fetchSockets() async throws -> [RemoteSocket] {
        try await broadcast.fetch()
    }

    /// Puts everybody chosen into a room.
    public func socketsJoin(_ room: String) { socketsJoin(CollectionOfOne(room)) }

    /// Puts everybody chosen into rooms.
    public func socketsJoin(_ rooms: some Sequence<String>) {
        broadcast.forEachAdapter { [rooms = Set(rooms)] in $0.join(rooms, audience: $1.audience, flags: $1.flags) }
    }

    /// Takes everybody chosen out of a room.
    public func socketsLeave(_ room: String) { socketsLeave(CollectionOfOne(room)) }

    /// Takes everybody chosen out of rooms.
    public func socketsLeave(_ rooms: some Sequence<String>) {
        broadcast.forEachAdapter { [rooms = Set(rooms)] in $0.leave(rooms, audience: $1.audience, flags: $1.flags) }
    }

    /// Disconnects everybody chosen; with `close`, the connections under them, too.
    public func disconnectSockets(close: Bool = false) {
        broadcast.forEachAdapter { $0.disconnect($1.audience, close: close, flags: $1.flags) }
    }
}
