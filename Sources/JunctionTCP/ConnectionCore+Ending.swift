import JunctionCore
import JunctionTransport
import NIOCore

extension ConnectionCore {
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
        if !peerHasEnded {
            end = context.close(mode: .output)
            end.assumeIsolated().whenSuccess { self.outputHasEnded = true }
        } else {
            // The peer has ended its side: NIO makes a full close of this, which drops what is queued. Let that leave first.
            let channel = context.channel
            end = context.writeAndFlush(wrapOutboundOut(ByteBuffer())).assumeIsolated().flatMap {
                self.outputHasEnded = true
                return channel.close(mode: .output)
            }.nonisolated()
        }
        outputEnd = end
        return end
    }

    /// Ends the read side: what the peer still sends is read and dropped.
    func stopReading() {
        endInput(.ended)
        dropInput()
        inbox.removeAll()
        inboxBytes = 0
    }

    /// Closes once everything queued has been sent and the peer has ended its side, too, or had time for that.
    ///
    /// To close a socket with bytes unread would reset the connection, and could take the last answer with it (RFC 1122
    /// section 4.2.2.13).
    func close(_ reason: CloseReason) {
        guard let context, closeReason == nil else { return }
        closeReason = reason
        endInput(.ended)
        dropInput()  // a peer that sends before it reads would else wait for this side, and this side for the peer
        flushNow()
        if peerHasEnded, outputEnd == nil, channelBytes == 0 { return context.close(mode: .all, promise: nil) }
        let end = endOutput(context)
        guard self.context != nil else { return }
        // Nobody waits for what is queued any more: the peer has to go on taking it.
        startWriteClock()
        end.assumeIsolated().whenComplete { [self] _ in
            guard let context = self.context else { return }
            clocks?.stopWrite()
            if peerHasEnded { return context.close(mode: .all, promise: nil) }
            isLingering = true
            startLingerClock()
        }
    }

    /// From now on the peer is not held up, whatever nobody has taken of what it has sent.
    private func dropInput() {
        dropsInput = true
        resumeReading()
    }

    /// Closes at once; what is still queued is lost.
    func abort(_ reason: CloseReason) {
        if closeReason == nil { closeReason = reason }
        context?.close(mode: .all, promise: nil)
    }

    /// Closes at once with a reset, which tells the peer that it did not get everything (RFC 9293 section 3.10.5).
    func reset() {
        guard let context else { return }
        SocketCalls.resetOnClose(context.channel)
        (context.channel as? any ResettableChannel)?.resetOnClose()
        if closeReason == nil { closeReason = .reset }
        if let tls { tls.abort() } else { context.close(mode: .all, promise: nil) }
    }

    /// Ends the input as if the peer had, so that the handler finishes what it is doing and returns.
    func beginDrain() {
        if inline != nil { close(.shutdown) } else { endInput(.ended) }
    }

    func fail(_ error: NetworkError) {
        endInput(.failed(error))
        abort(.error(error))
    }

    /// The state in Node's words.
    var readyState: TCPConnection.ReadyState {
        guard context != nil, closeReason == nil else { return .closed }
        let isReading = if case .open = inputEnd { true } else { false }
        switch (isReading, outputEnd == nil) {
        case (true, true): return .open
        case (true, false): return .readOnly
        case (false, true): return .writeOnly
        case (false, false): return .closed
        }
    }
}
