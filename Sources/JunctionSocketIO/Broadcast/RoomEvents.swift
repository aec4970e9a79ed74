import Synchronization

/// What happens in the rooms of one server; the names are those of the JavaScript adapter's events.
public enum RoomEvent: Sendable, Hashable {
    /// `create-room`: the first socket is about to join a room.
    case create(room: String)
    /// `join-room`: a socket has joined a room.
    case join(room: String, id: String)
    /// `leave-room`: a socket has left a room.
    case leave(room: String, id: String)
    /// `delete-room`: the last socket has left a room.
    case delete(room: String)
}

/// Tells listeners what happens in the rooms of all event loops, in one order.
final class RoomObserver: Sendable {
    private struct State {
        /// The members of each room on all loops together.
        var counts: [String: Int] = [:]
        var listeners: [@Sendable (RoomEvent) -> Void] = []
        /// Events that nobody was told of yet. A listener may join and leave rooms itself.
        var queue: [RoomEvent] = []
        var isTelling = false
    }

    private let state = Mutex(State())

    func add(_ listener: @escaping @Sendable (RoomEvent) -> Void) {
        state.withLock { $0.listeners.append(listener) }
    }

    /// The rooms that one loop had before anybody listened.
    func knows(_ contents: [String: Set<String>]) {
        state.withLock { state in
            for (room, members) in contents { state.counts[room, default: 0] += members.count }
        }
    }

    func joined(_ id: String, _ room: String) {
        tell { state in
            if state.counts[room] == nil { state.queue.append(.create(room: room)) }
            state.counts[room, default: 0] += 1
            state.queue.append(.join(room: room, id: id))
        }
    }

    func left(_ id: String, _ room: String) {
        tell { state in
            guard let count = state.counts[room] else { return }
            state.queue.append(.leave(room: room, id: id))
            state.counts[room] = count > 1 ? count - 1 : nil
            if count <= 1 { state.queue.append(.delete(room: room)) }
        }
    }

    /// Whoever comes first tells what the others add meanwhile, so that the order is kept and no lock is held in a listener.
    private func tell(_ add: (inout State) -> Void) {
        let isMine = state.withLock { state in
            add(&state)
            defer { state.isTelling = true }
            return !state.isTelling
        }
        guard isMine else { return }
        while let (events, listeners) = next() {
            for event in events { for listener in listeners { listener(event) } }
        }
    }

    private func next() -> ([RoomEvent], [@Sendable (RoomEvent) -> Void])? {
        state.withLock { state in
            guard !state.queue.isEmpty else {
                state.isTelling = false
                return nil
            }
            defer { state.queue = [] }
            return (state.queue, state.listeners)
        }
    }
}
