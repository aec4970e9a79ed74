package import NIOCore
package import NIOHTTP1

/// Answers the requests of an HTTP connection. Called on the connection's event loop, one request at a time.
package protocol HTTPApplication: Sendable {
    /// Answers `exchange` now or later, exactly once, or upgrades it.
    func handle(_ exchange: HTTPExchange)
    /// Bytes that the body of this request may have; `nil` is the connection's limit.
    func maximumBodySize(of head: HTTPRequestHead) -> Int?
    /// Whether the request is for this application, where it shares the connection with others (``HTTPFork``).
    func takes(_ head: HTTPRequestHead) -> Bool
    /// Tells the clients that the server goes away, and returns when they need no connections any more; `nil` where there is
    /// nobody to tell. For connections that are shared; may be called more than once.
    var shutDown: (@Sendable () async -> Void)? { get }
}

extension HTTPApplication {
    package func maximumBodySize(of head: HTTPRequestHead) -> Int? { nil }
    package func takes(_ head: HTTPRequestHead) -> Bool { true }
    package var shutDown: (@Sendable () async -> Void)? { nil }
}

/// What is known of an HTTP connection before its first request.
package struct HTTPOrigin: Sendable {
    /// Where it comes from.
    package var remoteAddress: SocketAddress?
    /// It uses TLS.
    package var isSecure: Bool
    /// Nothing but HTTP stands between its handlers and the socket.
    package var isNextToSocket: Bool

    package init(remoteAddress: SocketAddress?, isSecure: Bool = false, isNextToSocket: Bool) {
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.isNextToSocket = isNextToSocket
    }
}
