import DequeModule
package import NIOCore
package import NIOHTTP1

/// Shares an HTTP/1.1 connection between an ``HTTPApplication`` of ours and the handlers of another server: each request goes to
/// whom it is for, and answers leave in the order of the requests.
///
/// It stands in front of the ``HTTPConnection`` that answers for the application; requests for the other server pass that one by.
/// A connection is handed from one to the other between two requests only: what a client sends ahead is held until the request
/// before it is answered, and while something is held nothing more is read.
package final class HTTPFork: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPServerRequestPart
    package typealias InboundOut = HTTPServerRequestPart
    package typealias OutboundIn = NIOAny
    package typealias OutboundOut = NIOAny

    /// Adds the other server's handlers to the channel: `HTTPServerRequestPart` in, `HTTPServerResponsePart` out.
    package typealias Attach = (any Channel) throws -> Void

    private enum Owner { case ours, theirs }

    private let application: any HTTPApplication
    private let connection: HTTPConnection
    /// Until it is called.
    private var attach: Attach?
    private var context: ChannelHandlerContext?
    /// Of the connection behind, to pass it by.
    private var past: ChannelHandlerContext?
    /// Whose request is under way.
    private var owner: Owner?
    private var requestHasEnded = false
    private var responseHasEnded = false
    private var held = Deque<HTTPServerRequestPart>()
    private var isReleasing = false
    private var readIsHeld = false

    private init(application: any HTTPApplication, connection: HTTPConnection, attach: @escaping Attach) {
        self.application = application
        self.connection = connection
        self.attach = attach
    }

    /// Speaks HTTP/1.1 on a channel and shares it. On the channel's loop.
    ///
    /// - Parameters:
    ///   - idleTimeout: time without a request after which the connection ends; `nil` leaves that to the other server.
    ///   - attach: called at the first request for the other server.
    package static func serve(
        _ channel: any Channel, limits: HTTPLimits, application: any HTTPApplication, origin: HTTPOrigin,
        idleTimeout: TimeAmount?, attach: @escaping Attach
    ) throws {
        _ = try install(channel, limits, application, origin, idleTimeout, attach)
    }

    /// The same for a channel whose other handlers follow at once: they belong behind what is there when this returns.
    package static func serve(
        _ channel: any Channel, limits: HTTPLimits, application: any HTTPApplication, origin: HTTPOrigin
    ) throws {
        let fork = try install(channel, limits, application, origin, nil) { _ in }
        try fork.attachTheirs(to: channel)
    }

    private static func install(
        _ channel: any Channel, _ limits: HTTPLimits, _ application: any HTTPApplication, _ origin: HTTPOrigin,
        _ idleTimeout: TimeAmount?, _ attach: @escaping Attach
    ) throws -> HTTPFork {
        let connection = HTTPConnection(
            executor: LoopExecutor.of(channel.eventLoop), limits: limits, application: application, origin: origin,
            idleTimeout: idleTimeout)
        let fork = HTTPFork(application: application, connection: connection, attach: attach)
        connection.share(by: fork)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers(HTTPConnection.decoder(limits), fork, connection)
        fork.past = try pipeline.context(handler: connection)
        return fork
    }

    package func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    package func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        past = nil
        attach = nil
        held.removeAll()
    }

    /// The other server's handlers are in the pipeline.
    private var hasTheirs: Bool { attach == nil }

    private func attachTheirs(to channel: any Channel) throws {
        guard let attach else { return }
        self.attach = nil
        try channel.pipeline.syncOperations.addHandlers(HTTPResponseEncoder(), TheirResponses(fork: self))
        try attach(channel)
    }

    // MARK: Requests

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isReleasing || !held.isEmpty || owner != nil && requestHasEnded {
            held.append(part)
        } else {
            take(part)
        }
    }

    private func take(_ part: HTTPServerRequestPart) {
        switch part {
        case .head(let head):
            owner = application.takes(head) ? .ours : .theirs
            requestHasEnded = false
            responseHasEnded = false
        case .body: break
        case .end: requestHasEnded = true
        }
        switch owner {
        case .ours: if let past { connection.channelRead(context: past, data: wrapInboundOut(part)) }
        case .theirs: passOn(part)
        case nil: break  // cannot be: the decoder gives heads first
        }
        goOnIfDone()
    }

    private func passOn(_ part: HTTPServerRequestPart) {
        guard let past else { return }
        do {
            try attachTheirs(to: past.channel)
        } catch {
            return past.close(promise: nil)
        }
        connection.flushNow()  // its answers leave first
        connection.wasActiveElsewhere(untilAnswered: requestHasEnded)
        past.fireChannelRead(wrapInboundOut(part))
    }

    package func read(context: ChannelHandlerContext) {
        if held.isEmpty { context.read() } else { readIsHeld = true }
    }

    /// The request that is under way has its answer, by whomever.
    func answered() {
        responseHasEnded = true
        goOnIfDone()
    }

    private func goOnIfDone() {
        guard owner != nil, requestHasEnded, responseHasEnded else { return }
        if owner == .theirs { connection.wasActiveElsewhere(untilAnswered: false) }
        owner = nil
        guard !held.isEmpty, !isReleasing, let context else { return }
        isReleasing = true
        // Not within the call that ended the answer: who made it has not finished with that request yet.
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.release() }
    }

    private func release() {
        isReleasing = false
        while !isReleasing, owner == nil || !requestHasEnded, let part = held.popFirst() { take(part) }
        // Some handlers wait for it before they look at what was read.
        past?.fireChannelReadComplete()
        guard held.isEmpty, readIsHeld, let context else { return }
        readIsHeld = false
        context.read()
    }

    /// The connection leaves HTTP and becomes one of ours alone; the other server's handlers only learn of its end. Called by the
    /// ``HTTPConnection`` before it leaves, too.
    ///
    /// - Parameter handler: what follows HTTP; it is in the pipeline.
    func leave(to handler: any ChannelHandler) throws {
        guard let context else { return }
        let pipeline = context.pipeline.syncOperations
        if hasTheirs { try pipeline.addHandler(ConnectionEnd(), position: .after(handler)) }
        pipeline.removeHandler(context: context, promise: nil)
    }

    // MARK: Events

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if owner != .ours, hasTheirs, let past {
            past.fireErrorCaught(error)
        } else {
            context.fireErrorCaught(error)
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            quiesce(context)
        case is IdleStateHandler.IdleStateEvent where owner == .ours:
            break  // a poll waits
        case ChannelEvent.inputClosed where owner != .ours && hasTheirs:
            past?.fireUserInboundEventTriggered(event)
        default:
            context.fireUserInboundEventTriggered(event)
        }
    }
}

