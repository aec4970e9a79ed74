import EngineIOProtocol
import NIOCore

/// Holds a session for `#expect`, which cannot take values that are not copyable.
final class TestSession {
    private var session: EngineServerSession

    init(_ transport: EngineTransport, revision: EngineRevision = .four) {
        session = EngineServerSession(transport: transport, revision: revision)
    }

    var transport: EngineTransport { session.transport }
    var isOpen: Bool { session.isOpen }
    var isWebSocket: Bool { session.isWebSocket }
    var isWritable: Bool { session.isWritable }
    var queuedBytes: Int { session.queuedBytes }

    @discardableResult
    func send(_ packet: EnginePacket) -> EngineServerSession.SendAction { session.send(packet) }

    @discardableResult
    func poll() -> EngineServerSession.PollAction { session.pollArrived() }

    func releasePoll() -> Bool { session.releasePoll() }
    func takeQueue() -> [EnginePacket]? { session.takeQueue() }
    func receive(_ packet: EnginePacket) -> EngineServerSession.ReceiveAction { session.receive(packet) }

    @discardableResult
    func probeArrived() -> Bool { session.probeArrived() }

    @discardableResult
    func probeReceived(_ packet: EnginePacket) -> EngineServerSession.ProbeAction { session.probeReceived(packet) }

    func probeLeft() { session.probeLeft() }

    @discardableResult
    func close() -> EngineServerSession.CloseAction { session.close() }

    func end(
        _ reason: EngineCloseReason, answer: EnginePacket = EnginePacket(.close)
    ) -> EngineServerSession.Closing? {
        session.end(reason, answer: answer)
    }
}

extension EnginePacket {
    /// A text message.
    static func message(_ text: String) -> EnginePacket { EnginePacket(.message, ByteBuffer(string: text)) }

    /// The ping and the pong of a probe.
    static let probePing = EnginePacket(.ping, ByteBuffer(string: "probe"))
}
