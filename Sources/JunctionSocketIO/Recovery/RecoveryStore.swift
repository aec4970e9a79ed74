public import NIOCore

/// Keeps what clients need to come back: their sessions, and the events that they may have missed.
///
/// Values go in, answers come out: a store knows no sockets, and is told what time it is. Each namespace has its own sessions and
/// its own sequence of events. For one namespace, one call is made at a time, except for ``restore(_:in:now:)``, which may come at
/// any time. An event is delivered to clients when ``commit(_:to:now:)`` has returned, so that whatever a client has seen is
/// kept.
public protocol RecoveryStore: Sendable {
    /// Called before all else for a namespace. Sessions that were connected when the process ended are away from the
    /// time of the last sign of life of that process on.
    ///
    /// - Parameter retention: events that are older may go, in milliseconds.
    func open(_ namespace: String, limits: RecoveryLimits, retention: Int64, now: RecoveryTime) async throws
        -> RecoveryPosition

    /// Keeps all of the batch, or throws and keeps none of it. An empty batch is a sign of life.
    func commit(_ batch: RecoveryBatch, to namespace: String, now: RecoveryTime) async throws

    /// The session, and what it missed, if it is there, not expired, and nothing that it missed has gone.
    func restore(_ request: RecoveryRequest, in namespace: String, now: RecoveryTime) async throws -> RecoveredSession?

    /// Removes a bounded number of events and sessions that are too old or too many.
    func prune(_ namespace: String, maxDisconnection: Int64, now: RecoveryTime) async throws -> RecoveryPruning

    /// A server no longer uses the namespace; called once for each ``open(_:limits:retention:now:)``. What is kept of it stays
    /// until it is too old: clients may still come back to a namespace that was made anew for them.
    func close(_ namespace: String, now: RecoveryTime) async
}

/// Milliseconds since 1970 in UTC.
public typealias RecoveryTime = Int64

/// How much a store keeps of one namespace.
public struct RecoveryLimits: Sendable, Equatable {
    /// Sessions; beyond it those go whose clients are away for longest.
    public var sessions: Int
    /// Events; beyond it the oldest go.
    public var events: Int
    /// Bytes of all events together.
    public var eventBytes: Int

    /// Limits of one namespace.
    public init(sessions: Int, events: Int, eventBytes: Int) {
        self.sessions = sessions
        self.events = events
        self.eventBytes = eventBytes
    }
}

/// How far a namespace's events have come.
public struct RecoveryPosition: Sendable, Equatable {
    /// What offsets of the namespace begin with; stays the same as long as the store does.
    public var tag: String
    /// The number of the last event that was committed.
    public var lastSequence: UInt64

    /// A position.
    public init(tag: String, lastSequence: UInt64) {
        self.tag = tag
        self.lastSequence = lastSequence
    }
}

/// An event that clients can get again.
public struct RecoverableEvent: Sendable, Equatable {
    /// Its number: events of a namespace count up from 1, without order among namespaces.
    public var sequence: UInt64
    /// Sockets in any of these rooms; none means the whole namespace.
    public var rooms: Set<String>
    /// But not those in any of these rooms.
    public var except: Set<String>
    /// When it was emitted.
    public var emittedAt: RecoveryTime
    /// The packet as text, without the offset.
    public var packet: ByteBuffer
    /// The binary messages that follow it.
    public var attachments: [ByteBuffer]

    /// An event.
    public init(
        sequence: UInt64, rooms: Set<String>, except: Set<String>, emittedAt: RecoveryTime, packet: ByteBuffer,
        attachments: [ByteBuffer]
    ) {
        self.sequence = sequence
        self.rooms = rooms
        self.except = except
        self.emittedAt = emittedAt
        self.packet = packet
        self.attachments = attachments
    }

    /// What counts against ``RecoveryLimits/eventBytes``.
    public var byteCount: Int {
        var count = packet.readableBytes
        for attachment in attachments { count += attachment.readableBytes }
        for room in rooms { count += room.utf8.count }
        for room in except { count += room.utf8.count }
        return count
    }
}

