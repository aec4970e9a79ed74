import JunctionCore
import JunctionTransport
import NIOCore
import Synchronization

/// Reads an inbox from any task.
final class InboxReader: Sendable {
    private let executor: LoopExecutor
    private let inbox: NIOLoopBound<DatagramInbox>
    private let tickets = Atomic<DatagramInbox.Ticket>(0)

    /// Only on the executor's loop.
    init(_ inbox: DatagramInbox, on executor: LoopExecutor) {
        self.executor = executor
        self.inbox = NIOLoopBound(inbox, eventLoop: executor.eventLoop)
    }

    /// The next datagram; `nil` at the end.
    func next() async throws -> Datagram? {
        if executor.eventLoop.inEventLoop, let datagram = try inbox.value.take() { return datagram }
        let ticket = tickets.wrappingAdd(1, ordering: .relaxed).newValue
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                executor.execute { self.inbox.value.park(continuation, ticket) }
                // A cancellation before the parking has found nothing to cancel.
                if Task.isCancelled { cancel(ticket) }
            }
        } onCancel: {
            cancel(ticket)
        }
    }

    private func cancel(_ ticket: DatagramInbox.Ticket) {
        executor.eventLoop.execute { self.executor.turn { self.inbox.value.cancelReader(ticket) } }
    }
}

extension UDPSocket {
    /// The sequence of received datagrams.
    public struct Inbound: AsyncSequence, Sendable {
        /// A received datagram.
        public typealias Element = Datagram

        let reader: InboxReader

        /// Begins to take what arrives.
        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(reader: reader) }

        /// Takes one datagram after another.
        public struct AsyncIterator: AsyncIteratorProtocol {
            let reader: InboxReader

            /// The next datagram; suspends until there is one, and is `nil` at the end.
            public mutating func next() async throws -> Datagram? { try await reader.next() }
        }
    }
}
