import JunctionTesting
import NIOCore
import NIOEmbedded
import TestSupport
import Testing

@testable import JunctionTesting

@Suite("Virtual clock", .timeLimit(.minutes(5)))
struct VirtualClockTests {
    private let clock = VirtualClock()
    private let journal = Journal()

    /// A task on the clock's loop that sleeps once and notes it.
    private func sleeper(_ name: String, _ duration: Duration) -> Task<Void, any Error> {
        Task(executorPreference: clock.executor) { [clock, journal] in
            try await clock.sleep(for: duration)
            journal.note("\(name) at \(clock.milliseconds)")
        }
    }

    @Test("shows the time that it was moved to, and never goes back")
    func time() async {
        #expect(clock.now.offset == .zero)
        await clock.advance(by: .milliseconds(1500))
        #expect(clock.now.offset == .milliseconds(1500))
        await clock.advance(by: .seconds(-1))
        await clock.advance(to: VirtualClock.Instant(offset: .seconds(1)))
        #expect(clock.now.offset == .milliseconds(1500))
        await clock.advance(to: VirtualClock.Instant(offset: .seconds(2)))
        #expect(clock.now.offset == .seconds(2))
        #expect(clock.now.duration(to: clock.now.advanced(by: .seconds(1))) == .seconds(1))
    }

    @Test("wakes sleepers in the order of their time, those of one time in the order of their calls")
    func order() async {
        for (name, seconds) in [("c", 3), ("a", 1), ("b", 2), ("d", 3)] { _ = sleeper(name, .seconds(seconds)) }
        await clock.advance(by: .seconds(10))
        #expect(journal.entries == ["a at 1000", "b at 2000", "c at 3000", "d at 3000"])
        #expect(clock.now.offset == .seconds(10))
    }

    @Test("wakes a sleeper at its time, and not a nanosecond before")
    func boundary() async {
        _ = sleeper("a", .seconds(1))
        await clock.advance(by: .seconds(1) - .nanoseconds(1))
        #expect(journal.entries == [])
        await clock.advance(by: .nanoseconds(1))
        #expect(journal.entries == ["a at 1000"])
    }

    @Test("a task that sleeps again and again is woken each time on the way")
    func repeated() async {
        Task(executorPreference: clock.executor) { [clock, journal] in
            while true {
                try await clock.sleep(for: .seconds(1))
                journal.note("tick at \(clock.milliseconds)")
            }
        }
        _ = sleeper("between", .milliseconds(2500))
        await clock.advance(by: .milliseconds(3999))
        #expect(journal.entries == ["tick at 1000", "tick at 2000", "between at 2500", "tick at 3000"])
    }

    @Test("timers of the loop and sleepers run in one order")
    func timers() async {
        clock.loop.execute { [clock, journal] in
            for milliseconds in [500, 1500] {
                clock.loop.scheduleTask(in: .milliseconds(Int64(milliseconds))) {
                    journal.note("timer at \(clock.milliseconds)")
                }
            }
        }
        _ = sleeper("sleeper", .seconds(1))
        await clock.advance(by: .seconds(2))
        #expect(journal.entries == ["timer at 500", "sleeper at 1000", "timer at 1500"])
    }

    @Test("a cancelled sleeper ends with a cancellation and leaves the others asleep")
    func cancellation() async throws {
        let (cancelled, other) = (sleeper("cancelled", .seconds(1)), sleeper("other", .seconds(1)))
        try await clock.waitForSleepers(2)
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        #expect(journal.entries == [])
        await clock.advance(by: .seconds(1))
        try await other.value
        #expect(journal.entries == ["other at 1000"])
    }

    @Test("a task that is cancelled already does not sleep, nor wait for sleepers")
    func cancelledBefore() async {
        await withTaskGroup(of: Void.self) { [clock] group in
            group.cancelAll()
            group.addTask { await #expect(throws: CancellationError.self) { try await clock.sleep(for: .seconds(1)) } }
            group.addTask { await #expect(throws: CancellationError.self) { try await clock.waitForSleepers() } }
        }
    }

    @Test("waiting for sleepers ends with its task")
    func cancelledWaiting() async {
        let waiting = Task { [clock] in try await clock.waitForSleepers() }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
    }

    @Test("a time that has passed is not slept for")
    func past() async throws {
        await clock.advance(by: .seconds(5))
        try await clock.sleep(until: VirtualClock.Instant(offset: .seconds(5)))
        try await clock.sleep(for: .seconds(-1))
    }

    @Test("a sleeper on another executor is woken when it was waited for")
    func elsewhere() async throws {
        let task = Task { [clock] in
            try await clock.sleep(for: .seconds(30))
            return clock.now.offset
        }
        try await clock.waitForSleepers()
        await clock.advance(by: .seconds(31))
        #expect(try await task.value == .seconds(31), "it runs when it gets to it")
    }

    @Test("a task on the clock's own loop may move the clock")
    func ownLoop() async {
        _ = sleeper("a", .seconds(1))
        await Task(executorPreference: clock.executor) { [clock, journal] in
            await clock.advance(by: .seconds(2))
            journal.note("moved to \(clock.milliseconds)")
            await clock.settle()
        }.value
        #expect(journal.entries == ["a at 1000", "moved to 2000"])
    }

    @Test("takes durations that no loop can count")
    func extremes() async throws {
        let task = sleeper("never", .seconds(Int64.max))
        try await clock.waitForSleepers()
        _ = sleeper("rounded up", Duration(secondsComponent: 0, attosecondsComponent: 1))
        await clock.settle()
        #expect(journal.entries == [])
        await clock.advance(by: .seconds(86_400))
        #expect(journal.entries == ["rounded up at 0"])
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("takes part where any clock is taken")
    func anyClock() async throws {
        let any: any Clock<Duration> = clock
        let task = Task(executorPreference: clock.executor) { try await any.sleep(for: .seconds(1)) }
        await clock.advance(by: .seconds(1))
        try await task.value
    }
}
