/// What a program that takes seats of TCP connections is told, as one line of JSON on its standard input.
///
/// There are two such programs: `network-probe seats` takes them on this package, `Peers/net-seats.js` on Node's `net`. Told the
/// same, they are to do the same; what each of them sees is a journal, line by line on its standard output:
///
///     SEAT EVENT
///
/// A seat is a server (`s`), one of its connections (`s1`, `s2` in the order of arrival) or a client. The events of a connection
/// are `open`, `data BYTES`, `timeout`, `end`, `error CODE`, `close` or `close after error`, and `over` when no more come; those
/// of a server are `listening PORT`, `drop`, `error CODE` and `stopped`. `# …` is a remark, which is no event.
public struct SeatCommand: Codable, Sendable {
    /// What is to be done.
    public enum Action: String, Codable, Sendable {
        /// Listen, and give each connection the script.
        case serve
        /// Connect, and follow the script.
        case connect
        /// Have every open connection follow the rule of that name.
        case signal
        /// Stop the server.
        case stop
    }

    /// What is to be done.
    public var action: Action
    /// The seat, or the name of the signal.
    public var name: String
    /// The address or the name; 127.0.0.1 where there is none.
    public var host: String?
    /// The port; any free one where there is none.
    public var port: Int?
    /// A Unix domain socket.
    public var path: String?
    /// What the connections do.
    public var script = SeatScript()

    /// Of a server: connections at a time.
    public var maximumConnections: Int?
    /// Of a client: the address to connect from.
    public var localAddress: String?
    /// Of a client: the port to connect from.
    public var localPort: Int?
    /// Of a client: milliseconds for the connect. This package alone.
    public var connectTimeout: Int?
    /// Milliseconds that a peer may take nothing. This package alone.
    public var writeTimeout: Int?
    /// Seconds until the first probe, and between probes, and their number. This package alone.
    public var keepAlive: [Int]?

    /// Makes a command.
    public init(
        _ action: Action, _ name: String, host: String? = nil, port: Int? = nil, path: String? = nil,
        localAddress: String? = nil, script: SeatScript = SeatScript()
    ) {
        self.action = action
        self.name = name
        self.host = host
        self.port = port
        self.path = path
        self.localAddress = localAddress
        self.script = script
    }
}

/// What a connection does when something happens.
///
/// A rule's name is an event or a signal; `data 5` is the moment when five bytes have come in all. It has actions, with commas
/// between them:
///
/// | Action | On Node's `net` | Here |
/// |---|---|---|
/// | `write BYTES` | `write` | `write` with `await`, which waits for a peer that is slow |
/// | `queue BYTES` | `write` | `write` without `await` |
/// | `end` | `end()` | `finish()` |
/// | `destroy` | `destroy()` | `reset()`: there is no other way to drop what is queued |
/// | `reset` | `resetAndDestroy()` | `reset()` |
/// | `pause`, `resume` | `pause()`, `resume()` | nothing is taken from `inbound` meanwhile |
/// | `idle MILLISECONDS` | `setTimeout` | `setIdleTimeout` |
///
/// A connection that does not allow half-open ones ends its side when the peer has ended its own: on Node that is the default,
/// here the handler returns.
public struct SeatScript: Codable, Sendable, ExpressibleByDictionaryLiteral {
    /// The connection goes on when the peer has ended its side, until the script ends its own.
    public var allowsHalfOpen = false
    /// What is done when.
    public var rules: [String: String] = [:]

    /// Makes a script of its rules.
    public init(dictionaryLiteral rules: (String, String)...) {
        self.rules = Dictionary(uniqueKeysWithValues: rules)
    }

    /// Goes on when the peer has ended its side, until the script ends its own.
    public static func halfOpen(_ script: SeatScript) -> SeatScript {
        var script = script
        script.allowsHalfOpen = true
        return script
    }
}
