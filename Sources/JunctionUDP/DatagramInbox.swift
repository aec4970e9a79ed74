import DequeModule
import JunctionCore
import NIOCore

/// The datagrams that wait for one reader. Lives on an event loop.
///
/// UDP cannot slow its senders down: when the reader is behind and the queue is full, the overflow policy says which datagram
/// is lost.
final class DatagramInbox {
    typealias Reader = UnsafeContinuation<Datagram?, any Error>
    /// Tells the readers from one another: a cancellation may arrive when its reader is gone and the next one waits.
    typealias Ticket = UInt64

    private let limit: Int
    private let policy: UDPSocket.OverflowPolicy
    private var queue = Deque<Datagram>()
    private var reader: (ticket: Ticket, continuation: Reader)?
    private var failure: NetworkError?
    private(set) var hasEnded = false

    init(limit: Int, policy: UDPSocket.OverflowPolicy) {
        self.limit = max(1, limit)
        self.policy = policy
    }

    /// Hands a datagram to the reader, or queues it; `false` when one was dropped for it, or it was itself.
    ///
    /// The datagram gets bytes of its own: those it came with are a part of the buffer of a whole read.
    func append(_ datagram: Datagram) -> Bool {
        if let waiting = reader {
            reader = nil
            waiting.continuation.resume(returning: datagram.withOwnBytes())
            return true
        }
        guard queue.count >= limit else {
            queue.append(datagram.withOwnBytes())
            return true
        }
        if policy == .dropOldest {
            queue.removeFirst()
            queue.append(datagram.withOwnBytes())
        }
        return false
    }

    /// The next datagram if one is there or the input has ended; `nil` means: wait for it.
    func take() throws -> Datagram?? {
        if let datagram = queue.popFirst() { return .some(datagram) }
        if let error = failure {
            failure = nil
            throw error
        }
        return hasEnded ? .some(nil) : nil
    }

    /// Hands the next datagram to `continuation` as soon as there is one.
    func park(_ continuation: Reader, _ ticket: Ticket) {
        do {
            if let datagram = try take() { return continuation.resume(returning: datagram) }
        } catch {
            return continuation.resume(throwing: error)
        }
        guard reader == nil else {
            return continuation.resume(throwing: NetworkError(.invalidState, "a socket has one reader at a time"))
        }
        reader = (ticket, continuation)
    }

    /// The task that waits for a datagram was cancelled.
    func cancelReader(_ ticket: Ticket) {
        guard let waiting = reader, waiting.ticket == ticket else { return }
        reader = nil
        waiting.continuation.resume(throwing: CancellationError())
    }

    /// Throws the error behind what is queued, and goes on.
    func fail(_ error: NetworkError) {
        guard let waiting = reader else { return failure = error }
        reader = nil
        waiting.continuation.resume(throwing: error)
    }

    /// Ends the sequence behind what is queued.
    func end() {
        hasEnded = true
        guard let waiting = reader else { return }
        reader = nil
        waiting.continuation.resume(returning: nil)
    }
}

extension Datagram {
    /// The same with a buffer that nothing else uses.
    fileprivate func withOwnBytes() -> Datagram {
        var copy = self
        copy.payload = ByteBufferAllocator().buffer(capacity: payload.readableBytes)
        copy.payload.writeImmutableBuffer(payload)
        return copy
    }
}
