/// Options of a stream socket, as Node's `net` and `setsockopt(2)` have them.
public struct SocketOptions: Sendable, Hashable {
    /// How the system finds out that an idle peer is gone (`SO_KEEPALIVE`, RFC 9293 section 3.8.4).
    public struct KeepAlive: Sendable, Hashable {
        /// Silence after which the first probe is sent. 60 seconds.
        public var idle: Duration = .seconds(60)
        /// Time between probes. 15 seconds.
        public var interval: Duration = .seconds(15)
        /// Probes without an answer after which the connection fails with ``NetworkError/Code/timedOut``. 4.
        public var count = 4

        /// Probes with these times; each is rounded up to whole seconds.
        public init(idle: Duration = .seconds(60), interval: Duration = .seconds(15), count: Int = 4) {
            self.idle = idle
            self.interval = interval
            self.count = count
        }
    }

    /// Sends small writes at once instead of waiting for more (`TCP_NODELAY`). On.
    public var noDelay = true
    /// Probes of idle connections; `nil` sends none. On, so that a peer that lost its power does not stay for ever.
    public var keepAlive: KeepAlive? = KeepAlive()
    /// The type-of-service byte of outgoing packets: DSCP in the upper six bits (`IP_TOS`, `IPV6_TCLASS`; RFC 2474). The
    /// system's default.
    public var typeOfService: UInt8?
    /// Bytes of the kernel's send buffer (`SO_SNDBUF`). The system's default, which grows as needed.
    public var sendBufferSize: Int?
    /// Bytes of the kernel's receive buffer (`SO_RCVBUF`). The system's default, which grows as needed.
    public var receiveBufferSize: Int?

    /// The defaults.
    public init() {}
}