/// A client's state in one namespace.
public struct RecoverySession: Sendable {
    /// The private identifier with which the client asks for its state.
    public var pid: String
    /// The socket's identifier, and the name of its own room.
    public var sid: String
    /// Rooms besides its own, each with the number of the last event before the socket was in it.
    public var rooms: [String: UInt64]
    /// The socket's data. A store that outlives the process keeps of it what ``RecoverableData`` can.
    public var data: [String: any Sendable]
    /// The number of the last event before the session began.
    public var since: UInt64
    /// The number of the last event that was sent to the client, as of ``asOf``.
    public var delivered: UInt64
    /// The number of the last event of the namespace when this was written.
    public var asOf: UInt64
    /// When the client went away; nil while it is connected.
    public var disconnectedAt: RecoveryTime?

    /// A session.
    public init(
        pid: String, sid: String, rooms: [String: UInt64] = [:], data: [String: any Sendable] = [:], since: UInt64 = 0,
        delivered: UInt64 = 0, asOf: UInt64 = 0, disconnectedAt: RecoveryTime? = nil
    ) {
        self.pid = pid
        self.sid = sid
        self.rooms = rooms
        self.data = data
        self.since = since
        self.delivered = delivered
        self.asOf = asOf
        self.disconnectedAt = disconnectedAt
    }

    /// Whether the event was meant for this session: as it would have been decided had the client been there.
    public func isMeant(by event: RecoverableEvent) -> Bool {
        func wasIn(_ room: String) -> Bool { room == sid || (rooms[room].map { $0 < event.sequence } ?? false) }
        guard event.sequence > since, !event.except.contains(where: wasIn) else { return false }
        return event.rooms.isEmpty || event.rooms.contains(where: wasIn)
    }

    /// From which event on the client has to be sent what it missed; nil when some of that may be gone.
    ///
    /// - Parameters:
    ///   - offset: the last event that the client has seen; nil when it has seen none.
    ///   - gone: the number of the last event that is not kept any more.
    public func resumption(after offset: UInt64?, gone: UInt64) -> UInt64? {
        let after = max(offset ?? since, since)
        if after >= gone { return after }
        // Events that are gone were all sent to others, or had reached the client: a quiet client can come back.
        return asOf >= gone && delivered <= after ? after : nil
    }
}

/// What is to be kept, all or nothing.
public struct RecoveryBatch: Sendable {
    /// Events in the order of their numbers.
    public var events: [RecoverableEvent]
    /// Sessions that are new or have changed.
    public var sessions: [RecoverySession]
    /// The private identifiers of sessions that are over.
    public var ended: [String]
    /// Events up to this number count as gone, although they may never have been committed; 0 for none.
    public var gone: UInt64

    /// A batch.
    public init(
        events: [RecoverableEvent] = [], sessions: [RecoverySession] = [], ended: [String] = [], gone: UInt64 = 0
    ) {
        self.events = events
        self.sessions = sessions
        self.ended = ended
        self.gone = gone
    }
}

/// Asks for a session.
public struct RecoveryRequest: Sendable {
    /// The private identifier.
    public var pid: String
    /// The number of the last event that the client has seen; nil when it has seen none.
    public var offset: UInt64?
    /// How long it may have been away, in milliseconds.
    public var maxDisconnection: Int64

    /// A request.
    public init(pid: String, offset: UInt64?, maxDisconnection: Int64) {
        self.pid = pid
        self.offset = offset
        self.maxDisconnection = maxDisconnection
    }
}

/// A session that can go on.
public struct RecoveredSession: Sendable {
    /// The session.
    public var session: RecoverySession
    /// What it missed, in order, up to ``lastSequence``.
    public var missed: [RecoverableEvent]
    /// The number of the last event that was looked at.
    public var lastSequence: UInt64

    /// A session with what it missed.
    public init(session: RecoverySession, missed: [RecoverableEvent], lastSequence: UInt64) {
        self.session = session
        self.missed = missed
        self.lastSequence = lastSequence
    }
}

/// What one step of ``RecoveryStore/prune(_:maxDisconnection:now:)`` did.
public struct RecoveryPruning: Sendable, Equatable {
    /// Events that a limit removed.
    public var evictedEvents = 0
    /// Sessions that a limit removed.
    public var evictedSessions = 0
    /// Nothing is left that is too old or too many.
    public var isDone = true

    /// A step that removed nothing.
    public init() {}
}
