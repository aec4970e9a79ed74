import JunctionTransport
public import NIOCore

/// A message of a WebSocket connection.
public enum WebSocketMessage: Sendable, Hashable {
    /// Valid UTF-8.
    case text(ByteBuffer)
    /// Bytes.
    case binary(ByteBuffer)
}

/// A plain WebSocket connection of a ``WebSocketServer``.
public final class WebSocketConnection: Sendable {
    /// The peer's address.
    public let remoteAddress: SocketAddress?

    private let executor: LoopExecutor
    private let handler: NIOLoopBound<WebSocketHandler>

    init(handler: WebSocketHandler, channel: any Channel, executor: LoopExecutor) {
        self.remoteAddress = channel.remoteAddress
        self.executor = executor
        self.handler = NIOLoopBound(handler, eventLoop: channel.eventLoop)
    }

    /// Queues a message; what is sent in one turn of the event loop leaves together. On a closed connection it does nothing.
    ///
    /// - Parameter compress: false for bytes that compression does not make shorter, such as a picture's. Matters only where
    ///   the server has ``WebSocketCompression`` and the client agreed to it.
    public func send(_ message: WebSocketMessage, compress: Bool = true) {
        if executor.eventLoop.inEventLoop {
            handler.value.send(message, compress: compress)  // the usual case: no closure to make
        } else {
            executor.execute { self.handler.value.send(message, compress: compress) }
        }
    }

    /// Queues a text message.
    public func send(_ text: String, compress: Bool = true) {
        send(.text(ByteBuffer(string: text)), compress: compress)
    }

    /// Closes the connection behind what is queued.
    public func close(_ code: WebSocketCloseCode = .normal, reason: String = "") {
        executor.execute { self.handler.value.close(code, reason: reason) }
    }
}

extension WebSocketHandler {
    fileprivate func send(_ message: WebSocketMessage, compress: Bool) {
        switch message {
        case .text(let text): send(.text, text, compress: compress)
        case .binary(let bytes): send(.binary, bytes, compress: compress)
        }
    }
}
