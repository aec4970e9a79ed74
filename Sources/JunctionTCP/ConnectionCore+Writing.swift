import JunctionCore
import JunctionFraming
import JunctionTransport
import NIOCore

/// What is written in one turn of the loop leaves together at its end.
extension ConnectionCore {
    /// Bytes that a task writes in one turn before the other work of its loop gets its chance. Without it a task whose peer
    /// takes everything at once would never suspend.
    static let turnLimit = 1_048_576

    /// Whether a task may go on writing without waiting.
    var mayGoOn: Bool { isWritable && bytesOfTurn < Self.turnLimit }

    /// Queues `message`; it leaves at the end of this turn of the loop.
    func write(_ message: ByteBuffer) throws(NetworkError) {
        let context = try writableContext()
        bytesOfTurn += message.readableBytes
        if settings.isFramed { try writeFrame(message) }
        do throws(NetworkError) {
            if !settings.isFramed { try output.write(message, context, executor) }
            try didWrite(context)
        } catch {
            fail(error)
            throw error
        }
    }

    /// A message that does not fit the framing is not sent; the connection lives on.
    private func writeFrame(_ message: ByteBuffer) throws(NetworkError) {
        do throws(FramingError) {
            try output.gather(executor) { output throws(FramingError) in try framer?.frame(message, into: &output) }
        } catch {
            throw NetworkError(error, doing: "write")
        }
    }

    /// Queues the buffers as one message.
    func write(contentsOf parts: [ByteBuffer]) throws(NetworkError) {
        let context = try writableContext()
        guard !settings.isFramed else {
            var whole = ByteBufferAllocator().buffer(capacity: parts.reduce(0) { $0 + $1.readableBytes })
            for part in parts { whole.writeImmutableBuffer(part) }
            return try write(whole)
        }
        do throws(NetworkError) {
            for part in parts {
                bytesOfTurn += part.readableBytes
                try output.write(part, context, executor)
            }
            try didWrite(context)
        } catch {
            fail(error)
            throw error
        }
    }

    private func writableContext() throws(NetworkError) -> ChannelHandlerContext {
        guard let context, closeReason == nil else { throw closedError(closeReason) }
        guard outputEnd == nil else {
            throw NetworkError(.brokenPipe, "write: this side of the connection is finished")
        }
        return context
    }

    private func didWrite(_ context: ChannelHandlerContext) throws(NetworkError) {
        // A turn may write more than memory should hold: then what the kernel does not take shows in `isWritable`.
        try output.flushIfOver(settings.highWaterMark, context, executor)
        guard !needsFlush else { return }
        needsFlush = true
        executor.flushAtTurnEnd(self)
    }

    func closedError(_ reason: CloseReason?) -> NetworkError {
        NetworkError(.brokenPipe, "write: the connection is closed (\(reason?.description ?? "not open"))")
    }

    /// Queues `message` without anybody who waits for the peer. One that reads too slowly must not fill the memory.
    func enqueue(_ message: ByteBuffer) {
        if !isWritable {
            flushNow()
            guard queuedBytes <= settings.maximumBufferedBytes else {
                let text =
                    "write: more than \(settings.maximumBufferedBytes) bytes wait for a peer that reads too slowly"
                return fail(NetworkError(.peerTooSlow, text))
            }
        }
        do throws(NetworkError) {
            try write(message)
        } catch {
            // A message that the framing cannot carry must not disappear unseen; on a closed connection nobody minds.
            if error.code != .brokenPipe { fail(error) }
        }
    }

    /// Bytes written and not yet taken by the kernel.
    var queuedBytes: Int { output.pendingBytes + channelBytes }

    /// Bytes that wait in the channel, because the kernel's buffer is full.
    var channelBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Resumes `continuation` when the queue has drained below the low-water mark, and behind this turn when enough was
    /// written in it.
    func parkWriter(_ continuation: Writer, _ ticket: Ticket) {
        let isTurnOver = bytesOfTurn >= Self.turnLimit
        flushNow()
        if isOpen, !isWritable {
            writers.append((ticket, continuation))
        } else if isTurnOver {
            executor.afterSockets { continuation.resume() }
        } else {
            continuation.resume()
        }
    }

    /// A task that waits for the queue was cancelled.
    func cancelWriter(_ ticket: Ticket) {
        guard let index = writers.firstIndex(where: { $0.ticket == ticket }) else { return }
        writers.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    func flushNow() {
        guard needsFlush else { return }
        needsFlush = false
        bytesOfTurn = 0
        guard let context else { return }
        noteActivity()
        do throws(NetworkError) {
            try output.flush(context, executor)
        } catch {
            return fail(error)
        }
        if output.isBehind { startWriteClock() }
    }

    func wakeWriters(_ result: Result<Void, any Error>) {
        let waiting = writers
        writers.removeAll()
        for writer in waiting { writer.continuation.resume(with: result) }
    }
}
