import DequeModule
import JunctionTransport
import Logging
import NIOCore
import Synchronization

/// The way to a store that takes time: one task commits what has gathered, and delivers it.
extension RecoveryJournal {
    struct Writing {
        var queue = Deque<Entry>()
        var queuedBytes = 0
        /// What is being committed; empty when that was given up.
        var inFlight: [Entry] = []
        var inFlightBytes = 0
        /// Sessions that have changed, as they are now.
        var changed: [String: RecoverySession] = [:]
        /// The same for sessions that need not be committed next.
        var changedInTime: [String: RecoverySession] = [:]
        var ended: Set<String> = []
        /// Is to be recorded, so that nobody recovers who may have missed something.
        var unrecordedGone: UInt64 = 0
        /// A sign of life is due.
        var isDue = false
        var isRunning = false
        var isOpen = false
        /// Events that were committed since the store was last told to remove old ones.
        var sincePruning = 0
        /// The store is failing, and that was logged. What need not be committed next waits for the next sign of life.
        var isFailing = false

        /// Nothing waits to be delivered.
        var isIdle: Bool { queue.isEmpty && inFlight.isEmpty }
        var hasWork: Bool {
            !queue.isEmpty || !changed.isEmpty || isDue
                || !isFailing && !(changedInTime.isEmpty && ended.isEmpty && unrecordedGone == 0)
        }

        /// True when the writer has to be started.
        mutating func start() -> Bool {
            if isRunning { return false }
            isRunning = true
            return true
        }
    }

    /// Events that one transaction commits at most.
    private static let batchSize = 1_024
    /// Events between two removals of old ones; fewer than one step removes.
    private static let pruningInterval = 256
    /// Sessions that one transaction takes besides those that it must.
    private static let sessionsBesides = 512

    // MARK: In

    func enqueue(_ entry: Entry, bytes: Int) {
        let (wakes, isOverflow, starts) = state.withLock { state -> (Wakes, Bool, Bool) in
            let isOverflow =
                state.writing.queue.count >= options.maximumQueuedEvents
                || state.writing.queuedBytes + state.writing.inFlightBytes + bytes > options.maximumQueuedBytes
            var wakes = Wakes()
            if isOverflow {
                switch (options.queueOverflow, entry) {
                case (.dropNewest, .event), (.dropNewest, .message):
                    state.statistics.droppedEvents += 1
                    return (Wakes(), true, false)
                default:
                    wakes = state.releaseUnsaved()
                }
            }
            state.writing.queue.append(entry)
            state.writing.queuedBytes += bytes
            return (wakes, isOverflow, state.writing.start())
        }
        if isOverflow {
            logger.warning(
                "recovery store does not keep up",
                metadata: ["namespace": "\(namespace)", "policy": "\(options.queueOverflow)"])
        }
        wake(wakes)
        if starts { startWriter() }
    }

    /// Has a session kept as it is now.
    func keep(_ session: RecoverySession) {
        if let memory { return memory.state.withLock { $0.put(session) } }
        let starts = state.withLock { state in
            state.writing.changed[session.pid] = session
            state.writing.changedInTime[session.pid] = nil
            // A store that hangs, while clients come and go.
            if state.writing.changed.count > options.maximumSessions, state.writing.changed.popFirst() != nil {
                state.statistics.evictedSessions += 1
            }
            state.writing.ended.remove(session.pid)
            return state.writing.start()
        }
        if starts { startWriter() }
    }

    /// Has sessions kept as they are now, in their own time.
    func keepInTime(_ sessions: [RecoverySession]) {
        let starts = state.withLock { state in
            for session in sessions where !state.writing.ended.contains(session.pid) {
                if state.writing.changed[session.pid] == nil {
                    state.writing.changedInTime[session.pid] = session
                } else {
                    state.writing.changed[session.pid] = session
                }
            }
            return state.writing.start()
        }
        if starts { startWriter() }
    }

