package import JunctionCore
package import Logging
import NIOCore
import Synchronization

/// Counts what is lost of one kind, and logs it: at most one line a second, which says how many there were.
package final class LossLog: Sendable {
    private struct State {
        var count = 0
        var pace = LinePace()
    }

    private let logger: Logger
    private let message: Logger.Message
    private let state = Mutex(State())

    package init(_ logger: Logger, _ message: Logger.Message) {
        self.logger = logger
        self.message = message
    }

    /// All that were lost so far.
    package var count: Int { state.withLock { $0.count } }

    /// Counts one. From any thread.
    package func note(_ reason: NetworkError, peer: String?) {
        let now = NIODeadline.now()
        let unlogged = state.withLock { state in
            state.count += 1
            return state.pace.note(at: now)
        }
        guard let unlogged else { return }
        logger.notice(
            message,
            metadata: ["peer": "\(peer ?? "unknown")", "reason": "\(reason)", "since last line": "\(unlogged)"])
    }
}
