import JunctionCore
package import NIOCore
import NIOSSL
import NIOTLS

/// The end of TLS in a pipeline: behind it a channel behaves as one without TLS does. Lives on the channel's event loop alone.
///
/// - `channelActive` comes when the handshake is done, and `channelInactive` only after that. A handler that is added to a
///   channel which is active already waits for ``handshake`` instead.
/// - `ChannelEvent.inputClosed` comes when the peer has said that it sends no more (close_notify, RFC 8446 section 6.1). A
///   peer that ends its side without saying so, which is what a cut connection looks like, is an error:
///   `.connectionReset`, and the connection closes.
/// - `close(mode: .output)` sends what was written, close_notify, and then FIN; reading goes on. When both sides have ended
///   in this way, whoever was first, the connection closes, after what was written has left.
/// - `close(mode: .all)` closes at once. It sends close_notify first, but does not wait for anybody to take it, so what the
///   kernel has not taken is lost, and the peer sees that it was cut off.
/// - Errors are ``NetworkError``s.
package final class TLSHandler: ChannelDuplexHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer
    package typealias OutboundIn = ByteBuffer
    package typealias OutboundOut = ByteBuffer

    /// How the name that the client asks for becomes known.
    enum NameSource {
        case fixed(String?)
        case asked(ServerNameCapture)
    }

    /// Completes with the handshake; fails with a ``NetworkError`` if there will be no session.
    package let handshake: EventLoopFuture<TLSSession>
    /// What the handshake agreed on, once it is done.
    package private(set) var session: TLSSession?

    private let gate = TransportGate()
    private let ssl: NIOSSLHandler
    private let nameSource: NameSource
    private let timeout: TimeAmount
    private let action: String
    /// `nil` when the handshake is over, one way or the other.
    private var promise: EventLoopPromise<TLSSession>?
    private var timer: Scheduled<Void>?
    /// The channel became active, and the handlers behind do not know yet.
    private var withholdsActive = false
    private var isInactive = false
    private var inputHasEnded = false
    private var outputIsClosed = false
    private var isClosedHere = false
    private var hasFailed = false

    init(
        ssl: NIOSSLHandler, serverName: NameSource, timeout: TimeAmount, doing action: String, eventLoop: any EventLoop
    ) {
        let promise = eventLoop.makePromise(of: TLSSession.self)
        self.promise = promise
        self.handshake = promise.futureResult
        self.ssl = ssl
        self.nameSource = serverName
        self.timeout = timeout
        self.action = action
    }

    /// Adds the handlers of TLS, this one last, where `position` says.
    func add(
        to channel: any Channel, position: ChannelPipeline.SynchronousOperations.Position
    ) throws {
        do {
            // Without it NIOSSL and NIO take the end of the peer's side for the end of the connection.
            try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
            let handlers: [any ChannelHandler] =
                switch nameSource {
                case .fixed: [gate, ssl, self]
                case .asked(let capture): [gate, capture, ssl, self]
                }
            try channel.pipeline.syncOperations.addHandlers(handlers, position: position)
        } catch {
            failHandshake(NetworkError(error, doing: action))
            throw error
        }
    }

    // MARK: The handshake

    package func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { startTimer(context) }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        failHandshake(NetworkError(.connectionAborted, "\(action): the connection was closed during the TLS handshake"))
    }

    package func channelActive(context: ChannelHandlerContext) {
        withholdsActive = true
        startTimer(context)
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        guard promise != nil, timer == nil else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.fail(
                NetworkError(
                    .timedOut, "\(self.action): no TLS handshake within \(self.timeout.nanoseconds / 1_000_000) ms"),
                context)
        }
    }

    private func completeHandshake(_ context: ChannelHandlerContext, applicationProtocol: String?) {
        guard let promise else { return }
        self.promise = nil
        timer?.cancel()
        let serverName: String?
        switch nameSource {
        case .fixed(let name): serverName = name
        case .asked(let capture):
            serverName = capture.serverName.value
            context.pipeline.syncOperations.removeHandler(capture, promise: nil)
        }
        let session = TLSSession(
            version: ssl.tlsVersion == .tlsv13 ? .tls13 : .tls12, applicationProtocol: applicationProtocol,
            serverName: serverName, peerCertificate: ssl.peerCertificate.map { TLSCertificate($0) })
        self.session = session
        promise.succeed(session)
        if withholdsActive {
            withholdsActive = false
            context.fireChannelActive()
        }
        context.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: applicationProtocol))
    }

    private func failHandshake(_ error: NetworkError) {
        timer?.cancel()
        promise?.fail(error)
        promise = nil
    }

    // MARK: What comes from the peer

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let name):
            completeHandshake(context, applicationProtocol: name)
        case ChannelEvent.inputClosed:
            endInput(context)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let isTruncation = error as? NIOSSLError == .uncleanShutdown
        // How NIOSSL sees a channel end that was closed on purpose, or has failed already, or was ended in order.
        if isClosedHere || isTruncation && (hasFailed || inputHasEnded) { return }
        let doing = promise == nil ? "read" : action
        let translated = NetworkError(tls: error, doing: doing, certificate: ssl.peerCertificate)
        if promise != nil || error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError {
            fail(translated, context)
        } else {
            // NIO closes the channel after an error of its own.
            if error is IOError { hasFailed = true }
            context.fireErrorCaught(translated)
        }
    }

    package func channelInactive(context: ChannelHandlerContext) {
        // NIOSSL closes before it says that the peer has ended its side, if this side had done so before.
        if session != nil, !isClosedHere { endInput(context) }
        isInactive = true
        failHandshake(NetworkError(.connectionAborted, "\(action): the connection was closed during the TLS handshake"))
        if !withholdsActive { context.fireChannelInactive() }
    }

    /// The peer sends no more. NIOSSL says so after an error, and after a close, too.
    private func endInput(_ context: ChannelHandlerContext) {
        guard !hasFailed, !isInactive, !inputHasEnded else { return }
        inputHasEnded = true
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// Ends the connection with an error.
    private func fail(_ error: NetworkError, _ context: ChannelHandlerContext) {
        hasFailed = true
        failHandshake(error)
        context.fireErrorCaught(error)
        isClosedHere = true
        gate.closeNow(promise: nil)
    }

    // MARK: Closing

    package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .input:
            context.close(mode: .input, promise: promise)
        case .output:
            outputIsClosed = true
            context.close(mode: .output, promise: promise)
        case .all:
            closeAll(context, promise: promise)
        }
    }

    private func closeAll(_ context: ChannelHandlerContext, promise: EventLoopPromise<Void>?) {
        isClosedHere = true
        failHandshake(NetworkError(.connectionAborted, "\(action): closed by this side during the TLS handshake"))
        let wasInactive = isInactive
        if session != nil, !hasFailed, !outputIsClosed, !isInactive { context.close(mode: .output, promise: nil) }
        if isInactive && !wasInactive {
            promise?.succeed()  // the peer's close_notify was there, so that was all there was to do
        } else {
            // Without NIOSSL, which would wait for the peer's close_notify; nothing says that a peer sends one.
            gate.closeNow(promise: promise)
        }
    }

    /// Closes at once without close_notify, which would make an orderly end of a reset. On the loop.
    package func abort() {
        isClosedHere = true
        failHandshake(NetworkError(.connectionAborted, "\(action): closed by this side during the TLS handshake"))
        gate.closeNow(promise: nil)
    }
}
