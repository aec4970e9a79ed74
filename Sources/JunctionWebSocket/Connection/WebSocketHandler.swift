import JunctionCore
package import JunctionTransport
package import NIOCore

/// What a ``WebSocketHandler`` tells its owner, on its event loop.
package protocol WebSocketDelegate: AnyObject {
    /// A whole message came.
    func webSocket(_ socket: WebSocketHandler, receivedText text: consuming ByteBuffer)
    /// A whole message came.
    func webSocket(_ socket: WebSocketHandler, receivedBinary bytes: consuming ByteBuffer)
    /// The peer is behind with reading, or has caught up: ``WebSocketHandler/isWritable`` has changed. Comes in a turn of its
    /// own, and once for changes that come close together.
    func webSocketWritabilityChanged(_ socket: WebSocketHandler)
    /// The connection is gone, or of no more use. Called once, last.
    func webSocketClosed(_ socket: WebSocketHandler, _ close: WebSocketClose)
}

/// How a WebSocket connection ended.
package struct WebSocketClose: Sendable {
    /// The code that the peer sent, or the one sent to it; 1006 without a close frame.
    package var code: WebSocketCloseCode
    package var reason: String
    /// This side ended the connection: the peer broke the protocol or a limit.
    package var isFailure = false
}

/// The one handler between a socket and the messages of a WebSocket connection (RFC 6455, server side).
///
/// It parses the frames of a read in place, and gathers everything that is sent in one turn of the loop in one buffer, so
/// that the answers to a read leave in one system call.
package final class WebSocketHandler: ChannelDuplexHandler, TurnFlushing {
    package typealias InboundIn = ByteBuffer
    package typealias OutboundIn = Never
    package typealias OutboundOut = ByteBuffer

    /// Receives the messages. Set it before the handler joins the pipeline.
    @exclusivity(unchecked) package var delegate: (any WebSocketDelegate)?

    private let executor: LoopExecutor
    private let limits: WebSocketFrameLimits
    private let maximumBufferedBytes: Int
    /// Where permessage-deflate was agreed on.
    private var deflater: MessageDeflater?
    // Each is written to in one place that calls nothing which comes back to it: no need to check for that a message at a time.
    @exclusivity(unchecked) private var decoder: WebSocketFrameDecoder
    @exclusivity(unchecked) private var output: TurnOutput
    @exclusivity(unchecked) private var context: ChannelHandlerContext?
    @exclusivity(unchecked) private var needsFlush = false
    @exclusivity(unchecked) private var isPaused = false
    private var readIsHeld = false
    private var isAnnouncing = false
    private var announcedWritability = true
    @exclusivity(unchecked) private var closing: WebSocketClose?
    private var closeTimer: Scheduled<Void>?

    /// How long the peer may take to read and answer a close frame.
    private static let closeTimeout = TimeAmount.seconds(5)

    /// - Parameter maximumBufferedBytes: bytes queued for a peer that does not read, above which it is cut off.
    package init(executor: LoopExecutor, limits: WebSocketFrameLimits, maximumBufferedBytes: Int) {
        self.executor = executor
        self.limits = limits
        self.decoder = WebSocketFrameDecoder(role: .server, limits: limits)
        self.maximumBufferedBytes = maximumBufferedBytes
        // The answer to the handshake may still wait in the channel.
        self.output = TurnOutput(isNextToSocket: true, isBehind: true)
    }

    /// Something stands between the handler and the socket, such as TLS. Before the handler joins the pipeline.
    func writeByChannel() { output = TurnOutput(isNextToSocket: false, isBehind: true) }

    /// Compresses messages both ways. Only before the handler joins the pipeline.
    func compress(_ agreement: CompressionAgreement, _ options: WebSocketCompression) {
        deflater = MessageDeflater(agreement, options, on: executor)
        decoder = WebSocketFrameDecoder(
            role: .server, limits: limits, inflater: MessageInflater(agreement, on: executor))
    }

    /// False once closing has begun.
    package var isOpen: Bool { context != nil && closing == nil }

    /// False while the peer is behind with reading. Kept here: to ask the channel costs a broadcast a cache miss for each
    /// member.
    package private(set) var isWritable = true

    /// Bytes that were sent and that the kernel has not taken yet, frames included. Asks the channel while the peer is behind.
    package var queuedBytes: Int { output.pendingBytes + (output.isBehind ? bytesInChannel : 0) }

    /// Bytes of these that wait for the end of the turn.
    package var pendingBytes: Int { output.pendingBytes }

    private var bytesInChannel: Int {
        context.flatMap { try? $0.channel.syncOptions?.getOption(.bufferedWritableBytes) } ?? 0
    }

    // MARK: Receiving

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        decoder.append(unwrapInboundIn(data))
        executor.turn { deliver() }
    }

    private func deliver() {
        do {
            while !isPaused, let event = try decoder.next() { receive(event) }
        } catch {
            fail(error)
        }
    }

    private func receive(_ event: consuming WebSocketEvent) {
        switch consume event {
        case .text(let text):
            if closing == nil { delegate?.webSocket(self, receivedText: text) }
        case .binary(let bytes):
            if closing == nil { delegate?.webSocket(self, receivedBinary: bytes) }
        case .ping(let payload):
            if closing == nil { send(.pong, payload) }
        case .pong:
            break
        case .close(let code, let reason):
            if closing == nil {
                closing = WebSocketClose(code: code ?? .noStatus, reason: reason)
                gather { WebSocketFrameEncoder.writeClose(code, into: &$0) }
            }
            closeChannel()
        }
    }

    /// Stops delivering messages and reading from the socket.
    package func pause() {
        isPaused = true
    }

    /// Goes on after ``pause()``.
    package func resume() {
        guard isPaused else { return }
        isPaused = false
        executor.turn { deliver() }
        resumeReading()
    }

    package func read(context: ChannelHandlerContext) {
        // A peer that does not read what it is sent is not listened to either: its answers would only pile up.
        if isPaused || !isWritable { readIsHeld = true } else { context.read() }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        if isWritable { resumeReading() }
        announceWritability()
        context.fireChannelWritabilityChanged()
    }

    /// Not at once: the channel changes in the midst of a write, too, where its owner must not write more.
    private func announceWritability() {
        guard !isAnnouncing else { return }
        isAnnouncing = true
        executor.eventLoop.assumeIsolated().execute {
            self.isAnnouncing = false
            // Who was told that there is room may have found none meanwhile, and waits to be told again.
            guard self.isOpen, self.isWritable || self.announcedWritability else { return }
            self.announcedWritability = self.isWritable
            self.executor.turn { self.delegate?.webSocketWritabilityChanged(self) }
        }
    }

    private func resumeReading() {
        guard readIsHeld, !isPaused, isWritable, let context else { return }
        readIsHeld = false
        context.read()
    }

    // MARK: Sending

    /// Sends one message.
    ///
    /// - Parameter compress: false for what is not worth it, such as a picture. Without permessage-deflate, nothing is.
    package func send(_ opcode: WebSocketOpcode, _ payload: ByteBuffer, compress: Bool = true) {
        guard isOpen else { return }
        if let deflater, compress { return gather { deflater.write(opcode, payload, into: &$0) } }
        gather { WebSocketFrameEncoder.write(opcode, payload, into: &$0) }
    }

    /// Sends one message that `body` writes straight into the connection's output. When it throws, nothing is sent.
    package func send<Result, Failure: Error>(
        _ opcode: WebSocketOpcode, compress: Bool = true, _ body: (inout ByteBuffer) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        guard isOpen else { return nil }
        if let deflater, compress {
            return try gather { buffer throws(Failure) in try deflater.write(opcode, into: &buffer, body) }
        }
        return try gather { buffer throws(Failure) in
            try WebSocketFrameEncoder.write(opcode, into: &buffer, body)
        }
    }

    /// Begins a text message without a closure around its writing: the way of what is sent most.
    ///
    /// - Parameter first: the payload's first byte.
    /// - Returns: the connection's output, which the payload is appended to, and where in it the message begins; give both to
    ///   ``finishText(_:from:)`` or ``cancelText(_:from:)`` in the same turn. `nil` once closing has begun.
    package func beginText(first: UInt8) -> (output: ByteBuffer, start: Int)? {
        guard isOpen else { return nil }
        var buffer = output.takeGathered(executor)
        let start = buffer.writerIndex
        WebSocketFrameEncoder.reserveHeader(first: first, into: &buffer)
        return (buffer, start)
    }

    /// Sends the message that was begun.
    ///
    /// - Parameter compress: as in ``send(_:_:compress:)``.
    package func finishText(_ buffer: inout ByteBuffer, from start: Int, compress: Bool = true) {
        WebSocketFrameEncoder.patchHeader(.text, maskingKey: nil, isCompressed: false, at: start, in: &buffer)
        if let deflater, compress { deflater.rewrite(from: start, in: &buffer) }
        output.putBack(buffer)
        requestFlush()
    }

    /// Takes the message back that was begun.
    package func cancelText(_ buffer: inout ByteBuffer, from start: Int) {
        buffer.moveWriterIndex(to: start)
        output.putBack(buffer)
        requestFlush()
    }

    /// Sends frames that were encoded before, once for many connections.
    package func send(encoded frames: SharedFrames, compress: Bool = true) {
        if let deflater, compress, frames.plain.readableBytes >= deflater.parameters.threshold {
            sendCompressed(frames, deflater)
        } else {
            send(frames.plain)
        }
    }

    private func sendCompressed(_ frames: SharedFrames, _ deflater: MessageDeflater) {
        guard isOpen else { return }
        guard deflater.takesOver else { return send(frames.compressed(by: deflater)) }
        gather { buffer in frames.plain.withUnsafeReadableBytes { deflater.rewrite($0, into: &buffer) } }
    }

    private func send(_ frames: ByteBuffer) {
        guard isOpen, let context else { return }
        do throws(NetworkError) {
            try output.write(frames, context, executor)
            requestFlush()
        } catch {
            context.close(promise: nil)
        }
    }

    @discardableResult
    private func gather<Result, Failure: Error>(
        _ write: (inout ByteBuffer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { requestFlush() }
        return try output.gather(executor, write)
    }

    private func requestFlush() {
        guard !needsFlush else { return }
        needsFlush = true
        executor.flushAtTurnEnd(self)
    }

    package func flushNow() {
        guard needsFlush else { return }
        needsFlush = false
        guard let context else { return }
        do throws(NetworkError) {
            try output.flush(context, executor)
        } catch {
            return context.close(promise: nil)
        }
        cutOffIfBehind()
    }

    /// A peer that reads too slowly for what it is sent must not fill the memory.
    private func cutOffIfBehind() {
        guard !isWritable, let context, bytesInChannel > maximumBufferedBytes else { return }
        closing =
            closing ?? WebSocketClose(code: .policyViolation, reason: "the peer reads too slowly", isFailure: true)
        context.close(promise: nil)
    }

    // MARK: Closing

    /// Sends a close frame behind what is queued and waits a little for the peer's.
    package func close(_ code: WebSocketCloseCode, reason: String = "") {
        if isOpen { beginClosing(WebSocketClose(code: code, reason: reason)) }
    }

    /// Sends a close frame and ends this side, because the peer broke the protocol or a limit.
    ///
    /// What it still sends is read and dropped until it has seen the close frame and ends its side: to close with bytes
    /// unread would reset the connection, and could take the close frame with it.
    private func fail(_ error: WebSocketError) {
        guard isOpen else { return }
        beginClosing(WebSocketClose(code: error.closeCode, reason: error.message, isFailure: true))
        flushNow()
        context?.close(mode: .output, promise: nil)
        tellClosed()
    }

    private func beginClosing(_ close: WebSocketClose) {
        guard let channel = context?.channel else { return }
        closing = close
        gather { WebSocketFrameEncoder.writeClose(close.code, reason: close.reason, into: &$0) }
        limitClosing(channel)
        resume()  // to see the peer's close frame
    }

    private func tellClosed() {
        delegate?.webSocketClosed(self, closing ?? WebSocketClose(code: .abnormal, reason: ""))
        delegate = nil
    }

    private func closeChannel() {
        flushNow()
        guard let context else { return }
        // Nothing waits: there is no end of it to be awaited.
        guard output.isBehind else { return context.close(promise: nil) }
        let channel = context.channel
        limitClosing(channel)
        context.close(mode: .output).whenComplete { _ in channel.close(promise: nil) }
    }

    /// A peer that does not answer, or does not read what was sent before, is not waited for.
    private func limitClosing(_ channel: any Channel) {
        guard closeTimer == nil else { return }
        closeTimer = executor.eventLoop.assumeIsolated().scheduleTask(in: Self.closeTimeout) {
            channel.close(promise: nil)
        }
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        requestFlush()  // the answer to the handshake, together with what is sent first
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    package func channelInactive(context: ChannelHandlerContext) {
        executor.turn {
            closeTimer?.cancel()
            self.context = nil
            tellClosed()
        }
        context.fireChannelInactive()  // handlers of a server that shared the connection before
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        context.close(promise: nil)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
