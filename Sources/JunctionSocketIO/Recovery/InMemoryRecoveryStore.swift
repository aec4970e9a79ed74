import DequeModule
import NIOCore
import Synchronization

/// Keeps sessions and events in memory: they are gone when the process is. The default.
///
/// Servers that are given the same store share what is in it, so one can take the place of another in the same process.
public final class InMemoryRecoveryStore: RecoveryStore {
    private let state = Mutex(State())

    private struct State {
        var logs: [String: Log] = [:]
        /// How many servers use a namespace.
        var users: [String: Int] = [:]
        /// Since when nobody has used a namespace.
        var closedAt: [String: RecoveryTime] = [:]
        /// The same in order; some may have been used again.
        var unused = Deque<(name: String, since: RecoveryTime)>()
    }

    /// Logs that go at most when a namespace is opened: more than one, so that none pile up.
    private static let removedAtOnce = 4

    /// An empty store.
    public init() {}

    /// What is kept of one namespace. Events are delivered with no detour: a server asks this, not the store.
    final class Log: Sendable {
        let state = Mutex(RecoveryLog())
    }

    func log(_ namespace: String) -> Log {
        state.withLock { state in
            if let log = state.logs[namespace] { return log }
            let log = Log()
            state.logs[namespace] = log
            return log
        }
    }

    /// See ``RecoveryStore/open(_:limits:retention:now:)``.
    public func open(_ namespace: String, limits: RecoveryLimits, retention: Int64, now: RecoveryTime)
        -> RecoveryPosition
    {
        state.withLock { state in
            state.users[namespace, default: 0] += 1
            state.closedAt[namespace] = nil
            for _ in 0..<Self.removedAtOnce {
                guard let first = state.unused.first, now - first.since > retention else { break }
                state.unused.removeFirst()
                guard state.closedAt[first.name] == first.since else { continue }
                state.closedAt[first.name] = nil
                state.logs[first.name] = nil
            }
        }
        return log(namespace).state.withLock { $0.open(limits: limits, retention: retention, now: now) }
    }

    /// See ``RecoveryStore/close(_:now:)``.
    public func close(_ namespace: String, now: RecoveryTime) {
        state.withLock { state in
            guard let users = state.users[namespace] else { return }
            state.users[namespace] = users > 1 ? users - 1 : nil
            guard users == 1 else { return }
            state.closedAt[namespace] = now
            state.unused.append((namespace, now))
        }
    }

    /// See ``RecoveryStore/commit(_:to:now:)``.
    public func commit(_ batch: RecoveryBatch, to namespace: String, now: RecoveryTime) {
        log(namespace).state.withLock { $0.commit(batch, now: now) }
    }

    /// See ``RecoveryStore/restore(_:in:now:)``.
    public func restore(_ request: RecoveryRequest, in namespace: String, now: RecoveryTime) -> RecoveredSession? {
        log(namespace).state.withLock { $0.restore(request, now: now) }
    }

    /// See ``RecoveryStore/prune(_:maxDisconnection:now:)``.
    public func prune(_ namespace: String, maxDisconnection: Int64, now: RecoveryTime) -> RecoveryPruning {
        log(namespace).state.withLock { $0.prune(maxDisconnection: maxDisconnection, now: now) }
    }
}

/// The events and sessions of one namespace in memory.
struct RecoveryLog {
    let tag = RecoveryOffset.makeTag()
    private(set) var lastSequence: UInt64 = 0
    /// The number of the last event that is not here any more.
    private(set) var gone: UInt64 = 0
    private var limits = RecoveryLimits(sessions: 0, events: 0, eventBytes: 0)
    private var retention: Int64 = 0
    private var events = Deque<RecoverableEvent>()
    private var eventBytes = 0
    private var sessions: [String: RecoverySession] = [:]
    /// The sessions whose clients are away, in the order in which those left; those that are back or over are skipped.
    private var away = Deque<(pid: String, at: RecoveryTime)>()
    private var evicted = RecoveryPruning()

    /// Events and sessions that one step removes at most.
    static let pruningStep = 2_048

