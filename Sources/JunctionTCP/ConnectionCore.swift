import DequeModule
import JunctionCore
import JunctionFraming
import JunctionTLS
import JunctionTransport
import Logging
import NIOCore

/// One connection's state and its place in the channel's pipeline. Lives on the connection's event loop alone.
///
/// This file has the state and the channel's events; the extensions beside it have what is done with them: reading, writing,
/// ending, and the clocks.
final class ConnectionCore: ChannelDuplexHandler, RemovableChannelHandler, TurnFlushing {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    typealias Reader = UnsafeContinuation<ByteBuffer?, any Error>
    typealias Writer = UnsafeContinuation<Void, any Error>
    /// Tells the calls that wait from one another: a cancellation may arrive when its call is over and the next one waits.
    typealias Ticket = UInt64

    /// How far one side of the connection has come to its end.
    enum InputEnd {
        case open
        case ended
        indirect case failed(NetworkError)  // a connection is large enough without room for an error
    }

    /// What a handler without `async` is given; set before the first read.
    @exclusivity(unchecked) var inline: InlineHandlers?
    /// Called once, when the channel is active.
    private var onOpen: (() -> Void)?
    /// Called once, when the connection is gone or belongs to another protocol.
    var onClosed: (() -> Void)?

    let executor: LoopExecutor
    let settings: ConnectionSettings
    /// What stands before this handler where the connection speaks TLS.
    var tls: TLSHandler?
    // What every message touches is not checked for overlapping accesses, which took a fifth of a line's way: all of it is on
    // one loop, and no access calls anything that comes back to the connection.
    @exclusivity(unchecked) var framer: (any Framer)?
    @exclusivity(unchecked) var context: ChannelHandlerContext?

    // Reading
    @exclusivity(unchecked) var inbox = Deque<ByteBuffer>()
    @exclusivity(unchecked) var inboxBytes = 0
    @exclusivity(unchecked) var inputEnd: InputEnd = .open
    @exclusivity(unchecked) var reader: (ticket: Ticket, continuation: Reader)?
    @exclusivity(unchecked) var readIsHeld = false
    @exclusivity(unchecked) var bytesRead: UInt64 = 0
    /// Violations of the framing that were skipped.
    var skippedViolations = 0
    /// The channel is tuned for much at a time.
    private var isBulk = false
    /// The peer itself has ended its side; `inputEnd` may come earlier, by a drain.
    var peerHasEnded = false

    // Writing
    @exclusivity(unchecked) var output: TurnOutput
    var writers: [(ticket: Ticket, continuation: Writer)] = []
    @exclusivity(unchecked) var needsFlush = false
    /// False while more is queued than the high-water mark.
    var isWritable = true
    /// Bytes written since the last flush, which a turn of the loop ends with.
    @exclusivity(unchecked) var bytesOfTurn = 0

    // Ending
    /// The end of the write side, once it was asked for.
    @exclusivity(unchecked) var outputEnd: EventLoopFuture<Void>?
    /// It has come: everything written is with the kernel.
    var outputHasEnded = false
    var closeReason: CloseReason? {
        get { closeReasonBox?.reason }
        set { closeReasonBox = newValue.map(CloseReasonBox.init) }
    }
    @exclusivity(unchecked) private var closeReasonBox: CloseReasonBox?
    /// What the peer still sends is read and dropped.
    @exclusivity(unchecked) var dropsInput = false
    /// This side is done, and the connection ends with the peer's side.
    @exclusivity(unchecked) var isLingering = false

    /// The timers; made when there is one.
    var clocks: ConnectionClocks?

    init(executor: LoopExecutor, settings: ConnectionSettings) {
        self.executor = executor
        self.settings = settings
        self.framer = settings.framing.makeFramer?()
        self.output = TurnOutput(isNextToSocket: settings.isNextToSocket)
        if let limit = settings.idleLimit { clocks = ConnectionClocks(idleLimit: limit) }
    }

    var isOpen: Bool { context != nil }

