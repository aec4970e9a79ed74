import EngineIOProtocol

/// Why a socket is no longer connected, in the words of the JavaScript server.
public struct DisconnectReason: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    /// The reason in the words of the JavaScript server.
    public let rawValue: String

    /// A reason of that wording.
    public init(rawValue: String) { self.rawValue = rawValue }

    init(_ reason: EngineCloseReason) { self.rawValue = reason.rawValue }

    /// The reason in the words of the JavaScript server.
    public var description: String { rawValue }

    /// The client called `socket.disconnect()`.
    public static let clientNamespaceDisconnect = DisconnectReason(rawValue: "client namespace disconnect")
    /// The server called ``Socket/disconnect(close:)``.
    public static let serverNamespaceDisconnect = DisconnectReason(rawValue: "server namespace disconnect")
    /// The server closed the connection under all namespaces.
    public static let forcedServerClose = DisconnectReason(rawValue: "forced server close")
    /// The server is going away.
    public static let serverShuttingDown = DisconnectReason(rawValue: "server shutting down")
    /// The connection was closed, for example because the page was left.
    public static let transportClose = DisconnectReason(rawValue: EngineCloseReason.transportClose.rawValue)
    /// The connection failed.
    public static let transportError = DisconnectReason(rawValue: EngineCloseReason.transportError.rawValue)
    /// The client did not answer a ping in time.
    public static let pingTimeout = DisconnectReason(rawValue: EngineCloseReason.pingTimeout.rawValue)
    /// The client sent an invalid packet.
    public static let parseError = DisconnectReason(rawValue: EngineCloseReason.parseError.rawValue)
}
