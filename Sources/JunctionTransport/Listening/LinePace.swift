import NIOCore

/// Lets one line a second be logged about what may happen any number of times.
struct LinePace {
    private var unlogged = 0
    private var lastLine: NIODeadline?

    private static let interval = TimeAmount.seconds(1)

    /// Counts one, and returns how many there were since the last line if it is time for another.
    mutating func note(at now: NIODeadline) -> Int? {
        unlogged += 1
        if let lastLine, now - lastLine < Self.interval { return nil }
        lastLine = now
        defer { unlogged = 0 }
        return unlogged
    }
}