    /// Calls `action` when the connection is open: now, or as soon as the accepted channel is active. A channel that is
    /// closed before never becomes inactive.
    func whenOpen(_ action: @escaping () -> Void) {
        if context?.channel.isActive == true { executor.turn(action) } else { onOpen = action }
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { startIdleClock() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(closeReason ?? .localClosed)
    }

    func channelActive(context: ChannelHandlerContext) {
        startIdleClock()
        if let action = onOpen {
            onOpen = nil
            executor.turn(action)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .open = inputEnd, !dropsInput else { return noteActivity() }
        let bytes = unwrapInboundIn(data)
        if !isBulk, bytes.readableBytes >= StreamChannel.bulkRead {
            isBulk = true
            StreamChannel.tuneForBulk(context.channel)
        }
        executor.turn { receive(bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { readIsHeld = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        isWritable = context.channel.isWritable
        guard isWritable else { return startWriteClock() }
        clocks?.stopWrite()
        startWriteClock()  // anew: the peer has taken something
        resumeReading()
        if !writers.isEmpty { executor.turn { wakeWriters(.success(())) } }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        peerHasEnded = true
        executor.turn { endInput(.ended) }
        // Not after `stopReading` alone: what is still written has to arrive.
        if isLingering, closeReason != nil { context.close(mode: .all, promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let error = settings.describe(error)
        executor.turn { fail(error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(closeReason ?? unannouncedReason)
    }

    /// Why the channel has closed where nobody has said so. NIO announces the end of the peer's side unless this side has
    /// ended before, and an error of reading; an error of writing it tells the write alone, which has no promise here.
    private var unannouncedReason: CloseReason {
        if outputHasEnded { return .remoteClosed }
        return .error(
            peerHasEnded
                ? NetworkError(.brokenPipe, "write: the peer has closed the connection and takes no more")
                : NetworkError(.connectionReset, "write: the connection broke off"))
    }

    /// The connection is gone, or belongs to another protocol.
    private func end(_ reason: CloseReason) {
        guard isOpen else { return }
        clocks?.stopAll()
        executor.turn {
            closeReason = reason
            endInput(reason.error.map(InputEnd.failed) ?? .ended)
            wakeWriters(.failure(reason.error ?? closedError(reason)))
            self.context = nil
            inline?.onClose(reason)
            inline = nil
        }
        onClosed?()
        onClosed = nil
    }
}

/// Why a connection ended, apart from the connection.
private final class CloseReasonBox {
    let reason: CloseReason

    init(_ reason: CloseReason) { self.reason = reason }
}

/// The callbacks of a connection that is handled on its event loop without `async`.
final class InlineHandlers {
    let onMessage: (ByteBuffer) -> Void
    let onEnd: () -> Void
    var onClose: (CloseReason) -> Void

    init(
        onMessage: @escaping (ByteBuffer) -> Void, onEnd: @escaping () -> Void,
        onClose: @escaping (CloseReason) -> Void
    ) {
        self.onMessage = onMessage
        self.onEnd = onEnd
        self.onClose = onClose
    }
}

/// What all connections of one server or client share.
final class ConnectionSettings: Sendable {
    let framing: Framing
    /// Whether messages are frames.
    let isFramed: Bool
    let highWaterMark: Int
    let maximumBufferedBytes: Int
    let idleLimit: TimeAmount?
    let writeLimit: TimeAmount?
    let lingerLimit: TimeAmount
    /// Nothing stands between the handler and the socket: no TLS.
    let isNextToSocket: Bool
    /// Frames that broke the framing and were skipped.
    let skipped: LossLog

    init(
        framing: Framing, _ configuration: TCPConnection.Configuration, isNextToSocket: Bool = true,
        logger: Logger = Logger(label: "junction.tcp")
    ) {
        self.skipped = LossLog(logger, "frame skipped")
        self.framing = framing
        self.isFramed = framing.makeFramer != nil
        self.highWaterMark = max(1, configuration.highWaterMark)
        self.maximumBufferedBytes = configuration.maximumBufferedBytes
        self.idleLimit = configuration.idleTimeout.map(TimeAmount.init)
        self.writeLimit = configuration.writeTimeout.map(TimeAmount.init)
        self.lingerLimit = TimeAmount(configuration.lingerTimeout)
        self.isNextToSocket = isNextToSocket
    }

    /// Sets the options of a new channel. On its loop.
    func configure(_ channel: any Channel) throws {
        // NIO's own is the same by default, and setting an option costs a hundredth of a short connection.
        guard highWaterMark != 65_536 else { return }
        try channel.syncOptions?.setOption(
            .writeBufferWaterMark, value: .init(low: max(1, highWaterMark / 2), high: highWaterMark))
    }

    /// The error that a pipeline reports, in the project's words.
    func describe(_ error: any Error) -> NetworkError { NetworkError(error, doing: "read") }
}

extension CloseReason {
    /// What failed, if that is why the connection ended.
    var error: NetworkError? { if case .error(let error) = self { error } else { nil } }
}
