package import JunctionCore
package import NIOCore

/// Reads the PROXY protocol header of an accepted connection, has the rest of the pipeline built with what it says, hands on
/// the bytes behind it and leaves.
///
/// Nothing is served before the header is complete, and a connection that is refused never is.
package final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
    package typealias InboundIn = ByteBuffer
    package typealias InboundOut = ByteBuffer

    /// Adds the handlers that serve the connection. `header` is `nil` for one that came without a header and is served all the
    /// same. Called once, on the channel's loop.
    package typealias Serve = (_ header: ProxyHeader?, _ channel: any Channel) throws -> Void

    private let timeout: TimeAmount
    private let isOptional: Bool
    private let parser: ProxyHeaderParser
    private let serve: Serve
    private let refuse: (NetworkError) -> Void
    private var bytes = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var isDone = false

    /// Prepares an accepted channel, which has no handlers yet. On its loop, in the channel's initializer.
    ///
    /// A connection from an address that is not trusted is served at once without a header, or refused, as `configuration` says.
    ///
    /// - Parameters:
    ///   - serve: builds the rest of the pipeline: at once, or when the header has come. The peer's address is the header's
    ///     `source` if there is one, else the channel's. The channel may be active by then. An error that it throws closes the
    ///     connection.
    ///   - refused: told why a connection is closed without being served; count it and log it. Called once at most. A client
    ///     that closes its connection before its header is complete is not refused.
    package static func install(
        on channel: any Channel, _ configuration: ProxyProtocol, serve: @escaping Serve,
        refused: @escaping (NetworkError) -> Void
    ) throws {
        if let address = channel.remoteAddress, configuration.trusted(address) {
            let handler = ProxyProtocolHandler(configuration, serve: serve, refuse: refused)
            try channel.pipeline.syncOperations.addHandler(handler)
        } else if configuration.untrusted == .serveWithoutHeader {
            try serve(nil, channel)
        } else {
            let sender = channel.remoteAddress?.text ?? "unknown"
            refused(
                NetworkError(
                    .proxyProtocol, "PROXY protocol: \(sender) is not trusted to send a header",
                    address: channel.remoteAddress))
            channel.close(promise: nil)
        }
    }

    init(_ configuration: ProxyProtocol, serve: @escaping Serve, refuse: @escaping (NetworkError) -> Void) {
        self.timeout = TimeAmount(configuration.headerTimeout)
        self.isOptional = configuration.requirement == .optional
        self.parser = ProxyHeaderParser(
            versions: configuration.versions, maximumLength: configuration.maximumHeaderLength)
        self.serve = serve
        self.refuse = refuse
    }

    package func handlerAdded(context: ChannelHandlerContext) {
        let context = NIOLoopBound(context, eventLoop: context.eventLoop)
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.endWithoutHeader("no header within \(self.timeout.nanoseconds / 1_000_000) ms", context.value)
        }
    }

    package func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDone else { return }
        var read = unwrapInboundIn(data)
        bytes.writeBuffer(&read)
        do {
            switch try parser.parse(&bytes) {
            case .incomplete: break
            case .header(let header): handOver(header, context)
            case .absent: endWithoutHeader("the connection does not begin with a header", context)
            }
        } catch {
            end(NetworkError(error, doing: "PROXY protocol"), context)
        }
    }

    package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        endWithoutHeader("the connection ended before its header", context, event: event)
    }

    /// The connection has no header, or only the beginning of one.
    private func endWithoutHeader(_ reason: String, _ context: ChannelHandlerContext, event: Any? = nil) {
        guard !isDone else { return }
        if isOptional {
            handOver(nil, context, event: event)
        } else {
            end(ProxyHeaderParser.malformed(reason), context)
        }
    }

    /// Has the rest of the pipeline built, gives it what was read, and leaves.
    private func handOver(_ header: ProxyHeader?, _ context: ChannelHandlerContext, event: Any? = nil) {
        isDone = true
        timer?.cancel()
        do {
            try serve(header, context.channel)
        } catch {
            return context.close(promise: nil)
        }
        if bytes.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(bytes))
            bytes = ByteBuffer()
            context.fireChannelReadComplete()
        }
        // Before it leaves: a handler that is out of the pipeline has nobody to tell.
        if let event { context.fireUserInboundEventTriggered(event) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func end(_ error: NetworkError, _ context: ChannelHandlerContext) {
        isDone = true
        timer?.cancel()
        bytes = ByteBuffer()
        var error = error
        error.address = context.channel.remoteAddress
        refuse(error)
        context.close(promise: nil)
    }
}
