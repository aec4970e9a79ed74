import JunctionTLS
import JunctionTransport
public import NIOCore

extension Channel {
    /// Makes an HTTP/1.1 server of a connection on which `mounts` answer the requests for their paths, and the handlers that you
    /// add next all others; in the place of NIO's `configureHTTPServerPipeline()`.
    ///
    /// ```swift
    /// ServerBootstrap(group: group).childChannelInitializer { channel in
    ///     channel.eventLoop.makeCompletedFuture {
    ///         try channel.configureHTTPServerPipeline(mounting: [io.mount()])
    ///         try channel.pipeline.syncOperations.addHandler(MyHandler())
    ///     }
    /// }
    /// ```
    ///
    /// Your handlers take `HTTPServerRequestPart`s and write `HTTPServerResponsePart`s. They see one request at a time: the next
    /// when the one before it is answered, by whomever. Errors of the HTTP parser reach them; NIO's
    /// `HTTPServerProtocolErrorHandler` can stand in front. When a connection becomes a WebSocket connection of a mount, they
    /// learn of its end (`channelInactive`) and of nothing before; they cannot upgrade it themselves.
    ///
    /// The server remains yours: when it shuts down, call ``Mount/shutDown()``, so that the clients are told. A
    /// `ChannelShouldQuiesceEvent` does that, too, and ends a connection behind the answer that is under way. An `IdleStateHandler` belongs in
    /// front of all this: there it sees what the mounts read, and a poll that waits does not count as idle.
    ///
    /// Sessions live on the event loop of the connection that opened them, of whatever group. Call it on that loop, behind the
    /// handlers of TLS if there are any.
    ///
    /// - Parameter mounts: the longest path that fits a request takes it.
    /// - Throws: when the channel is closed already.
    public func configureHTTPServerPipeline(mounting mounts: [Mount]) throws {
        let origin = HTTPOrigin(
            remoteAddress: remoteAddress, isSecure: MountTable.isSecure(self), isNextToSocket: false)
        try HTTPFork.serve(self, limits: HTTPLimits(), application: MountTable(mounts), origin: origin)
    }
}

extension MountTable {
    /// Whether a connection uses TLS. On the channel's loop.
    package static func isSecure(_ channel: any Channel) -> Bool {
        TLSHandler.isUsed(by: channel.pipeline.syncOperations)
    }
}
