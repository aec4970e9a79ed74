/// A way to carry Engine.IO packets ("Transports" in the specification), by its name in the query.
public enum EngineTransport: String, Hashable, Sendable, CaseIterable {
    /// HTTP long-polling.
    case polling
    /// WebSocket.
    case websocket
}
