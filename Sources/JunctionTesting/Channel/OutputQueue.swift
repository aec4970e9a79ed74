import DequeModule
import NIOCore

/// What was written to a channel and is not sent yet.
struct OutputQueue {
    private var writes = Deque<(bytes: ByteBuffer, promise: EventLoopPromise<Void>?)>()
    /// Writes from the front that have been flushed.
    private var flushed = 0
    private(set) var bufferedBytes = 0

    var isEmpty: Bool { writes.isEmpty }
    var isFlushPending: Bool { flushed > 0 }

    mutating func append(_ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        writes.append((bytes, promise))
        bufferedBytes += bytes.readableBytes
    }

    mutating func markFlush() { flushed = writes.count }

    /// Hands the first write to `stream`. When it was taken completely, returns what to do next, which completes its promise.
    mutating func sendFirst(to stream: ByteStream) -> (() -> Void)? {
        guard flushed > 0, var write = writes.popFirst() else { return nil }
        let length = write.bytes.readableBytes
        stream.send(&write.bytes)
        bufferedBytes -= length - write.bytes.readableBytes
        guard write.bytes.readableBytes == 0 else {
            writes.prepend(write)
            return nil
        }
        flushed -= 1
        return { write.promise?.succeed(()) }
    }

    /// Fails everything that is left.
    mutating func failAll(_ error: any Error) {
        let failed = writes
        self = OutputQueue()
        for write in failed { write.promise?.fail(error) }
    }
}
