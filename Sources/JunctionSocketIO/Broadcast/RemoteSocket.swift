/// A socket as ``Broadcasting/fetchSockets()`` found it, perhaps on another server.
///
/// ```swift
/// for socket in try await io.in("lobby").fetchSockets() where socket.data["role"] as? String == "guest" {
///     socket.leave("lobby")
/// }
/// ```
///
/// What it says about the socket was true when it was asked; what it does to it happens wherever the socket is now.
public struct RemoteSocket: Sendable, Identifiable {
    /// The socket's identifier.
    public let id: String
    /// How the client introduced itself.
    public let handshake: Handshake
    /// The rooms that the socket was in, its own among them.
    public let rooms: Set<String>
    /// What was remembered about the socket. From another server it comes as ``SocketIOValue``s.
    public let data: [String: any Sendable]

    private var target: BroadcastOperator

    init(_ description: SocketDescription, adapter: any Adapter) {
        self.id = description.id
        self.handshake = description.handshake
        self.rooms = description.rooms
        self.data = description.data
        self.target = BroadcastOperator(adapter: adapter, audience: Audience(rooms: [description.id]))
    }

    /// Sends an event to the client.
    public func emit<each Argument: Encodable & Sendable>(_ event: String, _ arguments: repeat each Argument) {
        target.emit(event, repeat each arguments)
    }

    /// Sends an event to the client and suspends until it has acknowledged it.
    ///
    /// - Throws: ``BroadcastError`` when it has not answered in time, has left, or had left before; `CancellationError` when the
    ///   task is cancelled; `EncodingError`; `DecodingError`.
    public func emitWithAck<each Argument: Encodable & Sendable, Reply: Decodable & Sendable>(
        _ event: String, _ arguments: repeat each Argument
    ) async throws -> Reply {
        let replies: [Reply] = try await target.emitWithAck(event, repeat each arguments)
        guard let reply = replies.first else { throw BroadcastError(.disconnected, replies: []) }
        return reply
    }

    /// Gives acknowledgements a time limit.
    public func timeout(_ duration: Duration) -> RemoteSocket {
        var copy = self
        copy.target.timeout = duration
        return copy
    }

    /// Puts the socket into a room.
    public func join(_ room: String) { target.socketsJoin(room) }
    /// Puts the socket into rooms.
    public func join(_ rooms: some Sequence<String>) { target.socketsJoin(rooms) }
    /// Takes the socket out of a room.
    public func leave(_ room: String) { target.socketsLeave(room) }
    /// Disconnects the socket; with `close`, the connection under it, too.
    public func disconnect(close: Bool = false) { target.disconnectSockets(close: close) }
}
