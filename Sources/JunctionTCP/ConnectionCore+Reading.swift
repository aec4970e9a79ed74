import DequeModule
import JunctionCore
import JunctionFraming
import JunctionTransport
import NIOCore

/// What arrives waits in `inbox` until the reader takes it. While the inbox holds more than the high-water mark, nothing more
/// is read from the kernel, so a slow reader slows the peer down.
extension ConnectionCore {
    /// The next message if one is there or the stream has ended; `nil` means: wait for it.
    func takeMessage() throws -> ByteBuffer?? {
        if let message = inbox.popFirst() {
            inboxBytes -= Self.cost(of: message)
            resumeReading()
            return .some(message)
        }
        switch inputEnd {
        case .open: return nil
        case .ended: return .some(nil)
        case .failed(let error): throw error
        }
    }

    /// Hands the next message to `continuation` as soon as there is one.
    func park(_ continuation: Reader, _ ticket: Ticket) {
        do {
            if let message = try takeMessage() { return continuation.resume(returning: message) }
        } catch {
            return continuation.resume(throwing: error)
        }
        guard reader == nil else {
            let error = NetworkError(.invalidState, "a connection has one reader at a time")
            return continuation.resume(throwing: error)
        }
        reader = (ticket, continuation)
    }

    /// The task that waits for a message was cancelled.
    func cancelReader(_ ticket: Ticket) {
        guard let waiting = reader, waiting.ticket == ticket else { return }
        reader = nil
        waiting.continuation.resume(throwing: CancellationError())
    }

    /// Whether the kernel may be asked for more.
    var mayRead: Bool {
        if dropsInput { return true }
        // An inline handler that writes more than the peer reads waits for the peer, too.
        return inboxBytes < settings.highWaterMark && (inline == nil || isWritable)
    }

    func resumeReading() {
        guard readIsHeld, mayRead else { return }
        readIsHeld = false
        noteActivity()  // the time in which this side did not read was not the peer's silence
        context?.read()
    }

    func receive(_ bytes: ByteBuffer) {
        bytesRead += UInt64(bytes.readableBytes)
        noteActivity()
        guard settings.isFramed else { return deliver(bytes) }
        framer?.append(bytes)
        while true {
            do throws(FramingError) {
                while let frame = try framer?.next() { deliver(frame) }
                return startFlushClock()
            } catch {
                guard skips(error) else { return fail(NetworkError(error, doing: "read")) }
            }
        }
    }

    /// Delivers what stands in the framer unfinished, because the stream has ended or fallen silent.
    func deliverUnfinished() throws(NetworkError) {
        do throws(FramingError) {
            if let rest = try framer?.flush() { deliver(rest) }
        } catch {
            guard skips(error) else { throw NetworkError(error, doing: "read") }
        }
    }

    /// Whether the stream goes on behind a violation of the framing, which is then counted.
    private func skips(_ violation: FramingError) -> Bool {
        guard settings.framing.violations == .skip, !violation.isFatal else { return false }
        skippedViolations += 1
        settings.skipped.note(NetworkError(violation, doing: "read"), peer: context?.channel.remoteAddress?.text)
        return true
    }

    private func deliver(_ message: ByteBuffer) {
        if let inline {
            guard closeReason == nil else { return }
            inline.onMessage(message)
        } else if let waiting = reader {  // then the inbox is empty
            reader = nil
            waiting.continuation.resume(returning: message)
        } else {
            inbox.append(message)
            inboxBytes += Self.cost(of: message)
        }
    }

    /// What a message counts in the inbox: empty ones take memory, too.
    private static func cost(of message: ByteBuffer) -> Int {
        message.readableBytes + MemoryLayout<ByteBuffer>.stride
    }

    func endInput(_ end: InputEnd) {
        guard case .open = inputEnd else { return }
        clocks?.stopFlush()
        guard case .ended = end else {
            // What broke the framing is no message, and the close that follows tells an inline handler why.
            inputEnd = end
            return wakeReader()
        }
        do throws(NetworkError) {
            try deliverUnfinished()
            inputEnd = end
            wakeReader()
            inline?.onEnd()
        } catch {
            // Where this side ends the input, as in a drain, the peer is not to blame for half a frame.
            guard peerHasEnded else {
                inputEnd = end
                wakeReader()
                inline?.onEnd()
                return
            }
            inputEnd = .failed(error)
            wakeReader()
            close(.error(error))
        }
    }

    /// Tells a reader that waits about the end of the input.
    private func wakeReader() {
        guard let waiting = reader?.continuation else { return }
        do {
            guard let message = try takeMessage() else { return }
            reader = nil
            waiting.resume(returning: message)
        } catch {
            reader = nil
            waiting.resume(throwing: error)
        }
    }
}
