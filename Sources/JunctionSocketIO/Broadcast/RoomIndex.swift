/// The sockets of one event loop and their rooms.
///
/// Members stand in arrays, one behind another: a broadcast goes through them without touching a hash table.
final class RoomIndex {
    /// Everybody.
    private(set) var members: [SocketCore] = []
    private var byID: [String: SocketCore] = [:]
    private var rooms: [String: Room] = [:]
    /// Is told of what happens in rooms, when somebody asked for it.
    var observer: RoomObserver?

    private final class Room {
        var members: [SocketCore] = []
    }

    /// A socket connected; the rooms that it joined before count from now on.
    func add(_ core: SocketCore) {
        core.membership.index = self
        core.membership.position = members.count
        members.append(core)
        byID[core.socket.id] = core
        let joined = core.membership.rooms.keys
        core.membership.rooms = [:]
        observer?.joined(core.socket.id, core.socket.id)
        join(core, Set(joined))
    }

    /// A socket is over; it leaves all rooms.
    func remove(_ core: SocketCore) {
        let id = core.socket.id
        core.membership.index = nil
        // One by one: a listener may change rooms, and the socket's place in them.
        for room in Array(core.membership.rooms.keys) { leave(core, room) }
        byID[id] = nil
        observer?.left(id, id)
        let last = members.removeLast()
        if last !== core {
            members[core.membership.position] = last
            last.membership.position = core.membership.position
        }
    }

    func join(_ core: SocketCore, _ joined: Set<String>) {
        // Everybody is in the room of its own name as it is.
        for room in joined where room != core.socket.id && core.membership.rooms[room] == nil {
            insert(core, into: room)
        }
    }

    func leave(_ core: SocketCore, _ room: String) {
        if let position = core.membership.rooms.removeValue(forKey: room) { remove(core, at: position, from: room) }
    }

    private func insert(_ core: SocketCore, into name: String) {
        let room: Room
        if let known = rooms[name] {
            room = known
        } else {
            room = Room()
            rooms[name] = room
        }
        core.membership.rooms[name] = room.members.count
        room.members.append(core)
        observer?.joined(core.socket.id, name)
    }

    private func remove(_ core: SocketCore, at position: Int, from name: String) {
        guard let room = rooms[name], let last = room.members.popLast() else { return }
        if last !== core {
            room.members[position] = last
            last.membership.rooms[name] = position
        }
        if room.members.isEmpty { rooms[name] = nil }
        observer?.left(core.socket.id, name)
    }

    // MARK: Audiences

    /// Calls `body` once for each socket that `audience` means. It may disconnect sockets.
    func forEach(in audience: Audience, _ body: (SocketCore) -> Void) {
        let excluded = Excluded(everybody(in: audience.except))
        guard let first = audience.rooms.first else { return visit(members, excluded, body) }
        guard audience.rooms.count > 1 else {
            if let members = rooms[first]?.members { visit(members, excluded, body) }
            if let own = byID[first], !excluded.contains(own) { body(own) }
            return
        }
        visit(everybody(in: audience.rooms), excluded, body)
    }

    @inline(__always)
    private func visit(_ members: [SocketCore], _ excluded: Excluded, _ body: (SocketCore) -> Void) {
        if case .nobody = excluded {
            for member in members { body(member) }
        } else {
            for member in members where !excluded.contains(member) { body(member) }
        }
    }

    /// The sockets that are in any of the rooms, each once.
    private func everybody(in names: Set<String>) -> [SocketCore] {
        var sockets: [SocketCore] = []
        for name in names {
            if let members = rooms[name]?.members { sockets += members }
            if let own = byID[name] { sockets.append(own) }
        }
        guard names.count > 1 else { return sockets }
        var seen: Set<ObjectIdentifier> = []
        return sockets.filter { seen.insert(ObjectIdentifier($0)).inserted }
    }

    /// Whom a broadcast leaves out on this loop; mostly its sender.
    private enum Excluded {
        case nobody
        case one(SocketCore)
        case several(Set<ObjectIdentifier>)

        init(_ sockets: [SocketCore]) {
            switch sockets.count {
            case 0: self = .nobody
            case 1: self = .one(sockets[0])
            default: self = .several(Set(sockets.lazy.map(ObjectIdentifier.init)))
            }
        }

        func contains(_ core: SocketCore) -> Bool {
            switch self {
            case .nobody: false
            case .one(let other): core === other
            case .several(let others): others.contains(ObjectIdentifier(core))
            }
        }
    }

    // MARK: Queries

    /// Who is in which room, by identifier.
    var contents: [String: Set<String>] {
        var contents = rooms.mapValues { room in Set(room.members.lazy.map(\.socket.id)) }
        for id in byID.keys { contents[id, default: []].insert(id) }
        return contents
    }
}

/// Where a socket stands in the index of its loop.
struct RoomMembership {
    /// `nil` before the socket is connected, and when it is over.
    var index: RoomIndex?
    /// Its place among everybody there.
    fileprivate(set) var position = 0
    /// The rooms besides its own, each with the socket's place among its members.
    var rooms: [String: Int] = [:]

    /// All rooms, its own among them once it is connected.
    func all(_ core: SocketCore) -> Set<String> {
        var all = Set(rooms.keys)
        if index != nil { all.insert(core.socket.id) }
        return all
    }
}
