import JunctionTransport
import JunctionWebSocket
import NIOCore
import Synchronization

/// The WebSocket connection of a session.
///
/// A session lives on the loop of the TCP connection that opened it; the WebSocket connection of an upgrade may have come in
/// on another. Then everything crosses over in order, once each way; on the same loop calls are direct.
final class WebSocketLink: WebSocketDelegate, Sendable {
    /// The loop of the session.
    private let home: LoopExecutor
    /// The loop of the WebSocket connection.
    private let away: LoopExecutor
    private let handler: NIOLoopBound<WebSocketHandler>
    private let session: NIOLoopBound<EngineSessionCore>
    /// The session itself where its loop is the connection's.
    ///
    /// Proof of safety: used on that loop alone, by the calls from the connection.
    private nonisolated(unsafe) let localSession: EngineSessionCore?
    private let isLocal: Bool
    /// What the session knows of a connection on another loop. Only on the session's loop.
    private let awayIsWritable = Atomic(true)
    private let bytesOnTheWay = Atomic(0)

    private static let step = 65_536

    /// Only on the connection's loop. `session` is bound to its own.
    init(
        handler: WebSocketHandler, on away: LoopExecutor, session: NIOLoopBound<EngineSessionCore>,
        on home: LoopExecutor
    ) {
        self.home = home
        self.away = away
        self.handler = NIOLoopBound(handler, eventLoop: away.eventLoop)
        self.session = session
        self.isLocal = home === away
        self.localSession = home === away ? session.value : nil
    }

    // MARK: From the connection, on its loop

    func webSocket(_ socket: WebSocketHandler, receivedText text: consuming ByteBuffer) {
        if let localSession { return localSession.received(text: text, from: self) }
        home.execute { [text] in self.session.value.received(text: text, from: self) }
    }

    func webSocket(_ socket: WebSocketHandler, receivedBinary bytes: consuming ByteBuffer) {
        if let localSession { return localSession.received(binary: bytes, from: self) }
        home.execute { [bytes] in self.session.value.received(binary: bytes, from: self) }
    }

    func webSocketWritabilityChanged(_ socket: WebSocketHandler) {
        if let localSession {
            if socket.isWritable { localSession.writable(self) }
        } else {
            learnWritability(of: socket)
        }
    }

    func webSocketClosed(_ socket: WebSocketHandler, _ close: WebSocketClose) {
        home.execute { self.session.value.closed(self, close) }
    }

    // MARK: From the session, on its loop

    /// The connection itself where its loop is the session's: the short way for what is sent most.
    var local: WebSocketHandler? { isLocal ? handler.value : nil }

    /// Sends a text message that `body` writes, straight into the connection's output where the loop is the same.
    func sendText<Result>(compress: Bool = true, _ body: (inout ByteBuffer) throws -> Result) throws -> Result? {
        if isLocal { return try handler.value.send(.text, compress: compress, body) }
        var buffer = ByteBuffer()
        let result = try body(&buffer)
        away.execute { [buffer] in self.handler.value.send(.text, buffer, compress: compress) }
        noteSent(buffer.readableBytes)
        return result
    }

    /// Sends a binary message.
    func send(binary bytes: ByteBuffer, compress: Bool = true) {
        if isLocal { return handler.value.send(.binary, bytes, compress: compress) }
        away.execute { self.handler.value.send(.binary, bytes, compress: compress) }
        noteSent(bytes.readableBytes)
    }

    /// Sends frames that were encoded before.
    func send(encoded frames: SharedFrames, compress: Bool = true) {
        if isLocal { return handler.value.send(encoded: frames, compress: compress) }
        away.execute { self.handler.value.send(encoded: frames, compress: compress) }
        noteSent(frames.plain.readableBytes)
    }

    /// False while the client is behind with reading.
    var isWritable: Bool {
        if isLocal { return handler.value.isWritable }
        return awayIsWritable.load(ordering: .relaxed) && bytesOnTheWay.load(ordering: .relaxed) < Self.step
    }

    /// Whether the connection can take more is known on its own loop alone: after so many bytes, that is asked there, and none
    /// is thought to have room until the answer has come.
    private func noteSent(_ count: Int) {
        let before = bytesOnTheWay.wrappingAdd(count, ordering: .relaxed).oldValue
        guard before < Self.step, before + count >= Self.step else { return }
        // Behind the flush of what was sent.
        away.execute { self.learnWritability(of: self.handler.value) }
    }

    private func learnWritability(of socket: WebSocketHandler) {
        let isWritable = socket.isWritable
        home.execute {
            self.awayIsWritable.store(isWritable, ordering: .relaxed)
            self.bytesOnTheWay.store(0, ordering: .relaxed)
            if isWritable { self.session.value.writable(self) }
        }
    }

    func pause() { away.execute { self.handler.value.pause() } }
    func resume() { away.execute { self.handler.value.resume() } }

    func close(_ code: WebSocketCloseCode, reason: String = "") {
        away.execute { self.handler.value.close(code, reason: reason) }
    }
}
