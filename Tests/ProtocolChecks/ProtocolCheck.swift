import JunctionWebSocket

/// A decoder of what a peer sends together with what has to hold for any bytes. The raw value names the fuzz target and the
/// folder of its corpus.
public enum ProtocolCheck: String, CaseIterable, Sendable {
    /// Packets of Socket.IO as text, with their attachments.
    case socketIO
    /// The same in MessagePack.
    case messagePack
    /// The payload of an event: JSON, and the types that are read from it.
    case json
    /// Payloads and packets of Engine.IO, revision 4.
    case engineIO
    /// Payloads of Engine.IO, revision 3, in all their forms.
    case engineIO3
    /// Frames of a WebSocket client, as a server reads them.
    case webSocketServer
    /// Frames of a WebSocket server, as a client reads them.
    case webSocketClient

    /// Holds any bytes against what the decoder promises. The fuzz targets and the tests call it.
    ///
    /// - Throws: ``ProtocolFault``.
    public func check(_ input: some Collection<UInt8>) throws {
        let bytes = Array(input)
        switch self {
        case .socketIO: try SocketIOCheck.check(bytes)
        case .messagePack: try MessagePackCheck.check(bytes)
        case .json: try JSONCheck.check(bytes)
        case .engineIO: try EngineIOCheck.check(bytes)
        case .engineIO3: try EngineIO3Check.check(bytes)
        case .webSocketServer: try WebSocketCheck(role: .server).check(bytes)
        case .webSocketClient: try WebSocketCheck(role: .client).check(bytes)
        }
    }
}

/// A promise that an input has broken.
public struct ProtocolFault: Error, CustomStringConvertible {
    /// What was promised, and what came.
    public let description: String

    init(_ description: String) {
        self.description = description
    }

    static func require(_ condition: Bool, _ description: @autoclosure () -> String) throws(ProtocolFault) {
        guard condition else { throw ProtocolFault(description()) }
    }
}
