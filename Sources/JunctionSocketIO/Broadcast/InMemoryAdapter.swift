import JunctionTransport
import NIOCore

/// The adapter of a single process.
///
/// Each event loop has an index of its own sockets. A broadcast hops once to each loop and writes the same buffer to every
/// member there, without locks.
final class InMemoryAdapter: Adapter {
    private struct Shard: Sendable {
        let executor: LoopExecutor
        let index: NIOLoopBoundBox<RoomIndex>
    }

    private let shards: [Shard]
    private let shardOfLoop: [ObjectIdentifier: Int]

    init() {
        shards = EventLoops.all.map { loop in
            Shard(
                executor: LoopExecutor.of(loop),
                index: NIOLoopBoundBox.makeBoxSendingValue(RoomIndex(), eventLoop: loop))
        }
        shardOfLoop = Dictionary(
            uniqueKeysWithValues: EventLoops.all.enumerated().map { (ObjectIdentifier($0.element), $0.offset) })
    }

    func add(_ socket: SocketCore) { index(of: socket)?.add(socket) }
    func remove(_ socket: SocketCore) { index(of: socket)?.remove(socket) }
    func join(_ socket: SocketCore, _ rooms: Set<String>) { index(of: socket)?.join(socket, rooms) }
    func leave(_ socket: SocketCore, _ room: String) { index(of: socket)?.leave(socket, room) }

    func broadcast(_ message: EncodedMessage, to audience: Audience, flags: EmitFlags) {
        forEachShard { index in
            index.forEach(in: audience) { $0.send(message, flags: flags) }
        }
    }

    func disconnect(_ audience: Audience, close: Bool) {
        forEachShard { index in
            // Collected first: disconnecting changes the index.
            var sockets: [SocketCore] = []
            index.forEach(in: audience) { sockets.append($0) }
            for socket in sockets { socket.disconnect(close: close) }
        }
    }

    private func forEachShard(_ body: @escaping @Sendable (RoomIndex) -> Void) {
        for shard in shards {
            shard.executor.execute { body(shard.index.value) }
        }
    }

    private func index(of socket: SocketCore) -> RoomIndex? {
        let loop = socket.socket.executor.eventLoop
        return shardOfLoop[ObjectIdentifier(loop)].map { shards[$0].index.value }
    }
}

/// The sockets of one event loop and their rooms.
private final class RoomIndex {
    private var sockets: [String: SocketCore] = [:]
    private var rooms: [String: [ObjectIdentifier: SocketCore]] = [:]

    func add(_ socket: SocketCore) {
        sockets[socket.socket.id] = socket
    }

    func remove(_ socket: SocketCore) {
        sockets[socket.socket.id] = nil
        for room in socket.rooms { removeMember(socket, of: room) }
        socket.rooms = []
    }

    func join(_ socket: SocketCore, _ joined: Set<String>) {
        guard socket.isConnected else { return }
        // Everybody is in the room of its own name as it is.
        for room in joined where room != socket.socket.id && socket.rooms.insert(room).inserted {
            rooms[room, default: [:]][ObjectIdentifier(socket)] = socket
        }
    }

    func leave(_ socket: SocketCore, _ room: String) {
        if socket.rooms.remove(room) != nil { removeMember(socket, of: room) }
    }

    private func removeMember(_ socket: SocketCore, of room: String) {
        rooms[room]?[ObjectIdentifier(socket)] = nil
        if rooms[room]?.isEmpty == true { rooms[room] = nil }
    }

    /// Calls `body` once for each socket that `audience` means.
    func forEach(in audience: Audience, _ body: (SocketCore) -> Void) {
        if audience.rooms.isEmpty {
            for socket in sockets.values where !isExcluded(socket, audience) { body(socket) }
        } else if audience.rooms.count == 1, let room = audience.rooms.first {
            forEachMember(of: room) { if !isExcluded($0, audience) { body($0) } }
        } else {
            var seen: Set<ObjectIdentifier> = []
            for room in audience.rooms {
                forEachMember(of: room) { socket in
                    guard !isExcluded(socket, audience), seen.insert(ObjectIdentifier(socket)).inserted else { return }
                    body(socket)
                }
            }
        }
    }

    private func forEachMember(of room: String, _ body: (SocketCore) -> Void) {
        if let members = rooms[room] { for socket in members.values { body(socket) } }
        if let own = sockets[room] { body(own) }
    }

    private func isExcluded(_ socket: SocketCore, _ audience: Audience) -> Bool {
        guard !audience.except.isEmpty else { return false }
        return audience.except.contains(socket.socket.id) || !audience.except.isDisjoint(with: socket.rooms)
    }
}
