public import JunctionWebSocket

/// A way to carry a session.
public enum Transport: String, Sendable, Hashable, CaseIterable {
    /// HTTP long-polling.
    case polling
    /// A WebSocket connection.
    case websocket
}

/// Which pages of other origins a browser lets talk to the server.
///
/// A browser is let in (polling, WebSocket and upgrade alike) from the server's own origin and from those named here;
/// others are refused with 403. Clients that are not browsers send no `Origin` and are not concerned.
public struct CORS: Sendable {
    enum Origins: Sendable {
        case sameOrigin
        case any
        case list(Set<String>)
    }

    let origins: Origins
    let credentials: Bool

    /// The server's own origin alone: the default.
    public static let sameOrigin = CORS(origins: .sameOrigin, credentials: false)
    /// Pages of every origin.
    public static let any = CORS(origins: .any, credentials: false)
    /// The origins named, spelled as browsers send them: `https://example.com`, `http://localhost:8080`.
    ///
    /// - Parameter credentials: lets the pages send cookies.
    public static func origins(_ origins: Set<String>, credentials: Bool = false) -> CORS {
        CORS(origins: .list(origins), credentials: credentials)
    }
}

/// What can be set on an Engine.IO server; names and defaults are the JavaScript server's.
public struct EngineIOOptions: Sendable {
    /// Time between two pings. 25 seconds.
    public var pingInterval: Duration = .seconds(25)
    /// Time for the client's pong; then the session ends with `ping timeout`. 20 seconds.
    public var pingTimeout: Duration = .seconds(20)
    /// Time for an upgrade to complete; then the session stays with polling. 10 seconds.
    public var upgradeTimeout: Duration = .seconds(10)
    /// Bytes of one message, and of one polling request; more ends the session. 1,000,000.
    public var maxHttpBufferSize = 1_000_000
    /// The transports that clients may use.
    public var transports: Set<Transport> = [.polling, .websocket]
    /// Whether a session may move from polling to WebSocket.
    public var allowUpgrades = true
    /// Pages of which other origins may connect. None.
    public var cors: CORS = .sameOrigin
    /// Compression of WebSocket messages, for clients that offer it (browsers do). `nil`, the default, turns it off.
    public var perMessageDeflate: WebSocketCompression?
    /// What happens to messages for a client that reads them more slowly than they are sent. They are kept.
    public var slowConsumer: SlowConsumerPolicy = .disconnect
    /// Bytes queued for a client that does not read, above which its session ends. 16 MiB.
    public var maximumBufferedBytes = 16_777_216
    /// Time in which a client learns with its next poll that the server closed its session. 30 seconds.
    public var pollingCloseTimeout: Duration = .seconds(30)

    /// The defaults.
    public init() {}
}
