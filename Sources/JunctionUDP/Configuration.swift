public import JunctionCore

extension UDPSocket {
    /// The kind of addresses that a socket speaks.
    public enum Family: Sendable, Hashable {
        /// What the host is; without a host IPv6 and IPv4 alike, or IPv4 on a machine without IPv6.
        case automatic
        /// IPv4 alone, Node's `udp4`.
        case ipv4
        /// IPv6, and IPv4 as well unless ``Configuration/ipv6Only`` is set, Node's `udp6`.
        case ipv6
    }

    /// Which datagram is lost when a queue is full.
    public enum OverflowPolicy: Sendable, Hashable {
        /// The one that has waited longest: readers see what is new.
        case dropOldest
        /// The one that has just come: readers see a sequence without holes until it ends.
        case dropNewest
    }

    /// What can be set on a socket, with the defaults.
    public struct Configuration: Sendable {
        /// The kind of addresses. ``Family/automatic``.
        public var family = Family.automatic
        /// Whether an IPv6 socket leaves IPv4 alone. `false`.
        public var ipv6Only = false
        /// Lets the socket have a port that another socket has as well, if both ask for it (`SO_REUSEADDR`); for multicast. On
        /// Linux the socket that was bound last gets what is sent to one address. `false`.
        public var reuseAddress = false
        /// Lets several sockets share a port, if all ask for it (`SO_REUSEPORT`); the kernel spreads the senders over them.
        /// `false`.
        public var reusePort = false
        /// Servers only: one socket for each event loop, which share the port by ``reusePort``. A sender keeps to one of them,
        /// and so do its session and its place among the datagrams handled one after another. `false`.
        public var socketPerEventLoop = false
        /// Whether the socket may send to broadcast addresses. `false`.
        public var broadcast = false
        /// Bytes that the kernel holds for the reader (`SO_RCVBUF`); `nil` leaves the system's default.
        public var receiveBufferSize: Int?
        /// Bytes that the kernel takes and has not sent yet (`SO_SNDBUF`); `nil` leaves the system's default.
        public var sendBufferSize: Int?
        /// Received datagrams that wait for the reader; of a server with sessions, for the reader of each. 1,024.
        public var queueLimit = 1_024
        /// Which datagram is lost when ``queueLimit`` is reached. ``OverflowPolicy/dropOldest``.
        public var overflowPolicy = OverflowPolicy.dropOldest
        /// Bytes that wait while the kernel has no room for them; further datagrams fail. 16 MiB.
        public var sendQueueLimit = 16 << 20
        /// Datagrams read in one system call. 64.
        public var batchSize = 64
        /// Bytes of the largest datagram received; of a larger one the rest is cut off, and ``Datagram/isTruncated`` says so.
        /// 65,536, which is every datagram. Memory for ``batchSize`` of them is reserved for a socket.
        public var maximumDatagramSize = 65_536
        /// Whether datagrams tell where they were sent to and by which interface they came: ``Datagram/destination``. Linux.
        /// `false`.
        public var reportsDestination = false
        /// Whether datagrams of one size to one peer are given to the kernel as one message where it can cut it (generic
        /// segmentation offload, Linux 4.18). They leave as they would without it. `true`.
        public var segmentsOnSend = true
        /// Whether the kernel may join datagrams of one sender (generic receive offload, Linux 5.0), which this socket
        /// separates again. It pays for a few fast senders. `false`.
        public var joinsOnReceive = false
        /// Whose datagrams are received; others are dropped and counted. Permits everybody.
        public var receiveFilter = AddressFilter()
        /// To whom datagrams are sent; other sends throw `.addressBlocked`. Permits everybody.
        public var sendFilter = AddressFilter()
        /// Finds the addresses of host names; `nil` asks the operating system.
        public var resolver: (any HostResolver)?
        /// How long a server's handlers may go on with what was received when the server drains. 10 seconds.
        public var drainTimeout: Duration = .seconds(10)

        /// The defaults.
        public init() {}
    }
}
