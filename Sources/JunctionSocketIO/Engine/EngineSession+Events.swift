import EngineIOProtocol
import JunctionTransport
import NIOCore

extension EngineSession {
    /// A packet of the Engine.IO protocol.
    public struct Packet: Sendable, Hashable {
        /// What a packet is for; the raw value is its name in the JavaScript server.
        public enum Kind: String, Sendable {
            /// The server's description of the new session.
            case open
            /// The session, or a transport, can be closed.
            case close
            /// The server asks for a sign of life.
            case ping
            /// The answer to a ping.
            case pong
            /// Data for the layer above.
            case message
            /// The client moves to another transport.
            case upgrade
            /// Nothing; it ends a pending poll.
            case noop
        }

        /// What the packet is for.
        public let kind: Kind
        /// What it carries.
        public let body: Message

        init(_ packet: EnginePacket) {
            kind =
                switch packet.kind {
                case .open: .open
                case .close: .close
                case .ping: .ping
                case .pong: .pong
                case .message: .message
                case .upgrade: .upgrade
                case .noop: .noop
                }
            body =
                switch packet.body {
                case .text(let text): .text(text)
                case .binary(let bytes): .binary(bytes)
                }
        }
    }

    // Each sets one handler, in place of the one before. A session whose messages a Socket.IO server takes shows them to these
    // handlers besides.

    /// Sets what is called for each message. Call it in ``EngineIOServer/onConnection(_:)``.
    public func onMessage(_ handler: @escaping @Sendable (Message) -> Void) {
        withCore { Self.receiver(of: $0).onMessage = handler }
    }

    /// Sets what is called once when the session is over, with the reason in the words of the JavaScript server.
    public func onClose(_ handler: @escaping @Sendable (_ reason: String) -> Void) {
        withCore { Self.receiver(of: $0).onClose = handler }
    }

    /// Sets what is called when the session moved to another transport.
    public func onUpgrade(_ handler: @escaping @Sendable (Transport) -> Void) {
        withCore { Self.observer(of: $0).onUpgrade = handler }
    }

    /// Sets what is called for each packet that comes, before it has its effect.
    public func onPacket(_ handler: @escaping @Sendable (Packet) -> Void) {
        withCore { Self.observer(of: $0).onPacket = handler }
    }

    /// Sets what is called for each packet that is about to be sent.
    public func onPacketCreate(_ handler: @escaping @Sendable (Packet) -> Void) {
        withCore { Self.observer(of: $0).onPacketCreate = handler }
    }

    /// Sets what is called each time that all packets sent so far were handed to the transport: at once by WebSocket, with the
    /// next poll by polling.
    public func onDrain(_ handler: @escaping @Sendable () -> Void) {
        withCore { Self.observer(of: $0).onDrain = handler }
    }

    /// Who takes the messages, or sees them where somebody else does.
    private static func receiver(of core: EngineSessionCore) -> EngineSessionObserver {
        if let receiver = core.delegate as? EngineSessionObserver { return receiver }
        guard core.delegate == nil else { return observer(of: core) }
        let receiver = core.observer ?? EngineSessionObserver()
        core.delegate = receiver
        return receiver
    }

    private static func observer(of core: EngineSessionCore) -> EngineSessionObserver {
        if let observer = core.observer { return observer }
        let observer = core.delegate as? EngineSessionObserver ?? EngineSessionObserver()
        core.observer = observer
        return observer
    }
}

/// What somebody wants to know of a session. Where it is the delegate it takes the messages; as an observer it sees every
/// packet. There is none while nobody asked for it.
final class EngineSessionObserver: EngineSessionDelegate {
    var onMessage: @Sendable (EngineSession.Message) -> Void = { _ in }
    var onClose: @Sendable (String) -> Void = { _ in }
    var onUpgrade: @Sendable (Transport) -> Void = { _ in }
    var onPacket: (@Sendable (EngineSession.Packet) -> Void)?
    var onPacketCreate: (@Sendable (EngineSession.Packet) -> Void)?
    var onDrain: @Sendable () -> Void = {}

    // MARK: As delegate

    func received(text: consuming ByteBuffer) { onMessage(.text(text)) }
    func received(binary: consuming ByteBuffer) { onMessage(.binary(binary)) }
    func shutDown() {}
    func caughtUp() {}
    func closed(_ reason: EngineCloseReason) { onClose(reason.rawValue) }

    // MARK: As observer

    /// A packet came, which goes to `delegate` next.
    func sees(_ packet: EnginePacket, for delegate: (any EngineSessionDelegate)?) {
        onPacket?(EngineSession.Packet(packet))
        guard packet.kind == .message, delegate !== self else { return }
        switch packet.body {
        case .text(let text): onMessage(.text(text))
        case .binary(let bytes): onMessage(.binary(bytes))
        }
    }

    /// A packet is sent next.
    func creates(_ packet: EnginePacket) { onPacketCreate?(EngineSession.Packet(packet)) }

    /// The session is over.
    func seesEnd(_ reason: EngineCloseReason, for delegate: (any EngineSessionDelegate)?) {
        if delegate !== self { onClose(reason.rawValue) }
    }
}
