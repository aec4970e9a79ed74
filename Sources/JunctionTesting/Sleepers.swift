import NIOCore

/// The tasks that sleep on a clock, and those that wait for them to. Only on the clock's loop.
final class Sleepers {
    typealias Continuation = UnsafeContinuation<Void, any Error>

    /// Tells the calls that wait from one another.
    final class Ticket: Sendable, Hashable {
        static func == (left: Ticket, right: Ticket) -> Bool { left === right }
        func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
    }

    private var sleeping: [Ticket: (continuation: Continuation, alarm: Scheduled<Void>)] = [:]
    private var waiting: [Ticket: (continuation: Continuation, count: Int)] = [:]

    func sleep(until deadline: NIODeadline, on loop: any EventLoop, _ continuation: Continuation, _ ticket: Ticket) {
        guard deadline > loop.now else { return continuation.resume() }
        let alarm = loop.assumeIsolated().scheduleTask(deadline: deadline) {
            if let sleeper = self.sleeping.removeValue(forKey: ticket) { sleeper.continuation.resume() }
        }
        sleeping[ticket] = (continuation, alarm)
        for (ticket, waiter) in waiting where waiter.count <= sleeping.count {
            waiting[ticket] = nil
            waiter.continuation.resume()
        }
    }

    func wait(forSleepers count: Int, _ continuation: Continuation, _ ticket: Ticket) {
        if count <= sleeping.count { return continuation.resume() }
        waiting[ticket] = (continuation, count)
    }

    func cancel(_ ticket: Ticket) {
        if let sleeper = sleeping.removeValue(forKey: ticket) {
            sleeper.alarm.cancel()
            sleeper.continuation.resume(throwing: CancellationError())
        }
        waiting.removeValue(forKey: ticket)?.continuation.resume(throwing: CancellationError())
    }
}
