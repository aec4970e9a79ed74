import NIOCore

/// In front of NIOSSL's handler: closes the transport when what is queued has left, or at once if this side wants that.
///
/// NIOSSL closes the whole connection as soon as both sides have sent close_notify. NIO then drops what the kernel has not
/// taken yet, and that may be the end of a long message.
final class TransportGate: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?
    /// Completes when the output side is closed, behind all that was written; `nil` while nobody has asked for it.
    private var outputEnd: EventLoopFuture<Void>?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .input:
            context.close(mode: .input, promise: promise)
        case .output:
            let end = outputEnd ?? closeOutput(context)
            end.cascade(to: promise)
        case .all:
            let end = outputEnd ?? context.writeAndFlush(wrapOutboundOut(ByteBuffer()))
            end.assumeIsolated().whenComplete { _ in context.close(mode: .all, promise: promise) }
        }
    }

    private func closeOutput(_ context: ChannelHandlerContext) -> EventLoopFuture<Void> {
        let end = context.close(mode: .output).flatMapErrorThrowing { error in
            // NIO says so, too, when everything has left but the peer's side was closed meanwhile: it closes the channel then.
            guard case ChannelError.outputClosed = error else { throw error }
        }
        outputEnd = end
        return end
    }

    /// Closes now; what is queued is lost.
    func closeNow(promise: EventLoopPromise<Void>?) {
        if let context {
            context.close(mode: .all, promise: promise)
        } else {
            promise?.fail(ChannelError.alreadyClosed)
        }
    }
}
