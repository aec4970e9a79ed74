import JunctionTransport
import NIOCore
import NIOPosix
import Synchronization

/// Calls something again and again until it is gone. Keeps nothing alive.
final class RecoverySweeper: Sendable {
    private let interval: TimeAmount
    private let task = Mutex<RepeatedTask?>(nil)

    init(interval: Duration) { self.interval = TimeAmount(interval) }

    func start(_ sweep: @escaping @Sendable () -> Void) {
        task.withLock { task in
            task = EventLoops.group.next().scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in sweep()
            }
        }
    }

    deinit { task.withLock { $0 }?.cancel() }
}

extension RecoveryJournal {
    /// Has what is too old removed, and kept how much connected clients were sent, a bounded number of steps at a time.
    func sweep() {
        if let memory {
            let step = memory.state.withLock { $0.prune(maxDisconnection: maxDisconnection, now: options.clock()) }
            return count(step)
        }
        let byLoop = Dictionary(grouping: state.withLock { Array($0.live.values) }) { ObjectIdentifier($0.executor) }
        for sockets in byLoop.values {
            sockets.first?.executor.execute {
                let changed = sockets.compactMap { $0.core?.recovery?.sessionIfSentMore(self) }
                if !changed.isEmpty { self.keepInTime(changed) }
            }
        }
        beat()
    }
}
