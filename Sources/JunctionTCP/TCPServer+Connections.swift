import DequeModule
import JunctionCore
import JunctionTransport
public import NIOCore
import Synchronization

extension TCPServer {
    /// Serves while `body` takes connections from a sequence, then drains.
    ///
    /// ```swift
    /// try await TCPServer(port: 3000).withConnections { address, connections in
    ///     try await withThrowingDiscardingTaskGroup { group in
    ///         for await connection in connections {
    ///             group.addTask { try await serve(connection); connection.close() }
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// Whoever takes a connection closes it. Connections that nobody takes are accepted up to
    /// ``Configuration/maximumWaitingConnections``; then they wait in the kernel's backlog. For a server that was made without
    /// handlers.
    ///
    /// - Throws: ``NetworkError`` `.invalidState` for a server that has a handler; what ``run(onListening:)`` throws, and what
    ///   `body` throws.
    public func withConnections<Result: Sendable>(
        _ body: @escaping @Sendable (_ address: SocketAddress, _ connections: Connections) async throws -> Result
    ) async throws -> Result {
        guard case .sequence = handling else {
            throw NetworkError(.invalidState, "this server has a handler, which takes its connections")
        }
        waiting.open()
        defer { waiting.abandon() }
        return try await withListening { address in
            defer { self.waiting.abandon() }
            return try await body(address, Connections(queue: self.waiting))
        }
    }

    /// The connections of a server in the order of their arrival. It ends when the server drains. One reader at a time.
    public struct Connections: AsyncSequence, Sendable {
        /// An open connection.
        public typealias Element = TCPConnection
        /// Nothing fails but single connections.
        public typealias Failure = Never

        let queue: ConnectionQueue

        /// Begins to take connections.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(queue: queue) }

        /// Takes one connection after another.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let queue: ConnectionQueue

            /// The next connection; suspends until there is one, and is `nil` when the server drains or the task is
            /// cancelled.
            public mutating func next() async -> TCPConnection? { await queue.next() }
        }
    }
}

/// Connections on their way from many event loops to one reader.
final class ConnectionQueue: Sendable {
    private struct State {
        var connections = Deque<TCPConnection>()
        var reader: CheckedContinuation<TCPConnection?, Never>?
        /// Somebody takes connections.
        var isOpen = false
    }

    let gate = AcceptGate()
    /// Connections that are kept for the reader; while there are as many, no more are accepted.
    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(1, limit) }

    /// Connections that wait.
    var count: Int { state.withLock { $0.connections.count } }

    /// Begins to keep connections.
    func open() { state.withLock { $0.isOpen = true } }

    /// Hands a connection to the reader; closes it when nobody takes any more.
    func add(_ connection: TCPConnection) {
        let (isTaken, reader) = state.withLock { state -> (Bool, CheckedContinuation<TCPConnection?, Never>?) in
            guard state.isOpen else { return (false, nil) }
            if let reader = state.reader.take() { return (true, reader) }
            state.connections.append(connection)
            // Under the lock, so that this does not overtake the reader's word that it has caught up.
            if state.connections.count >= limit { gate.hold(true) }
            return (true, nil)
        }
        reader?.resume(returning: connection)
        if !isTaken { connection.close() }
    }

    func next() async -> TCPConnection? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isDone, connection) = state.withLock { state -> (Bool, TCPConnection?) in
                    let connection = state.connections.popFirst()
                    if state.connections.count <= limit / 2 { gate.hold(false) }
                    if connection != nil { return (true, connection) }
                    if !state.isOpen || Task.isCancelled || state.reader != nil { return (true, nil) }
                    state.reader = continuation
                    return (false, nil)
                }
                if isDone { continuation.resume(returning: connection) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(returning: nil)
        }
    }

    /// Ends the sequence behind what waits; the connections themselves are drained as all are.
    func finish() {
        state.withLock { state in
            state.isOpen = false
            return state.reader.take()
        }?.resume(returning: nil)
    }

    /// Ends the sequence, and closes what waits: nobody is left to take it.
    func abandon() {
        finish()
        let connections = state.withLock { state in
            defer { state.connections = [] }
            return state.connections
        }
        for connection in connections { connection.close() }
    }
}
