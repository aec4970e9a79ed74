package import JunctionSocketIO
import NIOCore
import Testing

/// What holds for every store of sessions and events.
package enum RecoveryCheck: String, CaseIterable, Sendable {
    case sessionComesBackAsItWas = "a session comes back as it was kept last, with rooms and data"
    case missedEventsInOrder = "what a session missed comes in order, with attachments, and nothing else"
    case roomsAndExceptions = "only events of the session's rooms, from when it was in them, and none that excluded it"
    case unknownSessions = "sessions that are unknown, over, or ahead of the events are not restored"
    case ageOfSessions = "a client may be away for as long as allowed, and no longer"
    case eventLimit = "beyond the limit of events the oldest go, and who needs one of them is not restored"
    case byteLimit = "beyond the limit of bytes the oldest events go"
    case sessionLimit = "beyond the limit of sessions those go whose clients are away for longest"
    case quietClient = "a client that was sent nothing for long comes back although old events are gone"
    case unsavedEvents = "who may have missed an event that was never kept is not restored"
    case pruningInSteps = "old events and sessions go in steps of bounded size"
    case processEnded = "sessions that were connected when the process ended are away since its last sign of life"
    case namespaces = "namespaces have sessions and events of their own"
    case unusedNamespaces = "what nobody has used for too long goes when another namespace is opened"

    /// Runs the check on an empty store.
    package func run(_ store: any RecoveryStore) async throws {
        let namespace = try await CheckedNamespace(store)
        switch self {
        case .sessionComesBackAsItWas: try await sessionComesBackAsItWas(namespace)
        case .missedEventsInOrder: try await missedEventsInOrder(namespace)
        case .roomsAndExceptions: try await roomsAndExceptions(namespace)
        case .unknownSessions: try await unknownSessions(namespace)
        case .ageOfSessions: try await ageOfSessions(namespace)
        case .eventLimit: try await eventLimit(namespace)
        case .byteLimit: try await byteLimit(namespace)
        case .sessionLimit: try await sessionLimit(namespace)
        case .quietClient: try await quietClient(namespace)
        case .unsavedEvents: try await unsavedEvents(namespace)
        case .pruningInSteps: try await pruningInSteps(namespace)
        case .processEnded: try await processEnded(namespace)
        case .namespaces: try await namespaces(namespace)
        case .unusedNamespaces: try await unusedNamespaces(namespace)
        }
    }

    // MARK: Sessions

    private func sessionComesBackAsItWas(_ namespace: CheckedNamespace) async throws {
        try await namespace.commit(1...2)
        try await namespace.keep(RecoverySession(pid: "p", sid: "s", rooms: ["old": 0]))
        var session = RecoverySession(pid: "p", sid: "s", rooms: ["방": 1, "b": 2], since: 1, delivered: 2, asOf: 2)
        session.data = ["name": "홍길동", "age": 41, "score": 0.1, "admin": true, "tags": ["x", "y"]]
        try await namespace.keep(session)
        let found = try #require(try await namespace.restore("p", 2)).session
        #expect(found.sid == "s" && found.pid == "p")
        #expect(found.rooms == ["방": 1, "b": 2])
        #expect(found.since == 1 && found.delivered == 2 && found.asOf == 2 && found.disconnectedAt == nil)
        #expect(found.data["name"] as? String == "홍길동")
        #expect(found.data["age"] as? Int == 41)
        #expect(found.data["score"] as? Double == 0.1)
        #expect(found.data["admin"] as? Bool == true)
        #expect(found.data["tags"] as? [String] == ["x", "y"])
        #expect(found.data.count == 5)
    }

    private func unknownSessions(_ namespace: CheckedNamespace) async throws {
        try await namespace.commit(1...3)
        try await namespace.keep(RecoverySession(pid: "p", sid: "s"))
        #expect(try await namespace.restore("q", 3) == nil)
        #expect(try await namespace.restore("p", 4) == nil)
        #expect(try await namespace.restore("p", 3) != nil)
        try await namespace.commit(RecoveryBatch(ended: ["p"]))
        #expect(try await namespace.restore("p", 3) == nil)
    }

    private func ageOfSessions(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "p", sid: "s", disconnectedAt: 5_000))
        #expect(try await namespace.restore("p", nil, now: 5_000 + CheckedNamespace.maxDisconnection) != nil)
        #expect(try await namespace.restore("p", nil, now: 5_001 + CheckedNamespace.maxDisconnection) == nil)
    }

    private func sessionLimit(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "connected", sid: "c"))
        for number in 0..<CheckedNamespace.limits.sessions + 3 {
            // Not in the order of their keys.
            let pid = "\((number * 7) % 100)"
            try await namespace.keep(RecoverySession(pid: pid, sid: pid, disconnectedAt: Int64(1_000 + number)))
        }
        #expect(try await namespace.prune().evictedSessions == 4)
        for number in 0..<4 { #expect(try await namespace.restore("\((number * 7) % 100)", nil) == nil) }
        #expect(try await namespace.restore("\((4 * 7) % 100)", nil) != nil)
        #expect(try await namespace.restore("connected", nil) != nil)
    }

    private func processEnded(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "p", sid: "s"), now: 1_000)
        try await namespace.commit(RecoveryBatch(), now: 7_000)
        let reopened = try await CheckedNamespace(namespace.store, now: 7_000)
        #expect(try await reopened.restore("p", nil, now: 7_000 + CheckedNamespace.maxDisconnection) != nil)
        #expect(try await reopened.restore("p", nil, now: 7_001 + CheckedNamespace.maxDisconnection) == nil)
    }

    // MARK: Events

    private func missedEventsInOrder(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "p", sid: "s"))
        var event = CheckedNamespace.event(1)
        event.attachments = [ByteBuffer(bytes: [0, 1, 255]), ByteBuffer()]
        try await namespace.commit(RecoveryBatch(events: [event]))
        try await namespace.commit(2...40)
        let all = try #require(try await namespace.restore("p", nil))
        #expect(all.missed.map(\.sequence) == Array(1...40))
        #expect(all.missed.first == event)
        #expect(all.missed.last == CheckedNamespace.event(40))
        #expect(all.lastSequence == 40)
        let some = try #require(try await namespace.restore("p", 37))
        #expect(some.missed.map(\.sequence) == [38, 39, 40])
        let none = try #require(try await namespace.restore("p", 40))
        #expect(none.missed.isEmpty)
        // Events that came before the session are none of its concern, whatever the client says.
        try await namespace.keep(RecoverySession(pid: "late", sid: "l", since: 39, delivered: 39, asOf: 39))
        for offset: UInt64? in [nil, 1, 39] {
            #expect(try await namespace.restore("late", offset)?.missed.map(\.sequence) == [40])
        }
    }

    private func roomsAndExceptions(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "p", sid: "s", rooms: ["a": 0, "b": 5]))
        func event(_ sequence: UInt64, _ rooms: Set<String>, except: Set<String> = []) -> RecoverableEvent {
            var event = CheckedNamespace.event(sequence)
            event.rooms = rooms
            event.except = except
            return event
        }
        try await namespace.commit(
            RecoveryBatch(events: [
                event(1, ["a"]), event(2, ["b"]), event(3, ["c"]), event(4, ["s"]), event(5, ["a", "c"]),
                event(6, ["b"]), event(7, [], except: ["s"]), event(8, [], except: ["a"]), event(9, [], except: ["c"]),
                event(10, ["a"], except: ["b"]),
            ]))
        #expect(try await namespace.restore("p", nil)?.missed.map(\.sequence) == [1, 4, 5, 6, 9])
    }

    private func eventLimit(_ namespace: CheckedNamespace) async throws {
        let limit = UInt64(CheckedNamespace.limits.events)
        try await namespace.keep(RecoverySession(pid: "p", sid: "s", delivered: limit + 5, asOf: 2))
        try await namespace.commit(1...limit)
        #expect(try await namespace.prune().evictedEvents == 0)
        try await namespace.commit(limit + 1...limit + 5)
        #expect(try await namespace.prune().evictedEvents == 5)
        #expect(try await namespace.restore("p", 4) == nil)
        #expect(try await namespace.restore("p", nil) == nil)
        #expect(try await namespace.restore("p", 5)?.missed.map(\.sequence) == Array(6...limit + 5))
    }

    private func byteLimit(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "p", sid: "s"))
        for sequence in UInt64(1)...3 {
            var event = CheckedNamespace.event(sequence)
            event.packet = ByteBuffer(repeating: 32, count: CheckedNamespace.limits.eventBytes / 2 - 100)
            event.attachments = [ByteBuffer(repeating: 0, count: 50)]
            try await namespace.commit(RecoveryBatch(events: [event]))
        }
        #expect(try await namespace.prune().evictedEvents == 1)
        #expect(try await namespace.restore("p", nil) == nil)
        #expect(try await namespace.restore("p", 1)?.missed.map(\.sequence) == [2, 3])
    }

    private func quietClient(_ namespace: CheckedNamespace) async throws {
        let limit = UInt64(CheckedNamespace.limits.events)
        let last = 2 * limit
        try await namespace.commit(1...last)
        try await namespace.prune()
        // The last that it was sent is the first event, and it has seen that.
        try await namespace.keep(
            RecoverySession(pid: "quiet", sid: "q", delivered: 1, asOf: last, disconnectedAt: 1_000))
        #expect(try await namespace.restore("quiet", 1)?.missed.count == CheckedNamespace.limits.events)
        #expect(try await namespace.restore("quiet", nil) == nil)
        // The server went down before it could say what was sent since.
        try await namespace.keep(RecoverySession(pid: "unsure", sid: "u", delivered: 1, asOf: 2))
        #expect(try await namespace.restore("unsure", 1) == nil)
    }

    private func unsavedEvents(_ namespace: CheckedNamespace) async throws {
        try await namespace.keep(RecoverySession(pid: "p", sid: "s"))
        try await namespace.commit(1...2)
        try await namespace.commit(RecoveryBatch(events: [CheckedNamespace.event(6)], gone: 5))
        #expect(try await namespace.restore("p", 2) == nil)
        try await namespace.keep(RecoverySession(pid: "p", sid: "s", delivered: 6, asOf: 6))
        #expect(try await namespace.restore("p", 2) == nil)
        #expect(try await namespace.restore("p", 5)?.missed.map(\.sequence) == [6])
    }

    private func pruningInSteps(_ namespace: CheckedNamespace) async throws {
        let many = try await CheckedNamespace(
            namespace.store, name: "/many",
            limits: RecoveryLimits(sessions: 100_000, events: 100_000, eventBytes: 1 << 30))
        try await many.commit(1...5_000)
        let sessions = (0..<5_000).map { RecoverySession(pid: "\($0)", sid: "\($0)", disconnectedAt: 1_000) }
        try await many.commit(RecoveryBatch(sessions: sessions))
        #expect(try await many.prune(now: 1_000 + CheckedNamespace.retention) == RecoveryPruning())
        var steps = 0
        let late = 1_001 + CheckedNamespace.retention
        while try await !many.pruneStep(now: late).isDone { steps += 1 }
        #expect(steps >= 2)
        // Both are gone.
        try await many.keep(RecoverySession(pid: "new", sid: "new", delivered: 5_000))
        #expect(try await many.restore("new", 0, now: late) == nil)
        #expect(try await many.restore("new", 5_000, now: late) != nil)
        #expect(try await many.restore("4999", 5_000, now: 1_000) == nil)
    }

    private func unusedNamespaces(_ namespace: CheckedNamespace) async throws {
        let late = 1_001 + CheckedNamespace.retention
        let other = try await CheckedNamespace(namespace.store, name: "/other")
        try await other.commit(1...3)
        await namespace.store.close("/other", now: 1_000)
        // Not yet: a client may come back to it.
        _ = try await CheckedNamespace(namespace.store, name: "/third", now: late - 1)
        let again = try await CheckedNamespace(namespace.store, name: "/other", now: late - 1)
        #expect(again.position == RecoveryPosition(tag: other.position.tag, lastSequence: 3))
        await namespace.store.close("/other", now: 1_000)
        _ = try await CheckedNamespace(namespace.store, name: "/fourth", now: late)
        let fresh = try await CheckedNamespace(namespace.store, name: "/other", now: late)
        #expect(fresh.position.lastSequence == 0 && fresh.position.tag != other.position.tag)
        // One that is used stays, however quiet it is.
        try await namespace.commit(1...2)
        #expect(try await CheckedNamespace(namespace.store, now: late).position.lastSequence == 2)
    }

    private func namespaces(_ namespace: CheckedNamespace) async throws {
        let other = try await CheckedNamespace(namespace.store, name: "/other")
        #expect(other.position.tag != namespace.position.tag)
        try await namespace.keep(RecoverySession(pid: "p", sid: "s"))
        try await namespace.commit(1...2)
        try await other.commit(1...1)
        try await other.keep(RecoverySession(pid: "q", sid: "t"))
        #expect(try await namespace.restore("q", nil) == nil)
        #expect(try await other.restore("p", nil) == nil)
        #expect(try await other.restore("q", nil)?.missed.map(\.sequence) == [1])
        #expect(try await namespace.restore("p", nil)?.missed.map(\.sequence) == [1, 2])
    }
}

