import DequeModule
import JunctionCore
package import NIOCore
package import NIOHTTP1

/// Limits of an HTTP connection.
package struct HTTPLimits: Sendable {
    /// Bytes of a request's body, unless the application sets a limit of its own; a larger one is answered with 413.
    package var maximumBodySize = 1_000_000
    /// Bytes of a request's header fields; more is answered with 431.
    package var maximumHeaderSize = 16_384
    /// Header fields of a request; more is answered with 431.
    package var maximumHeaderCount = 128
    /// Requests that a client may send ahead on one connection (pipelining); more ends the connection.
    package var maximumPipelinedRequests = 16
    /// Time until a request is complete, and time without any; then the connection ends.
    package var requestTimeout = TimeAmount.seconds(60)

    package init() {}
}

/// Collects requests, hands them to the application one after another, and writes its answers.
package final class HTTPConnection: ChannelDuplexHandler, RemovableChannelHandler, TurnFlushing {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias OutboundIn = Never
    package typealias OutboundOut = ByteBuffer

    private let executor: LoopExecutor
    private let limits: HTTPLimits
    private let application: any HTTPApplication
    private let origin: HTTPOrigin
    /// Time without a request after which the connection ends; `nil` where others share it and look after that.
    private let idleTimeout: TimeAmount?
    /// In front of this handler where others share the connection; until the handler leaves.
    private var fork: HTTPFork?
    /// The connection as its server sees it, until it leaves HTTP.
    private var entry: DrainableHTTPConnection?
    private var context: ChannelHandlerContext?
    private var head: HTTPRequestHead?
    private var fields = HTTPRequestFields()
    /// Of the request that is being read; looked up when it has a body.
    private var maximumBodySize: Int?
    private var output: TurnOutput
    private var body = ByteBuffer()
    private var waiting = Deque<HTTPRequest>()
    private var current: HTTPExchange?
    private var isClosing = false
    private var isDraining = false
    private var isRejected = false
    private var readIsHeld = false
    private var needsFlush = false
    private var deadline = NIODeadline.distantFuture
    private var timer: Scheduled<Void>?

    init(
        executor: LoopExecutor, limits: HTTPLimits, application: any HTTPApplication, origin: HTTPOrigin,
        idleTimeout: TimeAmount?
    ) {
        self.executor = executor
        self.limits = limits
        self.application = application
        self.origin = origin
        self.idleTimeout = idleTimeout
        self.output = TurnOutput(isNextToSocket: origin.isNextToSocket)
    }

    /// Others share the connection, whose answers leave by the channel. Before the handler joins the pipeline.
    func share(by fork: HTTPFork) {
        self.fork = fork
        output = TurnOutput(isNextToSocket: false)
    }

    /// Speaks HTTP/1.1 on `channel`, which stays in `connections` until it closes, upgraded or not. On its loop.
    ///
    /// - Parameter origin: what is known of the connection; by default that it comes from the channel's peer, without TLS.
    /// - Returns: false when there are as many connections as there may be; then the caller closes the channel.
    @discardableResult
    package static func serve(
        _ channel: any Channel, limits: HTTPLimits, application: any HTTPApplication, connections: ConnectionRegistry,
        origin: HTTPOrigin? = nil
    ) throws -> Bool {
        let executor = LoopExecutor.of(channel.eventLoop)
        let connection = HTTPConnection(
            executor: executor, limits: limits, application: application,
            origin: origin ?? HTTPOrigin(remoteAddress: channel.remoteAddress, isNextToSocket: true),
            idleTimeout: limits.requestTimeout)
        let entry = DrainableHTTPConnection(connection, channel, executor)
        connection.entry = entry
        try channel.pipeline.syncOperations.addHandlers(decoder(limits), connection)
        // Not before the connection is in place: a drain that has begun reaches it at once.
        guard connections.insert(entry) else { return false }
        channel.closeFuture.whenComplete { _ in connections.remove(entry) }
        return true
    }

    /// The handler between bytes and the parts of requests.
    static func decoder(_ limits: HTTPLimits) -> ByteToMessageHandler<HTTPRequestDecoder> {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderListSize = limits.maximumHeaderSize
        configuration.maxHeaderFieldSize = limits.maximumHeaderSize
        configuration.maxHeaderFieldCount = limits.maximumHeaderCount
        return ByteToMessageHandler(
            HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: configuration))
    }

    // MARK: Requests

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            fields = HTTPRequestFields(head.headers)
            if fork != nil { deadline = executor.eventLoop.now + limits.requestTimeout }
            maximumBodySize = nil
            guard fields.contentLength == 0 || fields.contentLength <= bodyLimit(of: head) else {
                return reject(.payloadTooLarge)
            }
            self.head = head
            // Between the answers to earlier requests it would count as part of one; a client that waits goes on by itself.
            if fields.hasExpectation, current == nil, waiting.isEmpty { sendContinue() }
        case .body(var part):
            guard let head, body.readableBytes + part.readableBytes <= bodyLimit(of: head) else {
                return reject(.payloadTooLarge)
            }
            if body.readableBytes == 0 { body = part } else { body.writeBuffer(&part) }
        case .end:
            guard let head else { return }
            self.head = nil
            var request = HTTPRequest(head: head, fields: fields, body: body, remoteAddress: origin.remoteAddress)
            request.isSecure = origin.isSecure
            body = ByteBuffer()
            guard waiting.count < limits.maximumPipelinedRequests else { return reject(.tooManyRequests) }
            waiting.append(request)
            executor.turn { dispatch() }
        }
    }

    private func bodyLimit(of head: HTTPRequestHead) -> Int {
        if let maximumBodySize { return maximumBodySize }
        let limit = application.maximumBodySize(of: head) ?? limits.maximumBodySize
        maximumBodySize = limit
        return limit
    }

    package func read(context: ChannelHandlerContext) {
        // The answers to a client that does not read would only pile up, and so would bytes of the protocol that a waiting
        // request asks for.
        if !context.channel.isWritable || waiting.last?.mayLeaveHTTP == true {
            readIsHeld = true
        } else {
            context.read()
        }
    }

    package func channelWritabilityChanged(context: ChannelHandlerContext) {
        if readIsHeld, context.channel.isWritable {
            readIsHeld = false
            context.channel.read()
        }
        context.fireChannelWritabilityChanged()
    }

    private func dispatch() {
        guard current == nil, !isClosing, let context, let request = waiting.popFirst() else { return }
        deadline = .distantFuture
        let exchange = HTTPExchange(
            request: request, connection: self, executor: executor, channel: context.channel,
            isNextToSocket: origin.isNextToSocket)
        current = exchange
        application.handle(exchange)
    }

    /// How long a client whose request was rejected may take to end its side.
    private static let rejectedTimeout = TimeAmount.seconds(5)

    /// Answers and ends the connection: what follows on it cannot be understood any more.
    ///
    /// What the client still sends is read and dropped until it has seen the answer and ends its side: to close with bytes
    /// unread would reset the connection, and could take the answer with it (RFC 9112, section 9.6).
    private func reject(_ status: HTTPResponseStatus) {
        guard !isRejected else { return }
        isRejected = true
        isClosing = true
        waiting.removeAll()
        guard current == nil, let context else { return close() }
        write(HTTPResponse(status: status), isHead: false, keepAlive: false)
        flushNow()
        context.close(mode: .output, promise: nil)
        closeChannel(context.channel, after: Self.rejectedTimeout)
    }

    private func sendContinue() {
        output.gather(executor) { HTTPResponse(status: .continue).writeHead(isLast: false, into: &$0) }
        flushNow()
    }

    // MARK: Responses

    /// Writes the answer of the current exchange and goes on with the next request.
    func respond(_ response: HTTPResponse, to exchange: HTTPExchange) {
        guard current === exchange else { return }
        current = nil
        exchange.answered()
        let request = exchange.request
        let keepAlive = request.head.isKeepAlive && !isClosing && !(isDraining && isIdle) && !request.mayLeaveHTTP
        write(response, isHead: request.head.method == .HEAD, keepAlive: keepAlive)
        guard keepAlive else { return close() }
        deadline = idleDeadline
        if !waiting.isEmpty { dispatch() }
        fork?.answered()
    }

    private func write(_ response: HTTPResponse, isHead: Bool, keepAlive: Bool) {
        guard let context else { return }
        output.gather(executor) { response.writeHead(isLast: !keepAlive, into: &$0) }
        if !isHead, response.body.readableBytes > 0 {
            do throws(NetworkError) {
                try output.write(response.body, context, executor)
            } catch {
                return context.close(promise: nil)
            }
        }
        if !needsFlush {
            needsFlush = true
            executor.flushAtTurnEnd(self)
        }
    }

    package func flushNow() {
        needsFlush = false
        guard let context else { return }
        do throws(NetworkError) {
            try output.flush(context, executor)
        } catch {
            context.close(promise: nil)
        }
    }

    private func close() {
        isClosing = true
        flushNow()
        guard let context else { return }
        let channel = context.channel
        context.close(mode: .output).whenComplete { _ in channel.close(promise: nil) }
        // A client that does not read its answer is not waited for any longer than one that sends nothing.
        closeChannel(channel, after: limits.requestTimeout)
    }

    private func closeChannel(_ channel: any Channel, after time: TimeAmount) {
        timer?.cancel()
        timer = executor.eventLoop.assumeIsolated().scheduleTask(in: time) { channel.close(promise: nil) }
    }

    // MARK: Upgrading

    /// Answers the current exchange with 101 and puts `handler` in the place of HTTP. Bytes that came behind the request
    /// reach it.
    func upgrade(_ exchange: HTTPExchange, headers: HTTPHeaders, to handler: any ChannelHandler) throws {
        guard current === exchange, let context else { throw ChannelError.ioOnClosedChannel }
        let pipeline = context.pipeline.syncOperations
        let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
        current = nil
        exchange.answered()
        timer?.cancel()
        flushNow()  // the answers to requests that came before
        var head = ByteBuffer()
        HTTPResponse(status: .switchingProtocols, headers: headers).writeHead(isLast: false, into: &head)
        context.write(wrapOutboundOut(head), promise: nil)
        // This handler first: the decoder forwards its left-over bytes to whoever follows it.
        try pipeline.addHandler(handler, position: .after(self))
        try fork?.leave(to: handler)
        pipeline.removeHandler(context: context, promise: nil)
        pipeline.removeHandler(context: decoder, promise: nil)
        if readIsHeld { exchange.channel.read() }
    }

    // MARK: Ending

    /// Ends the connection as soon as no request is under way.
    func beginDrain() {
        isDraining = true
        if current == nil, isIdle { close() }
    }

    /// No request has begun beside the current one.
    private var isIdle: Bool { head == nil && waiting.isEmpty }

    package func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        deadline = idleDeadline
        startTimer()
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        entry?.leftHTTP()
        entry = nil
        fork = nil
        timer?.cancel()
    }

    package func channelInactive(context: ChannelHandlerContext) {
        executor.turn { current?.disconnected() }
        current = nil
        context.fireChannelInactive()
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A client that half-closes gets no more answers: there is no way to tell it from one that is gone.
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        context.close(promise: nil)
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: reject(.requestHeaderFieldsTooLarge)
        case is HTTPParserError: reject(.badRequest)
        default: context.close(promise: nil)
        }
    }

    private var idleDeadline: NIODeadline { idleTimeout.map { executor.eventLoop.now + $0 } ?? .distantFuture }

    /// A part of a request has come for somebody else who shares the connection, or is answered.
    ///
    /// - Parameter untilAnswered: the request is complete; the answer may take its time.
    func wasActiveElsewhere(untilAnswered: Bool) { deadline = untilAnswered ? .distantFuture : idleDeadline }

    /// One timer for all requests of the connection: it moves with the deadline instead of being set anew for each.
    private func startTimer() {
        let loop = executor.eventLoop
        let period = min(limits.requestTimeout, idleTimeout ?? limits.requestTimeout)
        timer = loop.assumeIsolated().scheduleTask(deadline: min(deadline, loop.now + period)) {
            guard self.context != nil else { return }
            if self.deadline <= loop.now { return self.close() }
            self.startTimer()
        }
    }
}

/// An HTTP connection as its draining server sees it. One that was upgraded ends as its new protocol does.
private final class DrainableHTTPConnection: Drainable {
    private let connection: NIOLoopBoundBox<HTTPConnection?>
    private let channel: any Channel
    private let executor: LoopExecutor

    init(_ connection: HTTPConnection, _ channel: any Channel, _ executor: LoopExecutor) {
        self.connection = NIOLoopBoundBox(connection, eventLoop: channel.eventLoop)
        self.channel = channel
        self.executor = executor
    }

    /// The connection has left HTTP: its handler is not kept in memory for the registry's sake. On its loop.
    func leftHTTP() { connection.value = nil }

    func beginDrain() { executor.execute { self.connection.value?.beginDrain() } }
    func forceClose() { channel.close(promise: nil) }
}
