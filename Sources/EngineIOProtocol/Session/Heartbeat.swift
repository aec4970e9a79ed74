public import NIOCore

/// The heartbeat of a server's session.
///
/// In revision 4 the server sends a ping each interval, and the client a pong to each within the timeout. In revision 3 the
/// client sends the pings, with no more than interval and timeout together between two of them.
public struct Heartbeat: Sendable {
    /// What is due.
    public enum Due: Sendable, Equatable {
        /// Nothing before that time.
        case wait(until: NIODeadline)
        /// Send a ping, and look again at that time.
        case ping(then: NIODeadline)
        /// The pong, or the client's ping, did not come in time.
        case timeout
    }

    private enum Phase {
        case idle(nextPing: NIODeadline)
        case awaitingPong(until: NIODeadline)
        /// Revision 3.
        case awaitingPing(until: NIODeadline)
    }

    /// Time between a pong and the next ping.
    public let interval: TimeAmount
    /// Time for the pong, or beyond the interval for the client's ping.
    public let timeout: TimeAmount
    private var phase: Phase
    private var pausedSince: NIODeadline?

    /// A heartbeat that begins at `now`.
    public init(interval: TimeAmount, timeout: TimeAmount, now: NIODeadline, revision: EngineRevision = .four) {
        self.interval = interval
        self.timeout = timeout
        self.phase =
            revision == .four ? .idle(nextPing: now + interval) : .awaitingPing(until: now + interval + timeout)
    }

    /// Says what is due at `now` and takes it as done.
    public mutating func check(_ now: NIODeadline) -> Due {
        switch phase {
        case .idle(let nextPing):
            guard nextPing <= now else { return .wait(until: nextPing) }
            // Counted from when it was due, so that a late timer does not give the client more time.
            phase = .awaitingPong(until: nextPing + timeout)
            if pausedSince != nil { pausedSince = now }  // only the time for the pong stands still
            return .ping(then: nextPing + timeout)
        case .awaitingPong(let deadline), .awaitingPing(let deadline):
            // While nothing is read, no sign of life can be seen: its absence says nothing about the peer.
            if pausedSince != nil { return .wait(until: max(deadline, now + timeout)) }
            return deadline <= now ? .timeout : .wait(until: deadline)
        }
    }

    /// The sign of life did not come in time, whether or not the timer that tells so has run yet.
    public func isOverdue(_ now: NIODeadline) -> Bool {
        guard pausedSince == nil else { return false }
        switch phase {
        case .idle: return false
        case .awaitingPong(let deadline), .awaitingPing(let deadline): return deadline <= now
        }
    }

    /// A pong came.
    public mutating func pong(_ now: NIODeadline) {
        phase = .idle(nextPing: now + interval)
    }

    /// The client's ping came (revision 3).
    public mutating func ping(_ now: NIODeadline) {
        phase = .awaitingPing(until: now + interval + timeout)
    }

    /// Nothing is read from the peer from now on; the clock for its sign of life stands still.
    public mutating func pause(_ now: NIODeadline) {
        pausedSince = pausedSince ?? now
    }

    /// Reading goes on.
    public mutating func resume(_ now: NIODeadline) {
        guard let since = pausedSince else { return }
        pausedSince = nil
        switch phase {
        case .idle: break
        case .awaitingPong(let deadline): phase = .awaitingPong(until: deadline + (now - since))
        case .awaitingPing(let deadline): phase = .awaitingPing(until: deadline + (now - since))
        }
    }
}
