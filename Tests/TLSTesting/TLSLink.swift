package import JunctionTLS
package import NIOCore
import NIOPosix
import TestSupport

/// One end of a connection: TLS, and behind it a handler that hands everything to the test.
package struct TLSLink: Sendable {
    /// What the handler behind TLS sees.
    package enum Event: Sendable, Equatable, CustomStringConvertible {
        case open
        case inputEnded
        case failed(NetworkError.Code)
        case closed

        package var description: String {
            switch self {
            case .open: "open"
            case .inputEnded: "input ended"
            case .failed(let code): "failed: \(code)"
            case .closed: "closed"
            }
        }
    }

    package let channel: any Channel
    private let handshake: EventLoopFuture<TLSSession>?
    private let recorder: NIOLoopBound<Recorder>
    private let tap: NIOLoopBound<TransportTap>
    private let events: AsyncStream<Event>

    /// Adds the handlers; on the channel's loop.
    package init(
        _ channel: any Channel, echoes: Bool = false, addTLS: (any Channel) throws -> TLSHandler?
    ) throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Event.self)
        let recorder = Recorder(continuation, echoes: echoes)
        let tap = TransportTap()
        try channel.pipeline.syncOperations.addHandler(tap)
        self.handshake = try addTLS(channel)?.handshake
        try channel.pipeline.syncOperations.addHandler(recorder)
        self.channel = channel
        self.recorder = NIOLoopBound(recorder, eventLoop: channel.eventLoop)
        self.tap = NIOLoopBound(tap, eventLoop: channel.eventLoop)
        self.events = stream
    }

    /// Connects to a server of a test. Returns when TCP is connected.
    ///
    /// - Parameter whenConnected: called at that moment on the channel's loop, before anything of the server's can be there.
    package static func connect(
        to address: SocketAddress, host: String? = "localhost", _ tls: ClientTLS,
        whenConnected: @escaping @Sendable (any Channel) -> Void = { _ in }
    ) async throws -> TLSLink {
        let prepared = try ClientTLS.Prepared(tls)
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture {
                let link = try TLSLink(channel) {
                    try prepared.addHandlers(to: $0, host: host, doing: "connect to \(host ?? "it")")
                }
                link.tap.value.whenConnected = whenConnected
                return link
            }
        }
    }

    /// Connects to a server of a test without TLS.
    package static func connectPlain(to address: SocketAddress) async throws -> TLSLink {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connect(to: address) { channel in
            channel.eventLoop.makeCompletedFuture { try TLSLink(channel) { _ in nil } }
        }
    }

    /// The result of the handshake.
    package func session() async throws -> TLSSession {
        guard let handshake else { throw NetworkError(.invalidState, "a connection without TLS") }
        return try await handshake.get()
    }

    /// Why there is no session.
    package func handshakeError() async -> NetworkError? {
        await networkError { _ = try await session() }
    }

    /// The next thing that happens, other than bytes. One caller at a time.
    package func nextEvent() async -> Event? {
        var iterator = events.makeAsyncIterator()  // every iterator of the stream takes from the same queue
        return await iterator.next()
    }

    /// Everything that happens from now on until the connection is gone.
    package func remainingEvents() async -> [Event] {
        var all: [Event] = []
        while let event = await nextEvent() { all.append(event) }
        return all
    }

    /// What was received up to now.
    package func received() async throws -> ByteBuffer {
        try await channel.eventLoop.submit { self.recorder.value.received }.get()
    }

    /// Waits until this text has been received, all in all.
    package func expect(_ text: String) async throws {
        try await channel.eventLoop.flatSubmit {
            self.recorder.value.future(of: text.utf8.count, self.channel.eventLoop)
        }.get()
        let actual = String(buffer: try await received())
        guard actual == text else { throw Unexpected(description: "expected “\(text)”, received “\(actual)”") }
    }

    private struct Unexpected: Error, CustomStringConvertible { let description: String }

    package func send(_ text: String) async throws { try await send(ByteBuffer(string: text)) }
    package func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes) }

    /// Queues bytes; what is called after this comes behind them.
    package func startSending(_ bytes: ByteBuffer) -> EventLoopFuture<Void> {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.writeAndFlush(bytes, promise: promise)
        return promise.futureResult
    }

    /// Ends this side behind what was queued; what is called after this comes behind it.
    package func startFinishing() -> EventLoopFuture<Void> {
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.close(mode: .output, promise: promise)
        return promise.futureResult
    }

    /// Ends this side.
    package func finish() async throws { try await channel.close(mode: .output) }

    /// Closes at once.
    package func close() async throws { try await channel.close(mode: .all) }

    /// Returns when the connection is gone.
    package func waitUntilClosed() async { try? await channel.closeFuture.get() }

    /// Writes these bytes behind TLS's back.
    package func sendRaw(_ bytes: ByteBuffer) async throws {
        try await channel.eventLoop.submit { self.tap.value.context?.writeAndFlush(NIOAny(bytes), promise: nil) }.get()
    }

    /// Ends this side with a FIN, without close_notify.
    package func finishRaw() async throws {
        try await channel.eventLoop.submit { self.tap.value.context?.close(mode: .output, promise: nil) }.get()
    }
}

/// Hands what happens to a test, and the bytes back to the peer if it echoes.
private final class Recorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let events: AsyncStream<TLSLink.Event>.Continuation
    private let echoes: Bool
    private(set) var received = ByteBuffer()
    private var waiting: (count: Int, promise: EventLoopPromise<Void>)?

    init(_ events: AsyncStream<TLSLink.Event>.Continuation, echoes: Bool) {
        self.events = events
        self.echoes = echoes
    }

    /// Completes when that many bytes are there, or no more will come.
    func future(of count: Int, _ eventLoop: any EventLoop) -> EventLoopFuture<Void> {
        let promise = eventLoop.makePromise(of: Void.self)
        waiting = (count, promise)
        wake()
        return promise.futureResult
    }

    private func wake(isOver: Bool = false) {
        guard let (count, promise) = waiting, isOver || received.readableBytes >= count else { return }
        waiting = nil
        promise.succeed(())
    }

    func channelActive(context: ChannelHandlerContext) { events.yield(.open) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if echoes { context.writeAndFlush(wrapOutboundOut(bytes), promise: nil) }
        received.writeBuffer(&bytes)
        wake()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return }
        events.yield(.inputEnded)
        wake(isOver: true)
        guard echoes else { return }
        // What is queued leaves first: with both sides ended the connection closes.
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        events.yield(.failed((error as? NetworkError)?.code ?? .other))
    }

    func channelInactive(context: ChannelHandlerContext) { events.yield(.closed) }

    func handlerRemoved(context: ChannelHandlerContext) {
        wake(isOver: true)
        events.finish()
    }
}

/// In front of TLS: the way to write what TLS would not.
private final class TransportTap: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private(set) var context: ChannelHandlerContext?
    var whenConnected: (any Channel) -> Void = { _ in }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        whenConnected(context.channel)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
}