    /// Has a sign of life written, and what has to be tried again.
    func beat() {
        let starts = state.withLock { state in
            state.writing.isDue = true
            return state.writing.start()
        }
        if starts { startWriter() }
    }

    /// A session is over.
    func end(_ pid: String) {
        if let memory { return memory.state.withLock { $0.end(pid) } }
        let starts = state.withLock { state in
            state.writing.changed[pid] = nil
            state.writing.changedInTime[pid] = nil
            // What is not ended because of that goes with age.
            if state.writing.ended.count >= options.maximumSessions { _ = state.writing.ended.popFirst() }
            state.writing.ended.insert(pid)
            return state.writing.start()
        }
        if starts { startWriter() }
    }

    /// Returns when all that was published and kept before is committed.
    func committed() async {
        guard memory == nil, state.withLock({ $0.writing.isRunning || $0.writing.hasWork || !$0.writing.isOpen }) else {
            return
        }
        await withCheckedContinuation { continuation in
            enqueue(.barrier { continuation.resume() }, bytes: 0)
        }
    }

    // MARK: Out

    private func startWriter() { Task { await self.write() } }

    private func write() async {
        while let work = state.withLock({ $0.nextBatch(events: Self.batchSize, sessions: Self.sessionsBesides) }) {
            do {
                if !state.withLock({ $0.writing.isOpen }) { try await open() }
                if let batch = state.withLock({ $0.number(work) }) {
                    try await options.store.commit(batch, to: namespace, now: options.clock())
                }
                let wakes = state.withLock { state in
                    state.writing.isFailing = false
                    return state.deliverBatch()
                }
                wake(wakes)
                try await pruneIfDue()
            } catch {
                failed(error, work)
            }
        }
    }

    private func open() async throws {
        let position = try await options.store.open(
            namespace, limits: options.limits, retention: retention, now: options.clock())
        state.withLock { state in
            state.offset = RecoveryOffset(tag: position.tag)
            state.lastSequence = max(state.lastSequence, position.lastSequence)
            state.delivered = max(state.delivered, position.lastSequence)
            state.writing.isOpen = true
        }
    }

    private func pruneIfDue() async throws {
        let isDue = state.withLock { state in
            guard state.writing.sincePruning >= Self.pruningInterval else { return false }
            state.writing.sincePruning = 0
            return true
        }
        guard isDue else { return }
        let step = try await options.store.prune(namespace, maxDisconnection: maxDisconnection, now: options.clock())
        // What is left goes before the next sign of life, or with more events.
        if !step.isDone { state.withLock { $0.writing.sincePruning = Self.pruningInterval } }
        count(step)
    }

    func count(_ step: RecoveryPruning) {
        state.withLock { state in
            state.statistics.evictedEvents += step.evictedEvents
            state.statistics.evictedSessions += step.evictedSessions
        }
    }

    private func failed(_ error: any Error, _ work: RecoveryBatch) {
        let (wakes, isNew) = state.withLock { state -> (Wakes, Bool) in
            let isNew = !state.writing.isFailing
            state.writing.isFailing = true
            state.writing.takeBack(work, limit: options.maximumSessions)
            return (state.releaseUnsaved(), isNew)
        }
        if isNew {
            logger.error(
                "recovery store failed, events are delivered without being kept",
                metadata: ["namespace": "\(namespace)", "error": "\(error)"])
        }
        wake(wakes)
    }
}

extension RecoveryJournal.Writing {
    /// What was not committed is tried again, unless it has changed since.
    mutating func takeBack(_ work: RecoveryBatch, limit: Int) {
        for pid in work.ended where changed[pid] == nil && ended.count < limit { ended.insert(pid) }
        for session in work.sessions where changed[session.pid] == nil && !ended.contains(session.pid) {
            guard changedInTime.count < limit else { break }
            if changedInTime[session.pid] == nil { changedInTime[session.pid] = session }
        }
        unrecordedGone = max(unrecordedGone, work.gone)
    }
}

