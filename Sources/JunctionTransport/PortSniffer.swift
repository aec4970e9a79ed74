package import NIOCore

/// Tells by the first bytes of a connection whether it speaks HTTP or a protocol of its own, so that both share one port.
///
/// A client that stays silent for `patience` is taken for a raw one that waits for the server to speak. If HTTP arrives on
/// such a connection after all (browsers open connections ahead of need), the raw handlers give way to HTTP.
package final class PortSniffer: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer

    /// What a connection turned out to be.
    package enum Verdict: Sendable {
        case http
        case raw
        /// It was silent and therefore taken for raw, and speaks HTTP now.
        case httpAfterSilence
    }

    private let patience: TimeAmount
    private let decide: (Verdict, any Channel) throws -> Void
    private var bytes = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var takenForSilent = false

    /// - Parameter decide: adds the handlers for the verdict to the channel; called on its loop, once, and a second time with
    ///   ``Verdict/httpAfterSilence``.
    package init(patience: TimeAmount, decide: @escaping (Verdict, any Channel) throws -> Void) {
        self.patience = patience
        self.decide = decide
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: patience) {
            self.conclude(.raw, context.value)
            // A few bytes that could have become a request line are not to wait for more.
            if self.bytes.readableBytes > 0 { self.leave(context.value) } else { self.takenForSilent = true }
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var read = unwrapInboundIn(data)
        bytes.writeBuffer(&read)
        let looksLikeHTTP = Self.looksLikeHTTP(bytes.readableBytesView)
        if takenForSilent {
            if looksLikeHTTP == true { conclude(.httpAfterSilence, context) }
            return leave(context)
        }
        switch looksLikeHTTP {
        case true?:
            conclude(.http, context)
            leave(context)
        case false?:
            conclude(.raw, context)
            leave(context)
        case nil:
            break
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A raw client that sent a few bytes and half-closed.
        if case ChannelEvent.inputClosed = event {
            if !takenForSilent { conclude(.raw, context) }
            handOver(context)
            // Before the sniffer leaves: a handler that is out of the pipeline has nobody to tell.
            context.fireUserInboundEventTriggered(event)
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    private func conclude(_ verdict: Verdict, _ context: ChannelHandlerContext) {
        timer?.cancel()
        do {
            try decide(verdict, context.channel)
        } catch {
            context.close(promise: nil)
        }
    }

    /// Hands what was read to the handlers that follow and gets out of the way.
    private func leave(_ context: ChannelHandlerContext) {
        handOver(context)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func handOver(_ context: ChannelHandlerContext) {
        guard bytes.readableBytes > 0 else { return }
        context.fireChannelRead(wrapInboundOut(bytes))
        bytes = ByteBuffer()
        context.fireChannelReadComplete()
    }

    package typealias InboundOut = ByteBuffer

    /// True for the start of a request line (`GET /`), false for anything else, nil while it can become either.
    static func looksLikeHTTP(_ bytes: ByteBufferView) -> Bool? {
        var undecided = false
        for method in methods {
            let length = min(bytes.count, method.count)
            guard bytes.prefix(length).elementsEqual(method.prefix(length)) else { continue }
            if bytes.count < method.count + 1 {
                undecided = true
                continue
            }
            // The request target: a path, `*` for OPTIONS, or an absolute URI.
            let target = bytes[bytes.startIndex + method.count]
            return target == UInt8(ascii: "/") || target == UInt8(ascii: "*") || target == UInt8(ascii: "h")
        }
        return undecided ? nil : false
    }

    private static let methods: [[UInt8]] = [
        "GET ", "POST ", "OPTIONS ", "HEAD ", "PUT ", "DELETE ", "PATCH ", "CONNECT ", "TRACE ",
    ].map { Array($0.utf8) }
}
