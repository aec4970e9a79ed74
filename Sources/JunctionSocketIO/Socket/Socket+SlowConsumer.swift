import JunctionTransport

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
}
