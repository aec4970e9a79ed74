/// What a server under test observed, line by line, for a test that awaits it.
///
/// A line that never comes is a hang: suites that use a journal carry a time limit.
final class Journal: Sendable {
    private let lines: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() {
        (lines, continuation) = AsyncStream.makeStream()
    }

    /// Adds a line. Called from any thread.
    func write(_ line: String) {
        continuation.yield(line)
    }

    /// The next line, as soon as there is one. One caller at a time.
    func nextLine() async -> String? {
        var iterator = lines.makeAsyncIterator()  // every iterator of the stream takes from the same queue
        return await iterator.next()
    }
}
