public import NIOCore
public import ServiceLifecycle

/// A server: it listens on an address until it is told to stop.
///
/// `run()` makes it a ServiceLifecycle service; several run in one `ServiceGroup`. Cancellation of the task and a graceful
/// shutdown both drain: the server stops accepting, lets what is under way end, and closes what is left at the deadline.
public protocol ListeningService: Service {
    /// Listens and serves until cancelled or shut down; returns when everything is closed.
    ///
    /// - Parameter onListening: called once with the real address (port 0 is replaced by the port that was given).
    /// - Throws: ``NetworkError``, for example `.addressInUse`, when the server cannot listen.
    func run(onListening: @escaping @Sendable (SocketAddress) -> Void) async throws
}

extension ListeningService {
    /// Listens and serves until cancelled or shut down.
    public func run() async throws {
        try await run { _ in }
    }

    /// Serves while `body` runs, then drains.
    ///
    /// ```swift
    /// try await TCPServer(port: 0) { … }.withListening { address in
    ///     try await TCPClient.withConnection(to: address) { … }
    /// }
    /// ```
    public func withListening<Result: Sendable>(
        _ body: @escaping @Sendable (SocketAddress) async throws -> Result
    ) async throws -> Result {
        let (addresses, found) = AsyncStream.makeStream(of: SocketAddress.self)
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                defer { found.finish() }
                try await self.run { found.yield($0) }
                return nil
            }
            group.addTask {
                for await address in addresses { return try await body(address) }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                try await group.waitForAll()
                return result
            }
            throw NetworkError(.invalidState, "the server ended before it listened")
        }
    }
}
