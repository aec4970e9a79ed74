import DequeModule
import JunctionCore
import JunctionFraming
import JunctionTransport
import NIOCore

/// One connection's state and its place in the channel's pipeline. Lives on the connection's event loop alone.
///
/// Reading: what arrives waits in `inbox` until the reader takes it. While the inbox holds more than the high-water mark,
/// nothing more is read from the kernel, so a slow reader slows the peer down.
final class ConnectionCore: ChannelDuplexHandler, RemovableChannelHandler, TurnFlushing {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    typealias Reader = UnsafeContinuation<ByteBuffer?, any Error>
    typealias Writer = UnsafeContinuation<Void, any Error>
    /// Tells the calls that wait from one another: a cancellation may arrive when its call is over and the next one waits.
    typealias Ticket = UInt64

    /// What a handler without `async` is given; set before the first read.
    var inline: InlineHandlers?
    /// Called once, when the channel is active.
    private var onOpen: (() -> Void)?

    private let executor: LoopExecutor
    private let highWaterMark: Int
    private let maximumBufferedBytes: Int
    private let idleFlush: TimeAmount?
    private let violations: Framing.ViolationPolicy
    private var framer: (any Framer)?
    /// Violations of the framing that did not end the connection.
    private(set) var skippedViolations = 0
    private var context: ChannelHandlerContext?

    private var inbox = Deque<ByteBuffer>()
    private var inboxBytes = 0
    private var inputEnd: InputEnd = .open
    private var reader: (ticket: Ticket, continuation: Reader)?
    private var writers: [(ticket: Ticket, continuation: Writer)] = []
    private var readIsHeld = false
    private var needsFlush = false
    private var idleTimer: Scheduled<Void>?
    /// The end of the write side, once it was asked for.
    private var outputEnd: EventLoopFuture<Void>?
    private(set) var closeReason: CloseReason?

    private enum InputEnd {
        case open
        case ended
        case failed(NetworkError)
    }

    init(
        executor: LoopExecutor, framing: Framing, highWaterMark: Int,
        maximumBufferedBytes: Int = TCPServer.Configuration().maximumBufferedBytes
    ) {
        self.executor = executor
        self.framer = framing.makeFramer?()
        self.idleFlush = framing.idleFlush
        self.violations = framing.violations
        self.highWaterMark = highWaterMark
        self.maximumBufferedBytes = maximumBufferedBytes
    }

    var isOpen: Bool { context != nil }

    // MARK: Reading

