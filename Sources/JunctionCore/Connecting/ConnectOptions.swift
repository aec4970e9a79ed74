public import NIOCore

/// How a client connects.
///
/// A host name with several addresses is connected to as RFC 8305 says (Happy Eyeballs version 2): IPv6 and IPv4 take turns,
/// IPv6 first; the next address is tried when an attempt fails or after ``attemptDelay``, whichever comes first; the first
/// connection that opens is used. An attempt that is slow goes on beside the later ones until one of them has won.
///
/// ```swift
/// var options = ConnectOptions()
/// options.timeout = .seconds(3)
/// options.onAttempt = { print($0.ordinal, $0.address, $0.outcome) }
/// let connection = try await TCPClient.connect(host: "example.org", port: 7, options: options)
/// ```
public struct ConnectOptions: Sendable {
    /// Time for the whole connect, finding the addresses included; `nil` leaves it to the system. 10 seconds.
    ///
    /// When it is over, the connect fails with `.timedOut`, and the error names what was tried.
    public var timeout: Duration? = .seconds(10)
    /// Time after the start of an attempt until the next address is tried as well, if none has failed before
    /// ("Connection Attempt Delay", RFC 8305 section 5). 250 milliseconds; less than 10 counts as 10.
    public var attemptDelay: Duration = .milliseconds(250)
    /// Time for a single attempt; when it is over, the attempt fails with `.timedOut`. `nil`, the default, gives each attempt
    /// all the time that the connect has: a limit here also ends attempts that are slow and would have succeeded.
    public var attemptTimeout: Duration?
    /// Addresses that are tried at most, those of a failed attempt or a refused address among them. 64.
    ///
    /// The error of a connect that fails says how many were left out.
    public var maximumAttempts = 64
    /// Connects by addresses of this family alone; `nil`, the default, by both.
    public var family: AddressFamily?
    /// The IP address of this machine to connect from; `nil`, the default, lets the system choose. Only addresses of its family
    /// are tried.
    public var localAddress: String?
    /// The port of this machine to connect from; `nil`, the default, lets the system choose.
    ///
    /// A port that a connection has used stays reserved for the same two addresses for a minute or so after its end (TIME-WAIT).
    public var localPort: Int?
    /// Finds the addresses of the host name; `nil`, the default, asks the system (hosts file and DNS).
    public var resolver: (any HostResolver)?
    /// Asked before each attempt; an address for which it returns false is not connected to, and counts as an attempt that
    /// failed with `.addressBlocked`. Called on the event loop; must not block. Not asked for Unix domain sockets.
    public var filter: (@Sendable (SocketAddress) -> Bool)?
    /// Told of each attempt, on the event loop and in order, before the connect returns or throws. Must not block.
    public var onAttempt: (@Sendable (ConnectAttempt) -> Void)?
    /// The PROXY protocol header that is sent as the first bytes of the connection; `nil`, the default, sends none.
    public var proxyHeader: ProxyHeader?

    /// The defaults.
    public init() {}
}
