import JunctionTransport
import Logging
import NIOCore
import SocketIOProtocol
import Synchronization

/// A client's way back to its state.
extension RecoveryJournal {
    /// A state that a client is getting back. ``finish(_:_:)`` or ``giveUp(_:)`` ends it.
    struct Restoration: Sendable {
        let session: RecoverySession
        /// The number of the last event that the client has seen.
        let after: UInt64
        let missed: [RecoverableEvent]
        let lastSequence: UInt64
    }

    /// What the client says when it connects to a namespace: the private identifier that it was given, and the offset of the
    /// last event that it has seen.
    struct Claim: Sendable {
        let pid: String
        /// Nil when it has seen none.
        let offset: String?

        /// Nil when the client does not ask for a state. An offset which is no string asks for nothing.
        init?(_ auth: SocketIOValue) {
            guard let pid = auth["pid"]?.stringValue else { return nil }
            self.pid = pid
            switch auth["offset"] {
            case nil, .null?: self.offset = nil
            case .string(let offset)?: self.offset = offset
            default: return nil
            }
        }
    }

    /// Looks for the state that a client asks for. When the server still holds the client's old connection, because its end was
    /// not noticed yet, that one ends first.
    func restore(_ claim: Claim) async -> Restoration? {
        let restoration = await find(claim)
        if restoration == nil { state.withLock { $0.statistics.notRecovered += 1 } }
        return restoration
    }

    private func find(_ claim: Claim) async -> Restoration? {
        // Two at once: one of them gets it.
        let (isFree, live) = state.withLock { ($0.restoring.insert(claim.pid).inserted, $0.live[claim.pid]) }
        guard isFree else { return nil }
        if let live { await takeOver(live) }
        await committed()
        state.withLock { $0.tail.pin() }
        var found: Restoration?
        if let request = request(claim) {
            do {
                found = try await ask(request)
            } catch {
                logger.error(
                    "session not restored", metadata: ["namespace": "\(namespace)", "error": "\(error)"])
            }
        }
        if found == nil { release(claim.pid) }
        return found
    }

    private func request(_ claim: Claim) -> RecoveryRequest? {
        var sequence: UInt64?
        if let text = claim.offset {
            sequence = state.withLock { $0.offset?.sequence(text) }
            if sequence == nil { return nil }
        }
        return RecoveryRequest(pid: claim.pid, offset: sequence, maxDisconnection: maxDisconnection)
    }

    private func ask(_ request: RecoveryRequest) async throws -> Restoration? {
        let answer: RecoveredSession?
        if let memory {
            answer = memory.state.withLock { $0.restore(request, now: options.clock()) }
        } else {
            answer = try await options.store.restore(request, in: namespace, now: options.clock())
        }
        guard let answer else { return nil }
        // Perhaps not recorded yet.
        let gone = state.withLock { $0.gone }
        guard let after = answer.session.resumption(after: request.offset, gone: gone) else { return nil }
        return Restoration(
            session: answer.session, after: after, missed: answer.missed, lastSequence: answer.lastSequence)
    }

    /// Ends a socket whose client has come back by another connection.
    private func takeOver(_ socket: Socket) async {
        await withCheckedContinuation { continuation in
            socket.executor.execute {
                socket.core?.superseded()
                continuation.resume()
            }
        }
    }

    // MARK: The end of it

    /// The client is connected, and events come to the socket from now on. Called on the socket's loop, in whose turn the socket
    /// is added to the rooms.
    ///
    /// - Returns: what the client missed, in order; nil when some of it is gone meanwhile.
    func finish(_ restoration: Restoration, _ core: SocketCore) -> [EncodedMessage]? {
        _ = inbox(of: core.socket.executor)
        let socket = core.socket
        let (rest, offset, position) = state.withLock { state -> ([RecoverableEvent]?, RecoveryOffset?, UInt64) in
            let rest: [RecoverableEvent]?
            if let memory {
                rest = memory.state.withLock { $0.eventsIfKept(after: restoration.lastSequence) }
            } else {
                rest = state.tail.events(after: restoration.lastSequence)
            }
            state.tail.unpin()
            state.restoring.remove(restoration.session.pid)
            if rest != nil {
                state.live[restoration.session.pid] = socket
                state.statistics.recovered += 1
            } else {
                state.statistics.notRecovered += 1
            }
            // What the store had committed was missed, although it may not be delivered to the others yet.
            return (rest, state.offset, max(state.delivered, restoration.lastSequence))
        }
        guard let rest, let offset else { return nil }
        let missed = restoration.missed + rest.filter(restoration.session.isMeant)
        core.recovery?.connected(at: position, missed: missed.last?.sequence ?? 0)
        return missed.map { event in
            EncodedMessage(kept: offset.append(event.sequence, to: event.packet), event.attachments, parser)
        }
    }

    /// The client is not connected after all.
    func giveUp(_ restoration: Restoration) { release(restoration.session.pid) }

    private func release(_ pid: String) {
        state.withLock { state in
            state.tail.unpin()
            state.restoring.remove(pid)
        }
    }

    /// A new socket is connected. Called on its loop.
    func begin(_ core: SocketCore) {
        guard let recovery = core.recovery else { return }
        _ = inbox(of: core.socket.executor)
        let socket = core.socket
        let position = state.withLock { state in
            state.live[recovery.pid] = socket
            return state.delivered
        }
        recovery.connected(at: position, missed: nil)
    }

    /// A socket is over.
    func forget(_ socket: Socket, _ pid: String) {
        state.withLock { state in
            if state.live[pid] === socket { state.live[pid] = nil }
        }
    }
}
