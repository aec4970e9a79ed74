import JunctionTransport

extension Socket: AudienceChoosing {
    /// Everybody else in the namespace.
    public var broadcast: BroadcastOperator { BroadcastOperator(namespace: namespace, sender: self) }

    /// Puts the socket into a room. It takes effect before any later call of the same task; in a middleware, when the socket is
    /// connected.
    public func join(_ room: String) { join(CollectionOfOne(room)) }

    /// Puts the socket into rooms.
    public func join(_ rooms: some Sequence<String>) {
        inOrder { [rooms = Set(rooms)] core in core.socket.namespace.local.join(core, rooms) }
    }

    /// Takes the socket out of a room.
    public func leave(_ room: String) {
        inOrder { core in core.socket.namespace.local.leave(core, room) }
    }

    /// The rooms that the socket is in, its own among them while it is connected; empty once it is over.
    public var rooms: Set<String> {
        get async {
            await withUnsafeContinuation { continuation in
                executeInOrder {  // behind joins that wait
                    continuation.resume(returning: self.core.map { $0.membership.all($0) } ?? [])
                }
            }
        }
    }
}