/// A namespace of a store under test.
package struct CheckedNamespace: Sendable {
    package static let limits = RecoveryLimits(sessions: 50, events: 60, eventBytes: 20_000)
    package static let maxDisconnection: Int64 = 120_000
    package static let retention: Int64 = 165_000

    package let store: any RecoveryStore
    package let position: RecoveryPosition
    private let name: String

    package init(
        _ store: any RecoveryStore, name: String = "/", limits: RecoveryLimits = Self.limits, now: RecoveryTime = 1_000
    ) async throws {
        self.store = store
        self.name = name
        self.position = try await store.open(name, limits: limits, retention: Self.retention, now: now)
    }

    package static func event(_ sequence: UInt64) -> RecoverableEvent {
        RecoverableEvent(
            sequence: sequence, rooms: [], except: [], emittedAt: 1_000,
            packet: ByteBuffer(string: "2[\"n\",\(sequence)]"),
            attachments: [])
    }

    package func commit(_ sequences: ClosedRange<UInt64>) async throws {
        try await commit(RecoveryBatch(events: sequences.map(Self.event)))
    }

    package func commit(_ batch: RecoveryBatch, now: RecoveryTime = 1_000) async throws {
        try await store.commit(batch, to: name, now: now)
    }

    package func keep(_ session: RecoverySession, now: RecoveryTime = 1_000) async throws {
        try await commit(RecoveryBatch(sessions: [session]), now: now)
    }

    package func restore(_ pid: String, _ offset: UInt64?, now: RecoveryTime = 2_000) async throws -> RecoveredSession?
    {
        let request = RecoveryRequest(pid: pid, offset: offset, maxDisconnection: Self.maxDisconnection)
        return try await store.restore(request, in: name, now: now)
    }

    package func pruneStep(now: RecoveryTime) async throws -> RecoveryPruning {
        try await store.prune(name, maxDisconnection: Self.maxDisconnection, now: now)
    }

    /// Prunes to the end, and says what went because of limits.
    @discardableResult
    package func prune(now: RecoveryTime = 1_000) async throws -> RecoveryPruning {
        var all = RecoveryPruning()
        while true {
            let step = try await pruneStep(now: now)
            all.evictedEvents += step.evictedEvents
            all.evictedSessions += step.evictedSessions
            if step.isDone { return all }
        }
    }
}
