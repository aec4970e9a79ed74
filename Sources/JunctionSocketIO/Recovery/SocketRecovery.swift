/// What a socket's recovery needs to know. Lives on the socket's loop.
final class SocketRecovery {
    let journal: RecoveryJournal
    /// The private identifier, which only the client knows.
    let pid: String
    /// Rooms besides its own, each with the number of the last event before the socket was in it.
    private var rooms: [String: UInt64]
    /// The number of the last event before the session began.
    private var since: UInt64
    /// The socket is connected.
    private var isActive = false
    /// The number of the last event that came too early for the socket, or that it was sent before it was connected.
    private var floor: UInt64 = 0
    /// The number of the last event that was sent to the client.
    private var lastSent: UInt64
    private var lastSentKept: UInt64 = 0
    private var restored: RecoveryJournal.Restoration?
    private unowned let core: SocketCore

    init(_ core: SocketCore, _ journal: RecoveryJournal, restored: RecoveryJournal.Restoration?) {
        self.core = core
        self.journal = journal
        self.restored = restored
        self.pid = restored?.session.pid ?? SessionID.make()
        self.rooms = restored?.session.rooms ?? [:]
        self.since = restored?.session.since ?? 0
        self.lastSent = restored?.after ?? 0
    }

    /// The socket is about to be added to the rooms, in the same turn.
    ///
    /// - Returns: what the client missed; nil when some of it is gone.
    func begin() -> [EncodedMessage]? {
        guard let restored = restored.take() else {
            journal.begin(core)
            return []
        }
        return journal.finish(restored, core)
    }

    /// The socket is not connected after all.
    func giveUp() {
        if let restored = restored.take() { journal.giveUp(restored) }
    }

    /// The socket is connected: what is published from now on is for it, too.
    ///
    /// - Parameters:
    ///   - position: the number of the last event that was published.
    ///   - missed: the number of the last event that the client had missed; nil for a new session, 0 for none.
    func connected(at position: UInt64, missed: UInt64?) {
        if let missed {
            lastSent = max(lastSent, missed)
        } else {
            since = position
            lastSent = position
        }
        floor = position
        isActive = true
        for room in core.membership.rooms.keys where rooms[room] == nil { rooms[room] = position }
        rooms = rooms.filter { core.membership.rooms[$0.key] != nil }
        lastSentKept = lastSent
        if journal.memory == nil { journal.keep(session(at: position)) }
    }

    /// True for an event that the client has not been sent; it counts as sent from now on.
    func takes(_ sequence: UInt64) -> Bool {
        guard sequence > floor else { return false }
        lastSent = sequence
        return true
    }

    /// The socket has joined or left rooms.
    func roomsChanged() {
        guard isActive else { return }
        let position = journal.position(on: core.socket.executor)
        for room in core.membership.rooms.keys where rooms[room] == nil { rooms[room] = position }
        if rooms.count > core.membership.rooms.count { rooms = rooms.filter { core.membership.rooms[$0.key] != nil } }
        if journal.memory == nil { journal.keep(session(at: position)) }
    }

    /// The socket's data has changed.
    func dataChanged() {
        guard isActive, journal.memory == nil else { return }
        journal.keep(session(at: journal.position(on: core.socket.executor)))
    }

    /// The socket is over; called before it leaves its rooms.
    func disconnected(_ reason: DisconnectReason) {
        guard isActive else { return }
        isActive = false
        journal.forget(core.socket, pid)
        guard reason.isRecoverable else { return journal.end(pid) }
        var session = session(at: journal.position(on: core.socket.executor))
        session.disconnectedAt = journal.options.clock()
        journal.keep(session)
    }

    /// The session, if the client was sent more since it was last kept.
    func sessionIfSentMore(_ journal: RecoveryJournal) -> RecoverySession? {
        guard isActive, lastSent != lastSentKept else { return nil }
        lastSentKept = lastSent
        return session(at: journal.position(on: core.socket.executor))
    }

    private func session(at position: UInt64) -> RecoverySession {
        RecoverySession(
            pid: pid, sid: core.socket.id, rooms: rooms, data: core.socket.storedData, since: since,
            delivered: lastSent, asOf: max(position, lastSent))
    }
}

extension DisconnectReason {
    /// The client can come back to its state: the connection is gone, but nobody said goodbye.
    var isRecoverable: Bool {
        switch self {
        case .transportClose, .transportError, .pingTimeout, .forcedServerClose, .serverShuttingDown: true
        default: rawValue == "forced close"
        }
    }
}
