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
    /// Whoever takes a connection closes it. Connections that nobody takes are accepted up to 512, then they wait in the
    /// kernel's backlog. For a server that was made without handlers.
    public func withConnections<Result: Sendable>(
        _ body: @escaping @Sendable (_ address: SocketAddress, _ connections: Connections) async throws -> Result
    ) async throws -> Result {
        guard case .sequence = handling else {
            throw NetworkError(.invalidState, "this server has a handler, which takes its connections")
        }
        return try await withListening { address in try await body(address, Connections(queue: self.waiting)) }
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
        var isFinished = false
    }

    /// Connections that are kept for the reader; while there are as many, no more are accepted.
    static let limit = 512

    let gate = AcceptGate()
    private let state = Mutex(State())

    func add(_ connection: TCPConnection) {
        let (reader, count) = state.withLock { state -> (CheckedContinuation<TCPConnection?, Never>?, Int) in
            if let reader = state.reader.take() { return (reader, 0) }
            state.connections.append(connection)
            return (nil, state.connections.count)
        }
        reader?.resume(returning: connection)
        if count >= Self.limit { gate.hold(true) }
    }

    func next() async -> TCPConnection? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (isDone, connection, count) = state.withLock { state -> (Bool, TCPConnection?, Int) in
                    if let connection = state.connections.popFirst() {
                        return (true, connection, state.connections.count)
                    }
                    if state.isFinished || Task.isCancelled || state.reader != nil { return (true, nil, 0) }
                    state.reader = continuation
                    return (false, nil, 0)
                }
                if count < Self.limit / 2 { gate.hold(false) }
                if isDone { continuation.resume(returning: connection) }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(returning: nil)
        }
    }

    /// Ends the sequence behind what is queued; the connections themselves are drained as all are.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            return state.reader.take()
        }?.resume(returning: nil)
    }
}
