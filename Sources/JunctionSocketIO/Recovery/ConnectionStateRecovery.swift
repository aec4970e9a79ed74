#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Android)
    import Android
#elseif canImport(Darwin)
    import Darwin
#endif

/// Connection state recovery: a client that was away for a short time gets its socket back, with its identifier, rooms and
/// ``Socket/data-swift.property``, and every event that it missed. ``Socket/recovered`` says that it did.
///
/// ```swift
/// var options = SocketIOOptions()
/// options.connectionStateRecovery = ConnectionStateRecovery()
/// ```
///
/// While it is on, every event carries one more argument, a string: the offset that the client hands in when it is back.
/// Events that want an acknowledgement, and volatile ones, are not kept. A client comes back to its state after
/// `transport close`, `transport error`, `ping timeout`, `forced close`, `forced server close` and `server shutting down`; after
/// `client namespace disconnect`, `server namespace disconnect` and `parse error` the state is gone.
///
/// The limits hold for each namespace by itself. Beyond them the oldest goes, and a client that needs it is told that it is not
/// recovered: it gets a new socket whose ``Socket/recovered`` is false. ``Namespace/recoveryStatistics`` counts that.
public struct ConnectionStateRecovery: Sendable {
    /// How long a client may be away. 2 minutes. Time is the clock on the wall, so that it counts across restarts.
    public var maxDisconnectionDuration: Duration = .seconds(120)
    /// Lets clients that are recovered past the namespace's middleware. True.
    public var skipMiddlewares = true
    /// Where sessions and events are kept. In memory.
    public var store: any RecoveryStore
    /// Sessions kept; beyond it those go whose clients are away for longest. 100,000.
    public var maximumSessions = 100_000
    /// Events kept; beyond it the oldest go. 100,000.
    public var maximumEvents = 100_000
    /// Bytes of the events kept, names of rooms included; beyond it the oldest go. 64 MiB.
    public var maximumEventBytes = 64 << 20
    /// Events that may wait to be written by a store that takes time; what happens beyond it, ``queueOverflow`` says. 65,536.
    public var maximumQueuedEvents = 65_536
    /// Bytes of the events that may wait to be written. 16 MiB.
    public var maximumQueuedBytes = 16 << 20
    /// What happens when a store is so slow that the queue to it is full. ``QueueOverflow/deliverUnsaved``.
    public var queueOverflow = QueueOverflow.deliverUnsaved

    /// What happens when a store does not keep up.
    public enum QueueOverflow: Sendable {
        /// All that waits is delivered at once, in order, without being kept. Clients that are connected miss nothing; those
        /// that are away at that time will not be recovered.
        case deliverUnsaved
        /// The newest event is dropped, for everybody, and counted.
        case dropNewest
    }

    /// The defaults, with a store of your choice.
    public init(store: any RecoveryStore = InMemoryRecoveryStore()) { self.store = store }

    /// What time it is.
    package var clock: @Sendable () -> RecoveryTime = { RecoveryClock.now() }
    /// Between two signs of life of the process, with which old sessions and events go, too.
    package var sweepInterval: Duration = .seconds(5)

    var limits: RecoveryLimits {
        RecoveryLimits(sessions: maximumSessions, events: maximumEvents, eventBytes: maximumEventBytes)
    }
}

/// What a namespace's recovery has done so far.
public struct RecoveryStatistics: Sendable, Equatable {
    /// Clients that got their state back.
    public var recovered = 0
    /// Clients that asked for it and got a new socket instead.
    public var notRecovered = 0
    /// Events that went because of a limit before they were too old.
    public var evictedEvents = 0
    /// Sessions that went because of a limit before they were too old.
    public var evictedSessions = 0
    /// Events that were delivered without being kept, because the store failed or did not keep up.
    public var unsavedEvents = 0
    /// Events that were dropped, because the store did not keep up.
    public var droppedEvents = 0
}

/// The clock on the wall.
enum RecoveryClock {
    static func now() -> RecoveryTime {
        var time = timespec()
        guard clock_gettime(CLOCK_REALTIME, &time) == 0 else { return 0 }
        return RecoveryTime(time.tv_sec) * 1_000 + RecoveryTime(time.tv_nsec) / 1_000_000
    }
}

extension Duration {
    var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000).overflow
            ? .max / 4 : min(seconds * 1_000 + attoseconds / 1_000_000_000_000_000, .max / 4)
    }
}
