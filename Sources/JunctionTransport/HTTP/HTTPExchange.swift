package import NIOCore
package import NIOHTTP1

/// A complete request.
package struct HTTPRequest: Sendable {
    package let head: HTTPRequestHead
    package let body: ByteBuffer
    /// The client's address.
    package let remoteAddress: SocketAddress?
    /// It came by TLS.
    package let isSecure: Bool

    /// The path without the query: `/socket.io/`.
    package var path: Substring { head.uri.prefix { $0 != "?" } }
    /// What follows the `?`; empty without one.
    package var query: Substring { head.uri.drop { $0 != "?" }.dropFirst() }
    /// The client asks to speak WebSocket on this connection.
    package var asksForWebSocket: Bool {
        head.headers.first(name: "upgrade")?.lowercased() == "websocket"
    }
}

/// An answer. Its length is added when it is written.
package struct HTTPResponse: Sendable {
    package var status: HTTPResponseStatus
    package var headers: HTTPHeaders
    package var body: ByteBuffer

    package init(status: HTTPResponseStatus, headers: HTTPHeaders = [:], body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// One request and the way to answer it. Lives on the connection's loop; ``respond(_:)`` may be called from any.
package final class HTTPExchange: Sendable {
    package let request: HTTPRequest
    /// The connection's channel.
    package let channel: any Channel
    /// The connection's event loop.
    package let executor: LoopExecutor
    /// Nothing but HTTP stands between the connection's handlers and its socket.
    package let isNextToSocket: Bool

    private let connection: NIOLoopBound<HTTPConnection>
    private let state: NIOLoopBoundBox<State>

    private enum State {
        case waiting(onDisconnect: (() -> Void)?)
        case answered
        case disconnected
    }

    init(
        request: HTTPRequest, connection: HTTPConnection, executor: LoopExecutor, channel: any Channel,
        isNextToSocket: Bool
    ) {
        self.request = request
        self.channel = channel
        self.executor = executor
        self.isNextToSocket = isNextToSocket
        self.connection = NIOLoopBound(connection, eventLoop: executor.eventLoop)
        self.state = NIOLoopBoundBox(.waiting(onDisconnect: nil), eventLoop: executor.eventLoop)
    }

    /// Answers the request. A second answer, or one to a connection that is gone, does nothing.
    package func respond(_ response: HTTPResponse) {
        executor.execute { self.connection.value.respond(response, to: self) }
    }

    /// Calls `action` on the connection's loop if the client goes away before the answer, or has gone. Only on that loop.
    package func onDisconnect(_ action: @escaping () -> Void) {
        switch state.value {
        case .waiting: state.value = .waiting(onDisconnect: action)
        case .answered: break
        case .disconnected: action()
        }
    }

    /// Leaves HTTP: answers 101 with `headers` and gives the connection to `handler`. Only on the connection's loop.
    package func upgrade(headers: HTTPHeaders, to handler: any ChannelHandler) throws {
        try connection.value.upgrade(self, headers: headers, to: handler)
    }

    /// The request is answered. The action for a disconnection goes: it may hold the exchange.
    func answered() {
        state.value = .answered
    }

    func disconnected() {
        guard case .waiting(let action) = state.value else { return }
        state.value = .disconnected
        action?()
    }
}
