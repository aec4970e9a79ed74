/// Why a session ended, in the words of the JavaScript server.
public enum EngineCloseReason: String, Sendable {
    /// The connection was closed, for example because the user closed the page.
    case transportClose = "transport close"
    /// The connection failed.
    case transportError = "transport error"
    /// No answer to a ping in time.
    case pingTimeout = "ping timeout"
    /// The client sent something that is not a packet.
    case parseError = "parse error"
    /// This side closed the session.
    case forcedClose = "forced close"
}
