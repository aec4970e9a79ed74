/// Lets tasks wait until it is opened.
public struct Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    /// A closed gate.
    public init() { (stream, continuation) = AsyncStream.makeStream() }

    /// Lets everybody through, now and later.
    public func open() { continuation.finish() }

    /// Returns when the gate is open, or the task is cancelled.
    public func wait() async {
        for await _ in stream {}
    }
}

/// Hands values from a handler to the test, in order.
public struct Box<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    /// An empty box.
    public init() { (stream, continuation) = AsyncStream.makeStream() }

    /// Adds a value.
    public func put(_ value: Value) { continuation.yield(value) }

    /// Waits for the next value; `nil` when the task is cancelled.
    @discardableResult
    public func take() async -> Value? {
        for await value in stream { return value }
        return nil
    }
}