    /// The next message if one is there or the stream has ended; `nil` means: wait for it.
    func takeMessage() throws -> ByteBuffer?? {
        if let message = inbox.popFirst() {
            inboxBytes -= Self.cost(of: message)
            if readIsHeld, inboxBytes < highWaterMark { resumeReading() }
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

    private func resumeReading() {
        readIsHeld = false
        context?.read()
    }

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

    private func receive(_ bytes: ByteBuffer) {
        guard framer != nil else { return deliver(bytes) }
        framer?.append(bytes)
        while true {
            do throws(FramingError) {
                while let frame = try framer?.next() { deliver(frame) }
                return
            } catch {
                if ends(error) { return fail(NetworkError(error, doing: "read")) }
            }
        }
    }

    /// Whether a violation of the framing ends the connection; counts those that do not.
    private func ends(_ error: FramingError) -> Bool {
        if violations == .close || error.isFatal { return true }
        skippedViolations += 1
        return false
    }

    private func deliver(_ message: ByteBuffer) {
        if let inline {
            guard closeReason == nil else { return }
            inline.onMessage(message)
        } else {
            inbox.append(message)
            inboxBytes += Self.cost(of: message)
        }
    }

    /// What a message counts in the inbox: empty ones take memory, too.
    private static func cost(of message: ByteBuffer) -> Int {
        message.readableBytes + MemoryLayout<ByteBuffer>.stride
    }

    private func endInput(_ end: InputEnd) {
        guard case .open = inputEnd else { return }
        idleTimer?.cancel()
        guard case .ended = end else {
            // What broke the framing is no message, and the close that follows tells an inline handler why.
            inputEnd = end
            return wakeReader()
        }
        do throws(FramingError) {
            if let rest = try framer?.flush() { deliver(rest) }
            inputEnd = end
        } catch {
            inputEnd = ends(error) ? .failed(NetworkError(error, doing: "read")) : end
        }
        wakeReader()
        if case .failed(let error) = inputEnd { close(.error(error)) } else { inline?.onEnd() }
    }

    // MARK: Writing

    /// Queues `message`; it leaves at the end of this turn of the loop.
    func write(_ message: ByteBuffer) throws {
        guard let context, closeReason == nil else {
            throw NetworkError(
                .brokenPipe, "write: the connection is closed (\(closeReason?.description ?? "not open"))")
        }
        guard outputEnd == nil else {
            throw NetworkError(.brokenPipe, "write: this side of the connection is finished")
        }
        if framer != nil {
            var framed = context.channel.allocator.buffer(capacity: message.readableBytes + 8)
            do throws(FramingError) {
                try framer?.frame(message, into: &framed)
            } catch {
                throw NetworkError(error, doing: "write")
            }
            context.write(wrapOutboundOut(framed), promise: nil)
        } else {
            context.write(wrapOutboundOut(message), promise: nil)
        }
        if !needsFlush {
            needsFlush = true
            executor.flushAtTurnEnd(self)
        }
    }

    /// Queues `message` without anybody who waits for the peer. One that reads too slowly must not fill the memory.
    func enqueue(_ message: ByteBuffer) {
        if !isWritable {
            flushNow()
            guard bufferedBytes <= maximumBufferedBytes else {
                let text = "write: more than \(maximumBufferedBytes) bytes wait for a peer that reads too slowly"
                return fail(NetworkError(.peerTooSlow, text))
            }
        }
        do {
            try write(message)
        } catch {
            // A message that the framing cannot carry must not disappear unseen; nothing else fails while the channel is open.
            let error = NetworkError(error, doing: "write")
            if error.code != .brokenPipe { fail(error) }
        }
    }

    private var bufferedBytes: Int {
        (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// False while more is queued than the high-water mark.
    private(set) var isWritable = true

    /// Resumes `continuation` when the queue has drained below the low-water mark.
    func parkWriter(_ continuation: Writer, _ ticket: Ticket) {
        flushNow()
        guard isOpen, !isWritable else { return continuation.resume() }
        writers.append((ticket, continuation))
    }

    /// A task that waits for the queue was cancelled.
    func cancelWriter(_ ticket: Ticket) {
        guard let index = writers.firstIndex(where: { $0.ticket == ticket }) else { return }
        writers.remove(at: index).continuation.resume(throwing: CancellationError())
    }

    func flushNow() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
    }

    private func wakeWriters(_ result: Result<Void, any Error>) {
        let waiting = writers
        writers.removeAll()
        for writer in waiting { writer.continuation.resume(with: result) }
    }

    // MARK: Ending

    /// Ends the write side once everything queued has been sent.
    func finish() {
        guard let context else { return }
        _ = endOutput(context)
    }

    /// Ends the write side behind what is queued.
    private func endOutput(_ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        if let outputEnd { return outputEnd }
        flushNow()
        let end: EventLoopFuture<Void>
        if case .open = inputEnd {
            end = context.close(mode: .output)
        } else {
            // The peer has ended its side: NIO makes a full close of this, which drops what is queued. Let that leave first.
            let channel = context.channel
            end = context.writeAndFlush(wrapOutboundOut(ByteBuffer())).flatMap { channel.close(mode: .output) }
        }
        outputEnd = end
        return end
    }

    /// Closes once everything queued has been sent.
    func close(_ reason: CloseReason) {
        guard let context, closeReason == nil else { return }
        closeReason = reason
        // The write side closes behind what is queued; the whole channel when that has left.
        let channel = context.channel
        endOutput(context).whenComplete { _ in channel.close(mode: .all, promise: nil) }
    }

    /// Closes at once; what is still queued is lost.
    func abort(_ reason: CloseReason) {
        guard let context, closeReason == nil else { context?.close(mode: .all, promise: nil); return }
        closeReason = reason
        context.close(mode: .all, promise: nil)
    }

    /// Ends the input as if the peer had, so that the handler finishes what it is doing and returns.
    func beginDrain() {
        if inline != nil { close(.shutdown) } else { endInput(.ended) }
    }

    private func fail(_ error: NetworkError) {
        endInput(.failed(error))
        abort(.error(error))
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(closeReason ?? .localClosed)
    }

    /// Calls `action` when the connection is open: now, or as soon as the accepted channel is active. A channel that is
    /// closed before never becomes inactive.
    func whenOpen(_ action: @escaping () -> Void) {
        if context?.channel.isActive == true { executor.turn(action) } else { onOpen = action }
    }

    func channelActive(context: ChannelHandlerContext) {
        if let action = onOpen {
            onOpen = nil
            executor.turn(action)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .open = inputEnd else { return }
        let bytes = unwrapInboundIn(data)
        if inline != nil {
            executor.turn { receive(bytes) }
        } else {
            receive(bytes)
        }
        if let idleFlush { startIdleTimer(idleFlush) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if reader != nil { executor.turn { wakeReader() } }
    }

    func read(context: ChannelHandlerContext) {
        // An inline handler that writes more than the peer reads waits for the peer, too.
        if inboxBytes >= highWaterMark || (inline != nil && !isWritable) {
            readIsHeld = true
        } else {
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard isWritable else { return }
        if readIsHeld, inboxBytes < highWaterMark { resumeReading() }
        if !writers.isEmpty { executor.turn { wakeWriters(.success(())) } }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        executor.turn { endInput(.ended) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        executor.turn { fail(NetworkError(error, doing: "read")) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(closeReason ?? .remoteClosed)
    }

    /// The connection is gone, or belongs to another protocol.
    private func end(_ reason: CloseReason) {
        guard isOpen else { return }
        executor.turn {
            closeReason = reason
            endInput(.ended)
            let error = NetworkError(.brokenPipe, "write: the connection is closed (\(reason))")
            wakeWriters(.failure(error))
            self.context = nil
            inline?.onClose(reason)
            inline = nil
        }
    }

    private func startIdleTimer(_ idle: TimeAmount) {
        idleTimer?.cancel()
        idleTimer = executor.eventLoop.assumeIsolated().scheduleTask(in: idle) {
            self.executor.turn {
                guard case .open = self.inputEnd else { return }
                do throws(FramingError) {
                    guard let rest = try self.framer?.flush() else { return }
                    self.deliver(rest)
                    self.wakeReader()
                } catch {
                    if self.ends(error) { self.fail(NetworkError(error, doing: "read")) }
                }
            }
        }
    }
}

/// The callbacks of a connection that is handled on its event loop without `async`.
struct InlineHandlers {
    var onMessage: (ByteBuffer) -> Void
    var onEnd: () -> Void
    var onClose: (CloseReason) -> Void
}
