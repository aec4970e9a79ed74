public import NIOCore

/// The heartbeat of a server's session: a ping each interval, a pong to each ping within the timeout (protocol v4).
public struct Heartbeat: Sendable {
    /// What is due.
    public enum Due: Sendable, Equatable {
        /// Nothing before that time.
        case wait(until: NIODeadline)
        /// Send a ping, and look again at that time.
        case ping(then: NIODeadline)
        /// The pong did not come in time.
        case timeout
    }

    private enum Phase {
        case idle(nextPing: NIODeadline)
        case awaitingPong(until: NIODeadline)
    }

    /// Time between a pong and the next ping.
    public let interval: TimeAmount
    /// Time for the pong.
    public let timeout: TimeAmount
    private var phase: Phase
    private var pausedSince: NIODeadline?

    /// A heartbeat that begins at `now`.
    public init(interval: TimeAmount, timeout: TimeAmount, now: NIODeadline) {
        self.interval = interval
        self.timeout = timeout
        self.phase = .idle(nextPing: now + interval)
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
        case .awaitingPong(let deadline):
            // While nothing is read, a pong cannot be seen: its absence says nothing about the peer.
            if pausedSince != nil { return .wait(until: max(deadline, now + timeout)) }
            return deadline <= now ? .timeout : .wait(until: deadline)
        }
    }

    /// The pong did not come in time, whether or not the timer that tells so has run yet.
    public func isOverdue(_ now: NIODeadline) -> Bool {
        guard case .awaitingPong(let deadline) = phase, pausedSince == nil else { return false }
        return deadline <= now
    }

    /// A pong came.
    public mutating func pong(_ now: NIODeadline) {
        phase = .idle(nextPing: now + interval)
    }

    /// Nothing is read from the peer from now on; the clock for the pong stands still.
    public mutating func pause(_ now: NIODeadline) {
        pausedSince = pausedSince ?? now
    }

    /// Reading goes on.
    public mutating func resume(_ now: NIODeadline) {
        guard let since = pausedSince else { return }
        pausedSince = nil
        if case .awaitingPong(let deadline) = phase { phase = .awaitingPong(until: deadline + (now - since)) }
    }
}
