import DequeModule
import JunctionCore
import JunctionTransport
import NIOCore

/// One UDP socket's state and its place in the channel's pipeline. Lives on the socket's event loop alone.
///
/// UDP cannot slow its senders down: when the reader is behind and the queue is full, the oldest datagram is dropped and
/// counted.
final class DatagramCore: ChannelInboundHandler, TurnFlushing {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>
    typealias OutboundOut = AddressedEnvelope<ByteBuffer>
    typealias Reader = UnsafeContinuation<Datagram?, any Error>
    /// Tells the readers from one another: a cancellation may arrive when its reader is gone and the next one waits.
    typealias Ticket = UInt64

    /// Called for each datagram at once, instead of queueing it.
    var onDatagram: ((Datagram) -> Void)?

    private let executor: LoopExecutor
    private let queueLimit: Int
    private var context: ChannelHandlerContext?
    private var inbox = Deque<Datagram>()
    private var reader: (ticket: Ticket, continuation: Reader)?
    private var ended = false
    private var failure: NetworkError?
    private var needsFlush = false

    /// Datagrams lost because the reader was behind.
    private(set) var dropped = 0
    /// Sends that nobody waited for and that could not be queued.
    private(set) var failedSends = 0

    /// Bytes that fit into a UDP packet over IPv4; the length field of IP (RFC 791) leaves no more.
    private static let maximumPayload = 65_507

    init(executor: LoopExecutor, queueLimit: Int) {
        self.executor = executor
        self.queueLimit = queueLimit
    }

    // MARK: Receiving

    /// The next datagram if one is there or the socket is closed; `nil` means: wait for it.
    func takeDatagram() throws -> Datagram?? {
        if let datagram = inbox.popFirst() { return .some(datagram) }
        if let error = failure {
            failure = nil
            throw error
        }
        return ended ? .some(nil) : nil
    }

    /// Hands the next datagram to `continuation` as soon as there is one.
    func park(_ continuation: Reader, _ ticket: Ticket) {
        do {
            if let datagram = try takeDatagram() { return continuation.resume(returning: datagram) }
        } catch {
            return continuation.resume(throwing: error)
        }
        guard reader == nil else {
            return continuation.resume(throwing: NetworkError(.invalidState, "a socket has one reader at a time"))
        }
        reader = (ticket, continuation)
    }

    /// The task that waits for a datagram was cancelled.
    func cancelReader(_ ticket: Ticket) {
        guard let waiting = reader, waiting.ticket == ticket else { return }
        reader = nil
        waiting.continuation.resume(throwing: CancellationError())
    }

    /// Ends the sequence of datagrams behind what is queued.
    func endInput() {
        ended = true
        wakeReader()
    }

    private func wakeReader() {
        guard let waiting = reader?.continuation, let datagram = try? takeDatagram() else { return }
        reader = nil
        waiting.resume(returning: datagram)
    }

    // MARK: Sending

    /// Sends now and tells `completion` what the kernel said, at once unless the socket's buffer is full.
    func send(
        _ payload: ByteBuffer, to address: SocketAddress?, completion: @escaping (Result<Void, any Error>) -> Void
    ) {
        guard let context else { return completion(.failure(ChannelError.alreadyClosed)) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete(completion)
        needsFlush = false
        write(payload, to: address, context, promise)
        context.flush()
    }

    /// Sends with everything else that is queued in this turn of the loop; what cannot be queued is counted.
    func enqueue(_ payload: ByteBuffer, to address: SocketAddress?) {
        guard let context, payload.readableBytes <= Self.maximumPayload else { return failedSends += 1 }
        write(payload, to: address, context, nil)  // a promise for each would cost a tenth of an echo
        if !needsFlush {
            needsFlush = true
            executor.flushAtTurnEnd(self)
        }
    }

    private func write(
        _ payload: ByteBuffer, to address: SocketAddress?, _ context: ChannelHandlerContext,
        _ promise: EventLoopPromise<Void>?
    ) {
        if let address {
            context.write(wrapOutboundOut(AddressedEnvelope(remoteAddress: address, data: payload)), promise: promise)
        } else {
            context.write(NIOAny(payload), promise: promise)
        }
    }

    func flushNow() {
        guard needsFlush else { return }
        needsFlush = false
        context?.flush()
    }

    /// Closes behind what is queued.
    func close() {
        flushNow()
        context?.close(promise: nil)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        guard !ended else { return }
        // An inline handler is called at the end of the read, so its queue never outgrows one batch of the kernel.
        if onDatagram == nil, inbox.count >= queueLimit {
            inbox.removeFirst()
            dropped += 1
        }
        inbox.append(Datagram(sender: envelope.remoteAddress, payload: envelope.data))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        executor.turn {
            if let onDatagram {
                while let datagram = inbox.popFirst() { onDatagram(datagram) }
            } else {
                wakeReader()
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // For example the ICMP answer to an earlier datagram of a connected socket. The socket lives on.
        let error = NetworkError(error, doing: "receive")
        guard let waiting = reader?.continuation else { return failure = error }
        reader = nil
        executor.turn { waiting.resume(throwing: error) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        executor.turn { endInput() }
    }
}
