package import JunctionCore
package import Logging
import NIOCore
import Synchronization

/// Counts connections that were refused, and logs them: at most one line a second, which says how many there were.
package final class DropLog: Sendable {
    private struct State {
        var count = 0
        var unlogged = 0
        var lastLine: NIODeadline?
    }

    private let logger: Logger
    private let state = Mutex(State())

    private static let interval = TimeAmount.seconds(1)

    package init(_ logger: Logger) { self.logger = logger }

    /// All that were refused so far.
    package var count: Int { state.withLock { $0.count } }

    /// Counts one. From any thread.
    package func note(_ reason: NetworkError, peer: String?) {
        let now = NIODeadline.now()
        let unlogged = state.withLock { state -> Int? in
            state.count += 1
            state.unlogged += 1
            if let lastLine = state.lastLine, now - lastLine < Self.interval { return nil }
            state.lastLine = now
            defer { state.unlogged = 0 }
            return state.unlogged
        }
        guard let unlogged else { return }
        logger.notice(
            "connection refused",
            metadata: ["peer": "\(peer ?? "unknown")", "reason": "\(reason)", "since last line": "\(unlogged)"])
    }
}
