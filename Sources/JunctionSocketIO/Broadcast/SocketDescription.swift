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
