/// A socket, perhaps of another server, as it was when it was asked for.
package struct SocketDescription: Sendable {
    package var id: String
    package var handshake: Handshake
    /// All rooms, its own among them.
    package var rooms: Set<String>
    package var data: [String: any Sendable]

    package init(id: String, handshake: Handshake, rooms: Set<String>, data: [String: any Sendable]) {
        self.id = id
        self.handshake = handshake
        self.rooms = rooms
        self.data = data
    }

    /// Only on the socket's loop.
    init(_ core: SocketCore) {
        self.init(
            id: core.socket.id, handshake: core.socket.handshake, rooms: core.membership.all(core),
            data: core.socket.storedData)
    }
}

/// What is kept of a socket whose connection was lost.
package struct PersistedSession: Sendable {
    /// The socket's identifier.
    package var id: String
    /// What the client asks with for its state.
    package var privateID: String
    /// All rooms, its own among them.
    package var rooms: Set<String>
    package var data: [String: any Sendable]

    package init(id: String, privateID: String, rooms: Set<String>, data: [String: any Sendable]) {
        self.id = id
        self.privateID = privateID
        self.rooms = rooms
        self.data = data
    }
}

/// What a client gets back that has connected again.
package struct RestoredSession: Sendable {
    package var session: PersistedSession
    /// What was sent to the socket since, the offset the last argument of each.
    package var missed: [EventPacket]

    package init(session: PersistedSession, missed: [EventPacket]) {
        self.session = session
        self.missed = missed
    }
}
