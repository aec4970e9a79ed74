/// Knows who is in which room and delivers broadcasts. Rooms and broadcasts of a namespace go through its adapter alone, so
/// that one which spans several processes can take its place.
protocol Adapter: Sendable {
    /// A socket connected. Called on its loop.
    func add(_ socket: SocketCore)
    /// A socket is over; it leaves all rooms. Called on its loop.
    func remove(_ socket: SocketCore)
    /// Called on the socket's loop.
    func join(_ socket: SocketCore, _ rooms: Set<String>)
    /// Called on the socket's loop.
    func leave(_ socket: SocketCore, _ room: String)
    /// Delivers to every socket that `audience` means, each at most once. Called from any thread.
    func broadcast(_ message: EncodedMessage, to audience: Audience, flags: EmitFlags)
    /// Ends every socket that `audience` means. Called from any thread.
    func disconnect(_ audience: Audience, close: Bool)
}

/// Whom a broadcast is for.
struct Audience: Sendable {
    /// Sockets in any of these rooms; none means the whole namespace.
    var rooms: Set<String> = []
    /// But not those in any of these rooms. A socket's identifier is a room that it alone is in.
    var except: Set<String> = []
}
