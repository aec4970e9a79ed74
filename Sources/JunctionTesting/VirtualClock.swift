import JunctionTransport
import NIOCore
import NIOEmbedded
import Synchronization

/// A clock that stands still until a test moves it, and drives the timers of in-memory connections.
///
/// ```swift
/// let clock = VirtualClock()
/// let link = try await InMemoryLink.connect(to: server, clock: clock)
/// await clock.advance(by: .seconds(30))   // what is due within 30 seconds happens now
/// ```
///
/// Connections of an ``InMemoryLink`` and the handlers of their server run on one event loop that belongs to the clock. It
/// does one thing after another and nothing by the time of day, so the same test does the same each time. Code that takes an
/// `any Clock<Duration>` can be given this one.
///
/// A task that runs elsewhere, for example the test's own, is not waited for: see ``waitForSleepers(_:)`` and ``executor``.
public final class VirtualClock: Clock {
    /// A point in the time of a ``VirtualClock``.
    public struct Instant: InstantProtocol {
        /// How long after the clock was made.
        public let offset: Duration

        /// The instant that is `offset` after a clock was made.
        public init(offset: Duration) { self.offset = offset }

        /// The instant `duration` later.
        public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

        /// How much later `other` is.
        public func duration(to other: Instant) -> Duration { other.offset - offset }

        /// Earlier instants are smaller.
        public static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    /// The loop whose time this is.
    ///
    /// It is never freed: its executor is known to the process for good. NIO's loop would trap if it were freed with timers left.
    let loop = NIOAsyncTestingEventLoop()
    private let loopExecutor: LoopExecutor
    private let sleepers: NIOLoopBoundBox<Sleepers>
    private let links = Atomic(0)

    /// A clock that shows zero.
    public init() {
        loopExecutor = .of(loop, isVirtual: true)
        sleepers = .makeBoxSendingValue(Sleepers(), eventLoop: loop)
    }

    // MARK: Reading

    /// The time that the clock shows. From any thread.
    public var now: Instant { Instant(offset: .nanoseconds(loop.now.uptimeNanoseconds)) }

    /// One nanosecond, which is what event loops count in.
    public var minimumResolution: Duration { .nanoseconds(1) }

    /// Runs tasks on the clock's loop, in order with the connections.
    ///
    /// Tasks that take part in what the clock drives are deterministic when they run here:
    ///
    /// ```swift
    /// Task(executorPreference: clock.executor) { try await clock.sleep(for: .seconds(1)); … }
    /// ```
    public var executor: any TaskExecutor { loopExecutor }

    /// A port of its own for the client of each link, from the dynamic ones (RFC 6335 section 6).
    func nextPort() -> Int { 49_152 + (links.wrappingAdd(1, ordering: .relaxed).oldValue & 16_383) }

    // MARK: Moving

    /// Moves the clock forward by `duration` and runs everything that becomes due on the way: in the order of its time, at one
    /// time in the order it was asked for, each with the clock showing its time.
    ///
    /// Returns when nothing is left to do on the loop until a later time, the handlers' tasks included. Tasks elsewhere that
    /// were woken may still be under way.
    ///
    /// - Parameter duration: zero or less moves nothing and is the same as ``settle()``.
    public func advance(by duration: Duration) async {
        await run(until: loop.now + TimeAmount(max(duration, .zero)))
    }

    /// Moves the clock forward to `deadline`, as ``advance(by:)`` does. It never goes back.
    public func advance(to deadline: Instant) async {
        await run(until: Self.deadline(deadline))
    }

    /// Returns when everything that is due now has been done.
    public func settle() async {
        await run(until: loop.now)
    }

    private func run(until deadline: NIODeadline) async {
        await withUnsafeContinuation { continuation in
            // Apart from the caller, whose task may itself run on the loop: what is resumed within `advanceTime` stays put until
            // the loop is next given something to do.
            Task.detached { [loop] in
                await loop.advanceTime(to: deadline)
                loop.execute { continuation.resume() }
            }
        }
    }

    // MARK: Sleeping

    /// Suspends until the clock shows `deadline`; returns at once when it has passed.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func sleep(until deadline: Instant, tolerance: Duration? = nil) async throws {
        try Task.checkCancellation()
        try await wait { $0.sleep(until: Self.deadline(deadline), on: self.loop, $1, $2) }
    }

    /// Suspends until at least `count` tasks sleep on the clock.
    ///
    /// For sleepers that do not run on ``executor``: a test that advances the clock before they have come to sleep would leave
    /// them behind.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
    public func waitForSleepers(_ count: Int = 1) async throws {
        try Task.checkCancellation()
        try await wait { $0.wait(forSleepers: count, $1, $2) }
    }

    private func wait(
        _ begin: @escaping @Sendable (Sleepers, Sleepers.Continuation, Sleepers.Ticket) -> Void
    ) async throws {
        let ticket = Sleepers.Ticket()
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                onLoop { begin($0, continuation, ticket) }
                // A cancellation before that has found nothing to cancel.
                if Task.isCancelled { onLoop { $0.cancel(ticket) } }
            }
        } onCancel: {
            onLoop { $0.cancel(ticket) }
        }
    }

    private func onLoop(_ body: @escaping @Sendable (Sleepers) -> Void) {
        loopExecutor.execute { body(self.sleepers.value) }
    }

    /// Not before `instant`: parts of a nanosecond are rounded up.
    private static func deadline(_ instant: Instant) -> NIODeadline {
        guard instant.offset > .zero else { return .uptimeNanoseconds(0) }
        let amount = TimeAmount(instant.offset)
        let whole = NIODeadline.uptimeNanoseconds(0) + amount
        return Duration(amount) < instant.offset ? whole + .nanoseconds(1) : whole
    }
}
