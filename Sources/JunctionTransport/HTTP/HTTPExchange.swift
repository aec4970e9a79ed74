package import NIOCore
package import NIOHTTP1

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
    // Proof of safety: touched on the connection's loop alone, by the methods that say so.
    private nonisolated(unsafe) var state = State.waiting(onDisconnect: nil)

    private enum State {
        case waiting(onDisconnect: (() -> Void)?)
        case watched(by: any HTTPExchangeObserver)
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
    }

    /// Answers the request. A second answer, or one to a connection that is gone, does nothing.
    package func respond(_ response: HTTPResponse) {
        if executor.eventLoop.inEventLoop {
            executor.turn { connection.value.respond(response, to: self) }  // the usual case: no closure to make
        } else {
            executor.execute { self.connection.value.respond(response, to: self) }
        }
    }

    /// The client still waits for the answer. Only on the connection's loop.
    package var isWaiting: Bool {
        switch state {
        case .waiting, .watched: true
        case .answered, .disconnected: false
        }
    }

    /// Calls `action` on the connection's loop if the client goes away before the answer, or has gone. Only on that loop.
    package func onDisconnect(_ action: @escaping () -> Void) {
        switch state {
        case .waiting, .watched: state = .waiting(onDisconnect: action)
        case .answered: break
        case .disconnected: action()
        }
    }

    /// Tells `observer` on the connection's loop if the client goes away before the answer, or has gone; in the place of an
    /// action. Only on that loop.
    package func onDisconnect(tell observer: any HTTPExchangeObserver) {
        switch state {
        case .waiting, .watched: state = .watched(by: observer)
        case .answered: break
        case .disconnected: observer.disconnected(self)
        }
    }

    /// Leaves HTTP: answers 101 with `headers` and gives the connection to `handler`. Only on the connection's loop.
    package func upgrade(headers: HTTPHeaders, to handler: any ChannelHandler) throws {
        try connection.value.upgrade(self, headers: headers, to: handler)
    }

    /// The request is answered. The action for a disconnection goes: it may hold the exchange.
    func answered() {
        state = .answered
    }

    func disconnected() {
        let before = state
        guard isWaiting else { return }
        state = .disconnected
        switch before {
        case .waiting(let action): action?()
        case .watched(let observer): observer.disconnected(self)
        case .answered, .disconnected: break
        }
    }
}

/// Learns that the client of an exchange is gone.
package protocol HTTPExchangeObserver: AnyObject {
    /// The client went away before the answer.
    func disconnected(_ exchange: HTTPExchange)
}
