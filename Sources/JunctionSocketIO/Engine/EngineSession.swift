import EngineIOProtocol
import JunctionTransport
public import NIOCore

/// A session of an ``EngineIOServer``: one client, whichever transport carries it.
///
/// Calls may be made from any thread; handlers run on the session's event loop, one after another, and must not block.
public final class EngineSession: Sendable, Identifiable {
    /// A message: text or bytes.
    public enum Message: Sendable, Hashable {
        /// Valid UTF-8.
        case text(ByteBuffer)
        /// Bytes.
        case binary(ByteBuffer)
    }

    /// The session's identifier, which is as good as a password: do not show it to other clients.
    public let id: String
    /// The request that opened the session.
    public let request: RequestInfo

    let executor: LoopExecutor
    let core: NIOLoopBound<EngineSessionCore>

    init(_ core: EngineSessionCore) {
        self.id = core.id
        self.request = core.request
        self.executor = core.executor
        self.core = NIOLoopBound(core, eventLoop: core.executor.eventLoop)
    }

    /// Sends a message. On a session that is over it does nothing.
    public func send(_ message: Message) {
        withCore { core in
            switch message {
            case .text(let text): core.send(text: text)
            case .binary(let bytes): core.send(binary: bytes, isDroppable: true)
            }
        }
    }

    /// Messages that were dropped because the client was behind; see ``SlowConsumerPolicy``.
    public var droppedMessages: Int {
        get async {
            await withUnsafeContinuation { continuation in
                withCore { continuation.resume(returning: $0.droppedMessages) }
            }
        }
    }

    /// Sends text.
    public func send(_ text: String) { send(.text(ByteBuffer(string: text))) }

    /// Sets what is called for each message. Call it in ``EngineIOServer/onConnection(_:)``.
    public func onMessage(_ handler: @escaping @Sendable (Message) -> Void) {
        withCore { Self.handlers(of: $0).onMessage = handler }
    }

    /// Sets what is called once when the session is over, with the reason in the words of the JavaScript server.
    public func onClose(_ handler: @escaping @Sendable (_ reason: String) -> Void) {
        withCore { Self.handlers(of: $0).onClose = handler }
    }

    /// Ends the session; what was sent before still reaches the client.
    public func close() { withCore { $0.close() } }

    func withCore(_ body: @escaping @Sendable (EngineSessionCore) -> Void) {
        executor.execute { body(self.core.value) }
    }

    private static func handlers(of core: EngineSessionCore) -> Handlers {
        if let handlers = core.delegate as? Handlers { return handlers }
        let handlers = Handlers()
        core.delegate = handlers
        return handlers
    }

    private final class Handlers: EngineSessionDelegate {
        var onMessage: @Sendable (Message) -> Void = { _ in }
        var onClose: @Sendable (String) -> Void = { _ in }

        func received(text: consuming ByteBuffer) { onMessage(.text(text)) }
        func received(binary: consuming ByteBuffer) { onMessage(.binary(binary)) }
        func shutDown() {}
        func closed(_ reason: EngineCloseReason) { onClose(reason.rawValue) }
    }
}
