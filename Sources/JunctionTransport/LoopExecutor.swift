import DequeModule
package import NIOCore
import Synchronization

/// Runs Swift tasks on an event loop, so that a connection's handler lives on the thread that owns the connection.
///
/// Work on a loop happens in *turns*. A turn runs a body (what one read brought), then the tasks it woke, then flushes each
/// connection that was written to, so that all answers to one read leave in one system call. Waking a task inside a turn is
/// an append to an array: no lock, no allocation, no trip through the loop's own queue.
package final class LoopExecutor: TaskExecutor, Sendable {
    /// The loop that the tasks run on.
    package let eventLoop: any EventLoop

    // Proof of safety: touched on the loop alone, by the methods that say so and by tasks that run there.
    private nonisolated(unsafe) let turns = Turns()

    /// What only the loop's thread touches.
    private final class Turns {
        // On one thread, and no access runs anything that comes back here.
        @exclusivity(unchecked) var jobs = Deque<UnownedJob>()
        @exclusivity(unchecked) var dirty: [any TurnFlushing] = []
        @exclusivity(unchecked) var inTurn = false
        @exclusivity(unchecked) var isScheduled = false
        @exclusivity(unchecked) var outputBuffers = OutputBuffers()
    }

    /// Tasks run in one turn before other work of the loop gets its chance again.
    private static let jobsPerTurn = 4096

    /// Whether the loop waits for sockets; a virtual one does not.
    private let hasSockets: Bool

    private init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.hasSockets = EventLoops.all.contains { $0 === eventLoop }
    }

    private static let known = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    /// The executor of `eventLoop`; one for each loop, made at its first use.
    package static func of(_ eventLoop: any EventLoop) -> LoopExecutor {
        known.withLock { known in
            if let executor = known[ObjectIdentifier(eventLoop)] { return executor }
            let executor = LoopExecutor(eventLoop)
            known[ObjectIdentifier(eventLoop)] = executor
            return executor
        }
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if eventLoop.inEventLoop {
            turns.jobs.append(job)
            schedule()
        } else {
            eventLoop.execute { self.turn { job.runSynchronously(on: self.asUnownedTaskExecutor()) } }
        }
    }

    /// Runs `body`, then the tasks it woke, then the flushes they asked for. Only on the loop; nested turns join the outer one.
    package func turn(_ body: () -> Void) {
        eventLoop.assertInEventLoop()
        if turns.inTurn { return body() }
        turns.inTurn = true
        body()
        var budget = Self.jobsPerTurn
        repeat {
            while budget > 0, let job = turns.jobs.popFirst() {
                job.runSynchronously(on: asUnownedTaskExecutor())
                budget -= 1
            }
            flushDirty()  // may wake tasks: a peer became writable, a connection ended
        } while budget > 0 && !(turns.jobs.isEmpty && turns.dirty.isEmpty)
        turns.inTurn = false
        if !turns.jobs.isEmpty || !turns.dirty.isEmpty { schedule() }
    }

    /// Has `connection` flushed at the end of this turn. Only on the loop; call once until it was flushed.
    package func flushAtTurnEnd(_ connection: any TurnFlushing) {
        turns.dirty.append(connection)
        schedule()
    }

    /// Runs `body` in a turn of the loop: at once when called on it, else as soon as it gets there.
    package func execute(_ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop {
            turn(body)
        } else {
            eventLoop.execute { self.turn(body) }
        }
    }

    /// Runs `body` in a turn of its own, when the loop has looked at its sockets. Only on the loop.
    package func afterSockets(_ body: @escaping () -> Void) {
        let loop = eventLoop.assumeIsolated()
        if hasSockets {
            // NIO runs what is due until nothing is, and only then looks at its sockets: what is due in a moment lets them in.
            loop.scheduleTask(in: .microseconds(20)) { self.turn(body) }
        } else {
            loop.execute { self.turn(body) }
        }
    }

    /// A buffer to gather output in until the end of the turn. Only on the loop.
    package func takeOutputBuffer() -> ByteBuffer { turns.outputBuffers.take() }

    /// Gives a buffer back that was handed to the channel. Only on the loop.
    package func giveBackOutputBuffer(_ buffer: ByteBuffer) { turns.outputBuffers.giveBack(buffer) }

    private func flushDirty() {
        guard !turns.dirty.isEmpty else { return }
        var dirty: [any TurnFlushing] = []
        swap(&dirty, &turns.dirty)
        for connection in dirty { connection.flushNow() }
        if turns.dirty.isEmpty {
            dirty.removeAll(keepingCapacity: true)
            swap(&dirty, &turns.dirty)  // keeps the storage
        }
    }

    /// Makes sure that a turn comes when none is under way.
    private func schedule() {
        guard !turns.inTurn, !turns.isScheduled else { return }
        turns.isScheduled = true
        eventLoop.execute {
            self.turns.isScheduled = false
            self.turn {}
        }
    }
}

/// A connection that gathers writes and flushes them once a turn.
package protocol TurnFlushing: AnyObject {
    /// Hands what was written to the kernel.
    func flushNow()
}