extension RecoveryJournal.State {
    /// Takes what is to be committed next; the events stay in flight. Nil ends the writer.
    mutating func nextBatch(events: Int, sessions: Int) -> RecoveryBatch? {
        guard writing.hasWork else {
            writing.isRunning = false
            return nil
        }
        if writing.isDue { writing.sincePruning = .max / 2 }
        writing.isDue = false
        writing.inFlight = Array(writing.queue.prefix(events))
        writing.queue.removeFirst(writing.inFlight.count)
        let bytes = writing.inFlight.reduce(0) { $0 + $1.byteCount }
        writing.queuedBytes -= bytes
        writing.inFlightBytes = bytes
        var work = RecoveryBatch(
            sessions: Array(writing.changed.values), ended: Array(writing.ended), gone: writing.unrecordedGone)
        for (pid, session) in writing.changedInTime.prefix(sessions) {
            work.sessions.append(session)
            writing.changedInTime[pid] = nil
        }
        writing.changed = [:]
        writing.ended = []
        writing.unrecordedGone = 0
        return work
    }

    /// Gives the events in flight their numbers, and adds them to what is to be committed.
    ///
    /// - Returns: nil when there is nothing to be committed, not even a sign of life.
    mutating func number(_ work: RecoveryBatch) -> RecoveryBatch? {
        var batch = work
        for index in writing.inFlight.indices {
            guard case .event(var event, let flags, let loop) = writing.inFlight[index] else { continue }
            lastSequence += 1
            event.sequence = lastSequence
            writing.inFlight[index] = .event(event, flags: flags, loop: loop)
            batch.events.append(event)
        }
        let isEmpty = batch.events.isEmpty && batch.sessions.isEmpty && batch.ended.isEmpty && batch.gone == 0
        return isEmpty && !writing.inFlight.isEmpty ? nil : batch
    }

    /// Delivers what is committed, unless it was released meanwhile.
    mutating func deliverBatch() -> RecoveryJournal.Wakes {
        var wakes = RecoveryJournal.Wakes()
        for entry in writing.inFlight {
            switch entry {
            case .event(let event, let flags, let loop):
                guard let offset else { continue }
                wakes.loops += push(event.delivery(with: offset, parser, flags: flags), on: loop)
                delivered = event.sequence
                tail.append(event)
                writing.sincePruning += 1
            default:
                pass(entry, &wakes)
            }
        }
        writing.inFlight = []
        writing.inFlightBytes = 0
        return wakes
    }

    /// Delivers all that waits, without it being kept.
    mutating func releaseUnsaved() -> RecoveryJournal.Wakes {
        var wakes = RecoveryJournal.Wakes()
        for entry in writing.inFlight + writing.queue {
            guard case .event(let event, let flags, let loop) = entry else {
                pass(entry, &wakes)
                continue
            }
            wakes.loops += push(event.unsavedDelivery(parser, flags: flags), on: loop)
            if event.sequence == 0 { lastSequence += 1 }
            gone = lastSequence
            statistics.unsavedEvents += 1
        }
        delivered = max(delivered, gone)
        writing.unrecordedGone = max(writing.unrecordedGone, gone)
        tail.lose(upTo: gone)
        writing.inFlight = []
        writing.inFlightBytes = 0
        writing.queue = []
        writing.queuedBytes = 0
        return wakes
    }

    private mutating func pass(_ entry: RecoveryJournal.Entry, _ wakes: inout RecoveryJournal.Wakes) {
        switch entry {
        case .event: break
        case .message(let message, let audience, let flags):
            wakes.loops += push(.message(message, to: audience, flags: flags, sequence: 0), on: nil)
        case .run(let loop, let body): wakes.loops += push(.run(body), on: loop)
        case .barrier(let told): wakes.told.append(told)
        }
    }
}

extension RecoveryJournal.Entry {
    var byteCount: Int {
        switch self {
        case .event(let event, _, _): event.byteCount
        case .message(let message, _, _): message.webSocketFrames.plain.readableBytes
        case .run, .barrier: 0
        }
    }
}