extension HTTPFork {
    /// The server goes away. An idle connection stays until the clients have been told: one of them may be between two polls.
    private func quiesce(_ context: ChannelHandlerContext) {
        if owner != nil { end() }
        guard owner != .theirs else { return }
        guard let shutDown = application.shutDown else { return end() }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        Task {
            await shutDown()
            eventLoop.execute { bound.value.end() }
        }
    }

    /// Ends the connection behind the answer that is under way, if one is.
    private func end() {
        if owner != .ours, hasTheirs {
            past?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        } else {
            connection.beginDrain()
        }
    }
}

/// In front of the other server's handlers: tells when they have answered a request.
private final class TheirResponses: ChannelOutboundHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let fork: HTTPFork

    init(fork: HTTPFork) { self.fork = fork }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        context.write(data, promise: promise)
        if case .end = unwrapOutboundIn(data) { fork.answered() }
    }
}

/// Behind the handler of a connection that has left HTTP, in front of another server's: they learn of its end, and of nothing
/// else, and have nothing to say on it any more.
private final class ConnectionEnd: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = NIOAny

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}
    func channelReadComplete(context: ChannelHandlerContext) {}
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {}
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.ioOnClosedChannel)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Their side of an orderly end is not the connection's.
        if mode == .output { promise?.succeed() } else { context.close(mode: mode, promise: promise) }
    }
}
