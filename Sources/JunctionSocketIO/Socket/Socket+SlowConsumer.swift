import JunctionTransport
import NIOCore

extension Socket {
    /// Messages that were dropped because the client was behind, in all namespaces of its connection: see
    /// ``SlowConsumerPolicy`` and ``Emitter/keepingLatest(_:)``. 0 when the socket is over.
    public var droppedMessages: Int {
        get async {
            await withUnsafeContinuation { continuation in
                executor.execute { continuation.resume(returning: self.core?.droppedMessages ?? 0) }
            }
        }
    }

    /// Suspends while the client is behind with reading: for who sends much, and would rather wait than have messages dropped
    /// or the client cut off, as ``SlowConsumerPolicy`` says.
    ///
    /// ```swift
    /// for part in parts {
    ///     try await socket.waitUntilWritable()
    ///     socket.emit("part", part)
    /// }
    /// ```
    /// The client is behind while its connection takes no more, or while 65,536 bytes wait for its next poll. What was emitted
    /// before counts. Any number of tasks may wait; all of them go on at once.
    ///
    /// - Throws: ``SocketIOError`` with the code `disconnected`; `CancellationError` when the task is cancelled.
    public func waitUntilWritable() async throws {
        let wait = NIOLoopBoundBox.makeBoxSendingValue(CatchUpWait(), eventLoop: executor.eventLoop)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                executeInOrder {
                    wait.value.begin(continuation)
                    guard let core = self.core else { return wait.value.end(.failure(SocketIOError.disconnected)) }
                    core.take(wait.value)
                }
            }
        } onCancel: {
            executor.execute {
                self.core?.drop(wait.value)
                wait.value.end(.failure(CancellationError()))
            }
        }
    }
}

/// Somebody who waits for a client to catch up. Lives on the socket's loop, where its beginning and its end arrive in either
/// order.
final class CatchUpWait {
    private var continuation: CheckedContinuation<Void, any Error>?
    private var result: Result<Void, any Error>?

    func begin(_ continuation: CheckedContinuation<Void, any Error>) {
        if let result { return continuation.resume(with: result) }
        self.continuation = continuation
    }

    /// Only the first end counts.
    func end(_ result: Result<Void, any Error>) {
        guard self.result == nil else { return }
        self.result = result
        continuation.take()?.resume(with: result)
    }
}
