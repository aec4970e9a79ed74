/// Whom a broadcast is for.
package struct Audience: Sendable, Hashable {
    /// Sockets in any of these rooms; none means the whole namespace.
    package var rooms: Set<String>
    /// But not those in any of these rooms. A socket's identifier is a room that it alone is in.
    package var except: Set<String>

    package init(rooms: Set<String> = [], except: Set<String> = []) {
        self.rooms = rooms
        self.except = except
    }

    /// Whether a socket in these rooms is meant.
    ///
    /// - Parameter rooms: all rooms of the socket, its own among them.
    package func contains(socketIn rooms: Set<String>) -> Bool {
        (self.rooms.isEmpty || !self.rooms.isDisjoint(with: rooms)) && except.isDisjoint(with: rooms)
    }
}