    mutating func open(limits: RecoveryLimits, retention: Int64, now: RecoveryTime) -> RecoveryPosition {
        self.limits = limits
        self.retention = retention
        for (pid, session) in sessions where session.disconnectedAt == nil {
            sessions[pid]?.disconnectedAt = now
            away.append((pid, now))
        }
        return RecoveryPosition(tag: tag, lastSequence: lastSequence)
    }

    mutating func commit(_ batch: RecoveryBatch, now: RecoveryTime) {
        for event in batch.events { append(event) }
        for session in batch.sessions { put(session) }
        for pid in batch.ended { sessions[pid] = nil }
        if batch.gone > gone { removeEvents(upTo: batch.gone) }
    }

    /// Gives an event the next number, and keeps it.
    mutating func append(numbering event: inout RecoverableEvent) {
        event.sequence = lastSequence + 1
        append(event)
    }

    mutating func append(_ event: RecoverableEvent) {
        lastSequence = event.sequence
        events.append(event)
        eventBytes += event.byteCount
        // Twice as fast as they come.
        for _ in 0..<2 {
            guard let first = events.first, event.emittedAt - first.emittedAt > retention else { break }
            _ = removeFirstEvent()
        }
        while events.count > limits.events || eventBytes > limits.eventBytes, removeFirstEvent() {
            evicted.evictedEvents += 1
        }
    }

    mutating func put(_ session: RecoverySession) {
        sessions[session.pid] = session
        if let at = session.disconnectedAt {
            away.append((session.pid, at))
            // What a client leaves behind that comes and goes.
            if away.count > 2 * sessions.count + 1_024 { away.removeAll { sessions[$0.pid]?.disconnectedAt != $0.at } }
        }
        while sessions.count > limits.sessions, let (pid, at) = away.popFirst() {
            guard sessions[pid]?.disconnectedAt == at else { continue }
            sessions[pid] = nil
            evicted.evictedSessions += 1
        }
        // Only of clients that are connected: any of them.
        while sessions.count > limits.sessions, let pid = sessions.keys.first {
            sessions[pid] = nil
            evicted.evictedSessions += 1
        }
    }

    mutating func end(_ pid: String) { sessions[pid] = nil }

    func restore(_ request: RecoveryRequest, now: RecoveryTime) -> RecoveredSession? {
        guard let session = sessions[request.pid], (request.offset ?? 0) <= lastSequence else { return nil }
        if let at = session.disconnectedAt, now - at > request.maxDisconnection { return nil }
        guard let after = session.resumption(after: request.offset, gone: gone) else { return nil }
        let missed = events(after: max(after, gone)).filter(session.isMeant)
        return RecoveredSession(session: session, missed: missed, lastSequence: lastSequence)
    }

    /// All events behind that number; nil when some of them are not here any more.
    func eventsIfKept(after sequence: UInt64) -> [RecoverableEvent]? {
        sequence < gone ? nil : events(after: sequence)
    }

    private func events(after sequence: UInt64) -> [RecoverableEvent] {
        // Numbers count up, but some may be missing: the first that is larger.
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].sequence <= sequence { low = middle + 1 } else { high = middle }
        }
        return Array(events[low...])
    }

    mutating func prune(maxDisconnection: Int64, now: RecoveryTime) -> RecoveryPruning {
        var steps = Self.pruningStep
        while steps > 0, let first = events.first, now - first.emittedAt > retention, removeFirstEvent() { steps -= 1 }
        while steps > 0, let first = away.first {
            let isCurrent = sessions[first.pid]?.disconnectedAt == first.at
            if isCurrent && now - first.at <= maxDisconnection { break }
            away.removeFirst()
            if isCurrent { sessions[first.pid] = nil }
            steps -= 1
        }
        var result = takeEvicted()
        result.isDone = steps > 0
        return result
    }

    /// What limits have removed since this was asked last.
    mutating func takeEvicted() -> RecoveryPruning {
        defer { evicted = RecoveryPruning() }
        return evicted
    }

    private mutating func removeFirstEvent() -> Bool {
        guard let first = events.popFirst() else { return false }
        eventBytes -= first.byteCount
        gone = max(gone, first.sequence)
        return true
    }

    private mutating func removeEvents(upTo sequence: UInt64) {
        while let first = events.first, first.sequence <= sequence, removeFirstEvent() {}
        gone = max(gone, sequence)
        lastSequence = max(lastSequence, sequence)
    }
}
