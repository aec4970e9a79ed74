import EngineIOProtocol
import JunctionTransport
public import NIOCore
import Synchronization

/// A session of an ``EngineIOServer``: one client, whichever transport carries it.
///
/// ```swift
/// io.onConnection { socket in
///     print(socket.conn.transport)                             // polling
///     socket.conn.onUpgrade { transport in print(transport) }  // websocket
/// }
/// ```
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
    /// The revision of the Engine.IO protocol that the client speaks: 4, or 3 (see ``EngineIOOptions/allowEIO3``).
    public let protocolVersion: Int

    let executor: LoopExecutor
    let core: NIOLoopBound<EngineSessionCore>
    private let opened: EngineTransport
    // Proof of safety: only its atomic is read, from any thread; everything else goes through `core`.
    private nonisolated(unsafe) let shared: EngineSessionCore

    init(_ core: EngineSessionCore) {
        self.id = core.id
        self.request = core.request
        self.protocolVersion = Int(core.dialect.revision.rawValue)
        self.executor = core.executor
        self.core = NIOLoopBound(core, eventLoop: core.executor.eventLoop)
        self.opened = core.transport
        self.shared = core
    }

    /// The transport that carries the session now.
    public var transport: Transport {
        shared.isUpgraded.load(ordering: .relaxed) || opened == .websocket ? .websocket : .polling
    }

    /// Sends a message. On a session that is over it does nothing.
    ///
    /// - Parameter compress: whether it is worth compressing. Several messages that answer one poll are compressed if one is.
    public func send(_ message: Message, compress: Bool = true) {
        withCore { core in
            switch message {
            case .text(let text): core.send(text: text, compress: compress)
            case .binary(let bytes): core.send(binary: bytes, compress: compress, isDroppable: true)
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

    /// Sends text, as a ``Message/text(_:)``.
    public func send(_ text: String, compress: Bool = true) {
        send(.text(ByteBuffer(string: text)), compress: compress)
    }

    /// Ends the session; what was sent before still reaches the client.
    public func close() { withCore { $0.close() } }

    func withCore(_ body: @escaping @Sendable (EngineSessionCore) -> Void) {
        executor.execute { body(self.core.value) }
    }
}
